/*
 * The event loop of a process: libevent underneath, each descriptor registered once, edge-triggered
 * and for good. One per thread that runs fibers; daemons have one. Timers are a heap of our own
 * under one libevent timer.
 */
#ifndef EVENT_LOOP_H
#define EVENT_LOOP_H

#include "base/heap.h"
#include "base/time.h"

/*
 * Once per process, before any fiber. Never fails: without a loop there is no process. SIGPIPE is
 * ignored from here on: sendfile(2) and OpenSSL have no other way to be spared it.
 */
void loop_init(void);
/*
 * Ends all fibers by cancellation and runs until they are gone; those born meanwhile are born
 * cancelled. What they used (pools, listeners) can be freed then. For tests and orderly exits.
 */
void loop_end_fibers(void);
/* The same, then frees all of the loop. */
void loop_fini(void);

struct event_base;
/*
 * libevent's own base, for a foreign library that watches descriptors itself (libunbound): what it
 * registers there runs on the loop's stack.
 */
struct event_base *loop_base(void);

/* Runs until loop_stop, or until no fiber, timer or descriptor is left. */
void loop_run(void);
void loop_stop(void);
/* The monotonic time at the start of this turn: cheap, right to a turn. */
uint64_t loop_now(void);

/* FN(arg) at the end of every turn, before the loop sleeps: batched log lines and replies leave
 * there. */
typedef void loop_hook_fn(void *arg);
void loop_at_turn_end(loop_hook_fn *fn, void *arg);

/*
 * From now on the loop looks at its descriptors every NS at most, and sleeps instead: what comes
 * meanwhile is handled together. For a process that nobody waits for.
 */
void loop_set_gap(uint64_t ns);

/* A timer that lies in its owner; FN runs on the loop's stack and must not suspend: it wakes or
 * spawns fibers. */
typedef void timer_fn(void *arg);
struct timer {
	struct heap_node node;
	timer_fn *fn;
	void *arg;
};
void timer_init(struct timer *t, timer_fn *fn, void *arg);
/* (Re)arms; DEADLINE_NEVER disarms. */
void timer_set(struct timer *t, uint64_t deadline);
void timer_stop(struct timer *t);

/* A signal: FN runs in the loop, not in a signal handler. */
typedef void signal_fn(int signo, void *arg);
void loop_on_signal(int signo, signal_fn *fn, void *arg);

/*
 * Under test: fibers that are ready run in an order drawn from SEED instead of first come, first
 * served. Also set by the environment variable POSTERN_FIBER_SEED.
 */
void loop_random_order(uint64_t seed);

#endif
