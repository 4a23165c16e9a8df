/*
 * Dates in messages and in IMAP: RFC 5322 3.3 and 4.3, RFC 9051 9. Called by imapd for SEARCH, SORT
 * and APPEND, by the index and by whoever shows a message's age. Pure, linear, no locale, no libc
 * time zone. Years 0 to 9999; a date that does not exist is refused, never rounded to another.
 */
#include "config.h"

#include "base/num.h"
#include "message/date.h"
#include "message/token.h"

#define SECONDS_PER_DAY 86400
#define ZONE_MAX	(99 * 60 + 59) /* minutes: what four digits can say */

static const char months[12][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep",
	"Oct", "Nov", "Dec" };

/* RFC 5322 4.3; the letters of the military zones mean nothing, as it explains. */
static const struct {
	struct span name;
	int minutes;
} zones[] = {
	{ SPAN("EST"), -5 * 60 },
	{ SPAN("EDT"), -4 * 60 },
	{ SPAN("CST"), -6 * 60 },
	{ SPAN("CDT"), -5 * 60 },
	{ SPAN("MST"), -7 * 60 },
	{ SPAN("MDT"), -6 * 60 },
	{ SPAN("PST"), -8 * 60 },
	{ SPAN("PDT"), -7 * 60 },
};

/* A date by its parts, as they are read. */
struct parts {
	unsigned year, month, day; /* month 1-12 */
	unsigned hour, minute, second;
	int zone;
};

/* Days since 1970-01-01 of a date of the Gregorian calendar, counted from March so that leap days
 * come last. */
static int64_t
days_of(unsigned year, unsigned month, unsigned day)
{
	int64_t y = (int64_t)year - (month <= 2);
	int64_t era = (y >= 0 ? y : y - 399) / 400;
	int64_t in_era = y - era * 400;
	int64_t in_year =
	    (153 * (month > 2 ? (int64_t)month - 3 : (int64_t)month + 9) + 2) / 5 + day - 1;

	return era * 146097 + in_era * 365 + in_era / 4 - in_era / 100 + in_year - 719468;
}

static void
date_of(int64_t days, struct parts *out)
{
	int64_t z = days + 719468;
	int64_t era = (z >= 0 ? z : z - 146096) / 146097;
	int64_t doe = z - era * 146097;
	int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	int64_t mp = (5 * doy + 2) / 153;

	out->day = (unsigned)(doy - (153 * mp + 2) / 5 + 1);
	out->month = (unsigned)(mp < 10 ? mp + 3 : mp - 9);
	out->year = (unsigned)(yoe + era * 400 + (out->month <= 2));
}

