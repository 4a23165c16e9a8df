/* What cache.c does for the rest of lib/mailbox; the daemons' part is in mailbox.h. */
#ifndef MAILBOX_CACHE_H
#define MAILBOX_CACHE_H

#include "mailbox/mailbox_impl.h"

/* Caches headers and structure of a message about to be added; returns its cache_at, 0: not cached.
 */
uint32_t cache_append_draft(struct mailbox *mb, uint32_t uid, const struct draft *draft);
/* A record's bytes made and read, for cache.c and for fuzzing. False: it is none, or of another
 * message. */
void cache_put_record(
    struct str *out, uint32_t uidvalidity, uint32_t uid, const struct cache_entry *entry);
bool cache_get_record(
    struct span bytes, uint32_t uidvalidity, uint32_t uid, struct cache_entry *out);

#endif
