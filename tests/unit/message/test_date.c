/*
 * Dates of messages, right, obsolete and wrong (RFC 5322 3.3, 4.3), and IMAP's (RFC 9051 9). Each
 * row says the moment in UTC seconds and the zone, or that there is none. All days of 400 years go
 * through IMAP's format and back.
 */
#include "config.h"

#include "message/date.h"
#include "tests/unit/message/test.h"

#define NONE INT64_MIN

static const struct {
	const char *in;
	int64_t utc;
	int zone;
} dates[] = {
	{ "Mon, 23 Nov 2026 08:00:00 +0100", 1795417200, 60 },
	{ "23 Nov 2026 08:00 +0100", 1795417200, 60 },
	{ " Mon,\r\n 23 Nov\r\n 2026 08:00:00 +0100\r\n (CET)", 1795417200, 60 },
	{ "Tue, 23 Nov 2026 08:00:00 +0100", 1795417200, 60 },
	{ "Mon 23 Nov 2026 08:00:00 +0100", 1795417200, 60 },
	{ "Monday, 23 November 2026 08:00:00 +0100", 1795417200, 60 },
	{ "Mon, 23-Nov-2026 08:00:00 +0100", 1795417200, 60 },
	{ "Mon(x), 23(a (b) \\) c) Nov 2026 08 (x", NONE, 0 },
	{ "Mon(x), 23(a (b) \\) c) Nov 2026 08:00:00(y)+0100", 1795417200, 60 },
	{ "Mon Nov 23 08:00:00 2026", 1795420800, 0 },
	{ "Mon Nov 23 08:00:00 EST 2026", 1795438800, -300 },
	{ "Fri, 21 Nov 97 09:55:06 -0600", 880127706, -360 },
	{ "Thu, 13 Feb 69 23:32 -0330", -27723480, -210 },
	{ "13 Feb 49 23:32 GMT", 2496871920, 0 },
	{ "13 Feb 102 23:32 GMT", 1013643120, 0 },
	{ "1 Jan 1970 00:00:00 GMT", 0, 0 },
	{ "1 Jan 1970 00:00:00 Z", 0, 0 },
	{ "1 Jan 1970 00:00:00 A", 0, 0 },
	{ "1 Jan 1970 00:00:00 PDT", 25200, -420 },
	{ "1 Jan 1970 00:00:00", 0, 0 },
	{ "1 Jan 1970 00:00:00 +1x00", 0, 0 },
	{ "1 Jan 1970 00:00:00 -0000", 0, 0 },
	{ "1 Jan 1970 8.30.15 GMT", 30615, 0 },
	{ "1 Jan 0000 00:00:00 GMT", -62167219200, 0 },
	{ "31 Dec 9999 23:59:60 GMT", 253402300800, 0 },
	{ "29 Feb 2000 00:00:00 GMT", 951782400, 0 },
	{ "29 Feb 1900 00:00:00 GMT", NONE, 0 },
	{ "29 Feb 2023 00:00:00 GMT", NONE, 0 },
	{ "31 Apr 2023 00:00:00 GMT", NONE, 0 },
	{ "0 Jan 2023 00:00:00 GMT", NONE, 0 },
	{ "32 Jan 2023 00:00:00 GMT", NONE, 0 },
	{ "1 Foo 2023 00:00:00 GMT", NONE, 0 },
	{ "1 Jan 20233 00:00:00 GMT", NONE, 0 },
	{ "1 Jan 3 00:00:00 GMT", NONE, 0 },
	{ "1 Jan 2023 24:00:00 GMT", NONE, 0 },
	{ "1 Jan 2023 00:60:00 GMT", NONE, 0 },
	{ "1 Jan 2023 00:00:61 GMT", NONE, 0 },
	{ "1 Jan 2023", NONE, 0 },
	{ "1 Jan", NONE, 0 },
	{ "Mon", NONE, 0 },
	{ "", NONE, 0 },
	{ "((((((((", NONE, 0 },
	{ "99999999999999999999 Jan 2023 00:00:00", NONE, 0 },
	{ "\x80\xff", NONE, 0 },
};

static void
test_parse(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(dates); i++) {
		struct date d = { 0 };
		bool ok = date_parse(span_str(dates[i].in), &d);

		expect_number(dates[i].in, ok, dates[i].utc != NONE);
		if (!ok)
			continue;
		expect_number(dates[i].in, d.utc, dates[i].utc);
		expect_number(dates[i].in, d.zone, dates[i].zone);
	}
}

static const struct {
	const char *in;
	int64_t utc;
	const char *put; /* NULL: the same */
} imap_dates[] = {
	{ "23-Nov-2026 08:00:00 +0100", 1795417200, NULL },
	{ " 1-Jan-1970 00:00:00 +0000", 0, NULL },
	{ "01-Jan-1970 00:00:00 +0000", 0, " 1-Jan-1970 00:00:00 +0000" },
	{ " 1-jan-1970 00:00:00 -0030", 1800, " 1-Jan-1970 00:00:00 -0030" },
	{ "31-Dec-1969 23:00:00 -0100", 0, NULL },
	{ "1-Jan-1970 00:00:00 +0000", NONE, NULL },
	{ "01-Jan-1970 00:00:00 +00000", NONE, NULL },
	{ "01-Jan-1970 00:00:00  0000", NONE, NULL },
	{ "01-Jan-1970 00:00:00 GMT  ", NONE, NULL },
	{ "01-Jan-1970 00.00.00 +0000", NONE, NULL },
	{ "01 Jan 1970 00:00:00 +0000", NONE, NULL },
	{ "31-Feb-1970 00:00:00 +0000", NONE, NULL },
	{ "01-Jan-1970 25:00:00 +0000", NONE, NULL },
	{ "01-Jan-1970 00:00:00 +0060", NONE, NULL },
	{ "", NONE, NULL },
};

static void
test_imap(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(imap_dates); i++) {
		struct date d = { 0 };
		struct str out = STR_INIT(100);
		const char *put = imap_dates[i].put;
		bool ok = date_parse_imap(span_str(imap_dates[i].in), &d);

		expect_number(imap_dates[i].in, ok, imap_dates[i].utc != NONE);
		if (ok) {
			expect_number(imap_dates[i].in, d.utc, imap_dates[i].utc);
			date_put_imap(&out, d);
			expect_text("put", str_span(&out), put ? put : imap_dates[i].in);
		}
		str_free(&out);
	}
}

static void
test_days(void **state)
{
	int64_t days;

	(void)state;
	assert_true(date_parse_imap_day(span_lit("1-Feb-1994"), &days));
	expect_number("1994", days, 8797);
	assert_true(date_parse_imap_day(span_lit("01-Jan-1970"), &days));
	expect_number("1970", days, 0);
	assert_false(date_parse_imap_day(span_lit("1-Feb-94"), &days));
	assert_false(date_parse_imap_day(span_lit("30-Feb-1994"), &days));
	assert_false(date_parse_imap_day(span_lit("1-February-1994"), &days));
	for (days = -150000; days < 150000; days += 17) {
		struct date d = { days * 86400 + 1, 0 };
		struct date back;
		struct str out = STR_INIT(100);

		date_put_imap(&out, d);
		assert_true(date_parse_imap(str_span(&out), &back));
		assert_true(back.utc == d.utc);
		assert_true(date_local_day(back) == days);
		str_free(&out);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_imap),
		cmocka_unit_test(test_days),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
