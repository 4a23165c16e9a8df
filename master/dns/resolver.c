/*
 * libunbound, through its event interface: its sockets and timers live in our loop, so the cage
 * needs neither threads nor fork. Called by mx.c and requests.c. A lookup's memory is shared with
 * the library, which calls back once, at any time, from the loop's stack: it is freed when both are
 * done with it. Limits: LIMIT_DNS_LOOKUPS under way, those that nobody waits for any more included;
 * the library's cache is bounded by cache_size. Must never open a file behind the walls.
 */
#include "config.h"

#include "dns/resolver.h"

#include <errno.h>
#include <unbound-event.h>
#include <unbound.h>

#include "base/cclass.h"
#include "base/log.h"
#include "base/mem.h"
#include "dns/packet.h"
#include "event/loop.h"

#define CLASS_IN	 1
#define LABEL_MAX	 63
#define NAME_MAX_TEXT	 253 /* bytes of a name without the last dot: 255 in wire form */
#define BOGUS_WARN_S	 60  /* between two warnings: a broken resolver makes each answer bogus */
#define SECURE_BOGUS	 1
#define SECURE_VALIDATED 2

struct resolver {
	struct ub_ctx *ctx;
	struct list lookups; /* the library has them */
	unsigned busy;
	uint64_t timeout;
	uint64_t next_warning;
	unsigned bogus; /* answers since the last warning */
};

struct lookup {
	struct list node;
	struct resolver *resolver;
	struct waitq wait;
	uint64_t deadline;
	bool asked;    /* the library has it */
	bool answered; /* as far as the one who waits is concerned */
	bool dropped;
	struct arena arena;
	char *name;
	uint16_t type;
	int error; /* of the library, on asking */
	struct msg_dns_answer answer;
};

static void
lookup_free(struct lookup *l)
{
	arena_free(&l->arena);
	mem_free(l->name);
	mem_free(l);
}

static void
lookup_answer(struct lookup *l, enum dns_status status)
{
	if (l->answered)
		return;
	l->answer.status = (uint8_t)status;
	l->answered = true;
	waitq_wake_all(&l->wait);
}

static void
warn_bogus(struct lookup *l, const char *why)
{
	struct resolver *r = l->resolver;

	r->bogus++;
	if (time_mono() < r->next_warning)
		return;
	log_event(LOG_LEVEL_WARNING,
	    "%s: the answer is bogus (DNSSEC): %s; %u since the last warning",
	    log_escape(span_str(l->name)), log_escape(span_str(why ? why : "no reason given")),
	    r->bogus);
	r->bogus = 0;
	r->next_warning = deadline_after_s(BOGUS_WARN_S);
}

/* The library is done with it. */
static void
on_answer(
    void *arg, int rcode, void *packet, int packet_n, int secure, char *why, int limited UNUSED)
{
	struct lookup *l = arg;

	list_remove(&l->node);
	l->resolver->busy--;
	l->asked = false;
	if (l->dropped) {
		lookup_free(l);
		return;
	}
	if (!l->answered && rcode == 0 && packet && packet_n > 0) {
		packet_read(span_of(packet, (size_t)packet_n), l->type, &l->arena, &l->answer);
		l->answer.secure = secure == SECURE_VALIDATED;
	} else {
		l->answer.status = DNS_SERVFAIL;
	}
	if (secure == SECURE_BOGUS) {
		warn_bogus(l, why);
		l->answer.records.n = 0;
		l->answer.status = DNS_BOGUS;
	}
	lookup_answer(l, l->answer.status);
}

/* On the main stack: the library may answer before it returns. */
static void
ask(void *arg)
{
	struct lookup *l = arg;
	struct resolver *r = l->resolver;
	int error;

	l->asked = true;
	list_push(&r->lookups, &l->node);
	r->busy++;
	error = ub_resolve_event(r->ctx, l->name, l->type, CLASS_IN, l, on_answer, NULL);
	if (error == 0)
		return;
	list_remove(&l->node);
	r->busy--;
	l->asked = false;
	l->error = error;
	lookup_answer(l, DNS_SERVFAIL);
}

/* Bytes that mean themselves in the library's text form, labels of a length that can be sent. */
static bool
name_good(struct span name)
{
	size_t label = 0;

	if (name.n == 0 || name.n > NAME_MAX_TEXT)
		return false;
	for (size_t i = 0; i < name.n; i++) {
		char c = name.p[i];
		if (cclass_is(c, CC_CTL | CC_8BIT | CC_SPACE) || c == '\\' || c == '"')
			return false;
		if (c == '.' && label == 0)
			return false;
		label = c == '.' ? 0 : label + 1;
		if (label > LABEL_MAX)
			return false;
	}
	return true;
}

struct lookup *
lookup_start(struct resolver *r, struct span name, uint16_t type)
{
	struct lookup *l = mem_alloc(sizeof(*l));

	if (name.n > 1 && name.p[name.n - 1] == '.')
		name.n--;
	l->resolver = r;
	l->type = type;
	l->name = mem_strdup(name);
	l->deadline = time_mono() + r->timeout;
	arena_init(&l->arena, LIMIT_DNS_ANSWER);
	waitq_init(&l->wait);
	list_init(&l->node);
	if (!name_good(name))
		lookup_answer(l, DNS_INVALID);
	else if (r->busy >= LIMIT_DNS_LOOKUPS)
		lookup_answer(l, DNS_SERVFAIL);
	else
		on_main_stack(ask, l);
	return l;
}

