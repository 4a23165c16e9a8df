/*
 * Dates: the Date: field (RFC 5322 3.3 with its obsolete forms, and what mailers made of them) and
 * IMAP's formats (RFC 9051 9: date-time, date). A moment is seconds since 1970 in UTC, with the
 * zone it was written in beside it.
 */
#ifndef MESSAGE_DATE_H
#define MESSAGE_DATE_H

#include "base/str.h"

struct date {
	int64_t utc;  /* seconds since 1970-01-01 00:00:00 UTC; earlier is negative */
	int16_t zone; /* minutes east of UTC that the date was written in */
};

/*
 * Reads a Date: value. Comments and folds are passed over; the day's name is ignored, right or
 * wrong; two-digit years are as in RFC 5322 4.3; a zone that is missing or unknown is taken for
 * UTC; "Nov 23 08:00:00 2026" is read too.
 */
bool date_parse(struct span value, struct date *out);

/* "23-Nov-2026 08:00:00 +0100", day of two digits or a blank and one: APPEND's date-time, strict.
 */
bool date_parse_imap(struct span text, struct date *out);
/* The same, as INTERNALDATE shows it; no quotes. */
bool date_put_imap(struct str *out, struct date date);
/* "23-Nov-2026": SEARCH's date; days since 1970-01-01, without any zone. */
bool date_parse_imap_day(struct span text, int64_t *days_out);

/* The day it was where the date was written, for SENTON and its kin (RFC 9051 6.4.4): days since
 * 1970-01-01. */
int64_t date_local_day(struct date date);

#endif
