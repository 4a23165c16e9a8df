/*
 * The longer steps of a cursor; the single ones are inline. Every hand-written parser calls this.
 * Owns nothing. A step that fails must leave the cursor where it was, and none may move past the
 * end.
 */
#include "config.h"

#include "base/cursor.h"

bool
cursor_word(struct cursor *c, struct span word)
{
	if (!span_starts_nocase(cursor_rest(c), word))
		return false;
	if (word.n)
		c->p += word.n;
	return true;
}

struct span
cursor_run(struct cursor *c, unsigned classes)
{
	const char *from = c->p;

	while (c->p != c->end && cclass_is(*c->p, classes))
		c->p++;
	return span_of(from, c->p == from ? 0 : (size_t)(c->p - from));
}

bool
cursor_until(struct cursor *c, char byte, struct span *out)
{
	struct span rest = cursor_rest(c);
	size_t at = span_find(rest, byte);

	if (at == rest.n)
		return false;
	*out = span_head(rest, at);
	c->p += at + 1;
	return true;
}

bool
cursor_take(struct cursor *c, size_t n, struct span *out)
{
	if (n > cursor_left(c))
		return false;
	*out = span_of(c->p, n);
	if (n)
		c->p += n;
	return true;
}

bool
cursor_u64(struct cursor *c, uint64_t max, uint64_t *out)
{
	struct cursor at = *c;
	struct span digits = cursor_run(&at, CC_DIGIT);
	uint64_t v = 0;

	if (digits.n == 0)
		return false;
	for (size_t i = 0; i < digits.n; i++) {
		uint64_t digit = (uint64_t)(digits.p[i] - '0');

		if (__builtin_mul_overflow(v, 10, &v) || __builtin_add_overflow(v, digit, &v))
			return false;
	}
	if (v > max)
		return false;
	*c = at;
	*out = v;
	return true;
}
