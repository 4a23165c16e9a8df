/*
 * Fibers: waits, deadlines and cancellation, wait queues, semaphores, the deep stack. Each test
 * runs in several orders.
 */
#include "config.h"

#include "event/loop_internal.h"
#include "event_test.h"

struct trace {
	int n;
	int steps[64];
};

static void
trace_add(struct trace *t, int step)
{
	assert_true(t->n < (int)ARRAY_LEN(t->steps));
	t->steps[t->n++] = step;
}

/* One fiber that waits and says how that ended. */
struct waiter {
	struct waitq *q;
	struct semaphore *s;
	struct trace *trace;
	struct fiber *fiber;
	uint64_t deadline;
	int id;
	int ended; /* verdict, -1 before */
	int again; /* verdict of a second wait */
};

FIBER_MAIN
static void
wait_on_queue(void *arg)
{
	struct waiter *w = arg;

	w->ended = (int)waitq_wait(w->q, w->deadline);
	if (w->trace)
		trace_add(w->trace, w->id);
	w->again = (int)fiber_sleep_until(loop_now() + 1);
}

static void
waiter_start(struct waiter *w)
{
	w->ended = w->again = -1;
	w->fiber = fiber_spawn("waiter", wait_on_queue, w);
	assert_non_null(w->fiber);
}

FIBER_MAIN
static void
count_and_yield(void *arg)
{
	int *count = arg;

	for (int i = 0; i < 10; i++) {
		(*count)++;
		assert_int_equal(fiber_yield(), VERDICT_OK);
	}
}

static void
run_all_that_is_spawned(void *arg)
{
	int count = 0;

	(void)arg;
	assert_null(fiber_self());
	for (int i = 0; i < 300; i++)
		test_spawn(count_and_yield, &count);
	assert_int_equal(fiber_count(), 300);
	loop_run();
	assert_int_equal(count, 3000);
	assert_int_equal(fiber_count(), 0);
}

FIBER_MAIN
static void
sleep_and_trace(void *arg)
{
	struct waiter *w = arg;

	w->ended = (int)fiber_sleep_until(w->deadline);
	assert_true(loop_now() >= w->deadline);
	trace_add(w->trace, w->id);
}

/* Those whose time has come in one turn run in the order of the seed, so order is looked at without
 * one alone. */
static void
sleep_in_order_of_time(void *arg)
{
	struct trace t = { 0 };
	uint64_t now = time_mono();
	struct waiter w[4] = { { 0 } };
	static const int ms[] = { 9, 3, 6, 0 };

	(void)arg;
	for (int i = 0; i < 4; i++) {
		w[i] = (struct waiter){
			.trace = &t, .deadline = now + (uint64_t)ms[i] * NS_PER_MS, .id = i
		};
		test_spawn(sleep_and_trace, &w[i]);
	}
	loop_run();
	assert_int_equal(t.n, 4);
	if (loop_here->random)
		return;
	assert_int_equal(t.steps[0], 3);
	assert_int_equal(t.steps[1], 1);
	assert_int_equal(t.steps[2], 2);
	assert_int_equal(t.steps[3], 0);
}

static void
time_out(void *arg)
{
	struct waitq q;
	struct waiter past = { .q = &q, .deadline = 1 };
	struct waiter soon = { .q = &q, .deadline = time_mono() + NS_PER_MS };

	(void)arg;
	waitq_init(&q);
	waiter_start(&past);
	waiter_start(&soon);
	loop_run();
	assert_int_equal(past.ended, VERDICT_TIMEOUT);
	assert_int_equal(soon.ended, VERDICT_TIMEOUT);
	assert_int_equal(soon.again, VERDICT_OK);
	assert_true(time_mono() >= soon.deadline);
	assert_true(waitq_empty(&q));
}

/* Wakes and cancels in one turn, as the columns say, after the waiter waits. */
struct end_case {
	const char *name;
	bool wake;
	bool cancel_first;
	bool cancel_then;
	int ended;
	int again;
};

