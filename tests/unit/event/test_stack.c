/*
 * Unit tests of lib/event/stack.c: stacks are taken again by later fibers, and given back below the
 * stack pointer while a fiber waits. Run by make check; looks into the fiber's struct, and sets the
 * loop's clock instead of waiting.
 */
#include "config.h"

#include <sys/mman.h>

#include "event/loop_internal.h"
#include "event_test.h"

/* Pages of a fiber's stack that are in memory. */
static size_t
pages_resident(const struct fiber *f)
{
	unsigned char in[4096];
	size_t n = f->stack.size / loop_here->page, count = 0;

	assert_true(n <= sizeof(in));
	assert_int_equal(mincore(f->stack.map + f->stack.guard, f->stack.size, in), 0);
	for (size_t i = 0; i < n; i++)
		count += in[i] & 1;
	return count;
}

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wframe-larger-than="
static int __attribute__((noinline)) use_much(void)
{
	volatile char much[100000];
	int sum = 0;

	for (size_t i = 0; i < sizeof(much); i += 512)
		much[i] = (char)i;
	for (size_t i = 0; i < sizeof(much); i += 512)
		sum += much[i];
	return sum;
}
#pragma GCC diagnostic pop

struct sleeper {
	struct waitq q;
	struct fiber *fiber;
	int sum;
	int verdict;
};

FIBER_MAIN
static void
sleep_long(void *arg)
{
	struct sleeper *s = arg;

	s->sum = use_much();
	s->verdict = (int)waitq_wait(&s->q, DEADLINE_NEVER);
	s->sum -= use_much();
}

/* Time is set, not waited for. */
static void
waiting_stack_is_trimmed(void **state)
{
	struct sleeper s = { .verdict = -1 };
	size_t before;

	(void)state;
	loop_init();
	waitq_init(&s.q);
	s.fiber = fiber_spawn("sleeper", sleep_long, &s);
	test_turn();
	before = pages_resident(s.fiber);
	assert_true(before > 20);
	stack_sweep(loop_here);
	assert_int_equal(pages_resident(s.fiber), before); /* too early */
	loop_here->now += 10 * NS_PER_S;
	stack_sweep(loop_here);
	assert_true(pages_resident(s.fiber) <= 4);
	assert_true(s.fiber->trimmed);
	assert_int_equal(loop_here->sweep.node.place != 0, true);
	timer_stop(&loop_here->sweep);
	stack_sweep(loop_here);
	assert_int_equal(loop_here->sweep.node.place, 0); /* nothing left to trim: no more sweeps */
	waitq_wake(&s.q);
	loop_run();
	assert_int_equal(s.verdict, VERDICT_OK);
	assert_int_equal(s.sum, 0);
	loop_fini();
}

FIBER_MAIN
static void
note_stack(void *arg)
{
	*(char **)arg = fiber_self()->stack.map;
}

static void
stack_is_taken_again(void **state)
{
	char *first = NULL, *second = NULL;

	(void)state;
	loop_init();
	test_spawn(note_stack, &first);
	loop_run();
	test_spawn(note_stack, &second);
	loop_run();
	assert_non_null(first);
	assert_ptr_equal(first, second);
	for (int i = 0; i < 3 * LIMIT_FIBER_CACHE; i++)
		test_spawn(note_stack, &second);
	loop_run();
	assert_int_equal(loop_here->stack_count, LIMIT_FIBER_CACHE);
	loop_fini();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(waiting_stack_is_trimmed),
		cmocka_unit_test(stack_is_taken_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
