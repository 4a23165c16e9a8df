/*
 * Threads for calls that block. Called by whoever syncs or unlinks. Jobs go to the threads through
 * one queue and come back through another, both under one mutex; an eventfd tells the loop. Threads
 * start when a job finds none idle, at most LIMIT_POOL_THREADS; at most LIMIT_POOL_QUEUE jobs wait.
 * One thread at a time is being woken, and wakes the next if there is still something to do: many
 * short jobs are done by the first before others have come. A thread touches nothing but its job
 * and these queues: in particular no fiber, no log and no libevent.
 */
#include "config.h"

#include <errno.h>
#include <event2/event.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/sys.h"
#include "event/loop_internal.h"
#include "event/pool.h"

#define POOL_STACK ((size_t)LIMIT_FIBER_STACK * 4)

struct job {
	struct list link;
	pool_fn *fn;
	pool_fn *done; /* NULL: a fiber waits, and the job lies on its stack */
	void *arg;
	struct fiber *fiber;
};

struct pool {
	pthread_mutex_t mutex;
	pthread_cond_t work;
	struct list waiting;
	struct list finished;
	size_t waiting_count;
	unsigned idle; /* threads that wait, those that have been signalled too */
	bool waking;   /* one has been signalled and has not come yet */
	bool ending;
	/* The loop's side alone */
	pthread_t threads[LIMIT_POOL_THREADS];
	unsigned started;
	unsigned max;
	int wake_fd;
	struct event *wake_event;
};

/* Is it up to the caller to wake a thread, once it has let go of the mutex? */
static bool
pool_must_wake(struct pool *pool)
{
	if (pool->waking || pool->idle == 0 || list_empty(&pool->waiting))
		return false;
	pool->waking = true;
	return true;
}

/* The next job, the mutex held; NULL at the end of the pool. */
static struct job *
pool_take(struct pool *pool)
{
	struct list *node;

	while ((node = list_pop(&pool->waiting)) == NULL && !pool->ending) {
		pool->idle++;
		pthread_cond_wait(&pool->work, &pool->mutex);
		pool->idle--;
		pool->waking = false;
	}
	if (!node)
		return NULL;
	pool->waiting_count--;
	return LIST_ITEM(node, struct job, link);
}

static void *
pool_thread(void *arg)
{
	struct pool *pool = arg;
	struct job *job;
	uint64_t one = 1;

	pthread_mutex_lock(&pool->mutex);
	while ((job = pool_take(pool)) != NULL) {
		bool wake = pool_must_wake(pool), first;

		pthread_mutex_unlock(&pool->mutex);
		if (wake)
			pthread_cond_signal(&pool->work);
		job->fn(job->arg);
		pthread_mutex_lock(&pool->mutex);
		first = list_empty(&pool->finished);
		list_push(&pool->finished, &job->link);
		if (!first)
			continue;
		/* The loop takes all that is finished at one time. No file: no fault may hit it. */
		pthread_mutex_unlock(&pool->mutex);
		if (write(pool->wake_fd, &one, sizeof(one)) < 0)
			assert(errno == EAGAIN);
		pthread_mutex_lock(&pool->mutex);
	}
	pthread_mutex_unlock(&pool->mutex);
	return NULL;
}

static void
job_finished(struct job *job)
{
	loop_here->busy--;
	if (job->fiber) {
		fiber_wake(job->fiber, VERDICT_OK);
		return;
	}
	job->done(job->arg);
	mem_free(job);
}

static void
pool_collect(evutil_socket_t fd UNUSED, short what UNUSED, void *arg)
{
	struct pool *pool = arg;
	struct list finished, *node;

	list_init(&finished);
	pthread_mutex_lock(&pool->mutex);
	list_take(&finished, &pool->finished);
	pthread_mutex_unlock(&pool->mutex);
	while ((node = list_pop(&finished)) != NULL)
		job_finished(LIST_ITEM(node, struct job, link));
}

struct pool *
pool_new(unsigned threads)
{
	struct pool *pool = mem_alloc(sizeof(*pool));
	int failed;

	assert(threads > 0 && threads <= LIMIT_POOL_THREADS);
	pool->max = threads;
	pthread_mutex_init(&pool->mutex, NULL);
	pthread_cond_init(&pool->work, NULL);
	list_init(&pool->waiting);
	list_init(&pool->finished);
	pool->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	assert(pool->wake_fd >= 0);
	/* Edge-triggered: the count need not be read back. */
	pool->wake_event = event_new(
	    loop_here->base, pool->wake_fd, EV_READ | EV_ET | EV_PERSIST, pool_collect, pool);
	assert(pool->wake_event);
	failed = event_add(pool->wake_event, NULL);
	assert(!failed);
	return pool;
}

void
pool_free(struct pool *pool)
{
	pthread_mutex_lock(&pool->mutex);
	pool->ending = true;
	pthread_cond_broadcast(&pool->work);
	pthread_mutex_unlock(&pool->mutex);
	for (unsigned i = 0; i < pool->started; i++)
		pthread_join(pool->threads[i], NULL);
	pool_collect(-1, 0, pool);
	event_free(pool->wake_event);
	sys_close(pool->wake_fd);
	pthread_cond_destroy(&pool->work);
	pthread_mutex_destroy(&pool->mutex);
	mem_free(pool);
}

static void
pool_start_thread(struct pool *pool)
{
	sigset_t all, before;
	pthread_attr_t attr;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, POOL_STACK);
	/* Signals are the loop's: the thread is born with all of them blocked. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	if (pthread_create(&pool->threads[pool->started], &attr, pool_thread, pool) == 0)
		pool->started++;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attr);
}

static void
pool_queue(struct pool *pool, struct job *job)
{
	bool crowded, wake;

	pthread_mutex_lock(&pool->mutex);
	assert(pool->waiting_count < LIMIT_POOL_QUEUE);
	list_push(&pool->waiting, &job->link);
	crowded = ++pool->waiting_count > pool->idle;
	wake = pool_must_wake(pool);
	pthread_mutex_unlock(&pool->mutex);
	/* Whoever is woken finds the mutex free. */
	if (wake)
		pthread_cond_signal(&pool->work);
	loop_here->busy++;
	if (crowded && pool->started < pool->max)
		pool_start_thread(pool);
	assert(pool->started > 0 && "no thread could be started");
}

SUSPENDS
enum verdict
pool_run(struct pool *pool, pool_fn *fn, void *arg)
{
	struct job job = { .fn = fn, .arg = arg, .fiber = fiber_self() };

	pool_queue(pool, &job);
	return fiber_hold();
}

void
pool_submit(struct pool *pool, pool_fn *fn, pool_fn *done, void *arg)
{
	struct job *job = mem_alloc(sizeof(*job));

	*job = (struct job){ .fn = fn, .done = done, .arg = arg };
	pool_queue(pool, job);
}
