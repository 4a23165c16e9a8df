/* UTF-8 (RFC 3629): strict, no surrogates, no overlong forms. */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include "base/cursor.h"
#include "base/str.h"

bool utf8_valid(struct span s);
/* Takes one code point, or returns -1 (and has not moved) when what is next is not one. */
int32_t utf8_next(struct cursor *c);
bool utf8_put(struct str *out, uint32_t codepoint);

#endif
