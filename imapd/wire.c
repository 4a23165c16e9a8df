/*
 * How commands begin and go on: tags (RFC 9051 2.2.1), and literals as lines announce them (4.3,
 * and RFC 7888 for "+"). Called by both halves while a command is read; what to do with a size is
 * theirs. A number of any length is
 * taken for one, since what follows it on the wire is the literal, whatever we think of it.
 */
#include "imapd/wire.h"

#include "base/limits.h"
#include "base/num.h"

bool
literal_parse(struct span line, struct literal *out)
{
	size_t end = line.n, open;
	struct span digits;

	if (end < 3 || line.p[end - 1] != '}')
		return false;
	end--;
	out->waits = line.p[end - 1] != '+';
	end -= !out->waits;
	for (open = end; open > 0 && cclass_is(line.p[open - 1], CC_DIGIT);)
		open--;
	if (open == 0 || open == end || line.p[open - 1] != '{')
		return false;
	digits = span_of(line.p + open, end - open);
	if (!num_parse_u64(digits, UINT64_MAX - 1, &out->size))
		out->size = UINT64_MAX;
	out->at = open - 1;
	return true;
}

bool
args_tag(struct args *a, struct span *out)
{
	const char *from = a->in.p;

	/* ASTRING-CHAR without "+", with which the server's own lines begin. */
	while (!args_next_is(a, '+') &&
	       (cclass_is((char)cursor_peek(&a->in), CC_IMAP_ATOM) || args_next_is(a, ']')) &&
	       cursor_next(&a->in) >= 0)
		;
	*out = span_of(from, (size_t)(a->in.p - from));
	if (out->n == 0 || out->n > LIMIT_IMAP_TAG)
		return args_fail(a, out->n ? "The tag is too long" : "A tag is missing");
	return true;
}
