/*
 * Fan-out over the pool: the items of one call are taken one by one by as many threads as are worth
 * waking. Called by commit.c, change.c, dispatch.c and recover.c. The fiber waits for one of these
 * threads alone (a wait that nothing can cut short); that thread leaves when the last item of all
 * threads is done. A thread that comes too late finds no item left and touches only the shared
 * struct, which the last one out frees.
 */
#include "config.h"

#include <pthread.h>
#include <stdatomic.h>

#include "base/mem.h"
#include "qmgr/fan.h"

struct fan {
	fan_fn *fn;
	char *items;
	size_t n;
	size_t size;
	atomic_size_t next;
	atomic_size_t done;
	pthread_mutex_t mutex; /* around the last change of DONE and the wait for it */
	pthread_cond_t all_done;
	unsigned users; /* the loop's side alone */
};

static void
fan_work(void *arg)
{
	struct fan *fan = arg;
	size_t at;

	while ((at = atomic_fetch_add(&fan->next, 1)) < fan->n) {
		fan->fn(fan->items + at * fan->size);
		if (atomic_fetch_add(&fan->done, 1) + 1 < fan->n)
			continue;
		pthread_mutex_lock(&fan->mutex);
		pthread_cond_broadcast(&fan->all_done);
		pthread_mutex_unlock(&fan->mutex);
	}
}

static void
fan_work_and_wait(void *arg)
{
	struct fan *fan = arg;

	fan_work(fan);
	if (atomic_load(&fan->done) == fan->n)
		return;
	pthread_mutex_lock(&fan->mutex);
	/* What is not done is in another thread's hands now. */
	while (atomic_load(&fan->done) < fan->n)
		pthread_cond_wait(&fan->all_done, &fan->mutex);
	pthread_mutex_unlock(&fan->mutex);
}

static void
fan_leave(void *arg)
{
	struct fan *fan = arg;

	if (--fan->users > 0)
		return;
	pthread_cond_destroy(&fan->all_done);
	pthread_mutex_destroy(&fan->mutex);
	mem_free(fan);
}

SUSPENDS
void
fan_run(struct pool *pool, fan_fn *fn, void *items, size_t n, size_t size, size_t share)
{
	struct fan *fan;

	if (n == 0)
		return;
	fan = mem_alloc(sizeof(*fan));
	fan->fn = fn;
	fan->items = items;
	fan->n = n;
	fan->size = size;
	pthread_mutex_init(&fan->mutex, NULL);
	pthread_cond_init(&fan->all_done, NULL);
	fan->users = (unsigned)size_min((n + share - 1) / share, LIMIT_POOL_THREADS);
	for (unsigned i = fan->users; i > 1; i--)
		pool_submit(pool, fan_work, fan_leave, fan);
	(void)pool_run(pool, fan_work_and_wait, fan);
	fan_leave(fan);
}
