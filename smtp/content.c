/*
 * The content from its file to the wire: RFC 5321 4.1.1.4 and 4.5.2 (dots), 2.3.8 (line ends),
 * 4.5.3.1.6 (lines of 998). Called by transaction.c after 354. Extents and lengths are trusted,
 * since qmgr checked them; the bytes are not: what is no line end here must be none anywhere else
 * (ABUSE 4), so all goes through message/lines.h. A line longer than smtp_line_length_limit is
 * broken as header fields are folded; it is looked for only where the message has one. Limit: one
 * block of memory for each message under way.
 */
#include "smtp/content.h"

#include <errno.h>

#include "base/mem.h"
#include "base/sys.h"
#include "message/lines.h"

#define BLOCK_SIZE 65536

struct outlet {
	struct stream *io;
	struct lines lines;
	size_t limit;  /* bytes of a line; 0: none is too long */
	size_t column; /* bytes of the line so far */
};

SUSPENDS
static enum verdict
put_piece(struct outlet *o, struct span in)
{
	enum verdict v = VERDICT_OK;
	struct span run;

	while (v == VERDICT_OK && lines_next(&o->lines, &in, &run))
		v = stream_write(o->io, run);
	return v;
}

/* Bytes of LINE that count: its end does not, nor what may be the half of one. */
static size_t
line_width(struct span line)
{
	if (span_ends(line, span_lit("\n")))
		line.n--;
	if (span_ends(line, span_lit("\r")))
		line.n--;
	return line.n;
}

/* A character of several bytes stays whole. */
static size_t
break_at(struct span line, size_t n)
{
	size_t at = n;

	while (at > n - size_min(n, 3) && ((unsigned char)line.p[at] & 0xc0) == 0x80)
		at--;
	return at > 0 && ((unsigned char)line.p[at] & 0xc0) != 0x80 ? at : n;
}

SUSPENDS
static enum verdict
put_broken(struct outlet *o, struct span block)
{
	enum verdict v = VERDICT_OK;

	while (v == VERDICT_OK && block.n) {
		struct span line = span_head(block, span_find(block, '\n') + 1);
		block = span_from(block, line.n);
		while (v == VERDICT_OK && o->column + line_width(line) > o->limit) {
			size_t n = break_at(line, o->limit - size_min(o->limit, o->column));
			v = put_piece(o, span_head(line, n));
			if (v == VERDICT_OK)
				v = put_piece(o, span_lit("\r\n "));
			line = span_from(line, n);
			o->column = 1;
		}
		if (v == VERDICT_OK)
			v = put_piece(o, line);
		o->column = span_ends(line, span_lit("\n")) ? 0 : o->column + line_width(line);
	}
	return v;
}

SUSPENDS
static enum verdict
put_block(struct outlet *o, struct span block)
{
	return o->limit ? put_broken(o, block) : put_piece(o, block);
}

static enum verdict
read_block(int fd, char *block, size_t n, uint64_t at, struct err *err)
{
	ssize_t got = sys_pread_all(fd, block, n, (off_t)at);

	if (got == (ssize_t)n)
		return VERDICT_OK;
	return err_mail(err, 451, "4.3.0", "queue file read error: %s",
	    got < 0 ? strerrordesc_np(errno) : "it is shorter than it should be");
}

SUSPENDS
static enum verdict
send_extent(struct outlet *o, const struct delivery *d, const struct item_extent *x, char *block,
    struct err *err)
{
	enum verdict v = VERDICT_OK;

	for (uint64_t done = 0; v == VERDICT_OK && done < x->size;) {
		size_t n = size_min(BLOCK_SIZE, x->size - done);
		v = read_block(d->msg->content, block, n, x->at + done, err);
		if (v == VERDICT_OK)
			v = put_block(o, span_of(block, n));
		done += n;
		if (v == VERDICT_OK && time_mono() > d->deadline)
			v = VERDICT_TIMEOUT;
	}
	return v;
}

SUSPENDS
enum verdict
content_send(struct session *s, const struct delivery *d, struct err *err)
{
	const struct conf *conf = s->client->conf;
	struct outlet o = { .io = s->io, .lines = lines_start(LINES_SMTP) };
	char *block = mem_alloc(BLOCK_SIZE);
	enum verdict v = VERDICT_OK;
	struct span end;

	if (conf->smtp_line_length_limit && d->msg->longest_line > conf->smtp_line_length_limit)
		o.limit = conf->smtp_line_length_limit;
	stream_set_write_timeout(s->io, conf->smtp_data_xfer_timeout / NS_PER_MS);
	for (uint32_t i = 0; v == VERDICT_OK && i < d->msg->extents.n; i++)
		v = send_extent(&o, d, &d->msg->extents.v[i], block, err);
	while (v == VERDICT_OK && lines_end(&o.lines, &end))
		v = stream_write(s->io, end);
	mem_free(block);
	return v;
}
