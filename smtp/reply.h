/*
 * Replies of a server (RFC 5321 4.2), bounded in lines, bytes and time: what comes beyond is a
 * protocol error, however politely it is said.
 */
#ifndef SMTP_REPLY_H
#define SMTP_REPLY_H

#include "event/stream.h"

struct reply {
	unsigned code;	     /* 200 to 599 */
	struct dsn_code dsn; /* RFC 2034, of the last line; class 0: none that fits the code */
	struct str text;     /* all lines with their codes, "\n" between them */
	unsigned lines;
};

void reply_init(struct reply *r);
void reply_free(struct reply *r);
void reply_reset(struct reply *r);

enum reply_step {
	REPLY_MORE, /* the reply goes on */
	REPLY_DONE,
	REPLY_BAD, /* no reply at all, or one without end */
};

/* Takes a line without its end. */
enum reply_step reply_take(struct reply *r, struct span line);

/*
 * The next reply. VERDICT_EOF, VERDICT_TIMEOUT, VERDICT_CANCELLED: as of the stream; VERDICT_PERM:
 * what came is none, r->text says what.
 */
SUSPENDS enum verdict reply_read(struct stream *io, struct reply *r, uint64_t deadline);

/* The text as one line, as logs and reports show it. */
void reply_put(struct str *out, const struct reply *r);

static inline unsigned
reply_class(const struct reply *r)
{
	return r->code / 100;
}

#endif
