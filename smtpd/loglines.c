/*
 * smtpd's log lines, in Postfix's shapes: pflogsumm, fail2ban and grok patterns read them. One
 * function for each kind of event, called by whoever sees it; all that a client said goes through
 * log_escape. Never suspends, keeps nothing.
 */
#include "smtpd/loglines.h"

#include "base/cclass.h"
#include "base/log.h"

void
log_connect(const struct session *s)
{
	log_event(LOG_LEVEL_INFO, "connect from %.*s", SPAN_ARG(s->peer.label));
}

static void
put_login(const struct session *s, const char *comma, struct str *out)
{
	if (s->login.n == 0)
		return;
	str_printf(out, "%s sasl_method=%s%s sasl_username=%s", comma, s->method, comma,
	    log_escape(str_span(&s->login)));
	if (s->t.auth_sender.n > 0)
		str_printf(out, "%s sasl_sender=%s", comma, log_escape(s->t.auth_sender));
}

void
log_client(const struct session *s)
{
	struct str login = STR_INIT(LIMIT_LOG_LINE);

	put_login(s, ",", &login);
	log_event(LOG_LEVEL_INFO, "%.*s: client=%.*s%s", SPAN_ARG(s->t.queue_id),
	    SPAN_ARG(s->peer.label), str_cstr(&login));
	str_free(&login);
}

void
log_action(const struct session *s, const char *action, const char *stage, struct span rcpt,
    struct span text)
{
	struct str tail = STR_INIT(LIMIT_LOG_LINE);

	if (s->state & (SMTP_MAIL | SMTP_RCPT | SMTP_BDAT) || s->t.sender.n > 0)
		str_printf(&tail, " from=<%s>", log_escape(s->t.sender));
	if (rcpt.n > 0)
		str_printf(&tail, " to=<%s>", log_escape(rcpt));
	str_printf(&tail, " proto=%s", s->conf->smtpd_lmtp ? "LMTP" : s->esmtp ? "ESMTP" : "SMTP");
	if (s->helo.n > 0)
		str_printf(&tail, " helo=<%s>", log_escape(str_span(&s->helo)));
	put_login(s, "", &tail);
	log_event(LOG_LEVEL_INFO, "%s: %s: %s from %.*s: %s;%s",
	    s->t.rcpt_n ? log_escape(s->t.queue_id) : "NOQUEUE", action, stage,
	    SPAN_ARG(s->peer.label), log_escape(text), str_cstr(&tail));
	str_free(&tail);
}

void
log_verdict(const struct session *s, const char *action, const char *stage, struct span rcpt,
    const struct err *err)
{
	struct str text = STR_INIT(LIMIT_LOG_LINE);
	char dsn[12];

	str_printf(&text, "%u ", err->reply ? err->reply : 451u);
	if (err->dsn.class)
		str_printf(&text, "%s ", dsn_code_text(err->dsn, dsn));
	str_puts(&text, err->text);
	log_action(s, action, stage, rcpt, str_span(&text));
	str_free(&text);
}

void
log_lost(const struct session *s)
{
	log_event(
	    LOG_LEVEL_INFO, "%s after %s from %.*s", s->lost, s->stage, SPAN_ARG(s->peer.label));
}

void
log_bad_address(const struct session *s, const char *command, struct span args)
{
	log_event(LOG_LEVEL_WARNING, "Illegal address syntax from %.*s in %s command: %s",
	    SPAN_ARG(s->peer.label), command, log_escape(args));
}

void
log_pipelining(const struct session *s, const char *after, struct span what)
{
	log_event(LOG_LEVEL_INFO, "improper command pipelining after %s from %.*s: %s", after,
	    SPAN_ARG(s->peer.label), log_escape(span_head(what, 100)));
}

void
log_not_smtp(const struct session *s, struct span line)
{
	log_event(LOG_LEVEL_WARNING, "non-SMTP command from %.*s: %s", SPAN_ARG(s->peer.label),
	    log_escape(span_head(line, 100)));
}

void
log_auth_failure(const struct session *s, const char *mechanism, const char *why, struct span user)
{
	log_event(LOG_LEVEL_WARNING, "%.*s: SASL %s authentication failed: %s, sasl_username=%s",
	    SPAN_ARG(s->peer.label), mechanism, why,
	    user.n > 0 ? log_escape(user) : "(unavailable)");
}

void
log_limit(const struct session *s, const char *what, uint64_t n)
{
	log_event(LOG_LEVEL_WARNING, "%s limit exceeded: %llu from %.*s for service %s", what,
	    (unsigned long long)n, SPAN_ARG(s->peer.label), service_name(s->smtpd->ctx));
}

void
log_tls(const struct session *s)
{
	const struct tls_info *info = stream_tls(s->io);
	struct str text = STR_INIT(LIMIT_LOG_LINE);

	tls_info_put(&text, info);
	log_event(LOG_LEVEL_INFO, "%s TLS connection %s from %.*s: %s", tls_info_trust(info),
	    info->resumed ? "reused" : "established", SPAN_ARG(s->peer.label), str_cstr(&text));
	str_free(&text);
}

void
log_tls_failure(const struct session *s, const struct err *err)
{
	log_event(LOG_LEVEL_INFO, "SSL_accept error from %.*s: %s", SPAN_ARG(s->peer.label),
	    err->text[0] ? err->text : "lost connection");
}

void
log_name_mismatch(const struct session *s, struct span name, const char *why)
{
	log_event(LOG_LEVEL_WARNING, "hostname %s does not resolve to address %s%s",
	    log_escape(name), s->peer.ip, why);
}

/* "ehlo=1 mail=1 rcpt=0/1 commands=2/3": how often each command was said, and was taken. */
void
log_disconnect(const struct session *s)
{
	struct str out = STR_INIT(LIMIT_LOG_LINE);
	unsigned ok = 0, all = 0;

	for (size_t i = 0; i < command_count(); i++) {
		struct command_count c = s->counts[i];
		if (c.all == 0)
			continue;
		str_putc(&out, ' ');
		for (size_t k = 0; k < command_name(i).n; k++)
			str_putc(&out, ascii_lower(command_name(i).p[k]));
		str_printf(&out, c.ok == c.all ? "=%u" : "=%u/%u", c.ok, c.all);
		ok += c.ok;
		all += c.all;
	}
	str_printf(&out, ok == all && all > 0 ? " commands=%u" : " commands=%u/%u", ok, all);
	if (s->bare_lf)
		str_puts(&out, " notes=bare_lf");
	log_event(
	    LOG_LEVEL_INFO, "disconnect from %.*s%s", SPAN_ARG(s->peer.label), str_cstr(&out));
	str_free(&out);
}
