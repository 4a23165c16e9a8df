/* What the files of the index share; nobody else includes it. */
#ifndef MAILBOX_INDEX_IMPL_H
#define MAILBOX_INDEX_IMPL_H

#include "mailbox/index.h"

#define INDEX_FILE	"postern.index"
#define INDEX_FILE_NEW	"postern.index.new"
#define INDEX_LOCK_FILE "postern.lock"
#define INDEX_HEADER	128 /* bytes */
#define INDEX_VERSION	1   /* what this build writes */
#define INDEX_OLDEST	1   /* the oldest build that can read what this one writes */
#define INDEX_MAGIC	"posnidx\n"

/* In memory alone: expunged, to be taken out of the array by index_squeeze. */
#define MAIL_GONE (UINT32_C(1) << 31)

/* index_memory.c: the array. False: it does not fit after what is there. */
bool index_add(struct index *ix, const struct mail *mail);
void index_vanish(struct index *ix, uint64_t modseq, struct uid_range range);
bool index_set_keyword(struct index *ix, uint32_t number, struct span name);
void index_squeeze(struct index *ix);
/* Forgets all but the directory and the lock. */
void index_forget(struct index *ix);

/* index_parse.c: the header of an index, for a snapshot of N messages and NAMES bytes of names with
 * a CRC of both. */
void index_put_header(struct str *out, const struct index *ix, uint64_t names, uint32_t crc);

/* index_lock.c */
enum verdict lock_take(int fd, struct err *err);
void lock_give(int fd);

#endif
