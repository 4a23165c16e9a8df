/*
 * CREATE, DELETE, RENAME, SUBSCRIBE and UNSUBSCRIBE (RFC 9051 6.3.4 to 6.3.8), CREATE with a
 * special use (RFC 6154 5.2). Called through the table. What is said to be done survives a power
 * cut, as lib/mailbox's calls do.
 */
#include "imapd/commands.h"
#include "imapd/use.h"
#include "mailbox/name.h"
#include "mailbox/tree.h"

/* "(USE (\Drafts \Sent))" behind the name. A use that nobody knows is no fault of the syntax. */
static bool
create_parse_use(struct session *s, struct args *a, unsigned *use_out)
{
	*use_out = 0;
	if (!args_next_is(a, ' '))
		return args_done(a);
	if (!args_space(a) || !args_open(a))
		return false;
	if (!args_word(a, "USE"))
		return args_fail(a, "There is no such parameter");
	if (!args_space(a) || !args_open(a))
		return false;
	while (!args_next_is(a, ')')) {
		unsigned use = use_parse(a);

		if (use == 0) {
			result_no(s, "USEATTR", "There is no such special use");
			return false;
		}
		*use_out |= use;
		if (args_next_is(a, ' '))
			args_space(a);
	}
	return args_close(a) && args_close(a) && args_done(a);
}

/* The levels above NAME that are missing (RFC 9051 6.3.4); what cannot be made NAME's own call
 * tells of. */
static void
create_parents(struct maildir *md, struct span name)
{
	for (size_t i = 1; i < name.n; i++)
		if (name.p[i] == MAILBOX_SEPARATOR)
			(void)tree_create(md, span_head(name, i), NULL);
}

static bool
mailbox_exists(struct maildir *md, struct span name)
{
	struct folder folder = FOLDER_CLOSED;
	enum verdict v = folder_open(md, name, false, &folder, NULL);

	folder_close(&folder);
	return v == VERDICT_OK;
}

static enum verdict
create_use(struct session *s, struct span name, unsigned use, struct err *err)
{
	struct room *room;
	enum verdict v = room_enter(s->account, name, &room, err);

	if (v != VERDICT_OK)
		return v;
	v = mailbox_set_use(room->mailbox, (enum mailbox_use)use, err);
	room_leave(room);
	return v;
}

SUSPENDS void
cmd_create(struct session *s, struct args *a)
{
	struct err err = ERR_NONE;
	struct maildir *md;
	struct span name;
	unsigned use;
	enum verdict v;

	if (!args_new_mailbox(a, &name) || !create_parse_use(s, a, &use))
		return;
	v = account_maildir(s->account, &md, &err);
	if (v == VERDICT_OK && mailbox_exists(md, name)) {
		result_no(s, "ALREADYEXISTS", "The mailbox exists");
		return;
	}
	if (v == VERDICT_OK) {
		create_parents(md, name);
		v = tree_create(md, name, &err);
	}
	if (v == VERDICT_OK && use)
		v = create_use(s, name, use, &err);
	if (v != VERDICT_OK)
		result_err(s, &err);
}

SUSPENDS void
cmd_delete(struct session *s, struct args *a)
{
	struct err err = ERR_NONE;
	struct maildir *md;
	struct span name;
	enum verdict v;

	if (!args_new_mailbox(a, &name) || !args_done(a))
		return;
	v = account_maildir(s->account, &md, &err);
	if (v == VERDICT_OK)
		v = tree_delete(md, name, &err);
	if (v != VERDICT_OK) {
		result_err(s, &err);
		return;
	}
	rooms_deleted(s->account, name);
	if (s->view && view_room(s->view)->gone) {
		session_put(s, span_lit("* OK [CLOSED] The selected mailbox was deleted\r\n"));
		session_unselect(s);
	}
}

/* RFC 9051 6.3.6: INBOX stays, its messages go. */
SUSPENDS static enum verdict
rename_inbox(struct session *s, struct maildir *md, struct span to, struct err *err)
{
	const struct uid_range all = { 1, UINT32_MAX };
	struct mailbox_copied copied = { .from = { NULL, 0, 0 } };
	struct room *inbox = NULL, *room = NULL;
	enum verdict v = tree_create(md, to, err);

	if (v == VERDICT_OK)
		v = room_enter(s->account, span_lit("INBOX"), &inbox, err);
	if (v == VERDICT_OK)
		v = room_enter(s->account, to, &room, err);
	if (v == VERDICT_OK)
		v = mailbox_move(
		    inbox->mailbox, (struct uid_set){ &all, 1 }, room->mailbox, &copied, err);
	if (v == VERDICT_OK)
		v = mailbox_sync(room->mailbox, account_pool(s->account), err);
	if (v == VERDICT_OK)
		v = mailbox_sync(inbox->mailbox, account_pool(s->account), err);
	mailbox_copied_free(&copied);
	if (inbox) {
		room_changed(inbox);
		room_leave(inbox);
	}
	if (room)
		room_leave(room);
	return v;
}

SUSPENDS void
cmd_rename(struct session *s, struct args *a)
{
	struct err err = ERR_NONE;
	struct span from, to;
	struct maildir *md;
	enum verdict v;

	if (!args_new_mailbox(a, &from) || !args_space(a) || !args_new_mailbox(a, &to) ||
	    !args_done(a))
		return;
	v = account_maildir(s->account, &md, &err);
	if (v == VERDICT_OK && mailbox_exists(md, to)) {
		result_no(s, "ALREADYEXISTS", "A mailbox of that name exists");
		return;
	}
	if (v == VERDICT_OK && mailbox_name_is_inbox(from)) {
		create_parents(md, to);
		v = rename_inbox(s, md, to, &err);
	} else if (v == VERDICT_OK) {
		v = tree_rename(md, from, to, &err);
		if (v == VERDICT_OK) {
			create_parents(md, to);
			rooms_renamed(s->account, from, to);
		}
	}
	if (v != VERDICT_OK)
		result_err(s, &err);
}

static void
subscribe(struct session *s, struct args *a, bool on)
{
	struct err err = ERR_NONE;
	struct maildir *md;
	struct span name;
	enum verdict v;

	if (!args_new_mailbox(a, &name) || !args_done(a))
		return;
	v = account_maildir(s->account, &md, &err);
	if (v == VERDICT_OK)
		v = tree_subscribe(md, name, on, &err);
	if (v != VERDICT_OK)
		result_err(s, &err);
}

SUSPENDS void
cmd_subscribe(struct session *s, struct args *a)
{
	subscribe(s, a, true);
}

SUSPENDS void
cmd_unsubscribe(struct session *s, struct args *a)
{
	subscribe(s, a, false);
}
