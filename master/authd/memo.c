/*
 * A bounded set of digests with a life each. Called by verify.c. Nothing but digests is kept:
 * whoever reads this memory learns neither names nor passwords. What has ended is dropped when
 * something is put in.
 */
#include "authd/memo.h"

#include "base/mem.h"

struct memory {
	struct list node;
	struct digest digest;
	uint64_t until;
};

void
memo_init(struct memo *m, size_t max)
{
	map_init(&m->map);
	list_init(&m->by_age);
	m->max = max;
}

static void
memo_drop(struct memo *m, struct memory *x)
{
	map_remove(&m->map, digest_span(&x->digest));
	list_remove(&x->node);
	mem_free(x);
}

static struct memory *
memo_oldest(struct memo *m)
{
	struct list *node = list_first(&m->by_age);

	return node ? LIST_ITEM(node, struct memory, node) : NULL;
}

void
memo_free(struct memo *m)
{
	struct memory *x;

	while ((x = memo_oldest(m)) != NULL)
		memo_drop(m, x);
	map_free(&m->map);
}

void
memo_put(struct memo *m, const struct digest *d, uint64_t now, uint64_t life)
{
	struct memory *x = map_get(&m->map, digest_span(d));

	if (x)
		memo_drop(m, x);
	if (life == 0)
		return;
	while ((x = memo_oldest(m)) != NULL && (x->until <= now || m->map.count >= m->max))
		memo_drop(m, x);
	x = mem_alloc(sizeof(*x));
	x->digest = *d;
	x->until = now + life;
	map_put(&m->map, digest_span(&x->digest), x);
	list_push(&m->by_age, &x->node);
}

bool
memo_has(const struct memo *m, const struct digest *d, uint64_t now)
{
	const struct memory *x = map_get(&m->map, digest_span(d));

	return x && x->until > now;
}
