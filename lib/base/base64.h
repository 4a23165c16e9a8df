/* Base64 (RFC 4648 4) and hexadecimal. */
#ifndef BASE_BASE64_H
#define BASE_BASE64_H

#include "base/str.h"

bool base64_put(struct str *out, struct span bytes);
/* Strict: right padding, no blanks, no bits left over (SASL, RFC 4954). False leaves OUT as is. */
bool base64_parse(struct span text, struct str *out);
bool hex_put(struct str *out, struct span bytes);
/* Two digits a byte; false leaves OUT as it was. */
bool hex_parse(struct span text, struct str *out);

#endif