SUSPENDS
const struct msg_dns_answer *
lookup_wait(struct lookup *l)
{
	while (!l->answered)
		if (waitq_wait(&l->wait, l->deadline) != VERDICT_OK)
			lookup_answer(l, DNS_TIMEOUT);
	return &l->answer;
}

void
lookup_drop(struct lookup *l)
{
	l->dropped = true;
	if (!l->asked)
		lookup_free(l);
}

/* Options that do not follow from ours. */
static const struct {
	const char *name;
	const char *value;
} options[] = {
	{ "do-not-query-localhost:", "no" }, /* a resolver on this host is the usual one */
	/* Private networks have names too; they are not signed. */
	{ "unblock-lan-zones:", "yes" },
	{ "insecure-lan-zones:", "yes" },
	{ "outgoing-range:", "1024" },
	{ "num-queries-per-thread:", "2048" },
	{ "outgoing-num-tcp:", "64" },
	{ "use-syslog:", "no" },
	{ "val-log-level:", "0" },
};

static enum verdict
set_option(struct ub_ctx *ctx, const char *name, const char *value, struct err *err)
{
	int error = ub_ctx_set_option(ctx, name, value);

	return error ? err_set(err, VERDICT_PERM, "libunbound: %s %s: %s", name, value,
			   ub_strerror(error))
		     : VERDICT_OK;
}

static enum verdict
set_cache(struct ub_ctx *ctx, uint64_t size, struct err *err)
{
	struct str rrsets = STR_INIT(32), messages = STR_INIT(32);
	enum verdict v;

	str_put_u64(&rrsets, size / 3 * 2);
	str_put_u64(&messages, size / 3);
	v = set_option(ctx, "rrset-cache-size:", str_cstr(&rrsets), err);
	if (v == VERDICT_OK)
		v = set_option(ctx, "msg-cache-size:", str_cstr(&messages), err);
	str_free(&rrsets);
	str_free(&messages);
	return v;
}

typedef int feed_fn(struct ub_ctx *ctx, const char *line);

/* FEED for each line of TEXT that is not empty or a comment. */
static enum verdict
feed_lines(struct ub_ctx *ctx, feed_fn *feed, struct span text, const char *what, struct err *err)
{
	struct span line;
	int error = 0;

	while (error == 0 && text.n) {
		char *copy;
		span_cut(text, '\n', &line, &text);
		line = span_trim(span_head(line, span_find(line, ';')));
		if (line.n == 0)
			continue;
		copy = mem_strdup(line);
		error = feed(ctx, copy);
		mem_free(copy);
	}
	return error ? err_set(err, VERDICT_PERM, "%s: %s", what, ub_strerror(error)) : VERDICT_OK;
}

static int
feed_anchor(struct ub_ctx *ctx, const char *line)
{
	return ub_ctx_add_ta(ctx, line);
}

static int
feed_server(struct ub_ctx *ctx, const char *line)
{
	return ub_ctx_set_fwd(ctx, line);
}

/* A name that the library knows by itself makes it read its settings, now. */
static enum verdict
try_out(struct resolver *r, struct err *err)
{
	struct lookup *l = lookup_start(r, span_lit("localhost"), DNS_A);
	int error = l->error;

	lookup_drop(l);
	/* RFC 6761 6.2 lets a site use it; the library would say that it is not there. */
	if (error == 0)
		ub_ctx_zone_remove(r->ctx, "test.");
	return error ? err_set(err, VERDICT_PERM,
			   "libunbound does not start: %s; are the trust anchors good?",
			   ub_strerror(error))
		     : VERDICT_OK;
}

enum verdict
resolver_new(const struct resolver_settings *settings, struct resolver **out, struct err *err)
{
	struct resolver *r = mem_alloc(sizeof(*r));
	enum verdict v = VERDICT_OK;

	list_init(&r->lookups);
	r->timeout = settings->timeout;
	r->ctx = ub_ctx_create_event(loop_base());
	if (!r->ctx) {
		mem_free(r);
		return err_sys(err, errno, "libunbound");
	}
	ub_ctx_debugout(r->ctx, NULL);
	for (size_t i = 0; v == VERDICT_OK && i < ARRAY_LEN(options); i++)
		v = set_option(r->ctx, options[i].name, options[i].value, err);
	if (v == VERDICT_OK)
		v = set_cache(r->ctx, settings->cache_size, err);
	if (v == VERDICT_OK)
		v = feed_lines(r->ctx, feed_server, settings->servers, "DNS servers", err);
	if (v == VERDICT_OK)
		v = feed_lines(r->ctx, feed_anchor, settings->anchors, "trust anchors", err);
	if (v == VERDICT_OK)
		v = try_out(r, err);
	if (v == VERDICT_OK)
		*out = r;
	else
		resolver_free(r);
	return v;
}

void
resolver_free(struct resolver *r)
{
	struct list *node;

	ub_ctx_delete(r->ctx);
	while ((node = list_pop(&r->lookups)) != NULL) {
		struct lookup *l = LIST_ITEM(node, struct lookup, node);
		assert(l->dropped);
		lookup_free(l);
	}
	mem_free(r);
}

unsigned
resolver_busy(const struct resolver *r)
{
	return r->busy;
}
