/*
 * Base64 and hexadecimal: the vectors of RFC 4648 10, what a strict reader refuses, and what a
 * builder that is too small does. Run by make check.
 */
#include "config.h"

#include "base/base64.h"
#include "tests/unit/unit.h"

static void
test_vectors(UNUSED void **state)
{
	static const struct {
		struct span bytes;
		const char *base64, *hex;
	} rows[] = {
		{ SPAN(""), "", "" },
		{ { NULL, 0 }, "", "" },
		{ SPAN("f"), "Zg==", "66" },
		{ SPAN("fo"), "Zm8=", "666f" },
		{ SPAN("foo"), "Zm9v", "666f6f" },
		{ SPAN("foob"), "Zm9vYg==", "666f6f62" },
		{ SPAN("fooba"), "Zm9vYmE=", "666f6f6261" },
		{ SPAN("foobar"), "Zm9vYmFy", "666f6f626172" },
		{ SPAN("\xfb\xff\xfe\x00"), "+//+AA==", "fbfffe00" },
		{ SPAN("\0user\0pass"), "AHVzZXIAcGFzcw==", "00757365720070617373" },
	};
	struct str out = STR_INIT(100);

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const char *base64 = rows[i].base64;

		str_reset(&out);
		assert_true(base64_put(&out, rows[i].bytes));
		expect_text(base64, str_span(&out), base64);
		str_reset(&out);
		assert_true(base64_parse(span_str(base64), &out));
		expect_span(base64, str_span(&out), rows[i].bytes);
		str_reset(&out);
		assert_true(hex_put(&out, rows[i].bytes));
		expect_text(base64, str_span(&out), rows[i].hex);
		str_reset(&out);
		assert_true(hex_parse(span_str(rows[i].hex), &out));
		expect_span(base64, str_span(&out), rows[i].bytes);
	}
	str_free(&out);
}

static void
test_refused(UNUSED void **state)
{
	static const struct {
		const char *name;
		struct span text;
	} rows[] = {
		{ "one digit", SPAN("Z") },
		{ "no padding", SPAN("Zg") },
		{ "half the padding", SPAN("Zg=") },
		{ "three of padding", SPAN("Z===") },
		{ "padding alone", SPAN("====") },
		{ "two of padding alone", SPAN("==") },
		{ "one of padding alone", SPAN("=") },
		{ "padding inside", SPAN("Zg==Zm9v") },
		{ "bits left over, two", SPAN("Zh==") },
		{ "bits left over, one", SPAN("Zm9=") },
		{ "blank", SPAN("Zm 9") },
		{ "line end", SPAN("Zm9v\r\n\r\n") },
		{ "URL alphabet", SPAN("-__-") },
		{ "high byte", SPAN("Zm9\xff") },
		{ "NUL", SPAN("Zm9\0") },
	};
	struct str out = STR_INIT(100);

	str_puts(&out, "as it was");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		expect_number(rows[i].name, base64_parse(rows[i].text, &out), false);
		expect_text(rows[i].name, str_span(&out), "as it was");
	}
	assert_false(hex_parse(span_lit("abc"), &out));
	assert_false(hex_parse(span_lit("0g"), &out));
	assert_true(hex_parse(span_lit("0aFF"), &out));
	expect_span("hex", str_span(&out), span_lit("as it was\n\xff"));
	str_free(&out);
}

static void
test_small_builder(UNUSED void **state)
{
	struct str out = STR_INIT(3);

	assert_false(base64_put(&out, span_lit("f")));
	str_reset(&out);
	assert_false(base64_parse(span_lit("Zm9vYg=="), &out));
	str_reset(&out);
	assert_false(hex_put(&out, span_lit("ab")));
	str_reset(&out);
	assert_true(base64_parse(span_lit("Zm9v"), &out));
	expect_text("just fits", str_span(&out), "foo");
	str_free(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vectors),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_small_builder),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
