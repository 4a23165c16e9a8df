/*
 * AUTH (RFC 4954): the dialogue. What the mechanisms say is lib/login/sasl.h's to parse, who
 * somebody is authd's to tell; nothing here knows a password's form. Which mechanisms are offered
 * is a table. Passwords are wiped from the input line here, from what was decoded there. Called
 * through the command table.
 */
#include "base/log.h"
#include "base/mem.h"
#include "base/time.h"
#include "login/sasl.h"
#include "smtpd/loglines.h"

#define AUTH_LINE     12288 /* RFC 4954 4: bytes of a line of the dialogue, with CR LF */
#define VERIFY_WAIT_S 60    /* authd makes guessers wait */

static void
line_wipe(struct span line)
{
	/* The stream's buffer is not ours to write, but a password in it is not for the next
	 * reader. */
	mem_wipe((void *)(uintptr_t)line.p, line.n);
}

/* Sends CHALLENGE, reads what the client says to it. VERDICT_PERM: the client has had its reply. */
SUSPENDS static enum verdict
response_read(struct session *s, const char *challenge, struct span *line)
{
	uint64_t deadline = time_mono() + s->conf->smtpd_timeout;
	enum verdict v;

	reply(s, 334, "%s", challenge);
	s->waits = true;
	v = stream_read_line(s->io, LINE_LENIENT, AUTH_LINE, deadline, line);
	if (v == VERDICT_LIMIT && stream_skip_line(s->io, LINE_LENIENT, deadline) == VERDICT_OK) {
		s->waits = false;
		reply(s, 500, "5.5.6 Authentication Exchange line is too long");
		return VERDICT_PERM;
	}
	s->waits = false;
	if (v == VERDICT_OK && span_eq(*line, span_lit("*"))) {
		reply(s, 501, "5.7.0 Authentication aborted");
		return VERDICT_PERM;
	}
	if (v != VERDICT_OK)
		session_dismiss(s, v == VERDICT_TIMEOUT ? "timeout" : "lost connection");
	return v == VERDICT_OK ? v : VERDICT_PERM;
}

/* The exchange, RFC 4954 4: INITIAL is what came with the command, or empty. */
SUSPENDS static enum verdict
exchange_run(struct session *s, struct sasl *x, struct span initial, struct sasl_login *out)
{
	struct err err = ERR_NONE;
	enum verdict v = VERDICT_ABSENT;
	struct span line = initial;

	while (v == VERDICT_ABSENT) {
		if (line.n == 0 || line.p != initial.p)
			v = response_read(s, sasl_prompt(x), &line);
		if (v == VERDICT_PERM)
			return v;
		v = sasl_feed(x, line, out, &err);
		line_wipe(line);
		line = span_lit("");
	}
	if (v != VERDICT_OK) {
		log_auth_failure(s, sasl_mechanism(x), err.text, span_lit(""));
		reply(s, 501, "5.5.2 Authentication failed: %s", err.text);
		return VERDICT_PERM;
	}
	return VERDICT_OK;
}

static const struct mechanism {
	struct span name;
	bool plaintext; /* smtpd_sasl_security_options: noplaintext forbids it */
} mechanisms[] = {
	{ SPAN("PLAIN"), true },
	{ SPAN("LOGIN"), true },
};

static bool
list_has(struct span list, struct span word)
{
	struct span item;

	while (conf_list_next(&list, &item))
		if (span_eq_nocase(item, word))
			return true;
	return false;
}

static bool
mechanism_offered(const struct session *s, const struct mechanism *m)
{
	struct span options = stream_tls(s->io) ? s->conf->smtpd_sasl_tls_security_options
						: s->conf->smtpd_sasl_security_options;

	return list_has(s->conf->auth_mechanisms, m->name) &&
	       !(m->plaintext && list_has(options, span_lit("noplaintext")));
}

static bool
needs_tls(const struct session *s)
{
	return s->conf->smtpd_tls_auth_only && !stream_tls(s->io);
}

