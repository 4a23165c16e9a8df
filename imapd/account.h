/*
 * What all sessions of the account's process share: its Maildir, the threads that wait for the
 * disk, and the mailboxes that are open, one struct mailbox for each whatever number of sessions
 * looks at it.
 */
#ifndef IMAPD_ACCOUNT_H
#define IMAPD_ACCOUNT_H

#include "base/list.h"
#include "event/stream.h"
#include "mailbox/mailbox.h"
#include "service/service.h"

struct account;
struct user_host;

/* A session in IDLE: what wakes it. */
struct idler {
	struct list node; /* in the room's */
	struct stream *io;
	bool changed; /* there may be news */
	bool waits;   /* for input, and may be nudged */
};

/* An open mailbox. */
struct room {
	struct list node; /* in the account's rooms */
	struct account *account;
	struct mailbox *mailbox;
	struct str name; /* changes with a rename */
	uint64_t opened; /* its modseq at the time */
	unsigned users;
	bool gone;	    /* deleted: it is no longer found by its name */
	struct list idlers; /* sessions that wait for news */
	bool watched;	    /* changes of others are told while there are idlers */
};

/* For prepare(); the Maildir itself is opened with the first session. */
struct account *account_new(struct service_ctx *ctx, const struct maildir_place *place);
/* No room is open any more. */
void account_free(struct account *account);
/* Behind the walls: threads. */
void account_start(struct account *account);
struct user_host *account_host(const struct account *account);
void account_set_host(struct account *account, struct user_host *host);
struct service_ctx *account_service(const struct account *account);
struct pool *account_pool(const struct account *account);
enum verdict account_maildir(struct account *account, struct maildir **out, struct err *err);

/* The room of a checked name, entered, its mailbox refreshed. VERDICT_ABSENT: no such mailbox. */
enum verdict room_enter(
    struct account *account, struct span name, struct room **out, struct err *err);
void room_leave(struct room *room);
/* Something may be other than it was: wakes those in IDLE. */
void room_changed(struct room *room);
/* The mailbox NAME, and no other, has been deleted, or renamed to TO (and what is below it, too).
 */
void rooms_deleted(struct account *account, struct span name);
void rooms_renamed(struct account *account, struct span name, struct span to);

/* watch.c: from here to watch_leave changes of others wake IDLER; false: they do not, look yourself
 * from time to time. */
bool watch_enter(struct room *room, struct idler *idler, struct stream *io);
void watch_leave(struct room *room, struct idler *idler);

#endif
