/* What the tests of lib/message share: cmocka, spans of C strings, and what a failed row prints. */
#ifndef TESTS_MESSAGE_TEST_H
#define TESTS_MESSAGE_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/mem.h"
#include "base/rand.h"
#include "base/str.h"
#include "base/time.h"

/* Equal, or the row is named and both are shown. */
static inline void
expect_span(const char *name, struct span got, struct span want)
{
	if (!span_eq(got, want))
		fail_msg("%s: got \"%.*s\", want \"%.*s\"", name, SPAN_ARG(got), SPAN_ARG(want));
}

static inline void
expect_text(const char *name, struct span got, const char *want)
{
	expect_span(name, got, span_str(want));
}

static inline void
expect_num(const char *name, uint64_t got, uint64_t want)
{
	if (got != want)
		fail_msg("%s: got %llu, want %llu", name, (unsigned long long)got,
		    (unsigned long long)want);
}

/* A second of work is too much for any input of these tests. Sanitizers take their share. */
#ifdef POSTERN_SANITIZED
#define TEST_TIME (4 * NS_PER_S)
#else
#define TEST_TIME NS_PER_S
#endif

static inline void
expect_quick(const char *name, uint64_t started)
{
	uint64_t ns = time_mono() - started;

	if (ns > TEST_TIME)
		fail_msg("%s took %llu ms", name, (unsigned long long)(ns / NS_PER_MS));
}

#endif
