/*
 * What one session sees of its selected mailbox: the messages by sequence number, as the client has
 * been told of them. The struct mailbox below it is shared by all sessions of the account and may
 * change whenever a fiber suspends; the view changes only where the client may be told of it (RFC
 * 9051 7.5.1: no EXPUNGE while FETCH, STORE or SEARCH runs). So nobody keeps a struct mail over a
 * call that SUSPENDS: keep the index or the UID, and ask again.
 */
#ifndef IMAPD_VIEW_H
#define IMAPD_VIEW_H

#include "mailbox/mailbox.h"

struct view;

struct mailbox *view_mailbox(const struct view *v);
/* EXISTS, as the client knows it. */
size_t view_count(const struct view *v);
/* The UID of the message with index I (its sequence number less 1). */
uint32_t view_uid(const struct view *v, size_t i);
/* The index of the first message with a UID of at least UID; view_count when there is none. */
size_t view_find(const struct view *v, uint32_t uid);
/* What is known of it now; NULL: it has been expunged, and the client not yet told. */
const struct mail *view_mail(const struct view *v, size_t i);
/* Did this session find it in new/ first (RFC 3501 2.3.2, \Recent)? */
bool view_is_recent(const struct view *v, uint32_t uid);

/* For SELECT and for the news; nobody else. */
struct room;

/* All that is in ROOM now, which the view enters and leaves with view_free; with RECENT what lies
 * in new/ is this session's to call recent, and is taken out of there. */
struct view *view_new(struct room *room, bool recent);
void view_free(struct view *v);
struct room *view_room(const struct view *v);
/* Is it the mailbox still that was opened, with the UIDs it had then? */
bool view_holds(const struct view *v);
/* The modseq up to which the client has been told of flags. */
uint64_t view_told(const struct view *v);
void view_set_told(struct view *v, uint64_t modseq);
/* Keywords that the client has been told of, a bit each. */
uint64_t view_keywords(const struct view *v);
void view_set_keywords(struct view *v, uint64_t keywords);
size_t view_recent_count(const struct view *v);
/*
 * Takes out what is no longer in the mailbox, and writes an EXPUNGE for each to OUT (NULL: none).
 * False: all was as it is.
 */
bool view_drop_gone(struct view *v, struct str *out);
/*
 * What there is to be known of a view while its session is parked. SYNCED: the modseq at which the
 * view last was the mailbox, but for what came since.
 */
struct view_record {
	uint32_t uidvalidity;
	uint32_t top; /* the last UID, 0: none */
	uint64_t count;
	uint64_t told;
	uint64_t synced;
};
void view_keep(const struct view *v, struct view_record *out);
/* The same view again, in ROOM, which it enters; NULL: it cannot be known any more, ROOM is left.
 */
struct view *view_revive(struct room *room, const struct view_record *record);
/* Takes up what is new; the number of messages that came. */
size_t view_add_new(struct view *v, bool recent);

#endif
