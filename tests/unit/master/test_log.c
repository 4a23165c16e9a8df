/*
 * The log daemon's form: records out of packets, strict, and lines of them, printable whatever a
 * sender says. Run by make check; touches nothing outside the process.
 */
#include "config.h"

#include "log/log.h"
#include "tests/unit/unit.h"

#define TIME "00000000000003e8"

static void
test_records(UNUSED void **state)
{
	static const struct {
		const char *name, *packet, *want;
	} rows[] = {
		{ "one", "1" TIME "a\n", "1000 a|" },
		{ "two",
		    "1" TIME "a\n3"
		    "00000000000003E9"
		    "b c\n",
		    "1000 a|1001 b c|" },
		{ "no end", "1" TIME "a\n1" TIME "b", "1000 a|" },
		{ "no level", "x" TIME "a\n1" TIME "b\n", "1000 b|" },
		{ "a level too high", "5" TIME "a\n", "" },
		{ "no time", "1some text that is long enough\n1" TIME "b\n", "1000 b|" },
		{ "no text", "1" TIME "\n", "" },
		{ "short", "1\n\n", "" },
		{ "nothing", "", "" },
	};
	struct str got = STR_INIT(1000);

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct span packet = span_str(rows[i].packet);
		struct record r;

		str_reset(&got);
		while (record_next(&packet, &r))
			str_printf(
			    &got, "%llu %.*s|", (unsigned long long)r.time, SPAN_ARG(r.text));
		expect_text(rows[i].name, str_span(&got), rows[i].want);
	}
	str_free(&got);
}

static void
test_too_long(UNUSED void **state)
{
	struct str packet = STR_INIT(2 * LIMIT_LOG_LINE);
	struct span left;
	struct record r;

	str_puts(&packet, "1" TIME);
	while (packet.n <= LIMIT_LOG_LINE)
		str_putc(&packet, 'x');
	str_puts(&packet, "\n1" TIME "next\n");
	left = str_span(&packet);
	assert_true(record_next(&left, &r));
	expect_text("the one after it", r.text, "next");
	str_free(&packet);
}

static void
test_lines(UNUSED void **state)
{
	static const struct {
		const char *name, *text, *want;
	} rows[] = {
		{ "plain", "a b", "Nov 23 08:00:00 host postern/smtpd[7]: a b\n" },
		{ "controls", "a\x1b[1m\rb\x7f",
		    "Nov 23 08:00:00 host postern/smtpd[7]: a?[1m?b?\n" },
		{ "a tab stays", "a\tb", "Nov 23 08:00:00 host postern/smtpd[7]: a\tb\n" },
		{ "UTF-8 stays", "\xc3\xa4", "Nov 23 08:00:00 host postern/smtpd[7]: \xc3\xa4\n" },
	};
	struct str got = STR_INIT(1000);

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		str_reset(&got);
		record_put(&got, span_str(rows[i].text), span_lit("Nov 23 08:00:00"),
		    span_lit("host"), "postern/smtpd", 7);
		expect_text(rows[i].name, str_span(&got), rows[i].want);
	}
	str_free(&got);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_records),
		cmocka_unit_test(test_too_long),
		cmocka_unit_test(test_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
