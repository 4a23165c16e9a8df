/*
 * Transfer encodings of bodies (RFC 2045 6), decoded as a stream: pieces of any size in, bytes out.
 * Broken input is read as far as it makes sense and said to be broken; for strict base64 (SASL) see
 * base/base64.h.
 */
#ifndef MESSAGE_DECODE_H
#define MESSAGE_DECODE_H

#include "base/str.h"

enum encoding {
	ENCODING_IDENTITY, /* 7bit, 8bit, binary, or none given */
	ENCODING_BASE64,
	ENCODING_QUOTED_PRINTABLE,
	ENCODING_UNKNOWN, /* content must be taken for application/octet-stream (RFC 2045 6.4) */
};

/* Of a Content-Transfer-Encoding value; empty: identity. */
enum encoding encoding_parse(struct span value);
/* The name in the value, without comments and blanks; empty when there is none. */
struct span encoding_name(struct span value);

struct decoder {
	enum encoding encoding;
	bool broken; /* something was not as the encoding has it */
	uint8_t state;
	uint8_t count; /* of base64 digits in a group; of blanks held back */
	uint32_t bits;
	uint64_t blanks; /* quoted-printable: held back blanks, a bit each, 1 for HTAB */
};

static inline struct decoder
decoder_start(enum encoding encoding)
{
	return (struct decoder){ .encoding = encoding };
}

/* Appends what IN decodes to, at most IN.n + 68 bytes; false when OUT is full. Unknown encodings
 * are passed through. */
bool decoder_feed(struct decoder *d, struct span in, struct str *out);
/* What was held back at the end; says `broken` of what is incomplete. */
bool decoder_end(struct decoder *d, struct str *out);

/* The "Q" of encoded words (RFC 2047 4.2): as quoted-printable on one line, "_" for a blank. */
bool decode_put_q(struct str *out, struct span text);
/* Base64 as far as it goes; for encoded words. */
bool decode_put_base64(struct str *out, struct span text);

#endif
