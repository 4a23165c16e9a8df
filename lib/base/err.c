/*
 * Verdicts: filling a struct err, and enhanced status codes (RFC 3463 2). Everybody whose calls can
 * fail calls this; replies, delivery reports and log lines are made of what stands there. Owns
 * nothing. Text is cut at LIMIT_ERR_TEXT and always printable: peers and other hosts have a say in
 * it. Any thread may call.
 */
#include "config.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/cursor.h"
#include "base/err.h"
#include "base/utf8.h"

enum { DSN_NUMBER_MAX = 999 }; /* RFC 3463 2: one to three digits */

static void err_vtext(struct err *err, const char *fmt, va_list ap) PRINTF(2, 0);

/* The arguments may point into ERR itself, so text is made beside it first. */
static void
err_vtext(struct err *err, const char *fmt, va_list ap)
{
	char raw[LIMIT_ERR_TEXT];
	int n = vsnprintf(raw, sizeof(raw), fmt, ap);
	struct span text = span_str(raw);

	assert(n >= 0);
	/* When it was cut, the last byte tells whether that was within a character. */
	if ((size_t)n > text.n)
		text.n = utf8_cut(text, text.n - 1);
	utf8_escape(text, false, err->text, sizeof(err->text));
}

static void
err_append(struct err *err, struct span text)
{
	size_t n = strlen(err->text);

	utf8_escape(text, false, err->text + n, sizeof(err->text) - n);
}

enum verdict
err_set(struct err *err, enum verdict v, const char *fmt, ...)
{
	va_list ap;

	if (!err)
		return v;
	va_start(ap, fmt);
	err_vtext(err, fmt, ap);
	va_end(ap);
	err->verdict = v;
	err->reply = 0;
	err->dsn = (struct dsn_code){ 0 };
	err->sys = 0;
	return v;
}

enum verdict
err_sys(struct err *err, int sys, const char *fmt, ...)
{
	const char *name = strerrordesc_np(sys);
	va_list ap;

	if (!err)
		return VERDICT_TEMP;
	va_start(ap, fmt);
	err_vtext(err, fmt, ap);
	va_end(ap);
	err_append(err, span_lit(": "));
	err_append(err, span_str(name ? name : "unknown error"));
	err->verdict = VERDICT_TEMP;
	err->reply = 0;
	err->dsn = (struct dsn_code){ 0 };
	err->sys = sys;
	return VERDICT_TEMP;
}

static enum verdict
verdict_of_reply(unsigned reply)
{
	if (reply >= 200 && reply <= 299)
		return VERDICT_OK;
	return reply >= 500 && reply <= 599 ? VERDICT_PERM : VERDICT_TEMP;
}

enum verdict
err_mail(struct err *err, unsigned reply, const char *dsn, const char *fmt, ...)
{
	enum verdict v = verdict_of_reply(reply);
	struct dsn_code code;
	va_list ap;

	if (!err)
		return v;
	if (!dsn || !dsn_code_parse(span_str(dsn), &code))
		code = (struct dsn_code){ 0 };
	va_start(ap, fmt);
	err_vtext(err, fmt, ap);
	va_end(ap);
	err->verdict = v;
	err->reply = (uint16_t)reply;
	err->dsn = code;
	err->sys = 0;
	return v;
}

enum verdict
err_wrap(struct err *err, const char *fmt, ...)
{
	struct err inner;
	va_list ap;

	assert(err);
	inner = *err;
	va_start(ap, fmt);
	err_vtext(err, fmt, ap);
	va_end(ap);
	err_append(err, span_lit(": "));
	err_append(err, err_text(&inner));
	return err->verdict;
}

void
err_clear(struct err *err)
{
	if (err)
		*err = (struct err)ERR_NONE;
}

bool
dsn_code_parse(struct span s, struct dsn_code *out)
{
	struct cursor c = cursor_of(s);
	uint64_t class, subject, detail;

	if (!cursor_u64(&c, 5, &class) || s.p[0] == '0' || !cursor_skip(&c, '.'))
		return false;
	if (!cursor_u64(&c, DSN_NUMBER_MAX, &subject) || !cursor_skip(&c, '.'))
		return false;
	if (!cursor_u64(&c, DSN_NUMBER_MAX, &detail) || !cursor_done(&c) || s.n > 9)
		return false;
	/* RFC 3463 3: there is success, and there are two kinds of failure. */
	if (class != 2 && class != 4 && class != 5)
		return false;
	*out = (struct dsn_code){ (uint8_t) class, (uint16_t)subject, (uint16_t)detail };
	return true;
}

const char *
dsn_code_text(struct dsn_code code, char text_out[12])
{
	snprintf(
	    text_out, 12, "%u.%u.%u", code.class % 10u, code.subject % 1000u, code.detail % 1000u);
	return text_out;
}
