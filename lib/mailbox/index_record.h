/* The records of the index's log: written to a builder, applied to an index. FORMAT tells their
 * layout. */
#ifndef MAILBOX_INDEX_RECORD_H
#define MAILBOX_INDEX_RECORD_H

#include "mailbox/bytes.h"
#include "mailbox/index.h"

#define INDEX_MAIL_SIZE	  64 /* bytes of a message in the snapshot and in its record */
#define INDEX_RECORD_HEAD 8

struct flag_change {
	uint32_t add;
	uint32_t remove;
	uint64_t add_keywords;
	uint64_t remove_keywords;
};

void index_put_mail(struct str *out, const struct mail *mail);
void index_get_mail(const char *p, struct mail *out);

void record_message(struct str *out, const struct mail *mail, struct span name);
/* To all messages in SET. */
void record_flags(
    struct str *out, uint64_t modseq, const struct flag_change *change, struct uid_set set);
void record_expunge(struct str *out, uint64_t modseq, struct uid_set set);
/* UIDs from NEXT, below LIMIT. */
void record_reserve(struct str *out, uint32_t next, uint32_t limit);
void record_clean(struct str *out, uint32_t next);
void record_dirs(struct str *out, const struct index_dirs *dirs);
void record_keyword(struct str *out, unsigned number, struct span name);
/* A new stored name; the flag MAIL_RAW goes with it. */
void record_name(struct str *out, uint32_t uid, bool raw, struct span name);
void record_cached(struct str *out, uint32_t uid, uint32_t cache_at);
void record_use(struct str *out, uint32_t use);
void record_sizes(struct str *out, uint32_t uid, uint64_t size, uint64_t vsize);

/*
 * Applies the records at the front of BYTES, which stand at AT in the file; returns how many bytes
 * of them are whole and make sense.
 */
size_t records_apply(struct index *ix, struct span bytes, uint64_t at);

#endif
