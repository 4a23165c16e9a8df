/*
 * Comparing, searching and cutting spans. Everything that reads text calls this. Owns nothing and
 * allocates nothing; what it returns points into what it was given. Any byte may be in a span, and
 * an empty one may point to NULL, so nothing here may treat bytes as a C string.
 */
#include "config.h"

#include <string.h>

#include "base/cclass.h"
#include "base/span.h"

bool
span_eq_nocase(struct span a, struct span b)
{
	return a.n == b.n && span_cmp_nocase(a, b) == 0;
}

static int
length_cmp(size_t a, size_t b)
{
	return (a > b) - (a < b);
}

int
span_cmp(struct span a, struct span b)
{
	size_t n = size_min(a.n, b.n);
	int r = n ? memcmp(a.p, b.p, n) : 0;

	return r ? r : length_cmp(a.n, b.n);
}

int
span_cmp_nocase(struct span a, struct span b)
{
	size_t n = size_min(a.n, b.n);

	for (size_t i = 0; i < n; i++) {
		unsigned char x = (unsigned char)ascii_lower(a.p[i]);
		unsigned char y = (unsigned char)ascii_lower(b.p[i]);

		if (x != y)
			return x < y ? -1 : 1;
	}
	return length_cmp(a.n, b.n);
}

bool
span_starts(struct span s, struct span prefix)
{
	return s.n >= prefix.n && span_eq(span_head(s, prefix.n), prefix);
}

bool
span_starts_nocase(struct span s, struct span prefix)
{
	return s.n >= prefix.n && span_eq_nocase(span_head(s, prefix.n), prefix);
}

bool
span_ends(struct span s, struct span suffix)
{
	return s.n >= suffix.n && span_eq(span_from(s, s.n - suffix.n), suffix);
}

bool
span_ends_nocase(struct span s, struct span suffix)
{
	return s.n >= suffix.n && span_eq_nocase(span_from(s, s.n - suffix.n), suffix);
}

size_t
span_find(struct span s, char c)
{
	const char *p = s.n ? memchr(s.p, c, s.n) : NULL;

	return p ? (size_t)(p - s.p) : s.n;
}

size_t
span_rfind(struct span s, char c)
{
	const char *p = s.n ? memrchr(s.p, c, s.n) : NULL;

	return p ? (size_t)(p - s.p) : s.n;
}

size_t
span_find_span(struct span s, struct span needle)
{
	const char *p;

	if (needle.n == 0)
		return 0;
	p = s.n ? memmem(s.p, s.n, needle.p, needle.n) : NULL;
	return p ? (size_t)(p - s.p) : s.n;
}

static bool
byte_is_trimmed(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct span
span_trim(struct span s)
{
	while (s.n && byte_is_trimmed(s.p[s.n - 1]))
		s.n--;
	while (s.n && byte_is_trimmed(s.p[0]))
		s = span_from(s, 1);
	return s;
}

bool
span_cut(struct span s, char sep, struct span *before_out, struct span *after_out)
{
	size_t at = span_find(s, sep);

	*before_out = span_head(s, at);
	*after_out = span_from(s, at + 1);
	return at < s.n;
}

bool
span_token(struct span *s, struct span seps, struct span *token_out)
{
	size_t from = 0, end;

	while (from < s->n && span_find(seps, s->p[from]) < seps.n)
		from++;
	end = from;
	while (end < s->n && span_find(seps, s->p[end]) == seps.n)
		end++;
	*token_out = span_head(span_from(*s, from), end - from);
	*s = span_from(*s, end);
	return end > from;
}
