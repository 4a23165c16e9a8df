/*
 * The hash table against a plain array of what it ought to hold, under many additions and removals.
 * Run by make check.
 */
#include "config.h"

#include "base/map.h"
#include "base/str.h"
#include "tests/unit/unit.h"

enum { KEYS = 3000, STEPS = 60000 };

struct entry {
	struct str key;
	bool there;
};

static struct entry *
entries_make(void)
{
	struct entry *entries = test_calloc(KEYS, sizeof(*entries));

	for (size_t i = 0; i < KEYS; i++) {
		str_init(&entries[i].key, 64);
		/* Lengths from 1 to 20, so that each remainder modulo 8 is met. */
		str_printf(&entries[i].key, "%.*s%zu", (int)(i % 17), "abcdefghABCDEFGHi", i);
	}
	return entries;
}

static void
entries_free(struct entry *entries)
{
	for (size_t i = 0; i < KEYS; i++)
		str_free(&entries[i].key);
	test_free(entries);
}

static void
test_against_array(UNUSED void **state)
{
	struct entry *entries = entries_make();
	struct map m;
	size_t count = 0, seen = 0, pos = 0;
	uint32_t lcg = 1;

	map_init(&m);
	for (int step = 0; step < STEPS; step++) {
		struct entry *e = &entries[(lcg = lcg * 1664525 + 1013904223) >> 8 & 1023];
		struct span key = str_span(&e->key);
		void *was = e->there ? e : NULL;

		assert_ptr_equal(map_get(&m, key), was);
		if (lcg >> 31) {
			assert_ptr_equal(map_put(&m, key, e), was);
			e->there = true;
		} else {
			assert_ptr_equal(map_remove(&m, key), was);
			e->there = false;
		}
		count += (size_t)e->there - (was != NULL);
		assert_int_equal(m.count, count);
	}
	for (struct entry *e = map_next(&m, &pos); e; e = map_next(&m, &pos)) {
		assert_true(e->there);
		e->there = false;
		seen++;
	}
	assert_int_equal(seen, count);
	map_free(&m);
	entries_free(entries);
}

static void
test_growth(UNUSED void **state)
{
	struct entry *entries = entries_make();
	struct map m;

	map_init(&m);
	for (size_t i = 0; i < KEYS; i++)
		assert_null(map_put(&m, str_span(&entries[i].key), &entries[i]));
	for (size_t i = 0; i < KEYS; i++)
		assert_ptr_equal(map_get(&m, str_span(&entries[i].key)), &entries[i]);
	assert_true(m.count * 4 <= m.cap * 3);
	map_free(&m);
	entries_free(entries);
}

static void
test_replaced_key(UNUSED void **state)
{
	struct map m;
	char mine[] = "key";
	int a, b;

	map_init(&m);
	assert_null(map_put(&m, span_str(mine), &a));
	assert_ptr_equal(map_put(&m, span_lit("key"), &b), &a);
	/* The first span is used no more. */
	mine[0] = 'x';
	assert_ptr_equal(map_get(&m, span_lit("key")), &b);
	assert_null(map_get(&m, span_str(mine)));
	map_free(&m);
}

static void
test_keys_apart(UNUSED void **state)
{
	static const struct {
		const char *name;
		struct span a, b;
		bool same, same_nocase;
	} rows[] = {
		{ "empty and null", SPAN(""), { NULL, 0 }, true, true },
		{ "NUL at the end", SPAN("a"), SPAN("a\0"), false, false },
		{ "case", SPAN("Postmaster@Example"), SPAN("postmaster@eXAMPLE"), false, true },
		{ "at and backquote", SPAN("aaaaaaa@"), SPAN("aaaaaaa`"), false, false },
		{ "bracket and brace", SPAN("aaaaaaa["), SPAN("aaaaaaa{"), false, false },
		{ "beyond ASCII", SPAN("aaaaaa\xc3\x89"), SPAN("aaaaaa\xc3\xa9"), false, false },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct map m, nocase;
		int v;

		map_init(&m);
		map_init_nocase(&nocase);
		map_put(&m, rows[i].a, &v);
		map_put(&nocase, rows[i].a, &v);
		expect_number(rows[i].name, map_get(&m, rows[i].b) != NULL, rows[i].same);
		expect_number(
		    rows[i].name, map_get(&nocase, rows[i].b) != NULL, rows[i].same_nocase);
		map_free(&m);
		map_free(&nocase);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_against_array),
		cmocka_unit_test(test_growth),
		cmocka_unit_test(test_replaced_key),
		cmocka_unit_test(test_keys_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
