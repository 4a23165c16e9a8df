/* Numbers in text: strict, bounded, no locale. */
#ifndef BASE_NUM_H
#define BASE_NUM_H

#include "base/span.h"

/* All of S is digits and the value is at most MAX. */
bool num_parse_u64(struct span s, uint64_t max, uint64_t *out);
/* A "0"-prefixed octal mode or plain octal, as in file modes. */
bool num_parse_octal(struct span s, uint64_t max, uint64_t *out);
/* All of S is hexadecimal digits, 1 to 16 of them. */
bool num_parse_hex(struct span s, uint64_t *out);

#endif
