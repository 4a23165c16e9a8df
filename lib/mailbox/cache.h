/* What cache.c does for the rest of lib/mailbox; the daemons' part is in mailbox.h. */
#ifndef MAILBOX_CACHE_H
#define MAILBOX_CACHE_H

#include "mailbox/mailbox_impl.h"

/* Records on their way into the cache, in one write at the end. */
struct cache_batch {
	struct mailbox *mb;
	struct str records;
	uint64_t at; /* where they will lie in the file; 0: nowhere */
};

/* Under the lock, until the batch has ended. False: nothing can be cached now. */
bool cache_batch_begin(struct mailbox *mb, struct cache_batch *b);
/* Headers and structure of a message about to be added; returns its cache_at, 0: not cached. */
uint32_t cache_batch_add_draft(struct cache_batch *b, uint32_t uid, const struct draft *draft);
/* Writes them, and frees the batch. False: they are not there. */
bool cache_batch_end(struct cache_batch *b);
/* A record's bytes made and read, for cache.c and for fuzzing. False: it is none, or of another
 * message. */
void cache_put_record(
    struct str *out, uint32_t uidvalidity, uint32_t uid, const struct cache_entry *entry);
bool cache_get_record(
    struct span bytes, uint32_t uidvalidity, uint32_t uid, struct cache_entry *out);

#endif
