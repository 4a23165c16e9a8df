/*
 * The stage (stage.h): puts answers of its own behind the client's questions to dns and rewrite and
 * writes down its results. Used by the tests of the SMTP client. The content lies in a memory file,
 * as qmgr lends it.
 */
#include "config.h"

#include "tests/unit/smtp/stage.h"

#include <sys/mman.h>
#include <unistd.h>

#include "base/base64.h"
#include "base/mem.h"
#include "base/sys.h"

#define SECOND NS_PER_S

static const struct conf defaults = {
	.myhostname = SPAN("me.example"),
	.smtp_helo_name = SPAN("me.example"),
	.smtp_connect_timeout = 5 * SECOND,
	.smtp_helo_timeout = 5 * SECOND,
	.smtp_mail_timeout = 5 * SECOND,
	.smtp_rset_timeout = 5 * SECOND,
	.smtp_rcpt_timeout = 5 * SECOND,
	.smtp_data_init_timeout = 5 * SECOND,
	.smtp_data_xfer_timeout = 5 * SECOND,
	.smtp_data_done_timeout = 5 * SECOND,
	.smtp_starttls_timeout = 5 * SECOND,
	.smtp_skip_5xx_greeting = true,
	.smtp_mx_address_limit = 5,
	.smtp_mx_session_limit = 2,
	.smtp_line_length_limit = 998,
	.smtp_connection_reuse_time_limit = 300 * SECOND,
	.smtp_tls_protocols = SPAN(">=TLSv1.2"),
	.smtp_tls_mandatory_protocols = SPAN(">=TLSv1.2"),
	.smtp_tls_verify_cert_match = SPAN("hostname"),
	.smtp_tls_secure_cert_match = SPAN("nexthop, dot-nexthop"),
	.smtp_sasl_security_options = SPAN("noplaintext, noanonymous"),
	.smtp_sasl_tls_security_options = SPAN("noanonymous"),
	.inet_interfaces = SPAN("192.0.2.99"),
};

static void
put_host(struct arena *arena, struct item_dns_host *h, char what, uint16_t preference)
{
	struct str name = STR_INIT(100);
	char *address = arena_alloc(arena, 4);

	str_printf(&name, "h%c.example", what);
	*h = (struct item_dns_host){ .preference = preference,
		.name = arena_dup(arena, str_span(&name)),
		.status = what == '4'	? DNS_TIMEOUT
			  : what == '5' ? DNS_NXDOMAIN
					: DNS_FOUND };
	if (what < '4') {
		memcpy(address, (const char[]){ 127, 0, 0, (char)(what - '0') }, 4);
		h->ipv4 = span_of(address, 4);
	}
	str_free(&name);
}

SUSPENDS
static enum verdict
find_mx(struct client *c, uint64_t trace UNUSED, const struct msg_dns_mx *ask,
    struct msg_dns_mx_answer *out, struct arena *arena, uint64_t deadline UNUSED, struct err *err)
{
	struct stage *s = c->owner;
	uint16_t preference = 0;

	*out = (struct msg_dns_mx_answer){ .status = DNS_FOUND };
	if (s->mx == VERDICT_PERM)
		return err_mail(err, 556, "5.1.10", "Domain %.*s does not accept mail (nullMX)",
		    SPAN_ARG(ask->domain));
	if (s->mx != VERDICT_OK) {
		err_mail(err, 451, "4.4.3", "Name service error");
		return err->verdict = s->mx;
	}
	out->hosts.v = arena_alloc_array(arena, strlen(s->hosts), sizeof(*out->hosts.v));
	for (const char *p = s->hosts; *p; p++) {
		if (*p == '=')
			continue;
		preference = (uint16_t)(preference + (p == s->hosts || p[-1] != '='));
		put_host(arena, &out->hosts.v[out->hosts.n++], *p, preference);
	}
	return VERDICT_OK;
}

SUSPENDS
static enum verdict
find_login(struct client *c, uint64_t trace UNUSED, const struct msg_smtp_auth *ask UNUSED,
    struct msg_smtp_auth_found *out, struct arena *arena, uint64_t deadline UNUSED, struct err *err)
{
	struct stage *s = c->owner;

