/*
 * Numbers in text: what is one and what is not, up to the largest; and randomness below a bound.
 * Run by make check.
 */
#include "config.h"

#include "base/num.h"
#include "base/rand.h"
#include "tests/unit/unit.h"

static void
test_parse(UNUSED void **state)
{
	enum { NO = -1 };
	static const struct {
		const char *text;
		int64_t decimal, octal, hex; /* with at most 1000 where there is a bound */
	} rows[] = {
		{ "0", 0, 0, 0 },
		{ "17", 17, 15, 23 },
		{ "017", 17, 15, 23 },
		{ "1000", 1000, 512, 4096 },
		{ "1001", NO, 513, 4097 },
		{ "1750", NO, 1000, 5968 },
		{ "1751", NO, NO, 5969 },
		{ "89", 89, NO, 137 },
		{ "fF", NO, NO, 255 },
		{ "fg", NO, NO, NO },
		{ "", NO, NO, NO },
		{ "-1", NO, NO, NO },
		{ "+1", NO, NO, NO },
		{ " 1", NO, NO, NO },
		{ "1 ", NO, NO, NO },
		{ "0x1", NO, NO, NO },
		{ "7fffffffffffffff", NO, NO, INT64_MAX },
		{ "00000000000000001", 1, 1, NO },
		{ "7777777777777777777777777", NO, NO, NO },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct span s = span_str(rows[i].text);
		uint64_t v;

		expect_number(s.p, num_parse_u64(s, 1000, &v) ? (int64_t)v : NO, rows[i].decimal);
		expect_number(s.p, num_parse_octal(s, 1000, &v) ? (int64_t)v : NO, rows[i].octal);
		expect_number(s.p, num_parse_hex(s, &v) ? (int64_t)v : NO, rows[i].hex);
	}
	assert_int_equal(num_parse_u64(span_of(NULL, 0), 1000, &(uint64_t){ 0 }), false);
}

static void
test_largest(UNUSED void **state)
{
	uint64_t v = 0;

	assert_true(num_parse_u64(span_lit("18446744073709551615"), UINT64_MAX, &v));
	assert_true(v == UINT64_MAX);
	assert_true(num_parse_octal(span_lit("1777777777777777777777"), UINT64_MAX, &v));
	assert_true(v == UINT64_MAX);
	assert_false(num_parse_octal(span_lit("2000000000000000000000"), UINT64_MAX, &v));
	assert_true(num_parse_hex(span_lit("FFFFFFFFFFFFFFFF"), &v));
	assert_true(v == UINT64_MAX);
}

static void
test_rand(UNUSED void **state)
{
	unsigned seen[6] = { 0 };

	for (int i = 0; i < 1000; i++) {
		uint64_t v = rand_below(ARRAY_LEN(seen));

		assert_true(v < ARRAY_LEN(seen));
		seen[v]++;
	}
	/* Each is expected 167 times; that one is never met has a chance of 6 * (5/6)^1000. */
	for (size_t i = 0; i < ARRAY_LEN(seen); i++)
		assert_true(seen[i] > 0);
	assert_int_equal(rand_below(1), 0);
	assert_true(rand_u64() != rand_u64());
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_largest),
		cmocka_unit_test(test_rand),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
