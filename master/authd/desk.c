/*
 * Fair turns at the threads. Called by verify.c around each hash. A queue exists while a client has
 * somebody waiting in it. A thread that becomes free passes from hand to hand: `free` is above zero
 * only when nobody waits.
 */
#include "authd/desk.h"

#include "base/mem.h"

struct queue {
	struct list node; /* in turns */
	char *client;
	struct list waiting; /* struct place */
	unsigned n;
};

/* Lies on the waiting fiber's stack. */
struct place {
	struct list node;
	struct queue *queue;
	struct waitq wait;
	bool called;
};

void
desk_init(struct desk *d, unsigned threads, unsigned max, unsigned max_each)
{
	*d = (struct desk){ .free = threads, .max = max, .max_each = max_each };
	map_init(&d->queues);
	list_init(&d->turns);
}

void
desk_fini(struct desk *d)
{
	assert(d->waiting == 0);
	map_free(&d->queues);
}

static struct queue *
queue_of(struct desk *d, struct span client)
{
	struct queue *q = map_get(&d->queues, client);

	if (q)
		return q;
	q = mem_alloc(sizeof(*q));
	q->client = mem_strdup(client);
	list_init(&q->waiting);
	list_push(&d->turns, &q->node);
	map_put(&d->queues, span_str(q->client), q);
	return q;
}

static void
place_leave(struct desk *d, struct place *p)
{
	struct queue *q = p->queue;

	list_remove(&p->node);
	d->waiting--;
	if (--q->n > 0)
		return;
	map_remove(&d->queues, span_str(q->client));
	list_remove(&q->node);
	mem_free(q->client);
	mem_free(q);
}

SUSPENDS
enum verdict
desk_take(struct desk *d, struct span client, uint64_t deadline)
{
	struct place p = { .called = false };
	enum verdict v = VERDICT_OK;

	if (d->free > 0) {
		d->free--;
		return VERDICT_OK;
	}
	if (d->waiting >= d->max)
		return VERDICT_LIMIT;
	p.queue = queue_of(d, client);
	if (p.queue->n >= d->max_each)
		return VERDICT_LIMIT;
	waitq_init(&p.wait);
	list_push(&p.queue->waiting, &p.node);
	p.queue->n++;
	d->waiting++;
	while (!p.called && v == VERDICT_OK)
		v = waitq_wait(&p.wait, deadline);
	if (p.called)
		return VERDICT_OK;
	place_leave(d, &p);
	return v;
}

void
desk_give(struct desk *d)
{
	struct list *node = list_pop(&d->turns);

	if (!node) {
		d->free++;
		return;
	}
	struct queue *q = LIST_ITEM(node, struct queue, node);
	struct place *p = LIST_ITEM(list_first(&q->waiting), struct place, node);

	/* To the back, if it stays. */
	list_push(&d->turns, node);
	p->called = true;
	place_leave(d, p);
	waitq_wake(&p->wait);
}
