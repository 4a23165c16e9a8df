/*
 * The class table against its grammars: for each class, the printable ASCII bytes it holds, as the
 * RFC lists them, and nothing else of all 256 but what the row says. Run by make check.
 */
#include "config.h"

#include "base/cclass.h"
#include "tests/unit/unit.h"

#define UPPERS "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define LOWERS "abcdefghijklmnopqrstuvwxyz"
#define DIGITS "0123456789"

static void
test_table(UNUSED void **state)
{
	static const struct {
		const char *name;
		unsigned class;
		struct span bytes;  /* exactly these, or */
		struct span except; /* all of 33 to 126 but these */
	} rows[] = {
		{ "upper", CC_UPPER, SPAN(UPPERS), { NULL, 0 } },
		{ "lower", CC_LOWER, SPAN(LOWERS), { NULL, 0 } },
		{ "digit", CC_DIGIT, SPAN(DIGITS), { NULL, 0 } },
		{ "hex", CC_HEX, SPAN(DIGITS "abcdefABCDEF"), { NULL, 0 } },
		{ "blank", CC_BLANK, SPAN(" \t"), { NULL, 0 } },
		{ "space", CC_SPACE, SPAN(" \t\r\n\v\f"), { NULL, 0 } },
		{ "atext", CC_ATEXT, SPAN(UPPERS LOWERS DIGITS "!#$%&'*+-/=?^_`{|}~"),
		    { NULL, 0 } },
		{ "token", CC_TOKEN, { NULL, 0 }, SPAN("()<>@,;:\\\"/[]?=") },
		{ "ATOM-CHAR", CC_IMAP_ATOM, { NULL, 0 }, SPAN("(){%*\"\\]") },
		{ "xchar", CC_XTEXT, { NULL, 0 }, SPAN("+=") },
		{ "ldh", CC_LDH, SPAN(UPPERS LOWERS DIGITS "-"), { NULL, 0 } },
		{ "base64", CC_BASE64, SPAN(UPPERS LOWERS DIGITS "+/"), { NULL, 0 } },
		{ "ftext", CC_FTEXT, { NULL, 0 }, SPAN(":") },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		for (int c = 0; c < 256; c++) {
			bool listed = span_find(rows[i].bytes, (char)c) < rows[i].bytes.n;
			bool barred = span_find(rows[i].except, (char)c) < rows[i].except.n;
			bool want = rows[i].except.n ? c > 32 && c < 127 && !barred : listed;

			if (cclass_is((char)c, rows[i].class) != want)
				fail_msg("%s: byte %d", rows[i].name, c);
		}
	}
}

static void
test_controls_and_case(UNUSED void **state)
{
	for (int c = 0; c < 256; c++) {
		bool upper = c >= 'A' && c <= 'Z', lower = c >= 'a' && c <= 'z';

		assert_int_equal(cclass_is((char)c, CC_CTL), c < 32 || c == 127);
		assert_int_equal(cclass_is((char)c, CC_8BIT), c > 127);
		assert_int_equal((unsigned char)ascii_lower((char)c), upper ? c + 32 : c);
		assert_int_equal((unsigned char)ascii_upper((char)c), lower ? c - 32 : c);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_controls_and_case),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
