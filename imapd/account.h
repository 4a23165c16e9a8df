/*
 * What all sessions of the account's process share: its Maildir, the threads that wait for the
 * disk, and the mailboxes that are open, one struct mailbox for each whatever number of sessions
 * looks at it.
 */
#ifndef IMAPD_ACCOUNT_H
#define IMAPD_ACCOUNT_H

#include "base/list.h"
#include "mailbox/mailbox.h"
#include "service/service.h"

struct account;

/* An open mailbox. */
struct room {
	struct list node; /* in the account's rooms */
	struct account *account;
	struct mailbox *mailbox;
	unsigned users;
	struct span name;     /* owned; changes with a rename */
	struct waitq changed; /* sessions in IDLE wait here */
	bool gone;	      /* deleted: it is no longer found by its name */
	int watch[3];	      /* inotify's numbers, or -1 */
};

/* For prepare(); the Maildir itself is opened with the first session. */
struct account *account_new(struct service_ctx *ctx, const struct maildir_place *place);
void account_free(struct account *account);
struct pool *account_pool(struct account *account);
enum verdict account_maildir(struct account *account, struct maildir **out, struct err *err);

/* The room of a checked name, entered. VERDICT_ABSENT: no such mailbox. */
enum verdict room_enter(
    struct account *account, struct span name, struct room **out, struct err *err);
void room_leave(struct room *room);
/* Something was changed by us: wakes sessions that look at it. */
void room_changed(struct room *room);

#endif
