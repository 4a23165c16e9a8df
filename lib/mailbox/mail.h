/* One message of a mailbox as the index knows it, and sets of UIDs. */
#ifndef MAILBOX_MAIL_H
#define MAILBOX_MAIL_H

#include "base/span.h"

/*
 * Flags are the letters of a Maildir file's name, a bit each, so that letters of other programs
 * survive. Those with a meaning in IMAP have names.
 */
#define MAIL_LETTER(c) (UINT32_C(1) << ((c) - 'A'))
#define MAIL_DRAFT     MAIL_LETTER('D')
#define MAIL_FLAGGED   MAIL_LETTER('F')
#define MAIL_FORWARDED MAIL_LETTER('P') /* the keyword $Forwarded */
#define MAIL_ANSWERED  MAIL_LETTER('R')
#define MAIL_SEEN      MAIL_LETTER('S')
#define MAIL_DELETED   MAIL_LETTER('T')
#define MAIL_LETTERS   ((UINT32_C(1) << 26) - 1)
/* Of the file, not of the message. */
#define MAIL_NEW (UINT32_C(1) << 26) /* it is in new/: no mail reader has touched it */
#define MAIL_RAW (UINT32_C(1) << 27) /* its name is not one that we would give it */

/* Keywords are numbers of the mailbox's own list, a bit each; the first 26 stand in file names as a
 * to z. */
#define MAIL_KEYWORDS	     64
#define MAIL_KEYWORD_LETTERS ((UINT64_C(1) << 26) - 1)

struct mail {
	uint32_t uid;
	uint32_t flags;
	uint64_t keywords;
	uint64_t modseq; /* RFC 7162: of its last change */
	uint64_t size;	 /* bytes on disk, LF line ends */
	uint64_t vsize;	 /* bytes with CRLF line ends; 0: not known yet (mailbox_measure) */
	int64_t date;	 /* INTERNALDATE, seconds since 1970 */
	uint64_t id;	 /* stays with the message through copies and moves (RFC 8474 EMAILID) */
	uint32_t name_at;
	uint32_t cache_at;
};

/* From FIRST to LAST, both in it; FIRST <= LAST, and FIRST > 0. */
struct uid_range {
	uint32_t first;
	uint32_t last;
};

struct uid_set {
	const struct uid_range *v;
	size_t n;
};

/* UIDs that are gone since a change. */
struct vanished {
	uint64_t modseq;
	struct uid_range uids;
};

/* A list that grows; the memory is the owner's, uid_list_free gives it back. Starts zeroed. */
struct uid_list {
	struct uid_range *v;
	size_t n;
	size_t cap;
};

/* UIDs come in ascending order: one that follows the last widens its range. */
void uid_list_add(struct uid_list *list, uint32_t uid);
/* A range of its own, whatever its neighbours. */
void uid_list_add_range(struct uid_list *list, struct uid_range range);
void uid_list_free(struct uid_list *list);

static inline struct uid_set
uid_list_set(const struct uid_list *list)
{
	return (struct uid_set){ list->v, list->n };
}

#endif
