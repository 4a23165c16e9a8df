/*
 * The string builder: what fits is there, what does not changes nothing and is remembered. Run by
 * make check.
 */
#include "config.h"

#include "base/str.h"
#include "tests/unit/unit.h"

static void
test_put(UNUSED void **state)
{
	struct str s = STR_INIT(100);

	assert_string_equal(str_cstr(&s), "");
	assert_true(str_put(&s, span_of(NULL, 0)));
	assert_true(str_put(&s, span_lit("ab")));
	assert_true(str_putc(&s, 'c'));
	assert_true(str_puts(&s, "de"));
	assert_true(str_put_u64(&s, 0));
	assert_true(str_put_u64(&s, UINT64_MAX));
	assert_true(str_printf(&s, "<%d>", -7));
	expect_text("all", str_span(&s), "abcde018446744073709551615<-7>");
	assert_string_equal(str_cstr(&s), "abcde018446744073709551615<-7>");
	str_free(&s);
	assert_null(s.p);
	assert_int_equal(s.max, 100);
}

static void
test_cap(UNUSED void **state)
{
	struct str s = STR_INIT(4);

	assert_true(str_puts(&s, "abc"));
	assert_false(str_puts(&s, "de"));
	assert_true(s.full);
	/* What would fit is refused too: the text would have a hole. */
	assert_false(str_putc(&s, 'd'));
	assert_false(str_printf(&s, "d"));
	assert_false(str_put(&s, span_of(NULL, 0)));
	expect_text("as it was", str_span(&s), "abc");
	str_reset(&s);
	assert_false(s.full);
	assert_true(str_printf(&s, "%s", "wxyz"));
	assert_string_equal(str_cstr(&s), "wxyz");
	assert_false(str_printf(&s, "1"));
	expect_text("full to the brim", str_span(&s), "wxyz");
	str_free(&s);
}

static void
test_printf_grows(UNUSED void **state)
{
	struct str s = STR_INIT(SIZE_MAX);

	for (int i = 0; i < 1000; i++)
		assert_true(str_printf(&s, "%03d,", i));
	assert_int_equal(s.n, 4000);
	expect_text("end", span_from(str_span(&s), 3992), "998,999,");
	str_wipe(&s);
	assert_null(s.p);
}

static void
test_reserve(UNUSED void **state)
{
	struct str s = STR_INIT(1000);
	char *p = str_reserve(&s, 1000);

	assert_non_null(p);
	memset(p, 'x', 1000);
	str_grew(&s, 10);
	expect_text("grew", str_span(&s), "xxxxxxxxxx");
	assert_null(str_reserve(&s, 991));
	assert_true(s.full);
	str_reset(&s);
	assert_null(str_reserve(&s, SIZE_MAX));
	str_free(&s);
}

static void
test_drop_and_cut(UNUSED void **state)
{
	struct str s = STR_INIT(100);

	str_drop(&s, 5);
	str_puts(&s, "0123456789");
	str_drop(&s, 3);
	expect_text("drop", str_span(&s), "3456789");
	str_cut(&s, 2);
	expect_text("cut", str_span(&s), "34");
	str_cut(&s, 50);
	expect_text("cut past the end", str_span(&s), "34");
	str_drop(&s, 50);
	expect_text("drop past the end", str_span(&s), "");
	str_free(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_put),
		cmocka_unit_test(test_cap),
		cmocka_unit_test(test_printf_grows),
		cmocka_unit_test(test_reserve),
		cmocka_unit_test(test_drop_and_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
