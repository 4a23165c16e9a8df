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

#endif
