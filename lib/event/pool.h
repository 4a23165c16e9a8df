/*
 * A pool of threads for calls that block: fsync, syncfs, unlink, large reads. A job touches nothing
 * but its own argument and the kernel: no fibers, no logging, no process state.
 */
#ifndef EVENT_POOL_H
#define EVENT_POOL_H

#include "event/fiber.h"

struct pool;

/* THREADS at most LIMIT_POOL_THREADS; they start when first needed. Signals are blocked in them. */
struct pool *pool_new(unsigned threads);
/* Waits for running jobs. */
void pool_free(struct pool *pool);

typedef void pool_fn(void *arg);
/*
 * Runs FN(arg) in a thread; returns when it has run. It cannot be cancelled or timed out, since the
 * kernel cannot: the verdict is the fiber's own (VERDICT_CANCELLED when it was cancelled
 * meanwhile), the job has run either way.
 */
SUSPENDS enum verdict pool_run(struct pool *pool, pool_fn *fn, void *arg);
/* The same without waiting: DONE(arg) runs on the loop's stack afterwards. */
void pool_submit(struct pool *pool, pool_fn *fn, pool_fn *done, void *arg);

#endif
