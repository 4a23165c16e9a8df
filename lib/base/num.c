/*
 * Numbers in text that is nothing but a number: parameters, arguments, file names. Called by
 * everybody. Owns nothing. Must never take a sign, a blank or a value past the caller's bound: what
 * is accepted here is what was written.
 */
#include "config.h"

#include "base/cursor.h"
#include "base/num.h"

bool
num_parse_u64(struct span s, uint64_t max, uint64_t *out)
{
	struct cursor c = cursor_of(s);
	uint64_t v;

	if (!cursor_u64(&c, max, &v) || !cursor_done(&c))
		return false;
	*out = v;
	return true;
}

bool
num_parse_octal(struct span s, uint64_t max, uint64_t *out)
{
	uint64_t v = 0;

	if (s.n == 0)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] < '0' || s.p[i] > '7' || v > UINT64_MAX >> 3)
			return false;
		v = v << 3 | (uint64_t)(s.p[i] - '0');
	}
	if (v > max)
		return false;
	*out = v;
	return true;
}

bool
num_parse_hex(struct span s, uint64_t *out)
{
	uint64_t v = 0;

	if (s.n == 0 || s.n > 16)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		char c = ascii_lower(s.p[i]);

		if (!cclass_is(c, CC_HEX))
			return false;
		v = v << 4 | (uint64_t)(cclass_is(c, CC_DIGIT) ? c - '0' : c - 'a' + 10);
	}
	*out = v;
	return true;
}
