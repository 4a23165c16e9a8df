/*
 * Replies (RFC 5321 4.2): the one place where a reply line is written. A 5xx counts as an error of
 * the client's, which the session bounds. Replies are gathered by the stream and leave when it next
 * waits for input, so a pipelined group is answered in one segment (RFC 2920).
 */
#include <stdarg.h>

#include "base/str.h"
#include "smtpd/session.h"

#define REPLY_LINE 998 /* bytes; RFC 5321 4.5.3.1.5 asks clients for 512, and texts are ours */

SUSPENDS static void
reply_put(struct session *s, unsigned code, char separator, const char *fmt, va_list ap)
{
	struct str line = STR_INIT(REPLY_LINE);

	str_printf(&line, "%u%c", code, separator);
	str_vprintf(&line, fmt, ap);
	str_puts(&line, "\r\n");
	if (stream_write(s->io, str_span(&line)) != VERDICT_OK && !s->lost)
		s->lost = "lost connection";
	str_free(&line);
	s->last_reply = code;
	if (code >= 500)
		s->errors++;
}

SUSPENDS void
reply(struct session *s, unsigned code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	reply_put(s, code, ' ', fmt, ap);
	va_end(ap);
}

SUSPENDS void
reply_more(struct session *s, unsigned code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	reply_put(s, code, '-', fmt, ap);
	va_end(ap);
}

SUSPENDS void
reply_verdict(struct session *s, const struct err *err)
{
	unsigned code = err->reply ? err->reply : err->verdict == VERDICT_PERM ? 550 : 451;
	struct dsn_code dsn = err->dsn;
	char text[12];

	if (dsn.class == 0)
		dsn = (struct dsn_code){ (uint8_t)(code / 100), 3, 0 };
	reply(s, code, "%s %s", dsn_code_text(dsn, text), err->text);
}
