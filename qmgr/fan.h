/* Many small jobs of one kind over the threads of a pool, for a fiber that goes on when all are
 * done. */
#ifndef QMGR_FAN_H
#define QMGR_FAN_H

#include "event/pool.h"

typedef void fan_fn(void *item);
/*
 * FN on each of the N items at ITEMS, SIZE bytes apart, in up to LIMIT_POOL_THREADS threads, of
 * which each has SHARE items to do at least; returns when it has run on all. It cannot be
 * cancelled, as the kernel's calls cannot.
 */
SUSPENDS void fan_run(
    struct pool *pool, fan_fn *fn, void *items, size_t n, size_t size, size_t share);

/* Shares: calls that wait for the disk; calls that do mostly not, and take less than a wake-up. */
#define FAN_SLOW  1
#define FAN_QUICK 32

#endif
