/*
 * A span: bytes somebody else owns. The one type for text and data that is read, never NUL
 * terminated, any byte allowed. A span lives as long as what it points into; functions that keep
 * one say so.
 */
#ifndef BASE_SPAN_H
#define BASE_SPAN_H

#include <string.h>

#include "base/defs.h"

struct span {
	const char *p;
	size_t n;
};

/* A span of a string literal; works in static initializers. */
#define SPAN(lit)                      \
	{                              \
		(lit), sizeof(lit) - 1 \
	}
#define span_lit(lit) ((struct span)SPAN("" lit))
/* For printf's "%.*s". */
#define SPAN_ARG(s) (int)(s).n, (s).p

static inline struct span
span_of(const void *p, size_t n)
{
	return (struct span){ p, n };
}

static inline struct span
span_str(const char *cstr)
{
	return (struct span){ cstr, cstr ? strlen(cstr) : 0 };
}

static inline bool
span_eq(struct span a, struct span b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

/* ASCII case is folded; no other byte is. */
bool span_eq_nocase(struct span a, struct span b);
/* < 0, 0, > 0 by bytes, a prefix before what it begins. */
int span_cmp(struct span a, struct span b);
int span_cmp_nocase(struct span a, struct span b);

bool span_starts(struct span s, struct span prefix);
bool span_starts_nocase(struct span s, struct span prefix);
bool span_ends(struct span s, struct span suffix);
bool span_ends_nocase(struct span s, struct span suffix);

/* The index of the first (last) C in S, or s.n when there is none. */
size_t span_find(struct span s, char c);
size_t span_rfind(struct span s, char c);
/* The index where NEEDLE first stands in S, or s.n when it does not. */
size_t span_find_span(struct span s, struct span needle);

static inline struct span
span_head(struct span s, size_t n)
{
	return span_of(s.p, size_min(s.n, n));
}

static inline struct span
span_from(struct span s, size_t from)
{
	from = size_min(s.n, from);
	return span_of(from ? s.p + from : s.p, s.n - from);
}

/* Without the blanks (SP, HTAB, CR, LF) at both ends. */
struct span span_trim(struct span s);

/*
 * Cuts S at its first SEP: what stands before and after it, without it. False, all of S before and
 * nothing after when there is no SEP.
 */
bool span_cut(struct span s, char sep, struct span *before_out, struct span *after_out);

/* The next run of bytes that are not in SEPS, taken off the front of *S; false: nothing is left. */
bool span_token(struct span *s, struct span seps, struct span *token_out);

#endif
