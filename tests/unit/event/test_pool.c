/*
 * Unit tests of lib/event/pool.c: jobs run and come back, many at a time, whether their fiber is
 * cancelled or not. Run by make check, in several orders of the fibers. What a job does is to
 * count; a mutex stands for a slow disk.
 */
#include "config.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>

#include "event/pool.h"
#include "event_test.h"

struct work {
	struct pool *pool;
	struct fiber *fiber;
	atomic_int jobs;
	int returned;
	int verdict;
	int done;
	pthread_mutex_t gate;
};

static void
job(void *arg)
{
	struct work *w = arg;
	sigset_t blocked;

	pthread_sigmask(SIG_SETMASK, NULL, &blocked);
	assert(sigismember(&blocked, SIGTERM));
	atomic_fetch_add(&w->jobs, 1);
}

FIBER_MAIN
static void
run_jobs(void *arg)
{
	struct work *w = arg;

	for (int i = 0; i < 20; i++)
		assert_int_equal(pool_run(w->pool, job, w), VERDICT_OK);
	w->returned++;
}

static void
jobs_run(void *arg)
{
	struct work w = { .pool = pool_new(4) };

	(void)arg;
	for (int i = 0; i < 10; i++)
		test_spawn(run_jobs, &w);
	loop_run();
	assert_int_equal(atomic_load(&w.jobs), 200);
	assert_int_equal(w.returned, 10);
	pool_free(w.pool);
}

static void
job_behind_gate(void *arg)
{
	struct work *w = arg;

	pthread_mutex_lock(&w->gate);
	atomic_fetch_add(&w->jobs, 1);
	pthread_mutex_unlock(&w->gate);
}

FIBER_MAIN
static void
run_behind_gate(void *arg)
{
	struct work *w = arg;

	w->verdict = (int)pool_run(w->pool, job_behind_gate, w);
	assert_int_equal(atomic_load(&w->jobs), 1);
}

FIBER_MAIN
static void
cancel_and_open(void *arg)
{
	struct work *w = arg;

	for (int i = 0; i < 5; i++)
		fiber_yield();
	fiber_cancel(w->fiber);
	for (int i = 0; i < 5; i++)
		fiber_yield();
	assert_int_equal(w->verdict, -1); /* it waits for its job all the same */
	pthread_mutex_unlock(&w->gate);
}

static void
job_outlives_cancellation(void *arg)
{
	struct work w = { .pool = pool_new(1), .verdict = -1, .gate = PTHREAD_MUTEX_INITIALIZER };

	(void)arg;
	pthread_mutex_lock(&w.gate);
	w.fiber = fiber_spawn("held", run_behind_gate, &w);
	test_spawn(cancel_and_open, &w);
	loop_run();
	assert_int_equal(w.verdict, VERDICT_CANCELLED);
	pool_free(w.pool);
}

static void
done(void *arg)
{
	((struct work *)arg)->done++;
	assert_null(fiber_self());
}

static void
submitted_jobs(void *arg)
{
	struct work w = { .pool = pool_new(LIMIT_POOL_THREADS) };

	(void)arg;
	for (int i = 0; i < 300; i++)
		pool_submit(w.pool, job, done, &w);
	loop_run();
	assert_int_equal(w.done, 300);
	for (int i = 0; i < 30; i++)
		pool_submit(w.pool, job, done, &w);
	pool_free(w.pool); /* runs them, and says so */
	assert_int_equal(w.done, 330);
	assert_int_equal(atomic_load(&w.jobs), 330);
}

/* Streams, pools and the like outlive the fibers that use them, and not the loop. */
static void
pool_ends_between_fibers_and_loop(void *arg)
{
	struct work w = { .pool = pool_new(1), .verdict = -1, .gate = PTHREAD_MUTEX_INITIALIZER };

	(void)arg;
	w.fiber = fiber_spawn("held", run_behind_gate, &w);
	test_turn();
	loop_end_fibers();
	assert_int_equal(fiber_count(), 0);
	assert_int_equal(w.verdict, VERDICT_CANCELLED);
	pool_free(w.pool);
}

static void
orders(void **state)
{
	(void)state;
	test_in_orders(jobs_run, NULL);
	test_in_orders(job_outlives_cancellation, NULL);
	test_in_orders(submitted_jobs, NULL);
	test_in_orders(pool_ends_between_fibers_and_loop, NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(orders),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
