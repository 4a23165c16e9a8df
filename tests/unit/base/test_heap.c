/*
 * The heap: its order is checked after each of many random additions, moves and removals. Run by
 * make check.
 */
#include "config.h"

#include "base/heap.h"
#include "tests/unit/unit.h"

enum { NODES = 500, STEPS = 20000 };

static void
heap_check(const struct heap *h)
{
	for (size_t i = 0; i < h->n; i++) {
		assert_int_equal(h->v[i]->place, i + 1);
		assert_true(i == 0 || h->v[(i - 1) / 2]->key <= h->v[i]->key);
	}
}

static void
test_random(UNUSED void **state)
{
	static struct heap_node nodes[NODES];
	struct heap h;
	uint32_t lcg = 7;
	size_t count = 0;

	heap_init(&h);
	for (int step = 0; step < STEPS; step++) {
		struct heap_node *node = &nodes[(lcg = lcg * 1664525 + 1013904223) >> 8 & 255];
		uint64_t key = lcg >> 20 & 63;
		bool was = node->place != 0;

		if (!was)
			heap_add(&h, node, key);
		else if (lcg >> 31)
			heap_move(&h, node, key);
		else
			heap_remove(&h, node);
		count += (size_t)(node->place != 0) - was;
		assert_int_equal(h.n, count);
		if (step % 16 == 0)
			heap_check(&h);
	}
	heap_check(&h);
	heap_free(&h);
	for (size_t i = 0; i < NODES; i++)
		assert_int_equal(nodes[i].place, 0);
}

static void
test_order(UNUSED void **state)
{
	static const uint64_t keys[] = { 5, 3, UINT64_MAX, 0, 3, 9, 1 };
	static const uint64_t sorted[] = { 0, 1, 3, 3, 5, 9, UINT64_MAX };
	struct heap_node nodes[ARRAY_LEN(keys)] = { 0 };
	struct heap h;

	heap_init(&h);
	assert_null(heap_first(&h));
	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		heap_add(&h, &nodes[i], keys[i]);
	for (size_t i = 0; i < ARRAY_LEN(sorted); i++) {
		struct heap_node *first = heap_first(&h);

		assert_int_equal(first->key, sorted[i]);
		heap_remove(&h, first);
		heap_remove(&h, first);
	}
	assert_null(heap_first(&h));
	heap_free(&h);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
