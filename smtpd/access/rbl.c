/*
 * Block lists in the DNS (RFC 5782): reject_rbl_client by address, reject_rhsbl_* by domain. The
 * first of a list of restrictions that is reached sends the questions of all behind it, so that ten
 * lists take the time of one. Only 127.0.0.0/8 is an answer: 127.255.255.x says that we may not
 * ask, 127.0.0.1 that the list is dead or somebody answers for all (ABUSE 41). A list that cannot
 * be asked lists nobody. Called through the table of rules.c.
 */
#include "base/log.h"
#include "base/num.h"
#include "base/time.h"
#include "conf/expand.h"
#include "message/domain.h"
#include "smtpd/access/check.h"

#define DNS_WAIT_S 30
#define REPLY_MAX  LIMIT_ERR_TEXT

/* "[2;4..10]", or a number: does it match BYTE? A malformed one matches nothing. */
static bool
octet_matches(struct span pattern, unsigned byte)
{
	struct span item, low, high;
	uint64_t from, to;
	bool more = true;

	if (pattern.n > 1 && pattern.p[0] == '[' && pattern.p[pattern.n - 1] == ']')
		pattern = span_of(pattern.p + 1, pattern.n - 2);
	while (more) {
		more = span_cut(pattern, ';', &item, &pattern);
		size_t dots = span_find_span(item, span_lit(".."));
		low = span_head(item, dots);
		high = dots < item.n ? span_from(item, dots + 2) : low;
		if (num_parse_u64(low, 255, &from) && num_parse_u64(high, 255, &to) &&
		    byte >= from && byte <= to)
			return true;
	}
	return false;
}

/* The next octet's pattern: up to a dot outside of brackets. */
static struct span
octet_next(struct span *pattern)
{
	size_t i = 0;
	bool inside = false;
	struct span octet;

	for (; i < pattern->n && (inside || pattern->p[i] != '.'); i++)
		inside = pattern->p[i] == '[' || (inside && pattern->p[i] != ']');
	octet = span_head(*pattern, i);
	*pattern = span_from(*pattern, i + 1);
	return octet;
}

bool
rbl_matches(struct span pattern, struct span address)
{
	const unsigned char *a = (const unsigned char *)address.p;

	if (address.n != 4 || a[0] != 127 || (a[1] == 255 && a[2] == 255))
		return false;
	if (pattern.n == 0)
		return !(a[1] == 0 && a[2] == 0 && a[3] == 1);
	for (size_t i = 0; i < 4; i++)
		if (!octet_matches(octet_next(&pattern), a[i]))
			return false;
	return pattern.n == 0;
}

static struct rbl_ask *
rbl_find(const struct check *c, struct span name)
{
	for (struct rbl_ask *r = c->rbls; r; r = r->next)
		if (span_eq(r->name, name))
			return r;
	return NULL;
}

/* WHAT before the list's domain; "" for what is no domain or too long. */
static struct span
rbl_name(struct check *c, const struct step *step, struct span what)
{
	struct str name = STR_INIT(LIMIT_DOMAIN);
	struct span kept = span_lit("");

	if (step->rule->run == rule_rbl_client)
		peer_put_reversed(&c->s->peer, &name);
	else if (domain_valid(what, 0))
		str_printf(&name, "%.*s.", SPAN_ARG(what));
	if (name.n > 0 && str_put(&name, step->arg))
		kept = arena_dup(&c->arena, str_span(&name));
	str_free(&name);
	return kept;
}

/* The domain, of what the restriction is about, that lists of domains have. */
static struct span
rhsbl_what(const struct check *c, enum subject about)
{
	struct span local, domain = span_lit("");
	const struct peer *p = &c->s->peer;

	if (about == ABOUT_CLIENT)
		return p->status == PEER_NAME_OK ? p->name : span_lit("");
	if (about == ABOUT_HELO)
		return str_span(&c->s->helo);
	if (about == ABOUT_SENDER)
		return c->s->t.sender_domain;
	address_split(c->rcpt, &local, &domain);
	return domain;
}

static struct span
what_of(const struct check *c, const struct step *step)
{
	return step->rule->run == rule_rbl_client ? span_str(c->s->peer.ip)
						  : rhsbl_what(c, step->rule->about);
}

SUSPENDS static struct rbl_ask *
rbl_send(struct check *c, const struct step *step)
{
	struct span name = rbl_name(c, step, what_of(c, step));
	struct rbl_ask *r = name.n > 0 ? rbl_find(c, name) : NULL;

	if (r || name.n == 0)
		return r;
	r = arena_alloc(&c->arena, sizeof(*r));
	if (!r)
		return NULL;
	r->name = name;
	r->next = c->rbls;
	c->rbls = r;
	ask_dns_send(c->s, name, DNS_A, &r->ask);
	return r;
}

/* STEP's question and those of the block lists behind it. */
SUSPENDS static struct rbl_ask *
rbl_send_all(struct check *c, const struct step *step)
{
	const struct frame *f = &c->frames[c->depth - 1];
	struct rbl_ask *own = rbl_send(c, step);

	for (size_t i = f->at; i < f->program->n; i++)
		if (f->program->steps[i].rule->arg == ARG_DOMAIN)
			rbl_send(c, &f->program->steps[i]);
	return own;
}

