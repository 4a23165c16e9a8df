/*
 * Spans: comparing, searching, cutting. Run by make check. The cases that matter are the empty
 * span, which may point to NULL, and bytes that are not ASCII.
 */
#include "config.h"

#include "tests/unit/unit.h"

static int
sign(int v)
{
	return (v > 0) - (v < 0);
}

static void
test_compare(UNUSED void **state)
{
	static const struct {
		const char *name;
		struct span a, b;
		int cmp, cmp_nocase;
	} rows[] = {
		{ "same", SPAN("abc"), SPAN("abc"), 0, 0 },
		{ "case", SPAN("abC"), SPAN("aBc"), 1, 0 },
		{ "prefix", SPAN("ab"), SPAN("abc"), -1, -1 },
		{ "empty", SPAN(""), SPAN("a"), -1, -1 },
		{ "null", { NULL, 0 }, { NULL, 0 }, 0, 0 },
		{ "null and empty", { NULL, 0 }, SPAN(""), 0, 0 },
		{ "NUL counts", SPAN("a\0b"), SPAN("a\0c"), -1, -1 },
		{ "high bytes are unsigned", SPAN("\xff"), SPAN("a"), 1, 1 },
		{ "no folding beyond ASCII", SPAN("\xc3\x89"), SPAN("\xc3\xa9"), -1, -1 },
		{ "at-sign is not backquote", SPAN("@"), SPAN("`"), -1, -1 },
		{ "bracket is not brace", SPAN("["), SPAN("{"), -1, -1 },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct span a = rows[i].a, b = rows[i].b;

		expect_number(rows[i].name, sign(span_cmp(a, b)), rows[i].cmp);
		expect_number(rows[i].name, sign(span_cmp(b, a)), -rows[i].cmp);
		expect_number(rows[i].name, sign(span_cmp_nocase(a, b)), rows[i].cmp_nocase);
		expect_number(rows[i].name, span_eq(a, b), rows[i].cmp == 0);
		expect_number(rows[i].name, span_eq_nocase(a, b), rows[i].cmp_nocase == 0);
	}
}

static void
test_ends(UNUSED void **state)
{
	static const struct {
		const char *name;
		struct span s, part;
		bool starts, starts_nocase, ends, ends_nocase;
	} rows[] = {
		{ "start", SPAN("MAIL FROM"), SPAN("MAIL"), true, true, false, false },
		{ "start, case", SPAN("mail FROM"), SPAN("MAIL"), false, true, false, false },
		{ "end", SPAN("a.example"), SPAN(".example"), false, false, true, true },
		{ "end, case", SPAN("a.EXAMPLE"), SPAN(".example"), false, false, false, true },
		{ "all", SPAN("ab"), SPAN("ab"), true, true, true, true },
		{ "longer", SPAN("ab"), SPAN("abc"), false, false, false, false },
		{ "empty part", SPAN("ab"), { NULL, 0 }, true, true, true, true },
		{ "both null", { NULL, 0 }, { NULL, 0 }, true, true, true, true },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct span s = rows[i].s, part = rows[i].part;

		expect_number(rows[i].name, span_starts(s, part), rows[i].starts);
		expect_number(rows[i].name, span_starts_nocase(s, part), rows[i].starts_nocase);
		expect_number(rows[i].name, span_ends(s, part), rows[i].ends);
		expect_number(rows[i].name, span_ends_nocase(s, part), rows[i].ends_nocase);
	}
}

static void
test_find(UNUSED void **state)
{
	static const struct {
		const char *name;
		struct span s;
		struct span needle;
		size_t first, last, whole;
	} rows[] = {
		{ "twice", SPAN("a@b@c"), SPAN("@"), 1, 3, 1 },
		{ "none", SPAN("abc"), SPAN("@"), 3, 3, 3 },
		{ "null", { NULL, 0 }, SPAN("@"), 0, 0, 0 },
		{ "longer needle", SPAN("a\r\r\n.\r\n"), SPAN("\r\n."), 1, 5, 2 },
		{ "NUL", SPAN("a\0b"), SPAN("\0b"), 1, 1, 1 },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char c = rows[i].needle.p[0];

		expect_number(
		    rows[i].name, (int64_t)span_find(rows[i].s, c), (int64_t)rows[i].first);
		expect_number(
		    rows[i].name, (int64_t)span_rfind(rows[i].s, c), (int64_t)rows[i].last);
		expect_number(rows[i].name, (int64_t)span_find_span(rows[i].s, rows[i].needle),
		    (int64_t)rows[i].whole);
	}
	assert_int_equal(span_find_span(span_lit("abc"), span_lit("")), 0);
}

static void
test_slices(UNUSED void **state)
{
	struct span s = span_lit("abcdef");

	expect_text("head", span_head(s, 2), "ab");
	expect_text("head past the end", span_head(s, 9), "abcdef");
	expect_text("from", span_from(s, 4), "ef");
	expect_text("from past the end", span_from(s, SIZE_MAX), "");
	expect_text("from of null", span_from(span_of(NULL, 0), 3), "");
	expect_text("trim", span_trim(span_lit(" \t\r\na b \r\n")), "a b");
	expect_text("trim of blanks", span_trim(span_lit(" \t ")), "");
	expect_text("trim of null", span_trim(span_of(NULL, 0)), "");
	assert_int_equal(span_str(NULL).n, 0);
}

static void
test_cut(UNUSED void **state)
{
	static const struct {
		const char *name;
		struct span s;
		bool found;
		const char *before, *after;
	} rows[] = {
		{ "middle", SPAN("a=b"), true, "a", "b" },
		{ "first of two", SPAN("a=b=c"), true, "a", "b=c" },
		{ "at the start", SPAN("=b"), true, "", "b" },
		{ "at the end", SPAN("a="), true, "a", "" },
		{ "none", SPAN("ab"), false, "ab", "" },
		{ "null", { NULL, 0 }, false, "", "" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct span before, after;

		expect_number(
		    rows[i].name, span_cut(rows[i].s, '=', &before, &after), rows[i].found);
		expect_text(rows[i].name, before, rows[i].before);
		expect_text(rows[i].name, after, rows[i].after);
	}
}

static void
test_token(UNUSED void **state)
{
	static const struct {
		const char *name;
		struct span s;
		const char *tokens[4];
	} rows[] = {
		{ "plain", SPAN("a, b,c"), { "a", "b", "c" } },
		{ "separators around", SPAN(" ,,a ,"), { "a" } },
		{ "one", SPAN("abc"), { "abc" } },
		{ "nothing", SPAN(" , "), { NULL } },
		{ "null", { NULL, 0 }, { NULL } },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct span rest = rows[i].s, token;

		for (size_t t = 0; rows[i].tokens[t]; t++) {
			assert_true(span_token(&rest, span_lit(", "), &token));
			expect_text(rows[i].name, token, rows[i].tokens[t]);
		}
		assert_false(span_token(&rest, span_lit(", "), &token));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_compare),
		cmocka_unit_test(test_ends),
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_slices),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_token),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
