/*
 * Timers: a heap of our own, under one libevent timer that is set for the first of them before the
 * loop sleeps. Called by owners of timers, and by loop.c each turn. A timer that was moved to a
 * later time leaves libevent's as it is: the loop wakes once for nothing, which is cheaper than
 * telling libevent of each move. Owns no timer: they lie in their owners.
 */
#include "config.h"

#include <event2/event.h>

#include "event/loop_internal.h"

#define TICK_MAX \
	(3600 *  \
	    NS_PER_S) /* libevent is asked again each hour: far deadlines must not overflow it */

void
timer_init(struct timer *t, timer_fn *fn, void *arg)
{
	*t = (struct timer){ .fn = fn, .arg = arg };
}

void
timer_set(struct timer *t, uint64_t deadline)
{
	if (deadline == DEADLINE_NEVER)
		timer_stop(t);
	else if (t->node.place)
		heap_move(&loop_here->timers, &t->node, deadline);
	else
		heap_add(&loop_here->timers, &t->node, deadline);
}

void
timer_stop(struct timer *t)
{
	if (t->node.place)
		heap_remove(&loop_here->timers, &t->node);
}

void
timers_run(struct loop *l)
{
	/* At most as many as there are: one that sets itself for a time that has come runs again in
	 * the next turn. */
	for (size_t left = l->timers.n; left; left--) {
		struct heap_node *node = heap_first(&l->timers);
		struct timer *t;

		if (!node || node->key > l->now)
			return;
		heap_remove(&l->timers, node);
		t = CONTAINER_OF(node, struct timer, node);
		t->fn(t->arg);
	}
}

void
timers_arm(struct loop *l)
{
	struct heap_node *first = heap_first(&l->timers);
	uint64_t now, us;
	struct timeval tv;

	if (!first || first->key >= l->tick_at)
		return;
	now = time_mono();
	us = first->key <= now ? 0 : (first->key - now + NS_PER_US - 1) / NS_PER_US;
	if (us > TICK_MAX / NS_PER_US)
		us = TICK_MAX / NS_PER_US;
	tv = (struct timeval){ (time_t)(us / 1000000), (suseconds_t)(us % 1000000) };
	event_add(l->tick, &tv);
	l->tick_at = first->key;
}
