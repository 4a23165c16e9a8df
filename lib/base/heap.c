/*
 * The binary heap: timers of the loop, retry times of the queue. Owns the array of pointers, which
 * doubles and never shrinks; nodes are their owners'. Invariant: v[i] has place i + 1, and no key
 * is smaller than its parent's.
 */
#include "config.h"

#include "base/heap.h"
#include "base/mem.h"

enum { HEAP_FIRST = 16 }; /* nodes of the first allocation */

void
heap_init(struct heap *h)
{
	*h = (struct heap){ 0 };
}

void
heap_free(struct heap *h)
{
	for (size_t i = 0; i < h->n; i++)
		h->v[i]->place = 0;
	mem_free(h->v);
	heap_init(h);
}

static void
heap_set(struct heap *h, size_t i, struct heap_node *node)
{
	h->v[i] = node;
	node->place = i + 1;
}

static void
heap_sift_up(struct heap *h, size_t i, struct heap_node *node)
{
	while (i > 0 && node->key < h->v[(i - 1) / 2]->key) {
		heap_set(h, i, h->v[(i - 1) / 2]);
		i = (i - 1) / 2;
	}
	heap_set(h, i, node);
}

static void
heap_sift_down(struct heap *h, size_t i, struct heap_node *node)
{
	for (size_t child = 2 * i + 1; child < h->n; child = 2 * i + 1) {
		if (child + 1 < h->n && h->v[child + 1]->key < h->v[child]->key)
			child++;
		if (node->key <= h->v[child]->key)
			break;
		heap_set(h, i, h->v[child]);
		i = child;
	}
	heap_set(h, i, node);
}

/* Puts NODE, whose key may be any, where the hole at I leads to. */
static void
heap_settle(struct heap *h, size_t i, struct heap_node *node)
{
	if (i > 0 && node->key < h->v[(i - 1) / 2]->key)
		heap_sift_up(h, i, node);
	else
		heap_sift_down(h, i, node);
}

void
heap_add(struct heap *h, struct heap_node *node, uint64_t key)
{
	assert(node->place == 0);
	if (h->n == h->cap) {
		h->cap = size_max(h->cap * 2, HEAP_FIRST);
		h->v = mem_resize_array(h->v, h->cap, sizeof(struct heap_node *));
	}
	node->key = key;
	h->n++;
	heap_sift_up(h, h->n - 1, node);
}

void
heap_move(struct heap *h, struct heap_node *node, uint64_t key)
{
	assert(node->place > 0 && node->place <= h->n && h->v[node->place - 1] == node);
	node->key = key;
	heap_settle(h, node->place - 1, node);
}

void
heap_remove(struct heap *h, struct heap_node *node)
{
	size_t i = node->place - 1;
	struct heap_node *last;

	if (node->place == 0)
		return;
	assert(node->place <= h->n && h->v[i] == node);
	node->place = 0;
	last = h->v[--h->n];
	if (last != node)
		heap_settle(h, i, last);
}
