/*
 * The editor of main.cf on text: what replaces, comments out and deletes, and what stays as it was.
 * Files, modes and the lock between two editors are for test_postconf, which runs the whole thing.
 * Run by make check.
 */
#include "config.h"

#include "conf/edit.h"
#include "tests/unit/unit.h"

static void
test_text(UNUSED void **state)
{
	static const struct {
		const char *name;
		enum conf_edit_how how;
		const char *text, *want; /* of a = 1 and b = */
	} rows[] = {
		{ "empty", CONF_EDIT_SET, "", "a = 1\nb =\n" },
		{ "replace", CONF_EDIT_SET, "# c\na = 0\nx = y\n", "# c\na = 1\nx = y\nb =\n" },
		{ "continued", CONF_EDIT_SET, "a = 0\n 1\n # c\n 2\nx = y\n 3\n",
		    "a = 1\n # c\nx = y\n 3\nb =\n" },
		{ "twice", CONF_EDIT_SET, "a = 0\nb=2\na = 3\n", "a = 1\nb =\n" },
		{ "no end of line", CONF_EDIT_SET, "b=2\na=0", "b =\na = 1\n" },
		{ "in a value", CONF_EDIT_SET, "x = a = 0\na=\n", "x = a = 0\na = 1\nb =\n" },
		{ "comment", CONF_EDIT_COMMENT, "a = 0\n 1\n\nx = y\n b = c\n",
		    "#a = 0\n# 1\n\nx = y\n b = c\n" },
		{ "delete", CONF_EDIT_DELETE, "# c\na = 0\n\t1\nx = y\nb=\n# d\n",
		    "# c\nx = y\n# d\n" },
		{ "delete nothing", CONF_EDIT_DELETE, "x = y\nnonsense\n", "x = y\nnonsense\n" },
		{ "prefix", CONF_EDIT_DELETE, "aa = 0\n", "aa = 0\n" },
	};
	static const struct conf_setting settings[] = { { SPAN("a"), SPAN("1") },
		{ SPAN("b"), SPAN("") } };

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct str out = STR_INIT(1000);

		conf_edit_text(
		    span_str(rows[i].text), rows[i].how, settings, ARRAY_LEN(settings), &out);
		expect_text(rows[i].name, str_span(&out), rows[i].want);
		str_free(&out);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
