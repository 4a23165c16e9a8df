/*
 * AUTH PLAIN (RFC 4616) and AUTH LOGIN to a server: RFC 4954. Called by session.c behind STARTTLS.
 * What may be sent in clear smtp_sasl_security_options says; by default nothing. Name and password
 * come from rewrite for this one session; they are wiped when it has been tried. A login that fails
 * defers the mail: the postmaster's mistake must not bounce it.
 */
#include "smtp/auth.h"

#include "base/base64.h"

#define LOGIN_ARENA 4096
#define LINE_MAX    2048
#define ASK_WAIT_S  60

static bool
list_has(struct span list, struct span word)
{
	struct span item;

	while (conf_list_next(&list, &item))
		if (span_eq_nocase(item, word))
			return true;
	return false;
}

/* Both mechanisms show the password to whoever reads the line. */
static bool
may_show_password(const struct session *s)
{
	const struct conf *conf = s->client->conf;

	return !list_has(stream_tls(s->io) ? conf->smtp_sasl_tls_security_options
					   : conf->smtp_sasl_security_options,
	    span_lit("noplaintext"));
}

/* LINE holds a secret. */
SUSPENDS
static enum verdict
exchange(struct session *s, struct str *line, struct err *err)
{
	enum verdict v = session_say(s, "sending AUTH", str_span(line), err);

	if (v == VERDICT_OK)
		v = session_hear(s, "sending AUTH", s->client->conf->smtp_helo_timeout, err);
	return v;
}

SUSPENDS
static enum verdict
login_plain(struct session *s, const struct msg_smtp_auth_found *login, struct err *err)
{
	struct str secret = STR_INIT(LINE_MAX), line = STR_INIT(LINE_MAX);
	enum verdict v;

	str_reserve(&secret, login->user.n + login->password.n + 2);
	str_reserve(&line, LINE_MAX);
	str_putc(&secret, '\0');
	str_put(&secret, login->user);
	str_putc(&secret, '\0');
	str_put(&secret, login->password);
	str_puts(&line, "AUTH PLAIN ");
	base64_put(&line, str_span(&secret));
	v = exchange(s, &line, err);
	str_wipe(&secret);
	str_wipe(&line);
	return v;
}

SUSPENDS
static enum verdict
login_login(struct session *s, const struct msg_smtp_auth_found *login, struct err *err)
{
	const struct span steps[] = { login->user, login->password };
	struct str line = STR_INIT(LINE_MAX);
	enum verdict v;

	str_reserve(&line, LINE_MAX);
	str_puts(&line, "AUTH LOGIN");
	v = exchange(s, &line, err);
	for (size_t i = 0; v == VERDICT_OK && s->reply.code == 334 && i < ARRAY_LEN(steps); i++) {
		str_reset(&line);
		base64_put(&line, steps[i]);
		v = exchange(s, &line, err);
	}
	str_wipe(&line);
	return v;
}

SUSPENDS typedef enum verdict login_fn(
    struct session *s, const struct msg_smtp_auth_found *login, struct err *err);

static const struct {
	enum ehlo_mechanism mechanism;
	login_fn *login;
} mechanisms[] = {
	{ EHLO_AUTH_PLAIN, login_plain },
	{ EHLO_AUTH_LOGIN, login_login },
};

SUSPENDS
static enum verdict
login_with(struct session *s, const struct msg_smtp_auth_found *login, struct err *err)
{
	for (size_t i = 0; i < ARRAY_LEN(mechanisms); i++) {
		if (!(s->ehlo.mechanisms & mechanisms[i].mechanism) || !may_show_password(s))
			continue;
		enum verdict v = mechanisms[i].login(s, login, err);
		if (v != VERDICT_OK || reply_class(&s->reply) == 2)
			return v;
		struct str text = STR_INIT(LIMIT_ERR_TEXT + 1);
		reply_put(&text, &s->reply);
		v = err_mail(err, 451, "4.7.8", "SASL authentication failed; server %s said: %s",
		    str_cstr(&s->peer), str_cstr(&text));
		str_free(&text);
		return v;
	}
	return err_mail(err, 451, "4.7.0",
	    "SASL authentication failed: server %s offered no compatible authentication mechanisms "
	    "for this type of connection security",
	    str_cstr(&s->peer));
}

SUSPENDS
enum verdict
auth_login(struct session *s, const struct session_plan *plan, struct err *err)
{
	struct client *c = s->client;
	struct msg_smtp_auth ask = { .host = str_span(&s->host), .nexthop = plan->nexthop };
	struct msg_smtp_auth_found login;
	struct arena arena;
	enum verdict v;

	if (!c->conf->smtp_sasl_auth_enable || !(s->ehlo.features & EHLO_AUTH))
		return VERDICT_OK;
	if (c->conf->smtp_sender_dependent_authentication)
		ask.sender = plan->sender;
	arena_init(&arena, LOGIN_ARENA);
	v = c->find_login(c, plan->trace, &ask, &login, &arena, deadline_after_s(ASK_WAIT_S), err);
	if (v == VERDICT_OK)
		v = login_with(s, &login, err);
	else if (v == VERDICT_ABSENT)
		v = VERDICT_OK;
	else
		err_mail(err, 451, "4.3.0", "smtp_sasl_password_maps: temporary lookup failure");
	arena_wipe(&arena);
	arena_free(&arena);
	return v;
}
