/*
 * Fuzz target for the line codec: in pieces as whole, in both directions; what SMTP sends is read
 * as one message that ends where it should; facts about content agree with a look at each byte. The
 * first byte says where to cut.
 */
#include "config.h"

#include "message/content.h"
#include "message/lines.h"
#include "tests/fuzz/fuzz.h"

/* What stands before the end of data; *LEFT_OUT: bytes not taken, or -1 when there is no end. */
static void
data_read(struct span data, size_t step, struct str *out, int64_t *left_out)
{
	struct data_in d = { 0 };

	*left_out = -1;
	while (data.n > 0) {
		struct span in = span_head(data, step), run;
		enum data_step s;

		while ((s = data_in_next(&d, &in, &run)) == DATA_RUN)
			str_put(out, run);
		data = span_from(data, size_min(step, data.n) - in.n);
		if (s == DATA_END) {
			*left_out = (int64_t)data.n;
			return;
		}
	}
}

static void
check_in(struct span data, size_t step)
{
	struct str whole = STR_INIT(data.n + 10), pieces = STR_INIT(data.n + 10);
	int64_t left, left_pieces;
	size_t end;

	data_read(data, data.n + 1, &whole, &left);
	data_read(data, step, &pieces, &left_pieces);
	assert(span_eq(str_span(&whole), str_span(&pieces)) && left == left_pieces);
	end = span_find_span(data, span_lit("\r\n.\r\n"));
	if (!span_starts(data, span_lit(".\r\n")))
		assert(left == (end < data.n ? (int64_t)(data.n - end - 5) : -1));
	str_free(&whole);
	str_free(&pieces);
}

static void
lines_write(struct span data, size_t step, unsigned flags, struct str *out)
{
	struct lines l = lines_start(flags);
	struct span run;

	for (; data.n > 0; data = span_from(data, step))
		assert(lines_put(&l, span_head(data, step), out));
	while (lines_end(&l, &run))
		str_put(out, run);
}

static void
check_out(struct span data, size_t step, unsigned flags)
{
	struct str whole = STR_INIT(3 * data.n + 10), pieces = STR_INIT(3 * data.n + 10),
		   back = STR_INIT(3 * data.n + 10);
	struct content c = { 0 };
	int64_t left;

	lines_write(data, data.n + 1, flags, &whole);
	lines_write(data, step, flags, &pieces);
	assert(span_eq(str_span(&whole), str_span(&pieces)));
	if (flags == LINES_SMTP) {
		data_read(str_span(&whole), whole.n, &back, &left);
		content_feed(&c, str_span(&back));
		content_end(&c);
		assert(left == 0 &&
		       !(c.flags & (CONTENT_BARE_CR | CONTENT_BARE_LF | CONTENT_PARTIAL)));
	}
	if (flags == LINES_IMAP)
		assert(whole.n == data.n + lines_count_bare_lf(data, false));
	str_free(&whole);
	str_free(&pieces);
	str_free(&back);
}

/* The same facts, a byte at a time. */
static unsigned
flags_of(struct span s)
{
	unsigned flags = s.n > 0 && s.p[s.n - 1] != '\n' ? CONTENT_PARTIAL : 0;

	for (size_t i = 0; i < s.n; i++) {
		bool cr_before = i > 0 && s.p[i - 1] == '\r';
		bool lf_after = i + 1 < s.n && s.p[i + 1] == '\n';
		bool begin = i == 0 || s.p[i - 1] == '\n';

		flags |= s.p[i] & '\x80' ? CONTENT_8BIT : 0;
		flags |= s.p[i] == '\0' ? CONTENT_NUL : 0;
		flags |= s.p[i] == '\n' && !cr_before ? CONTENT_BARE_LF : 0;
		flags |= s.p[i] == '\r' && !lf_after ? CONTENT_BARE_CR : 0;
		flags |= s.p[i] == '.' && begin ? CONTENT_LEADING_DOT : 0;
	}
	return flags;
}

static void
check_content(struct span data, size_t step)
{
	struct content c = { 0 };

	for (struct span rest = data; rest.n > 0; rest = span_from(rest, step))
		content_feed(&c, span_head(rest, step));
	content_end(&c);
	assert(c.size == data.n && c.flags == flags_of(data));
	assert(c.header.size == header_size(data));
}

FUZZ(data)
{
	size_t step = data.n > 0 ? (unsigned char)data.p[0] % 8 + 1 : 1;

	data = span_from(data, 1);
	check_in(data, step);
	check_out(data, step, LINES_SMTP);
	check_out(data, step, LINES_POP3);
	check_out(data, step, LINES_IMAP);
	check_out(data, step, LINES_MAILDIR);
	check_content(data, step);
}
