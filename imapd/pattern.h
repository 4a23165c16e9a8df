/* Patterns of LIST (RFC 9051 6.3.9). */
#ifndef IMAPD_PATTERN_H
#define IMAPD_PATTERN_H

#include "base/span.h"

/*
 * Does NAME match? "*" is any text, "%" any without a separator; INBOX in any case. In time that
 * grows with the product of both lengths at most, whatever stands in the pattern.
 */
bool pattern_match(struct span pattern, struct span name);

#endif
