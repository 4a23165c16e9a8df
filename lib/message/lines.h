/*
 * The one codec for lines of mail content, both ways (RFC 5321 4.1.1.4, 4.5.2). Both directions
 *work in place: they give runs, which lie in the caller's input or are constant, to be written or
 *copied as they come; nothing is buffered here.
 *
 *	while ((step = data_in_next(&d, &in, &run)) == DATA_RUN)
 *		append(run);
 *
 * Reading is strict (ABUSE 3): only CR LF "." CR LF ends the data, wherever the input was cut, and
 *only a dot after CR LF (or first of all) is taken off a line. Writing (ABUSE 4) never lets out a
 *line end or a dot that the text did not mean.
 */
#ifndef MESSAGE_LINES_H
#define MESSAGE_LINES_H

#include "base/str.h"

enum data_step {
	DATA_RUN,  /* *RUN is content */
	DATA_MORE, /* all input is taken; feed more */
	DATA_END,  /* the final dot has been taken; *IN is what the client sent after it */
};

struct data_in {
	uint8_t state;
};

/* *D starts zeroed. Takes input off the front of *IN; after DATA_END it must not be called again.
 */
enum data_step data_in_next(struct data_in *d, struct span *in, struct span *run_out);

enum lines_flag {
	LINES_CRLF = 1,	  /* every LF gets a CR before it, if it has none: IMAP, POP3, SMTP */
	LINES_LF = 2,	  /* a CR before an LF is dropped: Maildir */
	LINES_DOTS = 4,	  /* dot-stuffed, and lines_end gives the final dot: SMTP, POP3; with
			     LINES_CRLF alone */
	LINES_FIX_CR = 8, /* a CR that no LF follows becomes a blank: SMTP, where it could be taken
			     for a line end */
};
#define LINES_SMTP    (LINES_CRLF | LINES_DOTS | LINES_FIX_CR)
#define LINES_POP3    (LINES_CRLF | LINES_DOTS)
#define LINES_IMAP    LINES_CRLF
#define LINES_MAILDIR LINES_LF

struct lines {
	unsigned flags;
	bool mid_line; /* what was given out last did not end a line */
	bool held_cr;  /* a CR was the last byte of the input and has not been given out */
	bool dot_done; /* the dot for the line that begins now has been given out */
};

static inline struct lines
lines_start(unsigned flags)
{
	return (struct lines){ .flags = flags };
}

/* The next run; false when all of *IN is taken. */
bool lines_next(struct lines *l, struct span *in, struct span *run_out);
/* What has to follow the last run: a CR held back; with LINES_DOTS the last line's end if it lacks
 * one, and the final dot. */
bool lines_end(struct lines *l, struct span *run_out);
/* All runs of IN, copied; false when OUT is full. */
bool lines_put(struct lines *l, struct span in, struct str *out);

/* How many LFs in IN have no CR before them; CR: the byte before IN was a CR. Size in CRLF form is
 * n + this. */
size_t lines_count_bare_lf(struct span in, bool cr);

#endif
