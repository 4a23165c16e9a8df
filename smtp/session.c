/*
 * From an address to a server that can take mail: RFC 5321 3.1, 3.2, 4.1.1.1 (greeting, EHLO,
 * HELO), RFC 2033 4.1 (LHLO), RFC 3207 (STARTTLS: all that was said before is forgotten), RFC 4954
 * (auth.c). Called by deliver.c. Each wait ends by its own timeout and by the delivery's deadline
 * (ABUSE 37). Owns the stream. A server that cannot be trusted with the mail is left without a word
 * of it.
 */
#include "smtp/session.h"

#include "base/log.h"
#include "base/mem.h"
#include "smtp/auth.h"
#include "smtp/connect.h"

#define PORT_SMTP   25
#define QUIT_WAIT_S 5 /* for room in the socket: nobody needs the reply */

enum verdict
session_lost(struct session *s, enum verdict v, struct err *err)
{
	const char *peer = str_cstr(&s->peer);

	s->broken = true;
	if (v == VERDICT_TIMEOUT)
		return err_mail(
		    err, 451, "4.4.2", "conversation with %s timed out while %s", peer, s->stage);
	if (v == VERDICT_PERM) {
		struct str text = STR_INIT(LIMIT_ERR_TEXT + 1);
		reply_put(&text, &s->reply);
		err_mail(err, 451, "4.5.0", "protocol error: host %s said: %s while %s", peer,
		    str_cstr(&text), s->stage);
		str_free(&text);
		return VERDICT_TEMP;
	}
	return err_mail(err, 451, "4.4.2", "lost connection with %s while %s", peer, s->stage);
}

static enum verdict
reply_verdict(const struct session *s, struct err *err, const char *before, const char *after)
{
	const struct reply *r = &s->reply;
	struct str text = STR_INIT(LIMIT_ERR_TEXT + 1);
	struct dsn_code dsn = r->dsn;
	char dsn_text[12];
	enum verdict v;

	if (dsn.class == 0)
		dsn.class = (uint8_t)reply_class(r);
	reply_put(&text, r);
	/* 3xx where none belongs is an error as any other: not now. */
	v = err_mail(err, r->code, dsn_code_text(dsn, dsn_text), "host %.*s %s: %s%s",
	    SPAN_ARG(str_span(&s->peer)), before, str_cstr(&text), after);
	str_free(&text);
	return v;
}

enum verdict
session_said(const struct session *s, const char *command, struct err *err)
{
	struct str after = STR_INIT(100);
	enum verdict v;

	str_printf(&after, " (in reply to %s)", command);
	v = reply_verdict(s, err, "said", str_cstr(&after));
	str_free(&after);
	return v;
}

SUSPENDS
enum verdict
session_say(struct session *s, const char *stage, struct span line, struct err *err)
{
	enum verdict v;

	s->stage = stage;
	v = stream_write(s->io, line);
	if (v == VERDICT_OK)
		v = stream_write(s->io, span_lit("\r\n"));
	return v == VERDICT_OK ? v : session_lost(s, v, err);
}

SUSPENDS
enum verdict
session_hear(struct session *s, const char *stage, uint64_t timeout, struct err *err)
{
	uint64_t until = time_mono() + timeout;
	enum verdict v;

	s->stage = stage;
	v = reply_read(s->io, &s->reply, until < s->deadline ? until : s->deadline);
	if (v != VERDICT_OK)
		return session_lost(s, v, err);
	if (s->reply.code != 421)
		return VERDICT_OK;
	/* RFC 5321 3.8: it is going away, whatever it was asked. */
	s->broken = true;
	return reply_verdict(s, err, "said", "");
}

/* The greeting or EHLO was not what we need: about the host, not about the mail. */
static enum verdict
refused(struct session *s, struct err *err)
{
	return reply_verdict(s, err, "refused to talk to me", "");
}

