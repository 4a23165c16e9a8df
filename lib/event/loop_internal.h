/*
 * What the files of lib/event share about the loop and its fibers. Nobody else includes this.
 */
#ifndef EVENT_LOOP_INTERNAL_H
#define EVENT_LOOP_INTERNAL_H

#include "event/fiber.h"
#include "event/loop.h"
#include "event/switch.h"

struct event_base;
struct event;
struct main_call;

enum fiber_state {
	FIBER_READY,   /* on a list of the loop, or about to be buried */
	FIBER_WAITING, /* on somebody's list, until woken, timed out or cancelled */
	FIBER_HELD,    /* waiting for what cannot be cancelled: a job in a thread */
	FIBER_RUNNING,
	FIBER_ENDED,
};

/* Address space of one fiber: a guard page, then the stack; unsigned so that it grows into the
 * guard page. */
struct stack {
	char *map;
	size_t guard;
	size_t size;
	unsigned valgrind_id;
};

/* Lies at the top of its own stack: one page holds it and the first frames. */
struct fiber {
	struct context context;
	struct stack stack;
	struct list link; /* where it waits or is ready; one place at a time */
	struct list all;  /* loop.all */
	struct timer timer;
	uint64_t waiting_since; /* loop_now of when it was suspended */
	const char *name;
	fiber_fn *fn;
	void *arg;
	void *fake_stack; /* AddressSanitizer's */
	enum fiber_state state;
	enum verdict verdict; /* of the wait that has ended */
	bool woken;	      /* the wait ended by a wake, whatever came after */
	bool cancelled;
	bool trimmed; /* unused pages were given back in this wait */
};

struct loop {
	struct event_base *base;
	struct event *tick; /* libevent's timer, for the first of ours */
	uint64_t tick_at;   /* DEADLINE_NEVER: not set */
	uint64_t now;
	uint64_t gap; /* least time between two looks at the descriptors */
	struct heap timers;
	struct timer sweep;
	struct list ready;
	size_t ready_count;
	struct list yielded; /* ready from the next turn on */
	struct list all;
	size_t fiber_count;
	size_t busy; /* descriptors watched and jobs under way: reasons to go on without a fiber */
	struct fiber *running;
	struct main_call *call; /* what the running fiber wants done on this stack */
	struct context context;
	struct list hooks;
	struct list signals;
	struct list stacks; /* of fibers that have ended, for the next ones; inside the stacks */
	size_t stack_count;
	size_t page;
	const void *main_stack; /* AddressSanitizer's notion of the loop's stack */
	size_t main_stack_size;
	void *main_fake_stack;
	uint64_t random; /* state of the random order; 0: first come, first served */
	bool stop;
	bool ending; /* in loop_fini: each new fiber is born cancelled */
};

/* The loop of this thread, NULL before loop_init. The calls of fiber.h and loop.h name no loop: it
 * is implied. */
extern _Thread_local struct loop *loop_here;

/* Runs F until it waits or ends. On the loop's stack. */
void fiber_run(struct fiber *f);
/* Puts the running fiber on QUEUE. VERDICT_OK when woken; a deadline that has passed does not wait
 * at all. */
SUSPENDS enum verdict fiber_wait(struct list *queue, uint64_t deadline);
/* Waits for fiber_wake, whatever else happens; the verdict is VERDICT_CANCELLED if it was cancelled
 * at any time. */
SUSPENDS enum verdict fiber_hold(void);
/* Ends F's wait with V. VERDICT_OK is a wake. */
void fiber_wake(struct fiber *f, enum verdict v);
/* Ends the waits of all in Q with V. */
void waitq_end_all(struct waitq *q, enum verdict v);
/* Has the wait that just ended been woken, though its verdict says something else? */
bool fiber_was_woken(void);

/* False when there is no address space. */
bool stack_get(struct loop *l, struct stack *out);
void stack_put(struct loop *l, const struct stack *stack);
void stack_drop_cache(struct loop *l);
/* Gives back the whole pages below SP. */
void stack_trim(const struct loop *l, const struct stack *stack, const char *sp);
/* Arms the sweep that trims the stacks of fibers that wait long, unless it is armed. */
void stack_sweep_later(struct loop *l);
void stack_sweep(void *loop);

/* Calls the timers that are due. */
void timers_run(struct loop *l);
/* Sets libevent's timer for the first of ours. */
void timers_arm(struct loop *l);

#endif
