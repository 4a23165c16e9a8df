/* A binary min-heap of nodes that lie in their owners, by a 64-bit key: deadlines, retry times. */
#ifndef BASE_HEAP_H
#define BASE_HEAP_H

#include "base/defs.h"

struct heap_node {
	uint64_t key;
	size_t place; /* 1-based; 0: not in a heap */
};

struct heap {
	struct heap_node **v;
	size_t n;
	size_t cap;
};

void heap_init(struct heap *h);
void heap_free(struct heap *h);
/* NODE must not be in a heap. */
void heap_add(struct heap *h, struct heap_node *node, uint64_t key);
/* Moves a node that is in the heap to a new key. */
void heap_move(struct heap *h, struct heap_node *node, uint64_t key);
/* Does nothing when NODE is in no heap. */
void heap_remove(struct heap *h, struct heap_node *node);

static inline struct heap_node *
heap_first(const struct heap *h)
{
	return h->n ? h->v[0] : NULL;
}

#endif
