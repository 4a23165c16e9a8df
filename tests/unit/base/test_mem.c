/*
 * Memory from the heap: zeroed where that is said, copied with a NUL, compared without haste. Run
 * by make check. Running out of it is not tried: that stops the process.
 */
#include "config.h"

#include "base/mem.h"
#include "tests/unit/unit.h"

static void
test_alloc(UNUSED void **state)
{
	char *p = mem_alloc(100);
	char *copy = mem_strdup(span_lit("abc"));
	char *empty = mem_strdup(span_of(NULL, 0));
	uint64_t *array = mem_alloc_array(10, sizeof(*array));

	for (int i = 0; i < 100; i++)
		assert_int_equal(p[i], 0);
	p = mem_resize(p, 0);
	assert_non_null(p);
	array = mem_resize_array(array, 20, sizeof(*array));
	assert_int_equal(array[9], 0);
	assert_string_equal(copy, "abc");
	assert_string_equal(empty, "");
	mem_free(p);
	mem_free(copy);
	mem_free(empty);
	mem_free(array);
	mem_free(NULL);
}

static void
test_secrets(UNUSED void **state)
{
	char secret[] = "secret";

	assert_true(mem_eq_secret(secret, "secret", 6));
	assert_false(mem_eq_secret(secret, "secreT", 6));
	assert_false(mem_eq_secret(secret, "Secret", 6));
	assert_true(mem_eq_secret(NULL, NULL, 0));
	mem_wipe(secret, 6);
	assert_memory_equal(secret, "\0\0\0\0\0\0", 6);
	mem_wipe(NULL, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_alloc),
		cmocka_unit_test(test_secrets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
