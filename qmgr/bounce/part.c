/*
 * Parts of a multipart/report (RFC 2046 5.1, RFC 6522): their begin, their bytes, base64 where the
 * way to the reader may not carry UTF-8 (RFC 6533 4.5). Called by compose.c, status.c and
 * original.c. Base64 holds back less than a line.
 */
#include "config.h"

#include "base/base64.h"
#include "qmgr/bounce/bounce.h"

#define LINE_BYTES 57 /* 76 columns of base64: RFC 2045 6.8 */
#define LINE_ROOM  100
#define HEAD_MOST  1024

void
part_begin(
    struct part *part, struct notice *n, const char *description, const char *type, bool eight_bit)
{
	struct str head = STR_INIT(HEAD_MOST);

	*part = (struct part){ .n = n, .encode = eight_bit && n->encode };
	str_init(&part->held, LINE_BYTES);
	str_printf(&head, "--%.*s\r\nContent-Description: %s\r\nContent-Type: %s\r\n",
	    SPAN_ARG(str_span(&n->boundary)), description, type);
	if (eight_bit)
		str_printf(
		    &head, "Content-Transfer-Encoding: %s\r\n", part->encode ? "base64" : "8bit");
	str_puts(&head, "\r\n");
	posting_put(&n->posting, str_span(&head));
	str_free(&head);
}

static void
part_flush(struct part *part)
{
	struct str line = STR_INIT(LINE_ROOM);

	base64_put(&line, str_span(&part->held));
	str_puts(&line, "\r\n");
	posting_put(&part->n->posting, str_span(&line));
	str_free(&line);
	str_reset(&part->held);
}

void
part_put(struct part *part, struct span bytes)
{
	if (!part->encode) {
		posting_put(&part->n->posting, bytes);
		return;
	}
	while (bytes.n > 0) {
		struct span piece = span_head(bytes, LINE_BYTES - part->held.n);

		str_put(&part->held, piece);
		bytes = span_from(bytes, piece.n);
		if (part->held.n == LINE_BYTES)
			part_flush(part);
	}
}

void
part_end(struct part *part)
{
	if (part->held.n > 0)
		part_flush(part);
	/* Belongs to the boundary that follows. */
	posting_put(&part->n->posting, span_lit("\r\n"));
	str_free(&part->held);
}
