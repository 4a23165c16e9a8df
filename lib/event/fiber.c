/*
 * Fibers: their birth and end, the switch between the loop and one of them, and the one wait all
 * others are made of. Called by all that runs on fibers; loop.c says which one runs. A fiber's
 * struct lies at the top of its stack, which stack.c owns. At most LIMIT_FIBERS are alive. A fiber
 * never switches to another: all go through the loop's stack, on which no fiber ever runs.
 * AddressSanitizer is told of each switch.
 */
#include "config.h"

#include "event/loop_internal.h"

#if defined(POSTERN_SANITIZED) || defined(__SANITIZE_ADDRESS__)
#include <sanitizer/common_interface_defs.h>
#else
#define __sanitizer_start_switch_fiber(save, bottom, size)  (void)0
#define __sanitizer_finish_switch_fiber(save, bottom, size) (void)0
#endif

struct main_call {
	void (*fn)(void *arg);
	void *arg;
};

struct fiber *
fiber_self(void)
{
	return loop_here ? loop_here->running : NULL;
}

const char *
fiber_name(const struct fiber *f)
{
	return f->name;
}

size_t
fiber_count(void)
{
	return loop_here->fiber_count;
}

/* From the loop into F, and back when F leaves. */
static void
fiber_enter(struct loop *l, struct fiber *f)
{
	l->running = f;
	__sanitizer_start_switch_fiber(
	    &l->main_fake_stack, f->stack.map + f->stack.guard, f->stack.size);
	context_switch(&l->context, &f->context);
	__sanitizer_finish_switch_fiber(l->main_fake_stack, NULL, NULL);
	l->running = NULL;
}

/* From F, which is running, to the loop; returns when the loop enters F again. */
static void
fiber_leave(struct loop *l, struct fiber *f)
{
	__sanitizer_start_switch_fiber(
	    f->state == FIBER_ENDED ? NULL : &f->fake_stack, l->main_stack, l->main_stack_size);
	context_switch(&f->context, &l->context);
	__sanitizer_finish_switch_fiber(f->fake_stack, &l->main_stack, &l->main_stack_size);
}

FIBER_MAIN
static void
fiber_main(void)
{
	struct loop *l = loop_here;
	struct fiber *f = l->running;

	__sanitizer_finish_switch_fiber(NULL, &l->main_stack, &l->main_stack_size);
	f->fn(f->arg);
	f->state = FIBER_ENDED;
	fiber_leave(l, f);
	assert(!"a fiber that has ended runs");
}

static void
fiber_make_ready(struct loop *l, struct fiber *f)
{
	f->state = FIBER_READY;
	list_push(&l->ready, &f->link);
	l->ready_count++;
}

static void
fiber_timed_out(void *arg)
{
	fiber_wake(arg, VERDICT_TIMEOUT);
}

struct fiber *
fiber_spawn(const char *name, fiber_fn *fn, void *arg)
{
	struct loop *l = loop_here;
	struct stack stack;
	struct fiber *f;
	char *base;
	size_t room;

	if (l->fiber_count == LIMIT_FIBERS || !stack_get(l, &stack))
		return NULL;
	base = stack.map + stack.guard;
	room = (stack.size - sizeof(*f)) & ~(size_t)63;
	f = (void *)(base + room);
	*f = (struct fiber){ .stack = stack, .name = name, .fn = fn, .arg = arg };
	f->cancelled = l->ending;
	timer_init(&f->timer, fiber_timed_out, f);
	list_push(&l->all, &f->all);
	l->fiber_count++;
	context_init(&f->context, base, room, fiber_main);
	fiber_make_ready(l, f);
	return f;
}

void
fiber_run(struct fiber *f)
{
	struct loop *l = loop_here;

	f->state = FIBER_RUNNING;
	f->trimmed = false;
	fiber_enter(l, f);
	while (l->call) {
		struct main_call *call = l->call;

		l->call = NULL;
		call->fn(call->arg);
		fiber_enter(l, f);
	}
	if (f->state != FIBER_ENDED)
		return;
	list_remove(&f->all);
	l->fiber_count--;
	stack_put(l, &f->stack);
}

void
on_main_stack(void (*fn)(void *arg), void *arg)
{
	struct fiber *f = fiber_self();
	struct main_call call = { fn, arg };

	if (!f) {
		fn(arg);
		return;
	}
	loop_here->call = &call;
	fiber_leave(loop_here, f);
}

SUSPENDS
static void
fiber_suspend(struct fiber *f, enum fiber_state state)
{
	struct loop *l = loop_here;

	f->state = state;
	f->verdict = VERDICT_OK;
	f->woken = false;
	f->waiting_since = l->now;
	stack_sweep_later(l);
	fiber_leave(l, f);
}

SUSPENDS
enum verdict
fiber_wait(struct list *queue, uint64_t deadline)
{
	struct fiber *f = fiber_self();

	assert(f && "only a fiber can wait");
	f->woken = false;
	if (f->cancelled)
		return VERDICT_CANCELLED;
	if (deadline <= loop_here->now)
		return VERDICT_TIMEOUT;
	list_push(queue, &f->link);
	timer_set(&f->timer, deadline);
	fiber_suspend(f, FIBER_WAITING);
	return f->cancelled ? VERDICT_CANCELLED : f->verdict;
}

SUSPENDS
enum verdict
fiber_hold(void)
{
	struct fiber *f = fiber_self();

	assert(f && "only a fiber can wait");
	list_init(&f->link);
	fiber_suspend(f, FIBER_HELD);
	return f->cancelled ? VERDICT_CANCELLED : VERDICT_OK;
}

void
fiber_wake(struct fiber *f, enum verdict v)
{
	assert(f->state == FIBER_WAITING || f->state == FIBER_HELD);
	timer_stop(&f->timer);
	list_remove(&f->link);
	f->verdict = v;
	f->woken = v == VERDICT_OK;
	fiber_make_ready(loop_here, f);
}

bool
fiber_was_woken(void)
{
	return fiber_self()->woken;
}

void
fiber_cancel(struct fiber *f)
{
	f->cancelled = true;
	if (f->state == FIBER_WAITING)
		fiber_wake(f, VERDICT_CANCELLED);
}

bool
fiber_cancelled(void)
{
	return fiber_self()->cancelled;
}

SUSPENDS
enum verdict
fiber_yield(void)
{
	struct loop *l = loop_here;
	struct fiber *f = fiber_self();

	assert(f && "only a fiber can wait");
	if (f->cancelled)
		return VERDICT_CANCELLED;
	list_push(&l->yielded, &f->link);
	fiber_suspend(f, FIBER_READY);
	return f->cancelled ? VERDICT_CANCELLED : VERDICT_OK;
}

SUSPENDS
enum verdict
fiber_sleep_until(uint64_t deadline)
{
	struct list nobody_wakes = LIST_INIT(nobody_wakes);
	enum verdict v;

	/* A time that has come still lets others run: a loop of short sleeps must not starve them.
	 */
	if (deadline <= loop_here->now)
		return fiber_yield();
	v = fiber_wait(&nobody_wakes, deadline);
	return v == VERDICT_TIMEOUT ? VERDICT_OK : v;
}
