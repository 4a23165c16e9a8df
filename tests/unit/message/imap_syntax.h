/* Is what the builders of ENVELOPE and BODYSTRUCTURE made one legal parenthesized list? For the
 * tests. */
#ifndef TESTS_MESSAGE_IMAP_SYNTAX_H
#define TESTS_MESSAGE_IMAP_SYNTAX_H

#include "base/limits.h"
#include "tests/unit/message/test.h"

/* Takes the string or literal at the front; false when it has no end. */
static inline bool
string_skip(struct span *s)
{
	size_t n = 0;

	if (s->p[0] == '"') {
		for (size_t i = 1; i < s->n; i++) {
			if (s->p[i] == '\\') {
				i++;
			} else if (s->p[i] == '"') {
				*s = span_from(*s, i + 1);
				return true;
			}
		}
		return false;
	}
	for (size_t i = 1; i < s->n && s->p[i] != '}'; i++)
		n = n * 10 + (size_t)(s->p[i] - '0');
	*s = span_from(*s, span_find(*s, '\n') + 1);
	if (s->n < n)
		return false;
	*s = span_from(*s, n);
	return true;
}

static inline void
expect_legal(const char *name, struct span s)
{
	size_t depth = 0;

	do {
		if (s.n == 0)
			fail_msg("%s: ends within", name);
		if (s.p[0] == '"' || s.p[0] == '{') {
			if (!string_skip(&s))
				fail_msg("%s: a string without an end", name);
			continue;
		}
		if (s.p[0] == '(' && ++depth > 4 * LIMIT_MIME_DEPTH)
			fail_msg("%s: too deep", name);
		if (s.p[0] == ')')
			depth--;
		s = span_from(s, 1);
	} while (depth > 0);
	if (s.n > 0)
		fail_msg("%s: goes on after its end", name);
}

#endif
