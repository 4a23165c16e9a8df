/*
 * Characters of mail to UTF-8: UTF-8 itself, ISO 8859, Windows code pages and KOI8, from tables of
 * our own, so that no process in a cage loads code for it (glibc's iconv does). Other charsets
 * (ISO-2022-JP, GB18030, UTF-7, ...) are not decoded: what is in them stays as it was sent.
 */
#ifndef MESSAGE_CHARSET_H
#define MESSAGE_CHARSET_H

#include "base/str.h"

bool charset_known(struct span name);
/*
 * BYTES of the charset NAME as UTF-8. What has no meaning becomes U+FFFD; controls but HTAB, CR and
 * LF become blanks. False, and nothing put, when the charset is not known, and false when OUT is
 * full.
 */
bool charset_put_utf8(struct str *out, struct span name, struct span bytes);
/* The same for bytes of no stated charset: UTF-8, what is not becomes U+FFFD. */
bool charset_put_clean(struct str *out, struct span bytes);

#endif
