/*
 * Fibers: functions that wait without blocking the process. One runs at a time, so data that only
 * fibers touch needs no lock, but after any call marked SUSPENDS others have run. Each wait has a
 * deadline and can be cancelled: then it returns VERDICT_TIMEOUT or VERDICT_CANCELLED, and the
 * fiber cleans up and returns by itself. Nothing unwinds it.
 *
 * A stack is LIMIT_FIBER_STACK of address space over a guard page; pages that a waiting fiber does
 * not use are given back. Foreign libraries that want more run through on_main_stack.
 */
#ifndef EVENT_FIBER_H
#define EVENT_FIBER_H

#include "base/err.h"
#include "base/list.h"
#include "base/time.h"

struct fiber;

typedef void fiber_fn(void *arg);

/*
 * A new fiber, ready to run in this turn or the next; NULL when LIMIT_FIBERS are alive or there is
 * no address space for a stack. NAME is static text. The fiber frees itself when FN returns.
 */
struct fiber *fiber_spawn(const char *name, fiber_fn *fn, void *arg);
/* The fiber that is running, NULL on the loop's own stack. */
struct fiber *fiber_self(void);
const char *fiber_name(const struct fiber *f);
size_t fiber_count(void);

/* Its present wait, or its next one, returns VERDICT_CANCELLED, and so does each after that. */
void fiber_cancel(struct fiber *f);
bool fiber_cancelled(void);

/* VERDICT_OK when the time has come; others have run, even if it had come before. */
SUSPENDS enum verdict fiber_sleep_until(uint64_t deadline);
/* Lets others run: for long computations, every 10 ms. */
SUSPENDS enum verdict fiber_yield(void);

/* A queue of fibers waiting for something that others will say. Lies in its owner. */
struct waitq {
	struct list waiting;
};
void waitq_init(struct waitq *q);
/* VERDICT_OK when woken; VERDICT_TIMEOUT at once if the deadline has passed. A fiber that is woken
 * and cancelled in one turn sees the cancellation, and the wake is lost. */
SUSPENDS enum verdict waitq_wait(struct waitq *q, uint64_t deadline);
/* Wakes the one that waited longest; false when none waits. */
bool waitq_wake(struct waitq *q);
void waitq_wake_all(struct waitq *q);
bool waitq_empty(const struct waitq *q);

/* A semaphore: at most N hold it; those who wait get it in order. */
struct semaphore {
	unsigned free;
	struct waitq waiting;
};
void semaphore_init(struct semaphore *s, unsigned n);
SUSPENDS enum verdict semaphore_take(struct semaphore *s, uint64_t deadline);
void semaphore_give(struct semaphore *s);

/* Readiness of a descriptor. The struct lies in its owner; the descriptor stays the owner's. */
struct fdwatch {
	void *event;	   /* struct event */
	void *write_event; /* the same, from the first wait for writing on */
	int fd;
	bool readable; /* edges not yet used up: cleared by the owner on EAGAIN */
	bool writable;
	bool hangup;
	struct waitq readers;
	struct waitq writers;
};
/* FD must be non-blocking. It counts as readable and writable until a call says EAGAIN. */
void fdwatch_init(struct fdwatch *w, int fd);
/* Before the descriptor is closed. Whoever waits is woken with VERDICT_CANCELLED. */
void fdwatch_fini(struct fdwatch *w);
/* After EAGAIN: waits for the next edge. */
SUSPENDS enum verdict fdwatch_wait_readable(struct fdwatch *w, uint64_t deadline);
SUSPENDS enum verdict fdwatch_wait_writable(struct fdwatch *w, uint64_t deadline);

/*
 * Runs FN(arg) on the thread's own deep stack and returns when it has: for OpenSSL, PCRE2, gsasl,
 * libdb, NSS. FN must not suspend. Called on the loop's stack it is a plain call.
 */
void on_main_stack(void (*fn)(void *arg), void *arg);

#endif
