/* Encoded words of headers (RFC 2047): "=?charset?Q?text?=" to UTF-8 and back. */
#ifndef MESSAGE_WORDS_H
#define MESSAGE_WORDS_H

#include "base/str.h"

/*
 * TEXT (unfolded) as UTF-8. Blanks between two encoded words go; a character cut between two words
 * of one charset is put together. Words of charsets that are not known, and what is no good word,
 * stay as they are.
 */
bool words_put_decoded(struct str *out, struct span text);
/*
 * UTF-8 text for an unstructured field or a display name: as it is when it is plain ASCII that
 * nobody would decode, else encoded words of at most 75 bytes with blanks between them, no
 * character cut.
 */
bool words_put_encoded(struct str *out, struct span utf8);
/* Does it need encoding? */
bool words_need_encoding(struct span utf8);

#endif
