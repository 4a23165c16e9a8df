/*
 * Facts about content that passes: line lengths, 8-bit bytes, bare CR and LF (RFC 5321 2.3.8, RFC
 * 5322 2.1.1), the end of the header. Called by smtpd, pickup and bounce for each piece they append
 * to a queue file. A few passes of the C library's fast loops over each piece, no memory, never a
 * byte by hand but at the edges of pieces. Reports, never judges.
 */
#include "config.h"

#include "message/content.h"

/* Eight bytes at a time: this looks at every byte of every message. */
static bool
has_8bit(struct span s)
{
	uint64_t any = 0;
	uint64_t word;

	for (; s.n >= sizeof(word); s = span_from(s, sizeof(word))) {
		memcpy(&word, s.p, sizeof(word));
		any |= word;
	}
	for (size_t i = 0; i < s.n; i++)
		any |= (unsigned char)s.p[i];
	return (any & UINT64_C(0x8080808080808080)) != 0;
}

/* A line, or what this piece has of it: all before its end is counted, a CR at its end alone may be
 * part of one. */
static void
line_feed(struct content *c, struct span line, bool ended)
{
	size_t n = line.n - ended;
	bool cr = n > 0 ? line.p[n - 1] == '\r' : c->cr;
	size_t inner = n > 0 && cr ? n - 1 : n;

	if (c->line == 0 && line.p[0] == '.')
		c->flags |= CONTENT_LEADING_DOT;
	if (!(c->flags & CONTENT_BARE_CR) && inner > 0 && memchr(line.p, '\r', inner))
		c->flags |= CONTENT_BARE_CR;
	c->line += n;
	c->cr = cr;
	if (!ended)
		return;
	c->cr = false;
	c->lines++;
	if (!cr)
		c->flags |= CONTENT_BARE_LF;
	if (c->line - cr > c->longest_line)
		c->longest_line = c->line - cr;
	c->line = 0;
}

void
content_feed(struct content *c, struct span bytes)
{
	struct span rest = bytes;

	if (bytes.n == 0)
		return;
	if (!c->header.done)
		header_scan_feed(&c->header, bytes);
	if (c->cr && bytes.p[0] != '\n')
		c->flags |= CONTENT_BARE_CR;
	if (has_8bit(bytes))
		c->flags |= CONTENT_8BIT;
	if (memchr(bytes.p, '\0', bytes.n))
		c->flags |= CONTENT_NUL;
	while (rest.n > 0) {
		const char *lf = memchr(rest.p, '\n', rest.n);
		struct span line = span_head(rest, lf ? (size_t)(lf - rest.p) + 1 : rest.n);

		line_feed(c, line, lf != NULL);
		rest = span_from(rest, line.n);
	}
	c->size += bytes.n;
}

void
content_end(struct content *c)
{
	header_scan_end(&c->header);
	if (c->cr)
		c->flags |= CONTENT_BARE_CR;
	if (c->line == 0)
		return;
	c->flags |= CONTENT_PARTIAL;
	if (c->line > c->longest_line)
		c->longest_line = c->line;
}
