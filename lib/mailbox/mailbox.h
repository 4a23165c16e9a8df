/*
 * A mailbox: a Maildir folder with its index. Used by the processes that are born as the account:
 * the deliverer, imapd's and pop3d's user halves. A process has one struct mailbox for a folder,
 * whatever number of sessions look at it; other processes and other programs may change the Maildir
 * at any time.
 *
 * Calls block for as long as a local disk takes, and wait up to LIMIT_MAILBOX_LOCK seconds for
 * another process's change; none waits for a sync but those that say so. A struct mailbox belongs
 * to one thread at a time. What a call has changed others see at once; it survives a power cut
 * after mailbox_sync.
 *
 * Sets of UIDs are ascending and disjoint; UIDs that are not there are passed over.
 *
 * UIDs are for ever. All else that is kept beside the messages is thrown away when it is lost or
 * broken, and made anew, with a new UIDVALIDITY when the UIDs were lost.
 */
#ifndef MAILBOX_MAILBOX_H
#define MAILBOX_MAILBOX_H

#include "event/pool.h"
#include "mailbox/draft.h"
#include "mailbox/mail.h"
#include "mailbox/maildir.h"

struct mailbox;

/* Special uses, RFC 6154. */
enum mailbox_use {
	MAILBOX_ALL = 1,
	MAILBOX_ARCHIVE = 2,
	MAILBOX_DRAFTS = 4,
	MAILBOX_FLAGGED = 8,
	MAILBOX_JUNK = 16,
	MAILBOX_SENT = 32,
	MAILBOX_TRASH = 64,
	MAILBOX_IMPORTANT = 128,
};

/* NAME as mailbox_name_check takes it. VERDICT_ABSENT: no such folder. MD outlives it. The view is
 * fresh. */
enum verdict mailbox_open(
    struct maildir *md, struct span name, struct mailbox **out, struct err *err);
/* The same for who only adds: an existing index is taken as it is, whatever others did to the
 * Maildir. */
enum verdict mailbox_open_to_add(
    struct maildir *md, struct span name, struct mailbox **out, struct err *err);
void mailbox_close(struct mailbox *mb);
/*
 * Takes up what other processes and other programs have changed. Cheap when nothing was.
 * VERDICT_ABSENT: the folder is gone. When mailbox_uidvalidity is another afterwards, nothing that
 * was known of the mailbox holds any more.
 */
enum verdict mailbox_refresh(struct mailbox *mb, struct err *err);
/* Would mailbox_refresh read the directories? */
bool mailbox_scan_is_due(const struct mailbox *mb);
/* Compacts index and cache when that is worth it; syncs. For idle times; not needed. */
enum verdict mailbox_tidy(struct mailbox *mb, struct err *err);
/* What was changed survives a power cut. The pool's threads wait for the disk, not this process. */
SUSPENDS enum verdict mailbox_sync(struct mailbox *mb, struct pool *pool, struct err *err);
/* The same, waiting here. */
enum verdict mailbox_sync_blocking(struct mailbox *mb, struct err *err);

/* The view. It changes with the calls of this file only. */
uint32_t mailbox_uidvalidity(const struct mailbox *mb);
uint32_t mailbox_uidnext(const struct mailbox *mb);
/* RFC 7162 HIGHESTMODSEQ. */
uint64_t mailbox_modseq(const struct mailbox *mb);
/* MAILBOXID (RFC 8474): 16 bytes, that no rename changes. */
struct span mailbox_id(const struct mailbox *mb);
enum mailbox_use mailbox_use(const struct mailbox *mb);
/* Messages are numbered from 0, by ascending UID. */
size_t mailbox_count(const struct mailbox *mb);
const struct mail *mailbox_at(const struct mailbox *mb, size_t i);
/* The first with a UID of at least UID; the count when there is none. */
size_t mailbox_find(const struct mailbox *mb, uint32_t uid);
/*
 * UIDs that vanished, with the modseq at which they did, oldest first; complete after
 * mailbox_vanished_floor. For what is older: every UID that is not there has vanished (RFC
 * 7162 3.2.5.2). What changed is what has a higher modseq.
 */
const struct vanished *mailbox_vanished(const struct mailbox *mb, size_t *n_out);
uint64_t mailbox_vanished_floor(const struct mailbox *mb);

struct mailbox_counts {
	uint32_t messages;
	uint32_t unseen;
	uint32_t deleted;
	uint32_t fresh;	       /* in new/: no mail reader has touched them */
	uint32_t first_unseen; /* its UID, 0: none */
	uint64_t size;	       /* sum of vsize where known, else of size */
};
void mailbox_count_all(const struct mailbox *mb, struct mailbox_counts *out);

/* The keyword's name, empty for a number without one. */
struct span mailbox_keyword(const struct mailbox *mb, unsigned number);
/*
 * Its bit; with CREATE a new one is made (durable at once). VERDICT_ABSENT: there is none;
 * VERDICT_LIMIT: there are MAIL_KEYWORDS others; VERDICT_PERM: no name for one. ASCII case does not
 * count. $Forwarded is a flag, MAIL_FORWARDED.
 */
