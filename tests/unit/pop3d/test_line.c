/*
 * Command lines of POP3, as either half reads them: what is one, what may follow a verb, and which
 * numbers are numbers.
 */
#include "config.h"

#include "pop3d/pop3.h"
#include "tests/unit/unit.h"

static void
test_split(void **state)
{
	static const struct {
		const char *name;
		struct span line;
		bool good;
		const char *verb, *text;
	} rows[] = {
		{ "a verb", SPAN("NOOP"), true, "NOOP", "" },
		{ "a blank", SPAN("NOOP "), true, "NOOP", "" },
		{ "a text", SPAN("PASS a b  c "), true, "PASS", "a b  c " },
		{ "8 bits", SPAN("PASS gr\374n"), true, "PASS", "gr\374n" },
		{ "nothing", SPAN(""), false, "", "" },
		{ "a blank first", SPAN(" NOOP"), false, "", "" },
		{ "a NUL", SPAN("NO\0OP"), false, "", "" },
		{ "a CR", SPAN("NOOP\rX"), false, "", "" },
		{ "a DEL", SPAN("RETR \177"), false, "", "" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct pop3_line line;

		expect_number(rows[i].name, pop3_line_split(rows[i].line, &line), rows[i].good);
		if (!rows[i].good)
			continue;
		expect_text(rows[i].name, line.verb, rows[i].verb);
		expect_text(rows[i].name, line.text, rows[i].text);
	}
}

static void
test_args(void **state)
{
	static const struct {
		const char *name;
		pop3_args_fn *args;
		const char *text;
		bool good;
		uint64_t message, lines;
	} rows[] = {
		{ "none", pop3_args_none, "", true, 0, 0 },
		{ "blanks", pop3_args_none, "  ", true, 0, 0 },
		{ "too much", pop3_args_none, "x", false, 0, 0 },
		{ "no text", pop3_args_text, " ", false, 0, 0 },
		{ "text", pop3_args_text, "x", true, 0, 0 },
		{ "any", pop3_args_any, "", true, 0, 0 },
		{ "message", pop3_args_message, "12", true, 12, 0 },
		{ "zeros", pop3_args_message, "0012 ", true, 12, 0 },
		{ "largest", pop3_args_message, "4294967295", true, 4294967295, 0 },
		{ "too large", pop3_args_message, "4294967296", false, 0, 0 },
		{ "no message", pop3_args_message, "", false, 0, 0 },
		{ "zero", pop3_args_message, "0", false, 0, 0 },
		{ "minus", pop3_args_message, "-1", false, 0, 0 },
		{ "two", pop3_args_message, "1 2", false, 0, 0 },
		{ "perhaps", pop3_args_message_or_none, "", true, 0, 0 },
		{ "perhaps one", pop3_args_message_or_none, "7", true, 7, 0 },
		{ "perhaps none", pop3_args_message_or_none, "x", false, 0, 0 },
		{ "top", pop3_args_message_lines, "3 10", true, 3, 10 },
		{ "top 2^64-1", pop3_args_message_lines, "3  18446744073709551615", true, 3,
		    UINT64_MAX },
		{ "top 2^64", pop3_args_message_lines, "3 18446744073709551616", false, 0, 0 },
		{ "top of one", pop3_args_message_lines, "3", false, 0, 0 },
		{ "top of three", pop3_args_message_lines, "3 1 2", false, 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct pop3_line line = { .text = span_str(rows[i].text) };

		expect_number(rows[i].name, rows[i].args(&line), rows[i].good);
		if (!rows[i].good)
			continue;
		expect_number(rows[i].name, (int64_t)line.message, (int64_t)rows[i].message);
		expect_number(rows[i].name, (int64_t)line.lines, (int64_t)rows[i].lines);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_split),
		cmocka_unit_test(test_args),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
