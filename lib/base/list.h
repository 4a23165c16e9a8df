/* An intrusive list, doubly linked, with a head of its own. A node is on one list at a time. */
#ifndef BASE_LIST_H
#define BASE_LIST_H

#include "base/defs.h"

struct list {
	struct list *prev;
	struct list *next;
};

#define LIST_INIT(l)       \
	{                  \
		&(l), &(l) \
	}

static inline void
list_init(struct list *l)
{
	l->prev = l->next = l;
}

static inline bool
list_empty(const struct list *l)
{
	return l->next == l;
}

static inline void
list_insert_between(struct list *node, struct list *prev, struct list *next)
{
	node->prev = prev;
	node->next = next;
	prev->next = node;
	next->prev = node;
}

static inline void
list_push(struct list *head, struct list *node)
{
	list_insert_between(node, head->prev, head);
}

static inline void
list_push_front(struct list *head, struct list *node)
{
	list_insert_between(node, head, head->next);
}

/* A node that is on no list may be removed again: it points to itself. */
static inline void
list_remove(struct list *node)
{
	node->prev->next = node->next;
	node->next->prev = node->prev;
	list_init(node);
}

static inline struct list *
list_first(struct list *head)
{
	return head->next == head ? NULL : head->next;
}

static inline struct list *
list_pop(struct list *head)
{
	struct list *node = list_first(head);

	if (node)
		list_remove(node);
	return node;
}

/* All nodes of FROM, in their order, become those of TO, which has none. */
static inline void
list_take(struct list *to, struct list *from)
{
	if (list_empty(from))
		return;
	list_insert_between(to, from->prev, from->next);
	list_init(from);
}

#define LIST_ITEM(node, type, member) CONTAINER_OF(node, type, member)

/* Walks the list; NODE may be removed meanwhile, its successor may not. */
#define list_foreach(node, after, head)                                             \
	for (struct list *node = (head)->next, *after = node->next; node != (head); \
	     node = after, after = node->next)

#endif
