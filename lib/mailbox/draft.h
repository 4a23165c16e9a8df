/*
 * A message on its way into a Maildir: a file in tmp/ that is written, synced, and then named in
 * new/ or cur/. Delivery and IMAP APPEND have this path in common. All calls block; a draft belongs
 * to one thread at a time.
 */
#ifndef MAILBOX_DRAFT_H
#define MAILBOX_DRAFT_H

#include "mailbox/maildir.h"
#include "message/lines.h"
#include "message/mime.h"

struct draft {
	struct maildir *md;
	const struct folder *folder;
	int fd;		    /* -1: none */
	bool named;	    /* in tmp/; else the file has no name yet */
	int published;	    /* the directory it has its name in, or -1 */
	bool cr;	    /* what was written last is a CR */
	struct lines lines; /* CRLF becomes LF */
	uint64_t size;	    /* bytes on disk */
	uint64_t vsize;	    /* bytes with CRLF line ends: RFC822.SIZE */
	struct str buffer;
	struct arena arena; /* of the tree that mime makes */
	struct mime *mime;
	struct str parts; /* parts_put of the message, once it is synced; empty: not known */
	struct str
	    head; /* the begin of the text, as it is on disk: at most LIMIT_MAIL_HEAD bytes */
	struct str name; /* in tmp/; once published in new/ or cur/ */
};

/* FOLDER and MD outlive the draft. Whatever the verdict, draft_end is due. */
enum verdict draft_begin(
    struct draft *d, struct maildir *md, const struct folder *folder, struct err *err);
/* TEXT with any line ends. */
enum verdict draft_put(struct draft *d, struct span text, struct err *err);
/*
 * The text is whole: written and synced. DATE_NS, wall clock, becomes the file's time, which is its
 * INTERNALDATE; 0: now.
 */
enum verdict draft_sync(struct draft *d, uint64_t date_ns, struct err *err);
/* The same without the sync, which is the caller's (of the file system, for many at once), and due
 * before draft_publish. */
enum verdict draft_finish(struct draft *d, uint64_t date_ns, struct err *err);
/*
 * Gives the file its name in new/, or in cur/ with INFO (":2,S") after it. It survives a power cut
 * when the directory has been synced, which is the caller's, for many at once.
 */
enum verdict draft_publish(struct draft *d, struct span info, struct err *err);
/* Takes back what draft_publish did, as far as that goes. */
void draft_withdraw(struct draft *d);
/* Frees all; a file that was not published is gone. */
void draft_end(struct draft *d);

#endif