bool
auth_offered(const struct session *s, struct str *out)
{
	size_t before = out->n;

	if (!s->conf->smtpd_sasl_auth_enable || needs_tls(s))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(mechanisms); i++)
		if (mechanism_offered(s, &mechanisms[i]))
			str_printf(out, " %.*s", SPAN_ARG(mechanisms[i].name));
	return out->n > before;
}

SUSPENDS static void
auth_verify(struct session *s, const struct mechanism *m, const struct sasl_login *who)
{
	struct str user = STR_INIT(LIMIT_ADDRESS);
	struct msg_auth_verify ask = {
		.service = span_lit("smtp"),
		.mechanism = m->name,
		.act_as = who->act_as,
		.password = who->password,
		.client = span_str(s->peer.ip),
		.tls = stream_tls(s->io) != NULL,
	};
	struct msg_auth_result result;
	struct err err = ERR_NONE;
	enum verdict v;

	str_put(&user, who->user);
	if (s->conf->smtpd_sasl_local_domain.n > 0 && span_find(who->user, '@') == who->user.n)
		str_printf(&user, "@%.*s", SPAN_ARG(s->conf->smtpd_sasl_local_domain));
	ask.user = str_span(&user);
	v = service_call(s->smtpd->ctx, "authd", s->trace, &ipc_auth_verify, &ask, &ipc_auth_result,
	    &result, &s->t.arena, deadline_after_s(VERIFY_WAIT_S), &err);
	if (v == VERDICT_OK) {
		str_reset(&s->login);
		str_put(&s->login, result.login);
		s->method = m->name.p;
		reply(s, 235, "2.7.0 Authentication successful");
	} else {
		log_auth_failure(s, m->name.p, err.text, ask.user);
		rates_auth_failed(s, v);
		if (v == VERDICT_PERM)
			reply(s, 535, "5.7.8 Error: authentication failed");
		else
			reply(s, 454, "4.7.0 Temporary authentication failure");
	}
	str_free(&user);
}

SUSPENDS static void
auth_run(struct session *s, const struct mechanism *m, struct span initial)
{
	struct sasl_login who;
	struct sasl x;

	sasl_begin(&x, m->name);
	if (exchange_run(s, &x, initial, &who) == VERDICT_OK)
		auth_verify(s, m, &who);
	sasl_end(&x);
	/* What authd said lies in the transaction's arena, and there is no transaction. */
	transaction_reset(s);
}

/* Is AUTH in order now? RFC 4954 4: once, and not within a transaction. */
SUSPENDS static bool
auth_in_order(struct session *s)
{
	if (!s->conf->smtpd_sasl_auth_enable || !s->esmtp)
		reply(s, 503, "5.5.1 Error: authentication not enabled");
	else if (s->state != SMTP_GREETED)
		reply(s, 503, "5.5.1 Error: MAIL transaction in progress");
	else if (s->login.n > 0)
		reply(s, 503, "5.5.1 Error: already authenticated");
	else if (needs_tls(s))
		reply(s, 538, "5.7.11 Encryption required for requested authentication mechanism");
	else
		return true;
	return false;
}

SUSPENDS void
cmd_auth(struct session *s, struct span args)
{
	struct err err = ERR_NONE;
	struct span name, initial;
	const struct mechanism *m = NULL;

	if (!auth_in_order(s))
		return;
	if (rates_auth(s, &err) != VERDICT_OK) {
		reply_verdict(s, &err);
		return;
	}
	span_cut(args, ' ', &name, &initial);
	for (size_t i = 0; i < ARRAY_LEN(mechanisms); i++)
		if (span_eq_nocase(name, mechanisms[i].name) &&
		    mechanism_offered(s, &mechanisms[i]))
			m = &mechanisms[i];
	if (m) {
		auth_run(s, m, span_trim(initial));
	} else {
		log_auth_failure(
		    s, log_escape(name), "Invalid authentication mechanism", span_lit(""));
		reply(s, 504, "5.5.4 Error: Unrecognized authentication type");
	}
}
