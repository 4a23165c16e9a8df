/*
 * Fuzz target for dates: what is read must be within the years there are, and must come through
 * IMAP's format and back as the same moment and day.
 */
#include "config.h"

#include "message/date.h"
#include "tests/fuzz/fuzz.h"

static void
check_round_trip(struct date d)
{
	struct str text = STR_INIT(100);
	struct date again;
	int64_t days;

	assert(date_put_imap(&text, d));
	/* A zone may carry the local date beyond the years of four digits. */
	if (text.n == 26 && date_parse_imap(str_span(&text), &again)) {
		assert(again.utc == d.utc && again.zone == d.zone);
		assert(date_parse_imap_day(span_trim(span_head(str_span(&text), 11)), &days));
		assert(days == date_local_day(d));
	}
	str_free(&text);
}

FUZZ(data)
{
	struct date d;
	int64_t days;

	if (date_parse(data, &d))
		check_round_trip(d);
	if (date_parse_imap(data, &d))
		check_round_trip(d);
	if (date_parse_imap_day(data, &days))
		assert(days >= -719528 && days <= 2932896);
}