static const struct end_case end_cases[] = {
	{ "wake", true, false, false, VERDICT_OK, VERDICT_OK },
	{ "cancel", false, true, false, VERDICT_CANCELLED, VERDICT_CANCELLED },
	{ "wake, cancel", true, false, true, VERDICT_CANCELLED, VERDICT_CANCELLED },
	{ "cancel, wake", true, true, false, VERDICT_CANCELLED, VERDICT_CANCELLED },
	{ "cancel twice", false, true, true, VERDICT_CANCELLED, VERDICT_CANCELLED },
};

struct end_run {
	const struct end_case *c;
	struct waiter w;
	struct waitq q;
};

FIBER_MAIN
static void
end_the_wait(void *arg)
{
	struct end_run *run = arg;

	while (waitq_empty(&run->q))
		assert_int_equal(fiber_yield(), VERDICT_OK);
	if (run->c->cancel_first)
		fiber_cancel(run->w.fiber);
	if (run->c->wake)
		assert_int_equal(waitq_wake(&run->q), !run->c->cancel_first);
	if (run->c->cancel_then)
		fiber_cancel(run->w.fiber);
}

static void
wait_ends(void *arg)
{
	struct end_run run = { .c = arg };

	waitq_init(&run.q);
	run.w.q = &run.q;
	run.w.deadline = DEADLINE_NEVER;
	waiter_start(&run.w);
	test_spawn(end_the_wait, &run);
	loop_run();
	assert_int_equal(run.w.ended, run.c->ended);
	assert_int_equal(run.w.again, run.c->again);
}

static void
cancel_before_the_wait(void *arg)
{
	struct waitq q;
	struct waiter w = { .q = &q, .deadline = DEADLINE_NEVER };

	(void)arg;
	waitq_init(&q);
	waiter_start(&w);
	fiber_cancel(w.fiber);
	loop_run();
	assert_int_equal(w.ended, VERDICT_CANCELLED);
	assert_int_equal(w.again, VERDICT_CANCELLED);
}

FIBER_MAIN
static void
wake_each(void *arg)
{
	struct waitq *q = arg;
	int left = 10;

	while (left) {
		if (waitq_wake(q))
			left--;
		fiber_yield();
	}
}

/* Who waited longest is woken first, in whatever order fibers run. */
static void
wake_in_order(void *arg)
{
	struct waiter w[10];
	struct trace t = { 0 };
	struct waitq q;

	(void)arg;
	waitq_init(&q);
	for (int i = 0; i < 10; i++) {
		w[i] = (struct waiter){ .q = &q, .trace = &t, .deadline = DEADLINE_NEVER, .id = i };
		waiter_start(&w[i]);
		/* One turn each, so that they begin to wait one after the other. */
		test_turn();
	}
	test_spawn(wake_each, &q);
	loop_run();
	assert_int_equal(t.n, 10);
	for (int i = 0; i < 10; i++)
		assert_int_equal(t.steps[i], i);
}

struct crowd {
	struct semaphore s;
	int inside;
	int most;
	int done;
	int gave_up;
};

FIBER_MAIN
static void
pass_through(void *arg)
{
	struct crowd *c = arg;

	if (semaphore_take(&c->s, SOON) != VERDICT_OK) {
		c->gave_up++;
		return;
	}
	c->inside++;
	c->most = c->inside > c->most ? c->inside : c->most;
	for (int i = 0; i < 3; i++)
		fiber_yield();
	c->inside--;
	c->done++;
	semaphore_give(&c->s);
}

static void
semaphore_bounds(void *arg)
{
	struct crowd c = { 0 };

	(void)arg;
	semaphore_init(&c.s, 3);
	for (int i = 0; i < 40; i++)
		test_spawn(pass_through, &c);
	loop_run();
	assert_int_equal(c.most, 3);
	assert_int_equal(c.done, 40);
	assert_int_equal(c.s.free, 3);
}

struct handing {
	struct crowd crowd;
	struct fiber *second;
};

