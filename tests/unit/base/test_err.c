/*
 * Verdicts and enhanced status codes: what is filled, what is escaped, where text is cut. Run by
 * make check.
 */
#include "config.h"

#include <errno.h>

#include "base/err.h"
#include "tests/unit/unit.h"

static void
test_set(UNUSED void **state)
{
	struct err err = ERR_NONE;

	assert_int_equal(err_mail(&err, 550, "5.1.1", "no %s here", "bob"), VERDICT_PERM);
	assert_int_equal(err.verdict, VERDICT_PERM);
	assert_int_equal(err.reply, 550);
	assert_int_equal(err.dsn.class, 5);
	assert_int_equal(err.dsn.subject, 1);
	assert_int_equal(err.dsn.detail, 1);
	expect_text("mail", err_text(&err), "no bob here");
	assert_int_equal(err_wrap(&err, "alias %s", "x"), VERDICT_PERM);
	expect_text("wrap", err_text(&err), "alias x: no bob here");
	assert_int_equal(err.reply, 550);
	assert_int_equal(err_sys(&err, ENOENT, "open %s", "/x"), VERDICT_TEMP);
	expect_text("sys", err_text(&err), "open /x: No such file or directory");
	assert_int_equal(err.sys, ENOENT);
	assert_int_equal(err.reply, 0);
	assert_int_equal(err.dsn.class, 0);
	/* The text may be made of itself. */
	assert_int_equal(err_set(&err, VERDICT_LIMIT, "[%s]", err.text), VERDICT_LIMIT);
	expect_text("itself", err_text(&err), "[open /x: No such file or directory]");
	assert_int_equal(err.sys, 0);
	err_clear(&err);
	assert_int_equal(err.verdict, VERDICT_OK);
	expect_text("clear", err_text(&err), "");
}

static void
test_null(UNUSED void **state)
{
	assert_int_equal(err_set(NULL, VERDICT_EOF, "x"), VERDICT_EOF);
	assert_int_equal(err_sys(NULL, EIO, "x"), VERDICT_TEMP);
	assert_int_equal(err_mail(NULL, 554, "5.0.0", "x"), VERDICT_PERM);
	err_clear(NULL);
}

static void
test_replies(UNUSED void **state)
{
	static const struct {
		const char *name;
		unsigned reply;
		const char *dsn;
		enum verdict verdict;
		unsigned class;
	} rows[] = {
		{ "success", 250, "2.0.0", VERDICT_OK, 2 },
		{ "temporary", 451, "4.3.0", VERDICT_TEMP, 4 },
		{ "permanent", 554, "5.7.1", VERDICT_PERM, 5 },
		{ "none", 421, NULL, VERDICT_TEMP, 0 },
		{ "malformed", 550, "5.1", VERDICT_PERM, 0 },
		{ "out of order", 354, NULL, VERDICT_TEMP, 0 },
		{ "no reply at all", 999, NULL, VERDICT_TEMP, 0 },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct err err = ERR_NONE;

		expect_number(
		    rows[i].name, err_mail(&err, rows[i].reply, rows[i].dsn, "x"), rows[i].verdict);
		expect_number(rows[i].name, err.dsn.class, rows[i].class);
	}
}

static void
test_text(UNUSED void **state)
{
	static const struct {
		const char *name;
		const char *raw;
		const char *want;
	} rows[] = {
		{ "plain", "550 no", "550 no" },
		{ "lines", "a\r\nb\tc", "a\\015\\012b\\011c" },
		{ "UTF-8 stays", "gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f" },
		{ "not UTF-8", "a\xff\xc3", "a\\377\\303" },
		{ "C1",
		    "a\xc2\x9b"
		    "1m",
		    "a\\302\\2331m" },
		{ "a backslash stays", "a\\015", "a\\015" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct err err = ERR_NONE;

		err_set(&err, VERDICT_PERM, "%s", rows[i].raw);
		expect_text(rows[i].name, err_text(&err), rows[i].want);
	}
}

static void
test_cut(UNUSED void **state)
{
	struct err err = ERR_NONE;

	err_set(&err, VERDICT_PERM, "%0600d", 7);
	assert_in_range(err_text(&err).n, LIMIT_ERR_TEXT - 2, LIMIT_ERR_TEXT - 1);
	err_wrap(&err, "%s", "wrapped");
	assert_true(span_starts(err_text(&err), span_lit("wrapped: 0")));
	assert_int_equal(err_text(&err).n, LIMIT_ERR_TEXT - 1);
	/* No character is cut in two, and no escape. */
	for (int i = LIMIT_ERR_TEXT - 8; i < LIMIT_ERR_TEXT; i++) {
		err_set(&err, VERDICT_PERM, "%0*d\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac", i, 0);
		assert_int_equal(span_find(err_text(&err), '\\'), err_text(&err).n);
		/* An escape is four bytes, of which the last is a digit: "\\012". */
		err_set(&err, VERDICT_PERM, "%0*d\n\n", i, 0);
		assert_true(span_ends(err_text(&err), span_lit("0")) ||
			    span_ends(err_text(&err), span_lit("\\012")));
	}
}

static void
test_dsn(UNUSED void **state)
{
	static const struct {
		const char *text;
		bool good;
	} rows[] = {
		{ "5.1.1", true },
		{ "2.0.0", true },
		{ "4.999.999", true },
		{ "3.1.1", false },
		{ "0.1.1", false },
		{ "05.1.1", false },
		{ "5.1000.1", false },
		{ "5.0001.1", true },
		{ "5.1.1 ", false },
		{ "5.1", false },
		{ "5..1", false },
		{ "5.1.", false },
		{ "", false },
	};
	char text[12];

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct dsn_code code;

		expect_number(
		    rows[i].text, dsn_code_parse(span_str(rows[i].text), &code), rows[i].good);
	}
	assert_string_equal(dsn_code_text((struct dsn_code){ 4, 999, 7 }, text), "4.999.7");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_set),
		cmocka_unit_test(test_null),
		cmocka_unit_test(test_replies),
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_dsn),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
