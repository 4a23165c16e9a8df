/*
 * What a session says: untagged data, and how a command ended (RFC 9051 7). Called by the handlers;
 * the tagged line itself is written by commands.c. What comes from the mailbox or from the client
 * goes out as string or literal, so that no line can be made of it (lib/message, imap_string).
 */
#include <stdarg.h>

#include "imapd/session.h"
#include "message/envelope.h"

#define NOTE_MAX 1024 /* bytes of the text behind OK, NO or BAD */

SUSPENDS bool
session_put(struct session *s, struct span bytes)
{
	return stream_write(s->io, bytes) == VERDICT_OK;
}

SUSPENDS bool
session_printf(struct session *s, const char *fmt, ...)
{
	struct str text = STR_INIT(LIMIT_STREAM_WRITE);
	bool good;
	va_list ap;

	va_start(ap, fmt);
	good = str_vprintf(&text, fmt, ap);
	va_end(ap);
	good = good && session_put(s, str_span(&text));
	str_free(&text);
	return good;
}

SUSPENDS bool
session_put_string(struct session *s, struct span text)
{
	struct str out = STR_INIT(LIMIT_STREAM_WRITE);
	bool good;

	imap_put_string(&out, text);
	good = !out.full && session_put(s, str_span(&out));
	str_free(&out);
	return good;
}

static void note_set(struct session *s, enum session_result result, const char *fmt, va_list ap)
    PRINTF(3, 0);

/* The text must stay one line, whatever was put into it. */
static void
note_set(struct session *s, enum session_result result, const char *fmt, va_list ap)
{
	s->result = result;
	str_reset(&s->code);
	str_free(&s->note);
	str_init(&s->note, NOTE_MAX);
	str_vprintf(&s->note, fmt, ap);
	for (size_t i = 0; i < s->note.n; i++)
		if (cclass_is(s->note.p[i], CC_CTL))
			s->note.p[i] = ' ';
}

void
result_ok(struct session *s, const char *code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	note_set(s, RESULT_OK, fmt, ap);
	va_end(ap);
	str_puts(&s->code, code);
}

void
result_no(struct session *s, const char *code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	note_set(s, RESULT_NO, fmt, ap);
	va_end(ap);
	str_puts(&s->code, code);
}

void
result_bad(struct session *s, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	note_set(s, RESULT_BAD, fmt, ap);
	va_end(ap);
}

/* RFC 9051 7.1, RFC 5530: the codes that clients act on. */
static const struct {
	enum verdict v;
	const char *code;
} codes[] = {
	{ VERDICT_ABSENT, "NONEXISTENT" },
	{ VERDICT_LIMIT, "LIMIT" },
	{ VERDICT_PERM, "CANNOT" },
	{ VERDICT_TEMP, "UNAVAILABLE" },
};

void
result_err(struct session *s, const struct err *err)
{
	const char *code = "UNAVAILABLE";

	for (size_t i = 0; i < ARRAY_LEN(codes); i++)
		if (codes[i].v == err->verdict)
			code = codes[i].code;
	/* RFC 3463 X.2.2: mailbox full. */
	if (err->dsn.subject == 2 && err->dsn.detail == 2)
		code = "OVERQUOTA";
	result_no(s, code, "%s", err->text[0] ? err->text : "It cannot be done now");
}

#define BREATH_NS (10 * NS_PER_MS)

SUSPENDS bool
session_breathe(struct session *s)
{
	if (time_mono() - s->began >= BREATH_NS) {
		(void)fiber_yield();
		s->began = time_mono();
	}
	return !user_session_ending(s->user);
}
