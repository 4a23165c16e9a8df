/*
 * UTF-8: every code point there and back, and each kind of malformed sequence. Run by make check.
 */
#include "config.h"

#include "base/utf8.h"
#include "tests/unit/unit.h"

static void
test_all_points(UNUSED void **state)
{
	struct str out = STR_INIT(8);

	for (uint32_t point = 0; point < 0x110000; point++) {
		struct cursor c;

		if (point == 0xd800)
			point = 0xe000;
		str_reset(&out);
		if (!utf8_put(&out, point))
			fail_msg("U+%04X is not put", point);
		c = cursor_of(str_span(&out));
		if (utf8_next(&c) != (int32_t)point || !cursor_done(&c))
			fail_msg("U+%04X does not come back", point);
	}
	str_reset(&out);
	assert_false(utf8_put(&out, 0xd800));
	assert_false(utf8_put(&out, 0xdfff));
	assert_false(utf8_put(&out, 0x110000));
	assert_false(utf8_put(&out, UINT32_MAX));
	assert_int_equal(out.n, 0);
	str_free(&out);
}

static void
test_valid(UNUSED void **state)
{
	static const struct {
		const char *name;
		struct span s;
		bool valid;
	} rows[] = {
		{ "empty", SPAN(""), true },
		{ "null", { NULL, 0 }, true },
		{ "ASCII", SPAN("0123456789abcdefg"), true },
		{ "NUL", SPAN("\0"), true },
		{ "two to four", SPAN("\xc3\xa9\xe2\x82\xac\xf0\x9f\x93\xa8"), true },
		{ "after eight", SPAN("01234567\xc3\xa9"), true },
		{ "continuation alone", SPAN("01234567\x80"), false },
		{ "overlong two", SPAN("\xc0\xaf"), false },
		{ "overlong two, high", SPAN("\xc1\xbf"), false },
		{ "overlong three", SPAN("\xe0\x9f\xbf"), false },
		{ "overlong four", SPAN("\xf0\x8f\xbf\xbf"), false },
		{ "surrogate", SPAN("\xed\xa0\x80"), false },
		{ "last surrogate", SPAN("\xed\xbf\xbf"), false },
		{ "before surrogates", SPAN("\xed\x9f\xbf"), true },
		{ "past U+10FFFF", SPAN("\xf4\x90\x80\x80"), false },
		{ "lead f5", SPAN("\xf5\x80\x80\x80"), false },
		{ "ff", SPAN("\xff"), false },
		{ "cut after one", SPAN("\xe2"), false },
		{ "cut after two", SPAN("\xe2\x82"), false },
		{ "cut after three", SPAN("\xf0\x9f\x93"), false },
		{ "broken in the middle", SPAN("\xe2\x28\xac"), false },
		{ "broken at the end", SPAN("\xe2\x82\x28"), false },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		expect_number(rows[i].name, utf8_valid(rows[i].s), rows[i].valid);
}

static void
test_next_stays(UNUSED void **state)
{
	struct cursor c = cursor_of(span_lit("a\xe2\x82"));

	assert_int_equal(utf8_next(&c), 'a');
	assert_int_equal(utf8_next(&c), -1);
	assert_int_equal(cursor_left(&c), 2);
}

static void
test_cut(UNUSED void **state)
{
	static const struct {
		const char *name;
		struct span s;
		size_t max, want;
	} rows[] = {
		{ "all fits", SPAN("abc"), 3, 3 },
		{ "ASCII", SPAN("abc"), 2, 2 },
		{ "within two", SPAN("a\xc3\xa9"), 2, 1 },
		{ "within four, 3", SPAN("a\xf0\x9f\x93\xa8"), 4, 1 },
		{ "within four, 1", SPAN("a\xf0\x9f\x93\xa8"), 2, 1 },
		{ "before one", SPAN("a\xf0\x9f\x93\xa8z"), 5, 5 },
		{ "nothing fits", SPAN("\xe2\x82\xac"), 1, 0 },
		{ "garbage", SPAN("\x80\x80\x80\x80\x80\x80"), 5, 2 },
		{ "none", SPAN("abc"), 0, 0 },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		size_t n = utf8_cut(rows[i].s, rows[i].max);

		expect_number(rows[i].name, (int64_t)n, (int64_t)rows[i].want);
	}
}

static void
test_escape(UNUSED void **state)
{
	static const struct {
		const char *name;
		struct span s;
		size_t size, taken;
		const char *want;
	} rows[] = {
		{ "fits", SPAN("ab"), 3, 2, "ab" },
		{ "one short", SPAN("ab"), 2, 1, "a" },
		{ "room for the NUL", SPAN("ab"), 1, 0, "" },
		{ "escape fits", SPAN("\n"), 5, 1, "\\012" },
		{ "escape is not cut", SPAN("a\n"), 5, 1, "a" },
		{ "character is not cut", SPAN("\xe2\x82\xac"), 3, 0, "" },
		{ "backslash is not cut", SPAN("a\\"), 3, 1, "a" },
		{ "C1 by bytes", SPAN("\xc2\x80"), 6, 1, "\\302" },
	};
	char out[8];

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		size_t taken = utf8_escape(rows[i].s, true, out, rows[i].size);

		expect_number(rows[i].name, (int64_t)taken, (int64_t)rows[i].taken);
		expect_text(rows[i].name, span_str(out), rows[i].want);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_points),
		cmocka_unit_test(test_valid),
		cmocka_unit_test(test_next_stays),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_escape),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
