/*
 * A cursor reads a span from front to back: the one way to write a parser by hand here. Nothing it
 * does moves past the end; every call that can fail says so and then has not moved.
 */
#ifndef BASE_CURSOR_H
#define BASE_CURSOR_H

#include "base/cclass.h"
#include "base/span.h"

struct cursor {
	const char *p;
	const char *end;
};

static inline struct cursor
cursor_of(struct span s)
{
	return (struct cursor){ s.p, s.n ? s.p + s.n : s.p };
}

static inline bool
cursor_done(const struct cursor *c)
{
	return c->p == c->end;
}

static inline size_t
cursor_left(const struct cursor *c)
{
	return c->p == c->end ? 0 : (size_t)(c->end - c->p);
}

static inline struct span
cursor_rest(const struct cursor *c)
{
	return span_of(c->p, cursor_left(c));
}

/* The next byte (0-255) without taking it, or -1 at the end. */
static inline int
cursor_peek(const struct cursor *c)
{
	return c->p == c->end ? -1 : (unsigned char)*c->p;
}

/* Takes the next byte, or returns -1 at the end. */
static inline int
cursor_next(struct cursor *c)
{
	return c->p == c->end ? -1 : (unsigned char)*c->p++;
}

/* Takes BYTE if it is next. */
static inline bool
cursor_skip(struct cursor *c, char byte)
{
	if (c->p == c->end || *c->p != byte)
		return false;
	c->p++;
	return true;
}

/* Takes WORD if it is next, ASCII case folded. */
bool cursor_word(struct cursor *c, struct span word);
/* Takes the longest run of bytes of CLASSES (enum cclass bits); it may be empty. */
struct span cursor_run(struct cursor *c, unsigned classes);
/* Takes all up to BYTE, and BYTE itself, which is not part of what is returned. */
bool cursor_until(struct cursor *c, char byte, struct span *out);
/* Takes N bytes. */
bool cursor_take(struct cursor *c, size_t n, struct span *out);
/* Takes a decimal number of at most MAX; no sign, no blanks; leading zeros are allowed. */
bool cursor_u64(struct cursor *c, uint64_t max, uint64_t *out);

#endif