FIBER_MAIN
static void
hold_then_cancel(void *arg)
{
	struct handing *h = arg;

	assert_int_equal(semaphore_take(&h->crowd.s, SOON), VERDICT_OK);
	h->second = fiber_spawn("second", pass_through, &h->crowd);
	while (waitq_empty(&h->crowd.s.waiting))
		fiber_yield();
	test_spawn(pass_through, &h->crowd);
	while (list_first(&h->crowd.s.waiting.waiting)->next == &h->crowd.s.waiting.waiting)
		fiber_yield();
	semaphore_give(&h->crowd.s); /* the second has it now ... */
	fiber_cancel(h->second);     /* ... and must hand it on to the third */
}

static void
semaphore_unit_is_not_lost(void *arg)
{
	struct handing h = { 0 };

	(void)arg;
	semaphore_init(&h.crowd.s, 1);
	test_spawn(hold_then_cancel, &h);
	loop_run();
	assert_int_equal(h.crowd.gave_up, 1);
	assert_int_equal(h.crowd.done, 1);
	assert_int_equal(h.crowd.s.free, 1);
}

/* More than a fiber's stack holds. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wframe-larger-than="
static void
deep(void *arg)
{
	volatile char much[2 << 20];

	assert_null(fiber_self());
	for (size_t i = 0; i < sizeof(much); i += 4096)
		much[i] = 1;
	*(int *)arg += much[4096];
}
#pragma GCC diagnostic pop

static void
deep_twice(void *arg)
{
	on_main_stack(deep, arg);
	on_main_stack(deep, arg);
}

FIBER_MAIN
static void
go_deep(void *arg)
{
	struct fiber *self = fiber_self();

	for (int i = 0; i < 3; i++) {
		on_main_stack(deep_twice, arg);
		assert_ptr_equal(fiber_self(), self);
		fiber_yield();
	}
}

static void
main_stack(void *arg)
{
	int count = 0;

	(void)arg;
	test_spawn(go_deep, &count);
	test_spawn(go_deep, &count);
	loop_run();
	assert_int_equal(count, 12);
	on_main_stack(deep, &count);
	assert_int_equal(count, 13);
}

FIBER_MAIN
static void
wait_for_ever(void *arg)
{
	struct waitq q;

	waitq_init(&q);
	while (waitq_wait(&q, DEADLINE_NEVER) != VERDICT_CANCELLED)
		continue;
	assert_true(fiber_cancelled());
	++*(int *)arg;
	/* Born in the end: cancelled from the start. */
	if (*(int *)arg == 1)
		test_spawn(wait_for_ever, arg);
}

static void
fini_cancels(void **state)
{
	int count = 0;

	(void)state;
	loop_init();
	for (int i = 0; i < 5; i++)
		test_spawn(wait_for_ever, &count);
	test_turn();
	loop_fini();
	assert_int_equal(count, 6);
}

FIBER_MAIN
static void
do_nothing(void *arg)
{
	(void)arg;
}

static void
count_is_bounded(void **state)
{
	struct fiber *f = NULL;
	size_t n = 0;

	(void)state;
	loop_init();
	while ((f = fiber_spawn("many", do_nothing, NULL)) != NULL)
		n++;
	assert_int_equal(n, LIMIT_FIBERS);
	loop_run();
	assert_non_null(fiber_spawn("one more", do_nothing, NULL));
	loop_run();
	loop_fini();
}

static void
orders(void **state)
{
	static void (*const tests[])(void *arg) = { run_all_that_is_spawned, sleep_in_order_of_time,
		time_out, cancel_before_the_wait, semaphore_bounds, semaphore_unit_is_not_lost,
		main_stack };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tests); i++)
		test_in_orders(tests[i], NULL);
}

static void
ends_of_waits(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(end_cases); i++) {
		struct end_case c = end_cases[i];

		print_message("%s\n", c.name);
		test_in_orders(wait_ends, &c);
	}
}

static void
queues_are_fair(void **state)
{
	(void)state;
	test_in_orders(wake_in_order, NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(orders),
		cmocka_unit_test(ends_of_waits),
		cmocka_unit_test(queues_are_fair),
		cmocka_unit_test(fini_cancels),
		cmocka_unit_test(count_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
