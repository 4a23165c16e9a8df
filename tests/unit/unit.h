/*
 * What unit tests share: cmocka with the headers it forgets, and assertions on spans. A test is a
 * table of {name, input, expected}; a row that fails says its name.
 */
#ifndef UNIT_UNIT_H
#define UNIT_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/span.h"

/* Fails, with both texts, unless GOT is WANT. */
static inline void
expect_span(const char *name, struct span got, struct span want)
{
	if (!span_eq(got, want)) {
		/* gcc knows where GOT may hold NULL, and printf may not have that. */
		got = got.n ? got : span_lit("");
		want = want.n ? want : span_lit("");
		fail_msg("%s: got \"%.*s\", want \"%.*s\"", name, SPAN_ARG(got), SPAN_ARG(want));
	}
}

static inline void
expect_text(const char *name, struct span got, const char *want)
{
	expect_span(name, got, span_str(want));
}

static inline void
expect_number(const char *name, int64_t got, int64_t want)
{
	if (got != want)
		fail_msg("%s: got %lld, want %lld", name, (long long)got, (long long)want);
}

#endif