SUSPENDS static bool
rbl_lists(struct check *c, const struct step *step, struct rbl_ask *r)
{
	if (!r->done) {
		r->verdict =
		    ask_dns_await(&r->ask, &r->answer, &c->arena, deadline_after_s(DNS_WAIT_S));
		r->done = true;
	}
	if (r->verdict == VERDICT_TEMP)
		log_event(LOG_LEVEL_WARNING,
		    "%.*s: RBL lookup error: Host or domain name not found", SPAN_ARG(r->name));
	for (uint32_t i = 0; r->verdict == VERDICT_OK && i < r->answer.records.n; i++)
		if (rbl_matches(step->pattern, r->answer.records.v[i].data))
			return true;
	return false;
}

/* What default_rbl_reply may name. */
struct reply_names {
	struct check *c;
	const struct step *step;
	struct span code, what, reason;
};

static bool
reply_lookup(struct span name, bool test, struct span *value_out, void *arg)
{
	const struct reply_names *r = arg;
	const struct session *s = r->c->s;
	const struct {
		struct span name, value;
	} names[] = {
		{ SPAN("rbl_code"), r->code },
		{ SPAN("rbl_class"), span_str(subject_class(r->step->rule->about)) },
		{ SPAN("rbl_what"), r->what },
		{ SPAN("rbl_domain"), r->step->arg },
		{ SPAN("rbl_reason"), r->reason },
		{ SPAN("rbl_txt"), r->reason },
		{ SPAN("client"), s->peer.label },
		{ SPAN("client_address"), span_str(s->peer.ip) },
		{ SPAN("client_name"), s->peer.name },
		{ SPAN("reverse_client_name"), s->peer.reverse },
		{ SPAN("helo_name"), str_span(&s->helo) },
		{ SPAN("sender"), s->t.sender },
		{ SPAN("sender_domain"), s->t.sender_domain },
		{ SPAN("recipient"), r->c->rcpt },
	};

	(void)test;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (span_eq(names[i].name, name)) {
			*value_out = names[i].value;
			return true;
		}
	}
	return false;
}

/* "554 5.7.1 text": code and enhanced code are the template's to say. */
static enum access
reply_split(struct check *c, struct span text, unsigned fallback)
{
	struct span word, rest;
	struct dsn_code dsn;
	char dsn_text[12];
	uint64_t code = fallback;

	span_cut(text, ' ', &word, &rest);
	if (num_parse_u64(word, 599, &code) && code >= 400)
		text = rest;
	else
		code = fallback;
	span_cut(text, ' ', &word, &rest);
	if (dsn_code_parse(word, &dsn))
		text = rest;
	else
		dsn_code_parse(span_lit("5.7.1"), &dsn);
	return check_reject_text(
	    c, (unsigned)code, dsn_code_text(dsn, dsn_text), "%.*s", SPAN_ARG(text));
}

/* Why it is listed, in the list's words. */
SUSPENDS static struct span
rbl_reason(struct check *c, struct span name)
{
	struct msg_dns_answer answer = { 0 };
	struct ask_dns ask = { 0 };

	ask_dns_send(c->s, name, DNS_TXT, &ask);
	if (ask_dns_await(&ask, &answer, &c->arena, deadline_after_s(DNS_WAIT_S)) != VERDICT_OK ||
	    answer.records.n == 0)
		return span_lit("");
	return answer.records.v[0].data;
}

SUSPENDS static enum access
rbl_reject(struct check *c, const struct step *step, const struct rbl_ask *r)
{
	unsigned code = (unsigned)c->conf->maps_rbl_reject_code;
	struct str text = STR_INIT(REPLY_MAX), number = STR_INIT(12);
	struct reply_names names = { .c = c, .step = step, .what = what_of(c, step) };
	const struct conf_expand how = { reply_lookup, &names, false };
	enum access a;

	names.reason = rbl_reason(c, r->name);
	str_printf(&number, "%u", code);
	names.code = str_span(&number);
	if (conf_expand(&how, c->conf->default_rbl_reply, &text, NULL) != VERDICT_OK) {
		str_reset(&text);
		str_printf(&text, "Service unavailable; %s [%.*s] blocked using %.*s",
		    subject_class(step->rule->about), SPAN_ARG(names.what), SPAN_ARG(step->arg));
	}
	a = reply_split(c, str_span(&text), code);
	str_free(&text);
	str_free(&number);
	return a;
}

SUSPENDS enum access
rule_rbl_client(struct check *c, const struct step *step)
{
	struct rbl_ask *r = rbl_send_all(c, step);

	return r && rbl_lists(c, step, r) ? rbl_reject(c, step, r) : ACCESS_DUNNO;
}

SUSPENDS enum access
rule_rhsbl(struct check *c, const struct step *step)
{
	return rule_rbl_client(c, step);
}