static bool
day_exists(const struct parts *p)
{
	static const unsigned char length[12] = { 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	bool leap = p->year % 4 == 0 && (p->year % 100 != 0 || p->year % 400 == 0);

	if (p->month < 1 || p->month > 12 || p->day < 1 || p->day > length[p->month - 1])
		return false;
	return p->month != 2 || p->day < 29 || leap;
}

static bool
parts_to_date(const struct parts *p, struct date *out)
{
	if (!day_exists(p) || p->hour > 23 || p->minute > 59 || p->second > 60)
		return false;
	out->zone = (int16_t)p->zone;
	out->utc = days_of(p->year, p->month, p->day) * SECONDS_PER_DAY + p->hour * 3600 +
		   p->minute * 60 + p->second - (int64_t)p->zone * 60;
	return true;
}

static bool
number(struct span s, size_t max_digits, unsigned *out)
{
	uint64_t v;

	if (s.n > max_digits || !num_parse_u64(s, 9999, &v))
		return false;
	*out = (unsigned)v;
	return true;
}

/* By its first three letters: "September" is meant well. */
static bool
month_parse(struct span s, unsigned *out)
{
	for (unsigned i = 0; i < 12; i++) {
		if (s.n >= 3 && span_eq_nocase(span_head(s, 3), span_of(months[i], 3))) {
			*out = i + 1;
			return true;
		}
	}
	return false;
}

/* RFC 5322 4.3: two digits below 50 are this century's, three digits count from 1900. */
static bool
year_parse(struct span s, unsigned *out)
{
	if (s.n < 2 || !number(s, 4, out))
		return false;
	if (s.n == 2)
		*out += *out < 50 ? 2000 : 1900;
	else if (s.n == 3)
		*out += 1900;
	return true;
}

/* "08:00", "8:00:00"; dots for colons are seen. */
static bool
time_parse(struct span s, struct parts *p)
{
	char sep = span_find(s, ':') < s.n ? ':' : '.';
	struct span hour;
	struct span minute;
	struct span second;

	if (!span_cut(s, sep, &hour, &s))
		return false;
	if (!span_cut(s, sep, &minute, &second))
		second = span_lit("0");
	return number(hour, 2, &p->hour) && number(minute, 2, &p->minute) &&
	       number(second, 2, &p->second);
}

static bool
zone_digits(struct span s, int *out)
{
	unsigned v;

	if (s.n != 5 || (s.p[0] != '+' && s.p[0] != '-') || !number(span_from(s, 1), 4, &v))
		return false;
	if (v % 100 > 59)
		return false;
	*out = (int)(v / 100 * 60 + v % 100);
	if (s.p[0] == '-')
		*out = -*out;
	return true;
}

static int
zone_parse(struct span s)
{
	int minutes;

	if (zone_digits(s, &minutes))
		return minutes;
	for (size_t i = 0; i < ARRAY_LEN(zones); i++) {
		if (span_eq_nocase(s, zones[i].name))
			return zones[i].minutes;
	}
	return 0;
}

/* The next word: up to a blank, a comma or a comment. Empty at the end. */
static struct span
word_next(struct cursor *c)
{
	const char *from;

	while (token_skip_cfws(c) || cursor_skip(c, ','))
		continue;
	from = c->p;
	while (!cursor_done(c) && *c->p != ',' && *c->p != '(' && *c->p != '\0' &&
	       !cclass_is(*c->p, CC_SPACE))
		c->p++;
	return span_of(from, (size_t)(c->p - from));
}

/* Month, day, time and year in the order of ctime(3); a zone's name may stand before the year. */
static bool
ctime_parse(struct span month, struct cursor *c, struct parts *p)
{
	struct span day = word_next(c);
	struct span time = word_next(c);
	struct span year = word_next(c);

	if (year.n > 0 && !cclass_is(year.p[0], CC_DIGIT)) {
		p->zone = zone_parse(year);
		year = word_next(c);
	}
	return month_parse(month, &p->month) && number(day, 2, &p->day) && time_parse(time, p) &&
	       year_parse(year, &p->year);
}

/* Day, month, year, time and zone; "23-Nov-2026" is one word of three. */
static bool
words_parse(struct span day, struct cursor *c, struct parts *p)
{
	struct span month;
	struct span year;

	if (span_cut(day, '-', &day, &month)) {
		if (!span_cut(month, '-', &month, &year))
			return false;
	} else {
		month = word_next(c);
		year = word_next(c);
	}
	if (!number(day, 2, &p->day) || !month_parse(month, &p->month) ||
	    !year_parse(year, &p->year))
		return false;
	if (!time_parse(word_next(c), p))
		return false;
	p->zone = zone_parse(word_next(c));
	return true;
}

bool
date_parse(struct span value, struct date *out)
{
	struct cursor c = cursor_of(value);
	struct parts p = { 0 };
	struct span word = word_next(&c);
	bool named = word.n > 0 && cclass_is(word.p[0], CC_ALPHA);

	if (named)
		word = word_next(&c);
	if (named && word.n > 0 && cclass_is(word.p[0], CC_ALPHA)) {
		if (!ctime_parse(word, &c, &p))
			return false;
	} else if (!words_parse(word, &c, &p)) {
		return false;
	}
	return parts_to_date(&p, out);
}

static bool
imap_day(struct span text, struct parts *p)
{
	struct span day;
	struct span month;
	struct span year;

	if (!span_cut(text, '-', &day, &text) || !span_cut(text, '-', &month, &year))
		return false;
	return month.n == 3 && year.n == 4 && number(day, 2, &p->day) &&
	       month_parse(month, &p->month) && number(year, 4, &p->year);
}

bool
date_parse_imap(struct span text, struct date *out)
{
	struct parts p = { 0 };
	struct span day = span_head(text, 11);
	struct span time = span_head(span_from(text, 12), 8);

	if (text.n != 26 || text.p[11] != ' ' || text.p[20] != ' ')
		return false;
	if (time.p[2] != ':' || time.p[5] != ':')
		return false;
	if (day.p[0] == ' ')
		day = span_from(day, 1);
	return imap_day(day, &p) && time_parse(time, &p) &&
	       zone_digits(span_from(text, 21), &p.zone) && parts_to_date(&p, out);
}

bool
date_put_imap(struct str *out, struct date date)
{
	int64_t local = date.utc + (int64_t)date.zone * 60;
	int64_t days = date_local_day(date);
	unsigned second = (unsigned)(local - days * SECONDS_PER_DAY);
	unsigned zone = (unsigned)(date.zone < 0 ? -date.zone : date.zone);
	struct parts p;

	assert(zone <= ZONE_MAX);
	date_of(days, &p);
	return str_printf(out, "%2u-%s-%04u %02u:%02u:%02u %c%02u%02u", p.day, months[p.month - 1],
	    p.year, second / 3600, second / 60 % 60, second % 60, date.zone < 0 ? '-' : '+',
	    zone / 60, zone % 60);
}

bool
date_parse_imap_day(struct span text, int64_t *days_out)
{
	struct parts p = { 0 };

	if (!imap_day(text, &p) || !day_exists(&p))
		return false;
	*days_out = days_of(p.year, p.month, p.day);
	return true;
}

int64_t
date_local_day(struct date date)
{
	int64_t local = date.utc + (int64_t)date.zone * 60;

	return local >= 0 ? local / SECONDS_PER_DAY
			  : -((-local + SECONDS_PER_DAY - 1) / SECONDS_PER_DAY);
}
