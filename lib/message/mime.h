/*
 * The structure of a message (RFC 2045, 2046): one tree, built while the message passes in pieces
 * of any size, for IMAP, for search and for filters alike, so that no two of them see different
 * parts. No recursion; depth, parts, boundaries and memory are bounded, and time is linear in the
 * bytes fed, whatever they are (ABUSE 23). What is beyond a limit becomes content of the part it is
 * in.
 *
 * The choices where RFCs leave one: a line that begins with an open boundary is that boundary, the
 * longest if several fit, the innermost of equals; a multipart without a boundary parameter is
 * text/plain; of a field that is there twice, the first counts.
 */
#ifndef MESSAGE_MIME_H
#define MESSAGE_MIME_H

#include "base/arena.h"
#include "base/str.h"

enum mime_kind {
	MIME_LEAF,
	MIME_MULTIPART, /* its children are its parts */
	MIME_MESSAGE,	/* message/rfc822 or /global: its only child is the message inside */
};

/* Fields kept of each part's header; values raw: folded, comments and all; .p is NULL when there
 * was none. */
enum mime_field {
	MIME_TYPE,
	MIME_ENCODING,
	MIME_ID,
	MIME_DESCRIPTION,
	MIME_DISPOSITION,
	MIME_LANGUAGE,
	MIME_LOCATION,
	MIME_MD5,
	MIME_FIELDS,
};

/* Fields kept of a message's own header: the root's, and that of each message inside. */
enum mime_envelope {
	ENVELOPE_DATE,
	ENVELOPE_SUBJECT,
	ENVELOPE_FROM,
	ENVELOPE_SENDER,
	ENVELOPE_REPLY_TO,
	ENVELOPE_TO,
	ENVELOPE_CC,
	ENVELOPE_BCC,
	ENVELOPE_IN_REPLY_TO,
	ENVELOPE_MESSAGE_ID,
	ENVELOPE_REFERENCES,
	ENVELOPE_FIELDS,
};

/* A range of the message. A line end before a boundary belongs to the boundary (RFC 2046 5.1.1). */
struct mime_extent {
	uint64_t at;	    /* bytes from the message's begin, as it is stored */
	uint64_t size;	    /* bytes, as it is stored */
	uint64_t crlf_size; /* bytes with every LF as CR LF: what IMAP tells and sends */
	uint64_t lines;	    /* LFs */
};

struct mime_part {
	enum mime_kind kind;
	struct mime_part *parent;
	struct mime_part *child; /* the first */
	struct mime_part *last;	 /* the last */
	struct mime_part *next;
	struct span type; /* as written; "text" and "plain", or the digest's "message", "rfc822", by
			     default */
	struct span subtype;
	struct span field[MIME_FIELDS];
	const struct span
	    *envelope;		   /* [ENVELOPE_FIELDS]; NULL unless the part is a message's root */
	struct mime_extent header; /* with the empty line */
	struct mime_extent body;
};

struct mime;

/* The tree and its texts will lie in ARENA, whose cap bounds them; the parser's own memory is freed
 * by mime_free. */
struct mime *mime_new(struct arena *arena);
void mime_feed(struct mime *m, struct span bytes);
/* The root; NULL when ARENA had no room even for that. The tree outlives the parser. */
const struct mime_part *mime_finish(struct mime *m);
/* A limit (LIMIT_MIME_..., or ARENA's cap) was reached: the tree is not all of the message. */
bool mime_limited(const struct mime *m);
void mime_free(struct mime *m);

/* All of a message that lies in memory; NULL as mime_finish. */
const struct mime_part *mime_parse(struct span message, struct arena *arena);

/*
 * The part that IMAP's section number N[0].N[1]... names (RFC 9051 6.4.5.1); NULL when there is
 * none. COUNT 0: the root. A message inside is entered by the number after its part's; a body that
 * is no multipart has one part, itself.
 */
const struct mime_part *mime_find(const struct mime_part *root, const uint32_t *n, size_t count);

/* The part after P in the order of the text, within ROOT; NULL at the end. */
const struct mime_part *mime_next(const struct mime_part *root, const struct mime_part *p);

#endif
