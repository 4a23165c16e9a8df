/*
 * A Maildir looked at without changing anything: for `postern fsck` and the crash tests. What is
 * called a trouble here either loses or repeats something, or stays for ever, or means that
 * somebody has been at work who should not. What the next opening puts right by itself, as after
 * any crash, is none.
 */
#ifndef MAILBOX_VERIFY_H
#define MAILBOX_VERIFY_H

#include "base/err.h"

enum maildir_fault {
	MAILDIR_NO_PART,      /* NAME (new, cur or tmp) is missing */
	MAILDIR_INDEX_BROKEN, /* NAME is no index that can be read */
	MAILDIR_UNKNOWN,      /* a file that the index should know, and does not */
	MAILDIR_GONE,	      /* a message of the index whose file is not there */
	MAILDIR_TWICE,	      /* two files of one message */
	MAILDIR_NO_MESSAGE,   /* neither file nor anything else that belongs there */
	MAILDIR_OWNER,	      /* somebody else's, or nobody may read it */
	MAILDIR_SIZE,	      /* its name says another size */
	MAILDIR_STALE,	      /* left over, by us or by others */
	MAILDIR_SAME_ID,      /* the folder NAME has the same id, so UIDs of one are taken for the
				 other's */
	MAILDIR_FAULTS,
};

struct maildir_trouble {
	enum maildir_fault fault;
	struct span folder; /* its directory; empty: the Maildir itself */
	struct span name;
	uint32_t uid; /* of MAILDIR_GONE */
};

/* Called for each; texts are valid during the call. */
typedef void maildir_trouble_fn(const struct maildir_trouble *trouble, void *arg);

struct maildir_census {
	size_t folders;
	size_t messages;
};

/*
 * The Maildir PATH beneath HOME. Waits for locks of processes that are changing it. VERDICT_ABSENT:
 * there is none; VERDICT_TEMP: it cannot be looked at.
 */
enum verdict maildir_verify(int home, struct span path, maildir_trouble_fn *fn, void *arg,
    struct maildir_census *census_out, struct err *err);

#endif