SUSPENDS
static enum verdict
hear_greeting(struct session *s, struct err *err)
{
	const struct conf *conf = s->client->conf;
	struct span text, name;
	enum verdict v =
	    session_hear(s, "receiving the initial server greeting", conf->smtp_helo_timeout, err);

	if (v != VERDICT_OK)
		return s->reply.code == 421 ? refused(s, err) : v;
	if (reply_class(&s->reply) == 5 && conf->smtp_skip_5xx_greeting) {
		refused(s, err);
		/* The next host may be more friendly; so may this one tomorrow. */
		err->dsn.class = 4;
		return err->verdict = VERDICT_TEMP;
	}
	if (reply_class(&s->reply) != 2)
		return refused(s, err);
	text = span_from(str_span(&s->reply.text), 4);
	span_token(&text, span_lit(" \t\n"), &name);
	if (!s->client->lmtp && s->relay.n > 3 && span_ends(str_span(&s->relay), span_lit(":25")) &&
	    span_eq_nocase(name, conf->myhostname))
		return err_mail(
		    err, 554, "5.4.6", "mail for %s loops back to myself", str_cstr(&s->host));
	return VERDICT_OK;
}

SUSPENDS
static enum verdict
hello(struct session *s, const char *verb, struct err *err)
{
	const struct conf *conf = s->client->conf;
	struct str line = STR_INIT(LIMIT_DOMAIN + 16), stage = STR_INIT(64);
	enum verdict v;

	str_printf(&line, "%s %.*s", verb, SPAN_ARG(conf->smtp_helo_name));
	str_printf(&stage, "performing the %s handshake", verb);
	v = session_say(s, str_cstr(&stage), str_span(&line), err);
	if (v == VERDICT_OK)
		v = session_hear(s, str_cstr(&stage), conf->smtp_helo_timeout, err);
	s->stage = "saying hello";
	str_free(&line);
	str_free(&stage);
	if (v != VERDICT_OK && s->reply.code == 421)
		return refused(s, err);
	return v;
}

SUSPENDS
static enum verdict
say_hello(struct session *s, struct err *err)
{
	enum verdict v = hello(s, s->client->lmtp ? "LHLO" : "EHLO", err);

	s->ehlo = (struct ehlo){ 0 };
	if (v == VERDICT_OK && reply_class(&s->reply) == 2) {
		ehlo_parse(str_span(&s->reply.text), &s->ehlo);
		return v;
	}
	/* RFC 5321 3.2: a server that knows no EHLO says 500 or 502. Once encrypted it knows it. */
	if (v == VERDICT_OK && reply_class(&s->reply) == 5 && !s->client->lmtp &&
	    !stream_tls(s->io))
		v = hello(s, "HELO", err);
	if (v != VERDICT_OK)
		return v;
	return reply_class(&s->reply) == 2 ? v : refused(s, err);
}

SUSPENDS
static enum verdict
secure(struct session *s, const struct session_plan *plan, struct err *err)
{
	uint64_t until = time_mono() + s->client->conf->smtp_starttls_timeout;
	enum verdict v = tls_begin(s->client, plan->tls, str_span(&s->host), s->io,
	    until < s->deadline ? until : s->deadline, err);

	if (v == VERDICT_OK)
		tls_log(s->client, s->io, str_cstr(&s->relay));
	else
		s->broken = true;
	return v;
}

/* VERDICT_OK with the session in clear: allowed at level may alone. */
SUSPENDS
static enum verdict
start_tls(struct session *s, const struct session_plan *plan, struct err *err)
{
	bool must = plan->tls->level > CONF_TLS_MAY;
	enum verdict v;

	if (plan->tls->level == CONF_TLS_NONE || stream_tls(s->io))
		return VERDICT_OK;
	if (!(s->ehlo.features & EHLO_STARTTLS))
		return must ? err_mail(err, 451, "4.7.4",
				  "TLS is required, but was not offered by host %s",
				  str_cstr(&s->peer))
			    : VERDICT_OK;
	v = session_say(s, "sending the STARTTLS command", span_lit("STARTTLS"), err);
	if (v == VERDICT_OK)
		v = session_hear(s, "receiving the reply to STARTTLS",
		    s->client->conf->smtp_starttls_timeout, err);
	if (v != VERDICT_OK)
		return v;
	if (reply_class(&s->reply) != 2)
		return must ? err_mail(err, 451, "4.7.4",
				  "TLS is required, but host %s refused to start TLS: %s",
				  str_cstr(&s->peer), str_cstr(&s->reply.text))
			    : VERDICT_OK;
	v = secure(s, plan, err);
	/* RFC 3207 4.2: what it offers it says anew. */
	return v == VERDICT_OK ? say_hello(s, err) : v;
}

