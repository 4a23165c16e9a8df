/*
 * smtpd's log lines, in Postfix's shapes: pflogsumm, fail2ban and grok patterns read them. One
 * function for each kind of event; all that a client said goes through log_escape.
 */
#include "base/cclass.h"
#include "base/log.h"
#include "smtpd/session.h"

void
log_connect(const struct session *s)
{
	log_event(LOG_LEVEL_INFO, "connect from %s[%s]", s->client_name, s->client_ip);
}

/* At the first recipient that was taken: from here on the message has a name in the log. */
void
log_client(const struct session *s)
{
	log_event(LOG_LEVEL_INFO, "%.*s: client=%s[%s]", SPAN_ARG(s->t.queue_id), s->client_name,
	    s->client_ip);
}

void
log_reject(const struct session *s, const char *stage, struct span rcpt, const struct err *err)
{
	struct str to = STR_INIT(LIMIT_ADDRESS + 8), dsn = STR_INIT(16);
	char text[12];

	if (rcpt.n)
		str_printf(&to, " to=<%s>", log_escape(rcpt));
	if (err->dsn.class)
		str_printf(&dsn, "%s ", dsn_code_text(err->dsn, text));
	log_event(LOG_LEVEL_INFO,
	    "%s: reject: %s from %s[%s]: %u %s%s; from=<%s>%s proto=%s helo=<%s>",
	    s->t.recipients_n ? log_escape(s->t.queue_id) : "NOQUEUE", stage, s->client_name,
	    s->client_ip, err->reply ? err->reply : 451u, dsn.n ? str_cstr(&dsn) : "",
	    log_escape(span_str(err->text)), log_escape(s->t.sender), to.n ? str_cstr(&to) : "",
	    s->esmtp ? "ESMTP" : "SMTP", log_escape(s->helo));
	str_free(&to);
	str_free(&dsn);
}

void
log_lost(const struct session *s)
{
	log_event(LOG_LEVEL_INFO, "%s after %s from %s[%s]", s->lost, s->stage, s->client_name,
	    s->client_ip);
}

/* "ehlo=1 mail=1 rcpt=0/1 commands=2/3": how often each command was said, and how often it was
 * taken. */
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
	str_printf(&out, ok == all ? " commands=%u" : " commands=%u/%u", ok, all);
	if (s->bare_lf)
		str_puts(&out, " notes=bare_lf");
	log_event(LOG_LEVEL_INFO, "disconnect from %s[%s]%s", s->client_name, s->client_ip,
	    str_cstr(&out));
	str_free(&out);
}
