/*
 * The account of this process, and its open mailboxes: each is a room, which sessions enter and
 * leave; the last one out closes the mailbox. Called by session.c and by every command that names a
 * mailbox. A mailbox that is deleted stays with those who look at it, under no name; one that is
 * renamed goes with its name. Must never hold two struct mailbox for one folder.
 */
#include "imapd/account.h"

#include "base/mem.h"
#include "imapd/account_impl.h"
#include "mailbox/name.h"
#include "mailbox/tree.h"

#define ACCOUNT_THREADS 4 /* syncs at one time */

struct account *
account_new(struct service_ctx *ctx, const struct maildir_place *place)
{
	struct account *a = mem_alloc(sizeof(*a));

	a->ctx = ctx;
	a->place = *place;
	list_init(&a->rooms);
	return a;
}

void
account_start(struct account *account)
{
	account->pool = pool_new(ACCOUNT_THREADS);
	watch_start(account);
}

void
account_free(struct account *account)
{
	assert(list_empty(&account->rooms));
	if (account->maildir)
		maildir_close(account->maildir);
	if (account->pool)
		pool_free(account->pool);
	mem_free(account);
}

struct service_ctx *
account_service(const struct account *account)
{
	return account->ctx;
}

struct user_host *
account_host(const struct account *account)
{
	return account->host;
}

void
account_set_host(struct account *account, struct user_host *host)
{
	account->host = host;
}

struct pool *
account_pool(const struct account *account)
{
	return account->pool;
}

enum verdict
account_maildir(struct account *account, struct maildir **out, struct err *err)
{
	enum verdict v = VERDICT_OK;

	if (!account->maildir) {
		v = maildir_open(&account->place, &account->maildir, err);
		if (v == VERDICT_OK)
			tree_sweep(account->maildir);
	}
	*out = account->maildir;
	return v;
}

static struct room *
room_find(struct account *account, struct span name)
{
	list_foreach (node, after, &account->rooms) {
		struct room *room = LIST_ITEM(node, struct room, node);

		if (!room->gone && span_eq(str_span(&room->name), name))
			return room;
	}
	return NULL;
}

enum verdict
room_enter(struct account *account, struct span name, struct room **out, struct err *err)
{
	struct room *room = room_find(account, name);
	struct mailbox *mailbox = NULL;
	struct maildir *md;
	enum verdict v = VERDICT_OK;

	if (room)
		v = mailbox_refresh(room->mailbox, err);
	/* Another program has removed the folder, and may have made it anew. */
	if (v == VERDICT_ABSENT) {
		room->gone = true;
		room_changed(room);
		room = NULL;
	} else if (v != VERDICT_OK) {
		return v;
	}
	if (!room) {
		v = account_maildir(account, &md, err);
		if (v == VERDICT_OK)
			v = mailbox_open(md, name, &mailbox, err);
		if (v != VERDICT_OK)
			return v;
		room = mem_alloc(sizeof(*room));
		room->account = account;
		room->mailbox = mailbox;
		room->opened = mailbox_modseq(mailbox);
		str_init(&room->name, LIMIT_MAILBOX_NAME);
		str_put(&room->name, name);
		list_init(&room->idlers);
		list_push(&account->rooms, &room->node);
	}
	room->users++;
	*out = room;
	return VERDICT_OK;
}

void
room_leave(struct room *room)
{
	if (--room->users > 0)
		return;
	assert(list_empty(&room->idlers));
	list_remove(&room->node);
	/* Nobody waits now, and the log of the index may have grown. */
	if (!room->gone && mailbox_modseq(room->mailbox) != room->opened)
		(void)mailbox_tidy(room->mailbox, NULL);
	mailbox_close(room->mailbox);
	str_free(&room->name);
	mem_free(room);
}

void
room_changed(struct room *room)
{
	list_foreach (node, after, &room->idlers) {
		struct idler *idler = LIST_ITEM(node, struct idler, node);

		idler->changed = true;
		if (idler->waits)
			stream_nudge(idler->io);
	}
}

void
rooms_deleted(struct account *account, struct span name)
{
	struct room *room = room_find(account, name);

	if (!room)
		return;
	room->gone = true;
	room_changed(room);
}

void
rooms_renamed(struct account *account, struct span name, struct span to)
{
	list_foreach (node, after, &account->rooms) {
		struct room *room = LIST_ITEM(node, struct room, node);
		struct span old = str_span(&room->name);
		struct str fresh = STR_INIT(LIMIT_MAILBOX_NAME);

		if (room->gone || !span_starts(old, name) ||
		    (old.n > name.n && old.p[name.n] != MAILBOX_SEPARATOR))
			continue;
		str_put(&fresh, to);
		str_put(&fresh, span_from(old, name.n));
		str_free(&room->name);
		room->name = fresh;
	}
}
