/*
 * Replies (RFC 5321 4.2): the one place where a reply line is written. Called by all that answer.
 * Replies are gathered by the stream and leave when it next waits for input, so a pipelined group
 * is answered in one segment (RFC 2920). soft_bounce turns 5xx into 4xx here. A reply is one line
 * whatever its text holds: err's texts are printable, and format strings are ours.
 */
#include <stdarg.h>

#include "base/str.h"
#include "smtpd/session.h"

#define REPLY_LINE 998 /* bytes; RFC 5321 4.5.3.1.5 asks clients for 512, and texts are ours */

PRINTF(4, 0)
SUSPENDS static void
reply_put(struct session *s, unsigned code, char separator, const char *fmt, va_list ap)
{
	struct str line = STR_INIT(REPLY_LINE);

	str_printf(&line, "%u%c", code, separator);
	str_vprintf(&line, fmt, ap);
	if (line.full || line.n > REPLY_LINE - 2)
		str_cut(&line, size_min(line.n, REPLY_LINE - 2));
	line.full = false;
	str_puts(&line, "\r\n");
	if (s->conf->soft_bounce && line.n > 4 && line.p[0] == '5') {
		line.p[0] = '4';
		if (line.p[4] == '5')
			line.p[4] = '4';
	}
	if (stream_write(s->io, str_span(&line)) != VERDICT_OK && !s->lost)
		s->lost = "lost connection";
	str_free(&line);
	s->last_reply = code;
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
	/* RFC 5321 3.8: after 421 we close. 521 is its permanent kin (RFC 7504). */
	s->quit = s->quit || code == 421 || code == 521;
}
