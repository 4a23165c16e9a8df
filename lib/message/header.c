/*
 * Header blocks: RFC 5322 2.2 and 3.6, as far as every reader of mail needs them. Called by smtpd,
 * local, bounce, imapd, sendmail and by the MIME parser. Linear in what is read, no memory of its
 * own; a name is at most LIMIT_HEADER_NAME bytes, so the first bytes of a line always tell what it
 * is. The rule where a header ends is in line_step alone and must not be written a second time.
 */
#include "config.h"

#include "message/header.h"

#include "base/cursor.h"
#include "base/limits.h"

/* Where in a line header_scan is. The rest of a header line is passed over by memchr. */
enum line_state { LINE_START, LINE_CR, LINE_NAME, LINE_BLANKS, LINE_REST };

struct line {
	uint8_t state;
	uint8_t from_match;
	uint16_t name_size;
	bool begun;
};

static const struct span from_word = SPAN("From");

/* Counts how much of "From", or ">From", stands at the line's begin; 0xff: something else does. */
static void
from_step(struct line *l, char c)
{
	if (l->name_size == 0 && c == '>')
		return;
	if (l->from_match < from_word.n && c == from_word.p[l->from_match])
		l->from_match++;
	else
		l->from_match = 0xff;
}

static enum header_line
name_step(struct line *l, char c)
{
	if (c == ':')
		return HEADER_LINE_FIELD;
	if (cclass_is(c, CC_BLANK))
		l->state = LINE_BLANKS;
	else if (l->state == LINE_NAME && cclass_is(c, CC_FTEXT))
		from_step(l, c);
	else if (l->state == LINE_BLANKS && !l->begun && l->from_match == from_word.n)
		return HEADER_LINE_FROM;
	else
		return HEADER_LINE_OTHER;
	if (++l->name_size > LIMIT_HEADER_NAME)
		return HEADER_LINE_OTHER;
	return HEADER_LINE_UNDECIDED;
}

static enum header_line
start_step(struct line *l, char c)
{
	if (c == '\n')
		return HEADER_LINE_EMPTY;
	if (cclass_is(c, CC_BLANK))
		return l->begun ? HEADER_LINE_FOLD : HEADER_LINE_OTHER;
	l->state = c == '\r' ? LINE_CR : LINE_NAME;
	if (c == '\r')
		return HEADER_LINE_UNDECIDED;
	if (!cclass_is(c, CC_FTEXT))
		return HEADER_LINE_OTHER;
	from_step(l, c);
	l->name_size = 1;
	return HEADER_LINE_UNDECIDED;
}

static enum header_line
line_step(struct line *l, char c)
{
	if (l->state == LINE_START)
		return start_step(l, c);
	if (l->state == LINE_CR)
		return c == '\n' ? HEADER_LINE_EMPTY : HEADER_LINE_OTHER;
	return name_step(l, c);
}

enum header_line
header_line_kind(struct span line, bool begun)
{
	struct line l = { .begun = begun };
	enum header_line kind = HEADER_LINE_UNDECIDED;

	for (size_t i = 0; i < line.n && kind == HEADER_LINE_UNDECIDED; i++)
		kind = line_step(&l, line.p[i]);
	return kind;
}

/* The line at the front of TEXT, with its end. */
static struct span
line_head(struct span text)
{
	const char *lf = text.n ? memchr(text.p, '\n', text.n) : NULL;

	return lf ? span_of(text.p, (size_t)(lf - text.p) + 1) : text;
}

static enum header_line
whole_line_kind(struct span line, bool begun)
{
	enum header_line kind = header_line_kind(line, begun);

	return kind == HEADER_LINE_UNDECIDED ? HEADER_LINE_OTHER : kind;
}

static struct span
line_end_cut(struct span s)
{
	if (s.n > 0 && s.p[s.n - 1] == '\n')
		s.n--;
	if (s.n > 0 && s.p[s.n - 1] == '\r')
		s.n--;
	return s;
}

static void
field_split(struct span whole, struct header_field *out)
{
	size_t colon = span_find(whole, ':');

	out->whole = whole;
	out->name = span_trim(span_head(whole, colon));
	out->value = line_end_cut(span_from(whole, colon + 1));
}

bool
header_next(struct header_reader *r, struct header_field *out)
{
	struct span line = line_head(r->rest);
	enum header_line kind = whole_line_kind(line, r->begun);
	const char *from;

	while (kind == HEADER_LINE_FROM) {
		r->rest = span_from(r->rest, line.n);
		line = line_head(r->rest);
		kind = whole_line_kind(line, r->begun);
	}
	if (kind != HEADER_LINE_FIELD) {
		if (kind == HEADER_LINE_EMPTY)
			r->rest = span_from(r->rest, line.n);
		return false;
	}
	from = line.p;
	r->begun = true;
	do {
		r->rest = span_from(r->rest, line.n);
		line = line_head(r->rest);
	} while (whole_line_kind(line, true) == HEADER_LINE_FOLD);
	field_split(span_of(from, (size_t)(r->rest.p - from)), out);
	return true;
}

static struct header_field
field_find(struct span message, struct span name, bool last)
{
	struct header_reader r = header_read(message);
	struct header_field field;
	struct header_field found = { 0 };

	while (header_next(&r, &field)) {
		if (!span_eq_nocase(field.name, name))
			continue;
		found = field;
		if (!last)
			break;
	}
	return found;
}

struct header_field
header_find(struct span message, struct span name)
{
	return field_find(message, name, false);
}

struct header_field
header_find_last(struct span message, struct span name)
{
	return field_find(message, name, true);
}

size_t
header_size(struct span message)
{
	struct header_reader r = header_read(message);
	struct header_field field;

	while (header_next(&r, &field))
		continue;
	return message.n - r.rest.n;
}

static void
scan_line_start(struct header_scan *scan)
{
	scan->state = LINE_START;
	scan->from_match = 0;
	scan->name_size = 0;
}

/* Feeds one byte of a line not yet known; sets the state for what the line turned out to be. */
static void
scan_step(struct header_scan *scan, char c)
{
	struct line l = { scan->state, scan->from_match, scan->name_size, scan->begun };
	enum header_line kind = line_step(&l, c);

	scan->line_size++;
	if (kind == HEADER_LINE_UNDECIDED) {
		scan->state = l.state;
		scan->from_match = l.from_match;
		scan->name_size = l.name_size;
		return;
	}
	scan->done = kind == HEADER_LINE_EMPTY || kind == HEADER_LINE_OTHER;
	scan->begun |= kind == HEADER_LINE_FIELD;
	if (kind != HEADER_LINE_OTHER)
		scan->size += scan->line_size;
	scan->line_size = 0;
	if (c == '\n')
		scan_line_start(scan);
	else
		scan->state = LINE_REST;
}

void
header_scan_feed(struct header_scan *scan, struct span bytes)
{
	while (bytes.n > 0 && !scan->done) {
		struct span line;

		if (scan->state != LINE_REST) {
			scan_step(scan, bytes.p[0]);
			bytes = span_from(bytes, 1);
			continue;
		}
		line = line_head(bytes);
		scan->size += line.n;
		bytes = span_from(bytes, line.n);
		if (line.p[line.n - 1] == '\n')
			scan_line_start(scan);
	}
}

void
header_scan_end(struct header_scan *scan)
{
	scan->done = true;
}
