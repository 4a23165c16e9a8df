/*
 * Wait queues and semaphores: fibers that wait for other fibers. Lies in its owner, owns nothing;
 * who waits is linked through the fiber itself. A semaphore hands its unit to the one it wakes, so
 * that nobody who comes later overtakes; a unit handed to a fiber that is cancelled in the same
 * turn is handed on. Never called from another thread.
 */
#include "config.h"

#include "event/loop_internal.h"

void
waitq_init(struct waitq *q)
{
	list_init(&q->waiting);
}

SUSPENDS
enum verdict
waitq_wait(struct waitq *q, uint64_t deadline)
{
	return fiber_wait(&q->waiting, deadline);
}

bool
waitq_wake(struct waitq *q)
{
	struct list *node = list_first(&q->waiting);

	if (!node)
		return false;
	fiber_wake(LIST_ITEM(node, struct fiber, link), VERDICT_OK);
	return true;
}

void
waitq_end_all(struct waitq *q, enum verdict v)
{
	struct list *node;

	while ((node = list_first(&q->waiting)) != NULL)
		fiber_wake(LIST_ITEM(node, struct fiber, link), v);
}

void
waitq_wake_all(struct waitq *q)
{
	waitq_end_all(q, VERDICT_OK);
}

bool
waitq_empty(const struct waitq *q)
{
	return list_empty(&q->waiting);
}

void
semaphore_init(struct semaphore *s, unsigned n)
{
	s->free = n;
	waitq_init(&s->waiting);
}

SUSPENDS
enum verdict
semaphore_take(struct semaphore *s, uint64_t deadline)
{
	enum verdict v;

	/* While somebody waits, `free` is 0: units go from hand to hand. */
	if (s->free) {
		s->free--;
		return VERDICT_OK;
	}
	v = waitq_wait(&s->waiting, deadline);
	if (v != VERDICT_OK && fiber_was_woken())
		semaphore_give(s);
	return v;
}

void
semaphore_give(struct semaphore *s)
{
	if (!waitq_wake(&s->waiting))
		s->free++;
}
