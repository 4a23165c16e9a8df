/*
 * Group commit: messages that come while one sync round runs share the next. "250 means durable": a
 * message is told to its sender only after the round that held it.
 */
#ifndef QMGR_COMMIT_H
#define QMGR_COMMIT_H

#include "qmgr/store.h"
#include "queue/file.h"

struct commit;
struct commit_item;

/* How a round is made durable. */
enum commit_mode {
	COMMIT_AUTO,   /* whichever is faster here */
	COMMIT_SYNCFS, /* the whole file system at once */
	COMMIT_FSYNC,  /* each file, in threads, then the directory */
};

/* On a fiber of commit.c; must not suspend. ITEM->error is 0 when the message is durable, ECANCELED
 * when dropped. */
typedef void commit_done_fn(struct commit_item *item);
typedef bool commit_wanted_fn(struct commit_item *item);

/* One message, in its owner's memory until DONE has been called with it. */
struct commit_item {
	struct list link;
	const char *id;		/* of the message, NUL terminated */
	struct store_file file; /* the commit's from here on; afterwards it is gone */
	struct span record;
	uint64_t failures;    /* commit_failures when its file was lent */
	uint64_t content_end; /* of the envelope: the file must be at least that long */
	struct file_head
	    head;	/* in: record's size and check value, recipients, nonce; out: the rest */
	bool keep_open; /* read_fd is wanted */
	commit_wanted_fn *wanted; /* asked when its round begins */
	commit_done_fn *done;
	int error;   /* errno: why it failed */
	int read_fd; /* O_RDONLY, or -1; the owner's */
};

struct commit *commit_new(struct pool *pool, struct store *store, enum commit_mode mode);
/* When idle. */
void commit_free(struct commit *c);

void commit_submit(struct commit *c, struct commit_item *item);
/*
 * How many syncs of the whole file system have failed. One may have tried to write what lay in any
 * file then, and no later sync tells of it or tries again: a file that was lent before is given up.
 */
uint64_t commit_failures(const struct commit *c);
/* Submitted, not done. */
size_t commit_backlog(const struct commit *c);

/* What was written and unlinked until now is durable within a second. */
void commit_sync_soon(struct commit *c);
/* BEGUN: a sync of the whole file system starts. Else it has ended, durable when ERROR is 0. */
typedef void commit_synced_fn(void *arg, bool begun, int error);
void commit_on_sync(struct commit *c, commit_synced_fn *fn, void *arg);

/* For tests and measuring. */
struct commit_figures {
	uint64_t rounds;
	uint64_t messages;
	uint64_t syncfs_ns; /* moving averages of a round: by syncfs, by fdatasync (per file and
			       thread) */
	uint64_t fsync_ns;
};
void commit_figures(const struct commit *c, struct commit_figures *out);

#endif
