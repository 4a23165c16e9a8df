/*
 * The cursor: each step takes what it says or leaves the cursor where it was. Run by make check.
 */
#include "config.h"

#include "base/cursor.h"
#include "tests/unit/unit.h"

static void
test_steps(UNUSED void **state)
{
	struct cursor c = cursor_of(span_lit("MaIl FROM:<a@b> \xff"));
	struct span got;

	assert_false(cursor_word(&c, span_lit("RCPT")));
	assert_true(cursor_word(&c, span_lit("MAIL")));
	assert_true(cursor_skip(&c, ' '));
	assert_false(cursor_skip(&c, ' '));
	expect_text("run", cursor_run(&c, CC_ALPHA), "FROM");
	expect_text("empty run", cursor_run(&c, CC_ALPHA), "");
	assert_int_equal(cursor_peek(&c), ':');
	assert_int_equal(cursor_next(&c), ':');
	assert_true(cursor_skip(&c, '<'));
	assert_false(cursor_until(&c, '?', &got));
	assert_true(cursor_until(&c, '>', &got));
	expect_text("until", got, "a@b");
	assert_false(cursor_take(&c, 3, &got));
	assert_true(cursor_take(&c, 1, &got));
	assert_int_equal(cursor_left(&c), 1);
	assert_int_equal(cursor_next(&c), 0xff);
	assert_int_equal(cursor_next(&c), -1);
	assert_int_equal(cursor_peek(&c), -1);
	assert_true(cursor_done(&c));
}

static void
test_empty(UNUSED void **state)
{
	struct cursor c = cursor_of(span_of(NULL, 0));
	struct span got;
	uint64_t v;

	assert_true(cursor_done(&c));
	assert_int_equal(cursor_left(&c), 0);
	assert_int_equal(cursor_next(&c), -1);
	assert_false(cursor_skip(&c, '\0'));
	assert_false(cursor_until(&c, 'a', &got));
	assert_false(cursor_u64(&c, 9, &v));
	assert_true(cursor_take(&c, 0, &got));
	assert_true(cursor_word(&c, span_of(NULL, 0)));
	assert_int_equal(cursor_run(&c, CC_ALNUM).n, 0);
	assert_int_equal(cursor_rest(&c).n, 0);
}

static void
test_u64(UNUSED void **state)
{
	static const struct {
		const char *name;
		struct span s;
		uint64_t max;
		bool good;
		uint64_t value;
		const char *rest;
	} rows[] = {
		{ "plain", SPAN("42 x"), 100, true, 42, " x" },
		{ "zeros in front", SPAN("00000000000000000000007"), 7, true, 7, "" },
		{ "at the bound", SPAN("100"), 100, true, 100, "" },
		{ "past the bound", SPAN("101"), 100, false, 0, "101" },
		{ "the largest", SPAN("18446744073709551615"), UINT64_MAX, true, UINT64_MAX, "" },
		{ "one more", SPAN("18446744073709551616"), UINT64_MAX, false, 0,
		    "18446744073709551616" },
		{ "many digits", SPAN("99999999999999999999999"), UINT64_MAX, false, 0,
		    "99999999999999999999999" },
		{ "sign", SPAN("+1"), 100, false, 0, "+1" },
		{ "blank", SPAN(" 1"), 100, false, 0, " 1" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct cursor c = cursor_of(rows[i].s);
		uint64_t v = 0;

		expect_number(rows[i].name, cursor_u64(&c, rows[i].max, &v), rows[i].good);
		expect_number(rows[i].name, (int64_t)v, (int64_t)rows[i].value);
		expect_text(rows[i].name, cursor_rest(&c), rows[i].rest);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_steps),
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_u64),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
