/*
 * What is to be known of a message's content as it passes: facts that COMMIT carries, so that
 * nobody reads it again. Fed in pieces of any size, by smtpd (DATA and BDAT alike), pickup and
 * bounce. Lines end with LF; CR and LF that are not a pair are counted as bare, and what to do
 * about them is the caller's policy (ABUSE 3).
 */
#ifndef MESSAGE_CONTENT_H
#define MESSAGE_CONTENT_H

#include "message/header.h"

enum content_flag {
	CONTENT_8BIT = 1,	  /* a byte above 127 */
	CONTENT_NUL = 2,	  /* a NUL */
	CONTENT_BARE_CR = 4,	  /* a CR that no LF follows */
	CONTENT_BARE_LF = 8,	  /* an LF that no CR precedes */
	CONTENT_LEADING_DOT = 16, /* a line begins with a dot: stuffing changes it */
	CONTENT_PARTIAL = 32,	  /* the last line has no end; known after content_end */
};

struct content {
	uint64_t size;		   /* bytes */
	uint64_t lines;		   /* LFs */
	uint64_t longest_line;	   /* bytes, without its end */
	unsigned flags;		   /* enum content_flag */
	struct header_scan header; /* .size: bytes of the header block, with its empty line */
	uint64_t line;		   /* bytes of the line we are in */
	bool cr;		   /* the last byte was a CR */
};

/* *C starts zeroed. */
void content_feed(struct content *c, struct span bytes);
void content_end(struct content *c);

#endif
