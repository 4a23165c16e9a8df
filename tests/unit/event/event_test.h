/* What the tests of lib/event share: cmocka, and a loop that runs a test in several orders. */
#ifndef EVENT_TEST_H
#define EVENT_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "event/fiber.h"
#include "event/loop.h"

#define SOON (deadline_after_s(5)) /* what should come at once: a test that hangs ends by this */

/* Seeds of the order in which fibers run; 0: first come, first served. */
static const uint64_t test_orders[] = { 0, 1, 2, 3, 0x9e3779b97f4a7c15 };

static inline void
test_in_orders(void (*fn)(void *arg), void *arg)
{
	for (size_t i = 0; i < ARRAY_LEN(test_orders); i++) {
		loop_init();
		if (test_orders[i])
			loop_random_order(test_orders[i]);
		fn(arg);
		loop_fini();
	}
}

static inline void
test_spawn(fiber_fn *fn, void *arg)
{
	assert_non_null(fiber_spawn("test", fn, arg));
}

static inline void
test_stop(void *arg)
{
	(void)arg;
	loop_stop();
}

static inline void
test_stop_when_idle(void *arg)
{
	(void)arg;
	if (fiber_count() == 0)
		loop_stop();
}

/* One turn of the loop, without a wait. */
static inline void
test_turn(void)
{
	struct timer t;

	timer_init(&t, test_stop, NULL);
	timer_set(&t, 0);
	loop_run();
}

/* Until all fibers have ended, though descriptors are still watched. */
static inline void
test_run_fibers(void)
{
	loop_at_turn_end(test_stop_when_idle, NULL);
	loop_run();
}

#endif
