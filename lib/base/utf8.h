/* UTF-8 (RFC 3629): strict, no surrogates, no overlong forms. */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include "base/cursor.h"
#include "base/str.h"

bool utf8_valid(struct span s);
/* Takes one code point, or returns -1 (and has not moved) when what is next is not one. */
int32_t utf8_next(struct cursor *c);
/* False, and nothing is put, when CODEPOINT is a surrogate or past U+10FFFF, or OUT is full. */
bool utf8_put(struct str *out, uint32_t codepoint);
/* The length of the longest start of S of at most MAX bytes that cuts no character in two. */
size_t utf8_cut(struct span s, size_t max);
/*
 * Makes bytes printable: control characters (C0, DEL, C1) and what is not UTF-8 become \ooo and,
 * with BACKSLASH, a backslash becomes \\. Writes at most SIZE - 1 bytes (SIZE > 0) and a NUL to
 * OUT, cutting neither an escape nor a character in two. Returns how many bytes of S that took.
 */
size_t utf8_escape(struct span s, bool backslash, char *out, size_t size);

#endif
