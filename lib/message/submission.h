/*
 * A message as sendmail(1) hands it to postdrop(1) and as it lies in the maildrop: a head of text
 * lines, the content as its author wrote it, an end that says how much there should be and its
 * CRC-32C. A file without its end is one that is still being written, or never was.
 *
 *	postern submission 1
 *	sender anna@example.com
 *	name Anna
 *	notify 6
 *	recipient bert@example.com
 *
 *	Subject: ...
 *
 * All of it may come from a stranger: whoever reads one checks it with these functions.
 */
#ifndef MESSAGE_SUBMISSION_H
#define MESSAGE_SUBMISSION_H

#include "base/err.h"
#include "base/str.h"

#define SUBMISSION_END 35 /* bytes of the end */

struct submission {
	struct span sender;	/* as it was given: may lack a domain; empty: the null sender */
	struct span name;	/* its person's, for From:; may be empty */
	struct span envid;	/* RFC 3461 ENVID, decoded; may be empty */
	uint8_t notify;		/* enum dsn_notify bits; 0: not given */
	uint8_t ret;		/* RFC 3461 RET: 0 none, 1 FULL, 2 HDRS */
	struct span recipients; /* of a head that was read: for submission_next */
	size_t recipients_n;
	size_t head_size; /* where the content begins */
};

/* May TEXT stand in a head: without controls, LIMIT_ADDRESS bytes at most? */
bool submission_text_valid(struct span text);

/* All lines before the recipients; false when a text is not valid, or OUT is full. */
bool submission_put(struct str *out, const struct submission *s);
bool submission_put_recipient(struct str *out, struct span address);
/* The empty line. */
bool submission_put_head_end(struct str *out);

/*
 * Reads the head at the begin of BYTES. VERDICT_ABSENT: there is more to come of it; VERDICT_PERM:
 * it is none, ERR says why; VERDICT_LIMIT: it is longer than LIMIT_SUBMISSION_HEAD, or has more
 * than LIMIT_RECIPIENTS. Spans point into BYTES.
 */
enum verdict submission_parse(struct span bytes, struct submission *out, struct err *err);
/* The next recipient; false: no more. */
bool submission_next(struct span *recipients, struct span *address_out);

/* The end of SIZE bytes (head and content) with CRC. */
bool submission_put_end(struct str *out, uint64_t size, uint32_t crc);
/* False: BYTES are no end. */
bool submission_parse_end(struct span bytes, uint64_t *size_out, uint32_t *crc_out);

#endif