SUSPENDS
static enum verdict
prepare(struct session *s, const struct session_plan *plan, struct err *err)
{
	enum verdict v = VERDICT_OK;

	if (plan->tls->wrapper && plan->tls->level > CONF_TLS_NONE)
		v = secure(s, plan, err);
	if (v == VERDICT_OK)
		v = hear_greeting(s, err);
	if (v == VERDICT_OK)
		v = say_hello(s, err);
	if (v == VERDICT_OK)
		v = start_tls(s, plan, err);
	if (v == VERDICT_OK)
		v = auth_login(s, plan, err);
	return v;
}

static struct session *
session_new(struct client *c, int fd, const struct session_plan *plan)
{
	struct session *s = mem_alloc(sizeof(*s));

	s->client = c;
	s->io = stream_new(fd);
	s->deadline = plan->deadline;
	s->born = time_mono();
	str_init(&s->key, LIMIT_ERR_TEXT * 4);
	str_init(&s->host, LIMIT_NEXTHOP);
	str_init(&s->peer, LIMIT_ERR_TEXT);
	str_init(&s->relay, LIMIT_ERR_TEXT);
	reply_init(&s->reply);
	list_init(&s->node);
	str_put(&s->host, plan->hop->host);
	hop_put(&s->peer, c->conf, plan->hop, false);
	hop_put(&s->relay, c->conf, plan->hop, true);
	return s;
}

void
session_free(struct session *s)
{
	stream_free(s->io);
	str_free(&s->key);
	str_free(&s->host);
	str_free(&s->peer);
	str_free(&s->relay);
	reply_free(&s->reply);
	mem_free(s);
}

SUSPENDS
void
session_quit(struct session *s)
{
	if (!s->broken && stream_write(s->io, span_lit("QUIT\r\n")) == VERDICT_OK)
		(void)stream_flush(s->io, deadline_after_s(QUIT_WAIT_S));
	session_free(s);
}

SUSPENDS
static enum verdict
open_once(struct client *c, const struct session_plan *plan, struct session **out,
    bool *answered_out, bool *tls_failed_out, struct err *err)
{
	uint64_t until = time_mono() + c->conf->smtp_connect_timeout;
	struct session *s;
	enum verdict v;
	int fd;

	v = connect_hop(
	    c->conf, plan->hop, until < plan->deadline ? until : plan->deadline, &fd, err);
	if (v != VERDICT_OK)
		return v;
	*answered_out = true;
	s = session_new(c, fd, plan);
	v = prepare(s, plan, err);
	if (v == VERDICT_OK) {
		*out = s;
		return v;
	}
	*tls_failed_out = err->dsn.class == 4 && err->dsn.subject == 7 && err->dsn.detail == 5;
	session_quit(s);
	return v;
}

SUSPENDS
enum verdict
session_open(struct client *c, const struct session_plan *plan, struct session **out,
    bool *answered_out, struct err *err)
{
	struct session_plan plain = *plan;
	struct tls_policy none = { .level = CONF_TLS_NONE };
	bool tls_failed = false;
	enum verdict v;

	*answered_out = false;
	v = open_once(c, plan, out, answered_out, &tls_failed, err);
	if (v == VERDICT_OK || !tls_failed || plan->tls->level != CONF_TLS_MAY)
		return v;
	log_event(LOG_LEVEL_INFO, "%s: without TLS then", err->text);
	plain.tls = &none;
	err_clear(err);
	return open_once(c, &plain, out, answered_out, &tls_failed, err);
}
