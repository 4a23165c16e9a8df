/*
 * The wall clock that can be set, deadlines, and dates in several zones, given in POSIX form so
 * that no zone files are needed. Run by make check.
 */
#include "config.h"

#include <stdlib.h>
#include <time.h>

#include "base/time.h"
#include "tests/unit/unit.h"

static void
test_dates(UNUSED void **state)
{
	static const struct {
		const char *zone; /* POSIX form: no zone files are needed */
		uint64_t seconds;
		const char *date, *stamp;
	} rows[] = {
		{ "UTC0", 0, "Thu, 1 Jan 1970 00:00:00 +0000", "Jan  1 00:00:00" },
		{ "CET-1", 1795417200, "Mon, 23 Nov 2026 08:00:00 +0100", "Nov 23 08:00:00" },
		{ "NST3:30", 1795417200, "Mon, 23 Nov 2026 03:30:00 -0330", "Nov 23 03:30:00" },
		{ "IST-5:30", 951782399, "Tue, 29 Feb 2000 05:29:59 +0530", "Feb 29 05:29:59" },
		{ "UTC0", 4102444799, "Thu, 31 Dec 2099 23:59:59 +0000", "Dec 31 23:59:59" },
	};
	struct str out = STR_INIT(100);

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		setenv("TZ", rows[i].zone, 1);
		tzset();
		str_reset(&out);
		time_put_rfc5322(&out, rows[i].seconds * NS_PER_S + 999);
		expect_text(rows[i].zone, str_span(&out), rows[i].date);
		str_reset(&out);
		time_put_log(&out, rows[i].seconds * NS_PER_S);
		expect_text(rows[i].zone, str_span(&out), rows[i].stamp);
	}
	time_put_rfc5322(&out, UINT64_MAX);
	str_free(&out);
}

static void
test_clocks(UNUSED void **state)
{
	uint64_t before = time_wall(), mono = time_mono();

	time_set_wall(1000 * NS_PER_S);
	assert_in_range(time_wall(), 1000 * NS_PER_S, 1100 * NS_PER_S);
	time_set_wall(before + 86400 * NS_PER_S);
	assert_in_range(time_wall(), before + 86400 * NS_PER_S, before + 86500 * NS_PER_S);
	time_set_wall(0);
	assert_in_range(time_wall(), before, before + 100 * NS_PER_S);
	assert_true(time_mono() >= mono);
	assert_in_range(deadline_after_s(10), mono + 10 * NS_PER_S, mono + 110 * NS_PER_S);
	assert_in_range(deadline_after_ms(10), mono + 10 * NS_PER_MS, mono + 100 * NS_PER_S);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_dates),
		cmocka_unit_test(test_clocks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