enum verdict mailbox_keyword_bit(
    struct mailbox *mb, struct span name, bool create, uint64_t *out, struct err *err);
enum verdict mailbox_set_use(struct mailbox *mb, enum mailbox_use use, struct err *err);

/* One message to be added: its draft is synced (draft_sync) and of this mailbox's folder. */
struct mailbox_addition {
	struct draft *draft;
	uint32_t flags; /* letters; 0: it goes into new/ */
	uint64_t keywords;
	int64_t date; /* as given to draft_sync, seconds; 0: now */
	uint32_t
	    uid; /* out: 0 when the index could not be written; a later refresh gives one then */
	enum verdict v; /* out: VERDICT_OK, the file has its name */
	struct err err;
};
const struct folder *mailbox_folder(const struct mailbox *mb);
struct maildir *mailbox_maildir(const struct mailbox *mb);
/* Adds N messages with one change of the index. They are safe after mailbox_sync, which is the
 * caller's. */
void mailbox_add(struct mailbox *mb, struct mailbox_addition *v, size_t n);

enum mailbox_how { MAILBOX_ADD_FLAGS, MAILBOX_REMOVE_FLAGS, MAILBOX_REPLACE_FLAGS };
struct mailbox_store {
	enum mailbox_how how;
	uint32_t flags; /* letters with a meaning in IMAP: others of a message stay as they are */
	uint64_t keywords;
	uint64_t unchanged_since; /* RFC 7162 3.1.3; UINT64_MAX: any */
};
/*
 * Changes flags of the messages in SET. MODIFIED_OUT (may be NULL) gets those left alone for
 * unchanged_since; the caller frees it. On an error some may have been changed; the view tells.
 */
enum verdict mailbox_store_flags(struct mailbox *mb, struct uid_set set,
    const struct mailbox_store *store, struct uid_list *modified_out, struct err *err);
/* Moves what is in new/ to cur/: a mail reader has seen it. */
enum verdict mailbox_take_new(struct mailbox *mb, struct err *err);
/* Removes those of SET that are there; all of them, whatever their flags. */
enum verdict mailbox_expunge(struct mailbox *mb, struct uid_set set, struct err *err);

/* What became of a copy or move: ranges of the source, and of the same messages in the same order
 * in the target. */
struct mailbox_copied {
	struct uid_list from;
	struct uid_list to;
};
void mailbox_copied_free(struct mailbox_copied *copied);
/*
 * Copies (hard links where it can) the messages of SET to TO, which may be FROM, with flags,
 * keywords and dates. A copy that
 * fails has copied nothing, unless others renamed files meanwhile; a move that fails has moved
 * those in *OUT. *OUT is zeroed before and freed after by the caller.
 */
enum verdict mailbox_copy(struct mailbox *from, struct uid_set set, struct mailbox *to,
    struct mailbox_copied *out, struct err *err);
enum verdict mailbox_move(struct mailbox *from, struct uid_set set, struct mailbox *to,
    struct mailbox_copied *out, struct err *err);

/* The message's file, for reading; the caller's. VERDICT_ABSENT: it has been expunged, as the view
 * then says. */
enum verdict mailbox_open_message(struct mailbox *mb, uint32_t uid, int *fd_out, struct err *err);
/* Makes sure that size and vsize are known and right: reads the message if they are not known. */
enum verdict mailbox_measure(struct mailbox *mb, uint32_t uid, struct err *err);
/* The same for a file that is found to be another size than the index has. */
enum verdict mailbox_measure_again(struct mailbox *mb, uint32_t uid, struct err *err);
/* The part of the file's name that stays when flags change, and when the index is made anew; put
 * into OUT. VERDICT_ABSENT: no such message. */
enum verdict mailbox_base_name(struct mailbox *mb, uint32_t uid, struct str *out, struct err *err);

/* What is cached of a message, so that it need not be opened. What is added with mailbox_add has
 * both from the start; the rest is cached by who first needs it.
 */
enum cache_kind {
	CACHE_HEADERS = 1, /* the fields of cache_wants_header, whole, LF line ends */
	CACHE_PARTS = 2,   /* MIME structure: parts_put (mailbox/parts.h) */
	CACHE_PREVIEW = 3,
	CACHE_KINDS,
};
struct cache_entry {
	struct span part[CACHE_KINDS]; /* .p is NULL: not cached */
};
/* BYTES holds what *OUT points into. VERDICT_ABSENT: nothing is cached. */
enum verdict mailbox_cache_get(
    struct mailbox *mb, uint32_t uid, struct str *bytes, struct cache_entry *out, struct err *err);
/* Parts that are NULL in ENTRY stay as they were cached. */
enum verdict mailbox_cache_put(
    struct mailbox *mb, uint32_t uid, const struct cache_entry *entry, struct err *err);
/* Is the field of this name cached (ENVELOPE and threading: RFC 9051 7.5.2, RFC 5256)? */
bool cache_wants_header(struct span name);
/* Copies those fields of a message's header to OUT: what CACHE_HEADERS is to be. */
bool cache_pick_headers(struct span header, struct str *out);

#endif
