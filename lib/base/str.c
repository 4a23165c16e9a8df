/*
 * The string builder: everybody who makes text or gathers bytes calls this. Owns its memory, always
 * one byte more than the capacity it tells of, for the NUL of str_cstr. Memory doubles from 64
 * bytes and never passes the cap. A write that does not fit must change nothing, and so must all
 * that follow it, lest the text have a hole.
 */
#include "config.h"

#include <stdio.h>

#include "base/mem.h"
#include "base/str.h"

enum { STR_FIRST = 64 }; /* bytes of the first allocation */

void
str_init(struct str *s, size_t max)
{
	*s = (struct str)STR_INIT(max);
}

void
str_free(struct str *s)
{
	mem_free(s->p);
	str_init(s, s->max);
}

void
str_reset(struct str *s)
{
	s->n = 0;
	s->full = false;
}

void
str_wipe(struct str *s)
{
	mem_wipe(s->p, s->cap);
	str_free(s);
}

static void
str_grow(struct str *s, size_t need)
{
	size_t cap = s->cap > SIZE_MAX / 2 ? SIZE_MAX - 1 : s->cap * 2;

	cap = size_max(size_max(cap, STR_FIRST), need);
	cap = size_min(size_min(cap, s->max), SIZE_MAX - 1);
	s->p = mem_resize(s->p, cap + 1);
	s->cap = cap;
}

char *
str_reserve(struct str *s, size_t n)
{
	if (s->full || n > s->max - s->n) {
		s->full = true;
		return NULL;
	}
	if (!s->p || n > s->cap - s->n)
		str_grow(s, s->n + n);
	return s->p + s->n;
}

void
str_grew(struct str *s, size_t n)
{
	assert(n <= s->cap - s->n);
	s->n += n;
}

bool
str_put(struct str *s, struct span bytes)
{
	char *p = str_reserve(s, bytes.n);

	if (!p)
		return false;
	if (bytes.n)
		memcpy(p, bytes.p, bytes.n);
	s->n += bytes.n;
	return true;
}

bool
str_putc(struct str *s, char c)
{
	char *p = str_reserve(s, 1);

	if (!p)
		return false;
	*p = c;
	s->n++;
	return true;
}

bool
str_puts(struct str *s, const char *cstr)
{
	return str_put(s, span_str(cstr));
}

bool
str_put_u64(struct str *s, uint64_t v)
{
	char digits[20]; /* UINT64_MAX has as many */
	size_t at = sizeof(digits);

	do {
		digits[--at] = (char)('0' + v % 10);
		v /= 10;
	} while (v);
	return str_put(s, span_of(digits + at, sizeof(digits) - at));
}

bool
str_printf(struct str *s, const char *fmt, ...)
{
	va_list ap;
	bool fits;

	va_start(ap, fmt);
	fits = str_vprintf(s, fmt, ap);
	va_end(ap);
	return fits;
}

bool
str_vprintf(struct str *s, const char *fmt, va_list ap)
{
	va_list again;
	size_t room = s->p ? s->cap - s->n + 1 : 0;
	int n;

	if (s->full)
		return false;
	va_copy(again, ap);
	n = vsnprintf(room ? s->p + s->n : NULL, room, fmt, ap);
	assert(n >= 0);
	if ((size_t)n >= room && str_reserve(s, (size_t)n))
		vsnprintf(s->p + s->n, (size_t)n + 1, fmt, again);
	va_end(again);
	if (s->full)
		return false;
	s->n += (size_t)n;
	return true;
}

void
str_drop(struct str *s, size_t n)
{
	n = size_min(n, s->n);
	if (n == 0)
		return;
	memmove(s->p, s->p + n, s->n - n);
	s->n -= n;
}

void
str_cut(struct str *s, size_t n)
{
	s->n = size_min(s->n, n);
}

const char *
str_cstr(struct str *s)
{
	if (!s->p)
		return "";
	s->p[s->n] = '\0';
	return s->p;
}
