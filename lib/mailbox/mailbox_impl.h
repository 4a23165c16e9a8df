/* What the files behind mailbox.h share; nobody else includes it. */
#ifndef MAILBOX_MAILBOX_IMPL_H
#define MAILBOX_MAILBOX_IMPL_H

#include "mailbox/index.h"
#include "mailbox/index_record.h"
#include "mailbox/mailbox.h"

enum mailbox_unsynced {
	UNSYNCED_INDEX = 1,
	UNSYNCED_NEW = 2,
	UNSYNCED_CUR = 4,
	UNSYNCED_FOLDER = 8, /* the names of the folder and of what lies in it: whoever made them
				may have met an error, or died */
};

struct mailbox {
	struct maildir *md;
	struct folder folder;
	struct index ix;
	int cache;	      /* its file, -1: not open */
	unsigned unsynced;    /* enum mailbox_unsynced */
	uint32_t uidvalidity; /* as the caller last saw it */
};

/* A change of files by this process: seen before and after, so that it is told from changes of
 * others. */
struct own_change {
	bool new_known;
	bool cur_known;
};

/* All below: while the index is held. */

/* scan.c: are the directories as the index says? */
bool scan_is_due(const struct mailbox *mb);
/* Reads both directories and makes the index say what is there. */
enum verdict mailbox_scan(struct mailbox *mb, struct err *err);
void own_change_begin(const struct mailbox *mb, struct own_change *own);
/* Adds what the index has to know to RECORDS. */
void own_change_end(const struct mailbox *mb, const struct own_change *own, struct str *records);

/* mailbox.c: takes the lock and refreshes; an index that is not there or broken is made. */
enum verdict mailbox_hold(struct mailbox *mb, struct err *err);
/* The same for who comes with UIDs: VERDICT_TEMP when they have lost their meaning. */
enum verdict mailbox_hold_uids(struct mailbox *mb, struct err *err);
void mailbox_release(struct mailbox *mb);
/* Appends RECORDS and marks the index unsynced. */
enum verdict mailbox_write(struct mailbox *mb, const struct str *records, struct err *err);
/* The message of this UID, or NULL. */
struct mail *mailbox_mail(struct mailbox *mb, uint32_t uid);
/* The directory of the message's file, and its whole name there. */
int mail_dir(const struct mailbox *mb, uint32_t flags);
enum verdict mail_file_name(
    const struct mailbox *mb, const struct mail *mail, struct str *out, struct err *err);

/* keyword.c: fills keywords of an index that is new from postern.keywords. */
void keywords_load(struct mailbox *mb);

/* cache.c: with a compacted index; a cache of which little is left is dropped. */
void cache_tidy(struct mailbox *mb);

#endif
