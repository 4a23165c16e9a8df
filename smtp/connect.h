/* A connection to one address. */
#ifndef SMTP_CONNECT_H
#define SMTP_CONNECT_H

#include "smtp/route.h"

/*
 * A connected, non-blocking socket from smtp_bind_address or smtp_bind_address6. VERDICT_TEMP:
 * 4.4.1 and "connect to mx.example.org[192.0.2.1]:25: Connection refused".
 */
SUSPENDS enum verdict connect_hop(const struct conf *conf, const struct hop *hop, uint64_t deadline,
    int *fd_out, struct err *err);

/* "mx.example.org[192.0.2.1]"; "[192.0.2.1]:25" comes of PORT: "mx.example.org[192.0.2.1]:25". */
void hop_put(struct str *out, const struct conf *conf, const struct hop *hop, bool port);

#endif
