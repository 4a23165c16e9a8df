/*
 * Values of header fields: undoing folds, making them (RFC 5322 2.2.3, 2.1.1), and the message-ids
 * in them (3.6.4). Called by whoever adds a field to a message or shows one. Linear; what is
 * written is bounded by the caller's builder. No byte of a value can end the field it is put in.
 */
#include "config.h"

#include "message/header.h"
#include "message/token.h"

#define FOLD_AT	 78  /* columns: RFC 5322 2.1.1, should */
#define LINE_MAX 998 /* columns: RFC 5322 2.1.1, must */

/* CR, LF and NUL would end or cut the field. */
static void
put_plain(struct str *out, struct span s)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		str_putc(out, c == '\r' || c == '\n' || c == '\0' ? ' ' : c);
	}
}

bool
header_put_unfolded(struct str *out, struct span value)
{
	value = span_trim(value);
	while (value.n > 0) {
		const char *lf = memchr(value.p, '\n', value.n);
		size_t n = lf ? (size_t)(lf - value.p) : value.n;
		size_t next = lf ? n + 1 : n;

		if (lf && n > 0 && value.p[n - 1] == '\r')
			n--;
		put_plain(out, span_head(value, n));
		/* An LF that no blank follows is no fold; a blank keeps the words apart. */
		value = span_from(value, next);
		if (lf && value.n > 0 && !cclass_is(value.p[0], CC_BLANK))
			str_putc(out, ' ');
	}
	return !out->full;
}

static bool
is_space(char c)
{
	return cclass_is(c, CC_BLANK) || c == '\r' || c == '\n' || c == '\0';
}

static struct span
run_of(struct span *s, bool space)
{
	struct span run = span_head(*s, 0);

	while (run.n < s->n && is_space(s->p[run.n]) == space)
		run.n++;
	*s = span_from(*s, run.n);
	return run;
}

static void
put_fold(struct str *out, size_t *col)
{
	str_puts(out, "\r\n");
	*col = 0;
}

/* A word that no line can hold is cut: a longer line would be refused or cut further on. */
static void
put_word(struct str *out, size_t *col, struct span word)
{
	while (*col + word.n > LINE_MAX) {
		size_t n = *col < LINE_MAX ? LINE_MAX - *col : 0;

		str_put(out, span_head(word, n));
		word = span_from(word, n);
		put_fold(out, col);
		str_putc(out, ' ');
		*col = 1;
	}
	str_put(out, word);
	*col += word.n;
}

bool
header_put_words(struct str *out, size_t *col, struct span words)
{
	while (words.n > 0) {
		struct span blanks = run_of(&words, true);
		struct span word = run_of(&words, false);

		if (word.n == 0)
			break;
		/* Blanks themselves may be more than a line: one stands for many then. */
		if (blanks.n >= FOLD_AT)
			blanks = span_lit(" ");
		if (blanks.n > 0 && *col > 1 && *col + blanks.n + word.n > FOLD_AT)
			put_fold(out, col);
		put_plain(out, blanks);
		*col += blanks.n;
		put_word(out, col, word);
	}
	return !out->full;
}

bool
header_put(struct str *out, struct span name, struct span value)
{
	size_t col = name.n + 1;

	str_put(out, name);
	str_putc(out, ':');
	value = span_trim(value);
	if (value.n > 0) {
		str_putc(out, ' ');
		col++;
	}
	header_put_words(out, &col, value);
	return str_puts(out, "\r\n");
}

/* To the ">" of an id whose "<" has been taken; false: a blank or another "<" comes first. */
static bool
id_body(struct cursor *c)
{
	while (!cursor_done(c)) {
		char byte = *c->p;

		if (byte == '<' || cclass_is(byte, CC_SPACE | CC_CTL))
			return false;
		if (byte == '"') {
			token_quoted(c, NULL);
			continue;
		}
		c->p++;
		if (byte == '>')
			return true;
	}
	return false;
}

bool
message_id_next(struct span *rest, struct span *id_out)
{
	struct cursor c = cursor_of(*rest);
	bool found = false;

	while (!cursor_done(&c) && !found) {
		const char *from = c.p;

		if (*c.p == '"') {
			token_quoted(&c, NULL);
			continue;
		}
		if (token_skip_cfws(&c))
			continue;
		c.p++;
		if (*from != '<')
			continue;
		found = id_body(&c) && c.p - from > 2;
		*id_out = span_of(from, (size_t)(c.p - from));
	}
	*rest = cursor_rest(&c);
	return found;
}
