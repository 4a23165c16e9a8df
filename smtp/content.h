/* The message on its way to the server. */
#ifndef SMTP_CONTENT_H
#define SMTP_CONTENT_H

#include "smtp/delivery.h"

/*
 * All of it, as RFC 5321 4.1.1.4 wants it, but for the final dot when something went wrong.
 * VERDICT_OK: all has been written, the final dot too. VERDICT_TEMP with ERR: the file could not be
 * read; VERDICT_EOF, VERDICT_TIMEOUT, VERDICT_CANCELLED: of the stream. Then the server must not
 * get to see a dot.
 */
SUSPENDS enum verdict content_send(struct session *s, const struct delivery *d, struct err *err);

#endif
