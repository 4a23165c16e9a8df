/*
 * Arenas: zeroed, aligned, capped, and given back at once. Run by make check; under
 * AddressSanitizer it also sees that what was not handed out cannot be touched.
 */
#include "config.h"

#include "base/arena.h"
#include "tests/unit/unit.h"

#ifdef POSTERN_SANITIZED
#include <sanitizer/asan_interface.h>
#endif

static void
test_alloc(UNUSED void **state)
{
	static const size_t sizes[] = { 0, 1, 15, 16, 17, 900, 1000, 5000, 70000, 3, 65536, 8 };
	struct arena a;
	char *last = NULL;

	arena_init(&a, 1 << 20);
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		char *p = arena_alloc(&a, sizes[i]);

		assert_non_null(p);
		assert_ptr_not_equal(p, last);
		assert_int_equal((uintptr_t)p % 16, 0);
		for (size_t j = 0; j < sizes[i]; j++)
			assert_int_equal(p[j], 0);
		memset(p, 'x', sizes[i]);
		last = p;
	}
	arena_free(&a);
	assert_null(a.block);
	assert_int_equal(a.used, 0);
}

static void
test_cap(UNUSED void **state)
{
	struct arena a;

	arena_init(&a, 64);
	assert_null(arena_alloc(&a, 65));
	assert_null(arena_alloc(&a, SIZE_MAX));
	assert_null(arena_alloc_array(&a, SIZE_MAX / 2, 4));
	assert_null(arena_dup(&a, span_of("", SIZE_MAX)).p);
	assert_null(a.block);
	assert_non_null(arena_alloc(&a, 33));
	assert_null(arena_alloc(&a, 17));
	assert_non_null(arena_alloc_array(&a, 2, 8));
	assert_null(arena_alloc(&a, 0));
	assert_null(arena_dup(&a, span_lit("")).p);
	arena_reset(&a);
	assert_non_null(arena_alloc(&a, 64));
	arena_free(&a);
}

static void
test_dup(UNUSED void **state)
{
	struct arena a;
	struct span copy;

	arena_init(&a, 1000);
	copy = arena_dup(&a, span_lit("a\0b"));
	expect_span("dup", copy, span_lit("a\0b"));
	assert_int_equal(copy.p[3], '\0');
	copy = arena_dup(&a, span_of(NULL, 0));
	assert_non_null(copy.p);
	assert_int_equal(copy.n, 0);
	arena_free(&a);
}

static void
test_reset(UNUSED void **state)
{
	struct arena a;
	void *first;

	arena_init(&a, 1 << 20);
	for (int round = 0; round < 3; round++) {
		first = arena_alloc(&a, 100);
		memset(first, 0xff, 100);
		for (int i = 0; i < 100; i++)
			memset(arena_alloc(&a, 1000), 0xff, 1000);
		if (round == 1)
			arena_wipe(&a);
		else
			arena_reset(&a);
		assert_int_equal(a.used, 0);
		/* The first block is kept, so the same bytes come first again. */
		assert_ptr_equal(arena_alloc(&a, 100), first);
		assert_int_equal(*(char *)first, 0);
		arena_reset(&a);
	}
	arena_free(&a);
	assert_non_null(arena_alloc(&a, 60000));
	arena_reset(&a);
	assert_null(a.block);
	arena_free(&a);
}

static void
test_wipe(UNUSED void **state)
{
	struct arena a;
	char *p;

	arena_init(&a, 1000);
	p = arena_alloc(&a, 16);
	memcpy(p, "0123456789abcde", 16);
	arena_wipe(&a);
#ifdef POSTERN_SANITIZED
	assert_true(__asan_address_is_poisoned(p));
	assert_ptr_equal(arena_alloc(&a, 5), p);
	assert_false(__asan_address_is_poisoned(p + 4));
	assert_true(__asan_address_is_poisoned(p + 5));
#else
	for (int i = 0; i < 16; i++)
		assert_int_equal(p[i], 0);
#endif
	arena_free(&a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_alloc),
		cmocka_unit_test(test_cap),
		cmocka_unit_test(test_dup),
		cmocka_unit_test(test_reset),
		cmocka_unit_test(test_wipe),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