	s->logins++;
	if (!s->user)
		return err_set(err, VERDICT_ABSENT, "nobody");
	out->user = arena_dup(arena, span_str(s->user));
	out->password = arena_dup(arena, span_lit("secret"));
	return VERDICT_OK;
}

static void
report(struct delivery *d, const struct item_result *r, bool last)
{
	static const char *const words[] = { "?", "sent", "deferred", "bounced" };
	struct stage *s = d->client->owner;

	assert_false(s->told_last);
	s->told_last = last;
	s->no_host += r->no_host;
	str_printf(&s->results, "%u %s %.*s %.*s\n", r->index, words[r->status], SPAN_ARG(r->dsn),
	    SPAN_ARG(r->text));
}

void
stage_content(struct stage *s, struct span content)
{
	uint64_t half = content.n / 2;

	assert_int_equal(ftruncate(s->msg.content, 0), 0);
	assert_int_equal(sys_pwrite_all(s->msg.content, "gap", 3, 0), 0);
	assert_int_equal(sys_pwrite_all(s->msg.content, content.p, content.n, 3), 0);
	/* In two pieces, the second first on disk or not: extents say what comes when. */
	s->extents[0] = (struct item_extent){ 3, half };
	s->extents[1] = (struct item_extent){ 3 + half, content.n - half };
	s->msg.extents.v = s->extents;
	s->msg.extents.n = 2;
}

void
stage_set(struct stage *s)
{
	*s = (struct stage){ .conf = defaults, .hosts = "1" };
	s->client = (struct client){ .owner = s,
		.conf = &s->conf,
		.port = 25,
		.find_mx = find_mx,
		.find_login = find_login,
		.report = report };
	list_init(&s->client.idle);
	own_find(&s->client.own, &s->conf);
	str_init(&s->results, 1 << 20);
	str_init(&s->nexthop, LIMIT_NEXTHOP);
	peers_start(s->peers, ARRAY_LEN(s->peers));
	str_printf(&s->nexthop, "dest.example:%u", s->peers[0].port);
	for (uint32_t i = 0; i < ARRAY_LEN(s->targets); i++)
		s->targets[i] = (struct item_target){ .index = i,
			.address = SPAN("to@dest.example"),
			.original = SPAN("to@dest.example") };
	s->msg = (struct msg_deliver){ .job = 1,
		.queue_id = SPAN("4QUEUEID"),
		.sender = SPAN("from@me.example"),
		.nexthop = str_span(&s->nexthop),
		.content = memfd_create("content", MFD_CLOEXEC),
		.longest_line = 20,
		.targets = { s->targets, 1 } };
	stage_content(s, span_lit("Subject: x\r\n\r\nhello\r\n"));
}

SUSPENDS
void
stage_deliver(struct stage *s)
{
	struct delivery d = { .client = &s->client, .msg = &s->msg, .trace = 1 };

	s->told_last = false;
	delivery_begin(&d);
	deliver_run(&d);
	assert_int_equal(d.left, 0);
	assert_true(s->told_last);
	delivery_end(&d);
}

static bool
still_busy(const struct stage *s)
{
	for (size_t i = 0; i < PEERS; i++)
		if (listener_open(s->peers[i].listener) > 0)
			return true;
	return s->local && listener_open(s->local->listener) > 0;
}

FIBER_MAIN
static void
stage_fiber(void *arg)
{
	struct stage *s = arg;

	s->run(s);
	connections_close(&s->client);
	while (still_busy(s) && fiber_yield() == VERDICT_OK)
		;
	loop_stop();
}

void
stage_run(struct stage *s, void (*fn)(struct stage *s))
{
	s->run = fn;
	assert_non_null(fiber_spawn("test", stage_fiber, s));
	loop_run();
	assert_int_equal(s->client.idle_n, 0);
}

void
stage_free(struct stage *s)
{
	for (size_t i = 0; i < PEERS; i++)
		peer_stop(&s->peers[i]);
	loop_fini();
	for (size_t i = 0; i < PEERS; i++)
		peer_free(&s->peers[i]);
	tls_release(&s->client);
	own_free(&s->client.own);
	close(s->msg.content);
	str_free(&s->results);
	str_free(&s->nexthop);
}
