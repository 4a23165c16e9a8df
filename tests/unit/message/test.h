/* What the tests of lib/message share beyond unit.h: things of lib/base, and a bound on time. */
#ifndef TESTS_MESSAGE_TEST_H
#define TESTS_MESSAGE_TEST_H

#include <stdio.h>
#include <time.h>

#include "base/arena.h"
#include "base/mem.h"
#include "base/rand.h"
#include "base/str.h"
#include "base/time.h"
#include "tests/unit/unit.h"

/* Nanoseconds of processor time: others may have the machine meanwhile. */
static inline uint64_t
cpu_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * NS_PER_S + (uint64_t)ts.tv_nsec;
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
	uint64_t ns = cpu_now() - started;

	if (ns > TEST_TIME)
		fail_msg("%s took %llu ms", name, (unsigned long long)(ns / NS_PER_MS));
}

#endif
