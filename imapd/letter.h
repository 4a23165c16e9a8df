/*
 * One message, looked at by FETCH or SEARCH: what is cached of it, its structure, its file, each
 * fetched when it is first asked for. Used again and again for the next message, so that a long
 * FETCH allocates nothing. It holds no struct mail, and so may be kept over a suspension.
 */
#ifndef IMAPD_LETTER_H
#define IMAPD_LETTER_H

#include "mailbox/mailbox.h"
#include "mailbox/parts.h"

struct letter {
	struct mailbox *mb;
	struct mail mail; /* as it was at letter_begin */

	/* inside */
	unsigned tried; /* enum letter_tried */
	struct str bytes;
	struct cache_entry cache;
	struct str picked;
	struct arena arena;
	const struct mime_part *root;
	int fd;
	uint64_t size;
	bool changed; /* the file is not of the size that the index knows */
};

void letter_init(struct letter *l, struct mailbox *mb);
void letter_free(struct letter *l);
/* The next message; what was got of the one before is gone. */
void letter_begin(struct letter *l, const struct mail *mail);

/*
 * Verdicts: VERDICT_ABSENT when the message has been expunged, VERDICT_TEMP when it cannot be read,
 * VERDICT_LIMIT when it is too large to be parsed. What is found out by reading is cached.
 */
/* The structure; extents are those of the file that letter_open opens. */
enum verdict letter_parts(struct letter *l, const struct mime_part **out, struct err *err);
/* The fields of cache_wants_header, whole, with LF line ends. */
enum verdict letter_headers(struct letter *l, struct span *out, struct err *err);
/* RFC822.SIZE: bytes with CRLF line ends. */
enum verdict letter_vsize(struct letter *l, uint64_t *out, struct err *err);

/* Makes sure that the file is open. */
enum verdict letter_open(struct letter *l, struct err *err);
/* Bytes of the open file, as it is stored. */
uint64_t letter_size(const struct letter *l);
/* N bytes from AT on, added to OUT, less where the file ends. */
enum verdict letter_read(struct letter *l, uint64_t at, size_t n, struct str *out, struct err *err);
/* The open file is not as the structure says: it is parsed again, for the next time. */
void letter_distrust(struct letter *l);

#endif
