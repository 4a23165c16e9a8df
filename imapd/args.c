/*
 * Tokens of a command's arguments: RFC 9051 9, RFC 3501 9. Called by every command's handler, and
 * by fetch_parse.c and search_parse.c for what is built of them. Owns nothing; strings are spans of
 * the command, and lie in its arena only where backslashes had to go. A failure is told by one text
 * and leaves the rest unread. Nothing recurses, nothing is read twice.
 */
#include "config.h"

#include "imapd/args.h"

#include "message/date.h"

bool
args_fail(struct args *a, const char *bad)
{
	if (!a->bad)
		a->bad = bad;
	return false;
}

bool
args_done(struct args *a)
{
	return cursor_done(&a->in) || args_fail(a, "There is more than the command takes");
}

bool
args_space(struct args *a)
{
	return cursor_skip(&a->in, ' ') || args_fail(a, "A space, and more, is missing");
}

bool
args_open(struct args *a)
{
	return cursor_skip(&a->in, '(') || args_fail(a, "A parenthesis is missing");
}

bool
args_close(struct args *a)
{
	return cursor_skip(&a->in, ')') || args_fail(a, "A closing parenthesis is missing");
}

bool
args_next_is(const struct args *a, char byte)
{
	return !cursor_done(&a->in) && *a->in.p == byte;
}

bool
args_atom(struct args *a, struct span *out)
{
	*out = cursor_run(&a->in, CC_IMAP_ATOM);
	return out->n > 0 || args_fail(a, "A word is missing");
}

bool
args_word(struct args *a, const char *word)
{
	struct cursor at = a->in;

	if (!span_eq_nocase(cursor_run(&at, CC_IMAP_ATOM), span_str(word)))
		return false;
	a->in = at;
	return true;
}

/* TEXT with a backslash before each byte that has one, without them. */
static bool
take_escapes(struct args *a, struct span text, struct span *out)
{
	char *p = arena_alloc(a->arena, text.n);

	if (!p)
		return args_fail(a, "The command is too long");
	*out = span_of(p, 0);
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] == '\\')
			i++;
		p[out->n++] = text.p[i];
	}
	return true;
}

/* The quote that opens has been taken. */
static bool
args_quoted(struct args *a, struct span *out)
{
	const char *from = a->in.p;
	bool escapes = false;
	int c;

	while ((c = cursor_next(&a->in)) != '"') {
		if (c == '\\') {
			escapes = true;
			c = cursor_next(&a->in);
			if (c != '"' && c != '\\')
				return args_fail(a, "A backslash stands before what needs none");
		} else if (c == '\r' || c == '\n' || c == '\0') {
			return args_fail(a, "A quoted string has a byte that it may not have");
		}
		if (c < 0)
			return args_fail(a, "A quoted string has no end");
	}
	*out = span_of(from, (size_t)(a->in.p - from) - 1);
	return !escapes || take_escapes(a, *out, out);
}

/* "{5}", "{5+}" (RFC 7888), its line end and its bytes; the brace has been taken. Who read the
 * command has counted them. */
static bool
args_literal(struct args *a, struct span *out)
{
	uint64_t n;

	if (!cursor_u64(&a->in, UINT32_MAX, &n))
		return args_fail(a, "A literal has no length");
	cursor_skip(&a->in, '+');
	if (!cursor_word(&a->in, span_lit("}\r\n")) || !cursor_take(&a->in, n, out))
		return args_fail(a, "A literal is not as it should be");
	return span_find(*out, '\0') == out->n || args_fail(a, "A literal has a NUL");
}

bool
args_string(struct args *a, struct span *out)
{
	if (cursor_skip(&a->in, '"'))
		return args_quoted(a, out);
	if (cursor_skip(&a->in, '{'))
		return args_literal(a, out);
	return args_fail(a, "A string is missing");
}

static bool
is_string(const struct args *a)
{
	return args_next_is(a, '"') || args_next_is(a, '{');
}

bool
args_astring(struct args *a, struct span *out)
{
	const char *from = a->in.p;

	if (is_string(a))
		return args_string(a, out);
	/* RFC 9051 9, ASTRING-CHAR. */
	while (cursor_run(&a->in, CC_IMAP_ATOM).n > 0 || cursor_skip(&a->in, ']'))
		;
	*out = span_of(from, a->in.p == from ? 0 : (size_t)(a->in.p - from));
	return out->n > 0 || args_fail(a, "A word or string is missing");
}

bool
args_nstring(struct args *a, struct span *out)
{
	*out = span_of(NULL, 0);
	return args_word(a, "NIL") || args_string(a, out);
}

bool
args_number(struct args *a, uint64_t max, uint64_t *out)
{
	return cursor_u64(&a->in, max, out) || args_fail(a, "A number is missing, or too large");
}

bool
args_nz_number(struct args *a, uint32_t *out)
{
	uint64_t n;

	if (!args_number(a, UINT32_MAX, &n))
		return false;
	*out = (uint32_t)n;
	return n > 0 || args_fail(a, "A number is zero");
}

bool
args_date(struct args *a, int64_t *days_out)
{
	struct span text;

	return args_astring(a, &text) &&
	       (date_parse_imap_day(text, days_out) || args_fail(a, "A date is none"));
}

bool
args_date_time(struct args *a, int64_t *out)
{
	struct span text;
	struct date date;

	if (!args_string(a, &text))
		return false;
	if (!date_parse_imap(text, &date))
		return args_fail(a, "A date with time is none");
	*out = date.utc;
	return true;
}
