/*
 * The index of a mailbox: the file postern.index in a folder. First a snapshot, which is written
 * once; after it a log to which every change is appended. Compacting writes a new file beside it
 * and renames it over. The whole of the format is told in FORMAT. Inside lib/mailbox; daemons use
 * mailbox.h.
 *
 * Readers take no lock: they read as far as records are whole (each has a CRC) and go on from there
 * later. Writers hold the folder's lock. In memory the index is an array of struct mail by
 * ascending UID; names stay in the file.
 */
#ifndef MAILBOX_INDEX_H
#define MAILBOX_INDEX_H

#include <time.h>

#include "base/err.h"
#include "base/str.h"
#include "mailbox/mail.h"

#define INDEX_ID 16 /* bytes */

/* The times of new/ and cur/ that the index accounts for; when they differ, somebody else was
 * there. */
struct index_dirs {
	struct timespec new;
	struct timespec cur;
	uint32_t recent;     /* the last scan was so soon after a change that another one could hide
				behind it */
	uint64_t unverified; /* wall clock, ns: since when changes of our own were counted in
				unseen; 0: none were */
};

struct index {
	int dir; /* the folder's; the caller's */
	int fd;	 /* of the file */
	int lock;
	bool held;
	bool unsure;  /* a sync failed: no later one would write what that one could not */
	uint64_t end; /* bytes of the file that are read and whole */
	uint64_t log_at;
	uint32_t uidvalidity;
	uint32_t uidnext;  /* above every UID that was given */
	uint32_t reserved; /* UIDs below may have been given and forgotten in a power cut */
	uint32_t granted;  /* UIDs below may be given now: reserved by this process, or since it
			      looks on */
	uint32_t use;	   /* enum mailbox_use */
	uint64_t modseq;
	uint64_t modseq_floor; /* what vanished before is not known one by one */
	unsigned char id[INDEX_ID];
	struct mail *v;
	size_t n;
	size_t cap;
	size_t dead; /* expunged and not yet taken out of v */
	struct vanished *gone;
	size_t gone_n;
	size_t gone_cap;
	struct span keywords[MAIL_KEYWORDS]; /* owned */
	unsigned keywords_n;
	struct index_dirs dirs;
};

/* DIR outlives it. Nothing is read yet. */
enum verdict index_init(struct index *ix, int dir, struct err *err);
void index_fini(struct index *ix);

/*
 * Takes up what is new in the file, or all of it when another has taken its place. VERDICT_ABSENT:
 * there is no file; VERDICT_PERM: it is not one that this build can read, or broken; index_create
 * then makes a new one.
 */
enum verdict index_refresh(struct index *ix, struct err *err);
/* The folder's lock, for at most LIMIT_MAILBOX_LOCK seconds, and a refresh; what that says comes
 * back, the lock held. */
enum verdict index_hold(struct index *ix, struct err *err);
void index_release(struct index *ix);

/* All below: only while it is held. */

/* A new, empty index with keywords as they are in memory. */
enum verdict index_create(struct index *ix, uint32_t uidvalidity, struct err *err);
/* Appends records of index_record.h and takes them up. All or nothing of them is in the file then.
 */
enum verdict index_write(struct index *ix, const struct str *records, struct err *err);
/* Makes sure that N UIDs from index_next_uid on may be given; syncs when they have to be reserved.
 */
enum verdict index_reserve(struct index *ix, uint32_t n, struct err *err);
uint32_t index_next_uid(const struct index *ix);
/* Gives UIDs that were reserved and not used back. */
void index_give_back(struct index *ix);
/* After a sync that failed: all of it anew, and synced. */
enum verdict index_make_sure(struct index *ix, struct err *err);
/* Writes a new file when the log has become long (ALWAYS: in any case), and syncs it. */
enum verdict index_compact(struct index *ix, bool always, struct err *err);

/* The place of the first message with a UID of at least UID; n when there is none. */
size_t index_find(const struct index *ix, uint32_t uid);
/* The modseq for the next change. */
uint64_t index_next_modseq(const struct index *ix);
/* The name as it is stored: see mailfile_put. */
enum verdict index_name(
    const struct index *ix, const struct mail *mail, struct str *out, struct err *err);
/* All of the file, so that index_name_in finds names without a call for each. */
enum verdict index_read_file(const struct index *ix, struct str *out, struct err *err);
struct span index_name_in(struct span file, const struct mail *mail);

/* Parses a file's bytes into an index that is empty; false: it is none. For index_refresh, and for
 * fuzzing. */
bool index_parse(struct index *ix, struct span file);

#endif
