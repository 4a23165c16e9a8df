/*
 * The header block of a message (RFC 5322 2.2, 3.6), read as mail is, not as it should be. One
 * rule, used everywhere, says where it ends, so that no two parts of the suite see different
 * headers:
 *
 * - a line "name:" (printable ASCII, blanks before the colon allowed) begins a field; a line that
 * begins with a blank goes on with the field before it;
 * - "From " or ">From " lines before the first field are part of the header and no fields (mbox,
 * RFC 4155);
 * - an empty line ends the header and belongs to it; any other line ends it and is the first of the
 * body.
 *
 * A line ends with LF; one CR before it is part of the end. Nothing here allocates or keeps
 * anything.
 */
#ifndef MESSAGE_HEADER_H
#define MESSAGE_HEADER_H

#include "base/str.h"

struct header_field {
	struct span name;  /* as written, without blanks before the colon */
	struct span value; /* all after the colon, folds inside, without the last line end */
	struct span whole; /* all its lines, with their ends */
};

struct header_reader {
	struct span rest; /* what has not been read; after header_next said false: the body */
	bool begun;
};

static inline struct header_reader
header_read(struct span message)
{
	return (struct header_reader){ message, false };
}

/* The next field; false at the end of the header. A last line without LF counts. */
bool header_next(struct header_reader *r, struct header_field *out);
/* The first (last) field of this name, case folded; .whole.p is NULL when there is none. */
struct header_field header_find(struct span message, struct span name);
struct header_field header_find_last(struct span message, struct span name);
/* Bytes of the header with its empty line: where the body begins. */
size_t header_size(struct span message);

/* The same rule for text that comes in pieces. */
struct header_scan {
	uint64_t size; /* bytes of the header so far; its size once done */
	bool done;
	bool begun;	    /* a field has been seen */
	uint8_t state;	    /* where in the line we are */
	uint8_t from_match; /* bytes of "From" matched at the line's begin */
	uint16_t name_size;
	uint64_t line_size; /* bytes of a line that is not yet known to be header */
};

/* *SCAN starts zeroed. When no more comes, header_scan_end settles what a last line without LF is.
 */
void header_scan_feed(struct header_scan *scan, struct span bytes);
void header_scan_end(struct header_scan *scan);

enum header_line {
	HEADER_LINE_UNDECIDED, /* the line is not whole, and its begin does not tell */
	HEADER_LINE_FIELD,
	HEADER_LINE_FOLD,
	HEADER_LINE_FROM,  /* "From " before any field */
	HEADER_LINE_EMPTY, /* the end, part of the header */
	HEADER_LINE_OTHER, /* the end, part of the body */
};

/* What LINE (or the begin of it) is; BEGUN: a field has been seen. */
enum header_line header_line_kind(struct span line, bool begun);

/* The value on one line: folds undone (RFC 5322 2.2.3), blanks cut at both ends, CR, LF and NUL
 * left over made blanks. */
bool header_put_unfolded(struct str *out, struct span value);

/*
 * "Name: value" CRLF, folded at blanks to 78 columns where it can be and never longer than 998 (RFC
 * 5322 2.1.1). VALUE is on one line; CR, LF and NUL in it become blanks, so no value can make a
 * field of its own.
 */
bool header_put(struct str *out, struct span name, struct span value);
/* Goes on at *COL (0-based) with WORDS, folding as above; for fields put together of parts. */
bool header_put_words(struct str *out, size_t *col, struct span words);

/*
 * The next "<...>" of Message-ID, References or In-Reply-To, with its brackets, without blanks
 * inside; comments and quoted strings around it are passed over. *REST starts as the field's value.
 * False when there is none left.
 */
bool message_id_next(struct span *rest, struct span *id_out);

#endif
