/* How many hosts a message has passed: its Received: fields (RFC 5321 6.3). */
#ifndef SMTPD_HOPS_H
#define SMTPD_HOPS_H

#include "base/span.h"

/* Counts those that begin in RUN; *STATE starts as 0 and carries over what was cut. */
unsigned hops_count(uint8_t *state, struct span run);

#endif
