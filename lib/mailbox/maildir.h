/*
 * The Maildir of one account and the folders in it, as directories: what all else in lib/mailbox
 * stands on. Used by the processes that are born as the account. Everything is reached from
 * descriptors, beneath the account's home, without following links.
 *
 * Calls block: they are for a process that serves one account, or for a thread of its pool.
 */
#ifndef MAILBOX_MAILDIR_H
#define MAILBOX_MAILDIR_H

#include "base/err.h"
#include "base/span.h"
#include "base/str.h"

/* Where an account's mail is. The descriptors stay the caller's. */
struct maildir_place {
	int home;	  /* its directory */
	int proc_fd;	  /* of /proc/self/fd, to name unnamed files; -1: they get a name at once */
	struct span path; /* of the Maildir below home: "Maildir/" */
	struct span host; /* for names of files: this host's */
};

struct maildir;

/* Makes what is missing. VERDICT_TEMP with errno, VERDICT_PERM when PATH leaves the home. */
enum verdict maildir_open(const struct maildir_place *place, struct maildir **out, struct err *err);
void maildir_close(struct maildir *md);
/* The Maildir's own directory; it stays MD's. */
int maildir_dir(const struct maildir *md);
/*
 * A name that no message has: "time.M<usec>P<pid>Q<n>.host", with ",S=,W=" when VSIZE is not 0. Any
 * thread may ask.
 */
void maildir_unique_name(struct maildir *md, uint64_t size, uint64_t vsize, struct str *out);

/* A folder's directories. -1: not open. */
struct folder {
	int dir, tmp, cur, new;
};
#define FOLDER_CLOSED          \
	{                      \
		-1, -1, -1, -1 \
	}

/*
 * Opens the folder of NAME (UTF-8; checked here), VERDICT_ABSENT when it is not there. With CREATE
 * it and its parts are made. Parts of an existing folder that are missing are made in any case.
 */
enum verdict folder_open(
    const struct maildir *md, struct span name, bool create, struct folder *out, struct err *err);
void folder_close(struct folder *f);

/*
 * Fills ERR for a file call that failed with SYS: no room and no quota have their own codes
 * (452 4.3.1, 452 4.2.2), as the sender reads them. The verdict is VERDICT_TEMP.
 */
enum verdict maildir_failed(struct err *err, int sys, const char *what);

#endif
