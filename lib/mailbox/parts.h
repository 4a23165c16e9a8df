/* The MIME structure of a message as bytes: what CACHE_PARTS holds, so that BODYSTRUCTURE, ENVELOPE
 * and BODY[n] need no parsing. */
#ifndef MAILBOX_PARTS_H
#define MAILBOX_PARTS_H

#include "message/mime.h"

/* The tree of ROOT with all its texts; false when OUT is full. */
bool parts_put(struct str *out, const struct mime_part *root);
/*
 * The tree again, in ARENA; its texts point into BYTES. NULL: BYTES are not what parts_put writes,
 * or ARENA is full.
 */
const struct mime_part *parts_get(struct span bytes, struct arena *arena);

#endif
