/*
 * A string builder with a cap. Writing past the cap sets `full`, changes nothing, and stays so
 * until reset: callers check once, at the end. Memory grows on the heap; an empty builder owns
 * none.
 */
#ifndef BASE_STR_H
#define BASE_STR_H

#include <stdarg.h>

#include "base/span.h"

struct str {
	char *p;
	size_t n;
	size_t cap;
	size_t max;
	bool full;
};

#define STR_INIT(max_bytes)                    \
	{                                      \
		NULL, 0, 0, (max_bytes), false \
	}

void str_init(struct str *s, size_t max);
void str_free(struct str *s);
/* Empties it and forgets `full`; memory is kept. */
void str_reset(struct str *s);
/*
 * Overwrites what it holds, then frees: for secrets. Growing leaves copies behind, so a builder
 * that will hold one starts with str_reserve of all it may need.
 */
void str_wipe(struct str *s);

bool str_put(struct str *s, struct span bytes);
bool str_putc(struct str *s, char c);
bool str_puts(struct str *s, const char *cstr);
bool str_put_u64(struct str *s, uint64_t v);
bool str_printf(struct str *s, const char *fmt, ...) PRINTF(2, 3);
bool str_vprintf(struct str *s, const char *fmt, va_list ap) PRINTF(2, 0);
/* Room for N more bytes at the end, or NULL and full; str_grew then says how many were written. */
char *str_reserve(struct str *s, size_t n);
void str_grew(struct str *s, size_t n);
/* Takes N bytes off the front (the rest moves) or cuts the end to N bytes. */
void str_drop(struct str *s, size_t n);
void str_cut(struct str *s, size_t n);

static inline struct span
str_span(const struct str *s)
{
	return span_of(s->p, s->n);
}

/* NUL terminated; valid until the next change. */
const char *str_cstr(struct str *s);

#endif
