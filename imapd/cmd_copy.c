/*
 * COPY, MOVE and EXPUNGE (RFC 9051 6.4.7, 6.4.8, 6.4.3), with the codes of UIDPLUS (RFC 4315).
 * Called through the table. What is said to be done survives a power cut: both mailboxes are synced
 * before the answer. The client hears of what went from the news that follow.
 */
#include "imapd/commands.h"
#include "imapd/set.h"
#include "imapd/step.h"

static void
put_ranges(struct str *out, const struct uid_list *list)
{
	for (size_t i = 0; i < list->n; i++) {
		const struct uid_range *r = &list->v[i];

		str_printf(out, "%s%u", i ? "," : "", r->first);
		if (r->last != r->first)
			str_printf(out, ":%u", r->last);
	}
}

/* "COPYUID 38505 304,319:320 3956:3958"; nothing when nothing was copied, or it would be too long.
 */
static void
put_copyuid(struct str *out, const struct room *to, const struct mailbox_copied *copied)
{
	if (copied->to.n == 0)
		return;
	str_printf(out, "COPYUID %u ", mailbox_uidvalidity(to->mailbox));
	put_ranges(out, &copied->from);
	str_putc(out, ' ');
	put_ranges(out, &copied->to);
	if (out->full)
		str_reset(out);
}

struct copy {
	struct uid_list uids;
	struct span name;
	struct room *to;
	bool move;
	struct mailbox_copied copied;
};

SUSPENDS static enum verdict
copy_sync(struct session *s, const struct copy *c, struct err *err)
{
	struct pool *pool = account_pool(s->account);
	enum verdict v = mailbox_sync(c->to->mailbox, pool, err);

	if (v == VERDICT_OK && c->move)
		v = mailbox_sync(view_mailbox(s->view), pool, err);
	return v;
}

SUSPENDS static void
copy_run(struct session *s, struct copy *c)
{
	struct mailbox *from = view_mailbox(s->view);
	struct str code = STR_INIT(LIMIT_STREAM_WRITE / 2);
	struct err err = ERR_NONE, sync_err = ERR_NONE;
	struct uid_set set = uid_list_set(&c->uids);
	enum verdict v, synced = VERDICT_OK;

	v = c->move ? mailbox_move(from, set, c->to->mailbox, &c->copied, &err)
		    : mailbox_copy(from, set, c->to->mailbox, &c->copied, &err);
	if (c->copied.to.n > 0)
		synced = copy_sync(s, c, &sync_err);
	room_changed(c->to);
	put_copyuid(&code, c->to, &c->copied);
	/* RFC 9051 6.4.8: of a MOVE before the EXPUNGEs, so that a client knows where they went. */
	if (c->move && code.n > 0 && synced == VERDICT_OK) {
		session_printf(s, "* OK [%s] Moved\r\n", str_cstr(&code));
		str_reset(&code);
	}
	if (v != VERDICT_OK)
		result_err(s, &err);
	else if (synced != VERDICT_OK)
		result_err(s, &sync_err);
	else
		result_ok(s, str_cstr(&code), "%s completed", c->move ? "MOVE" : "COPY");
	str_free(&code);
}

/* RFC 9051 6.4.7: a mailbox that may be made is told of, not made. */
static void
copy_refuse(struct session *s, const struct err *err)
{
	if (err->verdict == VERDICT_ABSENT)
		result_no(s, "TRYCREATE", "There is no such mailbox");
	else
		result_err(s, err);
}

SUSPENDS static void
copy_command(struct session *s, struct args *a, bool move)
{
	struct copy c = { .move = move };
	struct err err = ERR_NONE;
	struct set set;

	if (!set_args(s, a, &set) || !args_space(a) || !args_mailbox(a, &c.name) || !args_done(a))
		return;
	set_uids(&set, s->view, &c.uids);
	if (room_enter(s->account, c.name, &c.to, &err) != VERDICT_OK)
		copy_refuse(s, &err);
	else
		copy_run(s, &c);
	if (c.to)
		room_leave(c.to);
	uid_list_free(&c.uids);
	mailbox_copied_free(&c.copied);
}

SUSPENDS void
cmd_copy(struct session *s, struct args *a)
{
	copy_command(s, a, false);
}

SUSPENDS void
cmd_move(struct session *s, struct args *a)
{
	copy_command(s, a, true);
}

/* The messages of the view that are \Deleted now, of SET alone when it is given. */
static void
find_deleted(const struct view *v, const struct uid_set *set, struct uid_list *out)
{
	size_t r = 0;

	for (size_t i = 0; i < view_count(v); i++) {
		const struct mail *m = view_mail(v, i);

		if (!m || !(m->flags & MAIL_DELETED))
			continue;
		while (set && r < set->n && set->v[r].last < m->uid)
			r++;
		if (!set || (r < set->n && set->v[r].first <= m->uid))
			uid_list_add(out, m->uid);
	}
}

SUSPENDS enum verdict
expunge_deleted(struct session *s, const struct uid_set *set, struct err *err)
{
	struct mailbox *mb = view_mailbox(s->view);
	struct uid_list gone = { NULL, 0, 0 };
	struct uid_set part;
	struct step step;
	enum verdict v;

	/* Flags as they are now: another process may have taken one back. */
	v = mailbox_refresh(mb, err);
	if (v == VERDICT_OK)
		find_deleted(s->view, set, &gone);
	step_begin(&step, uid_list_set(&gone));
	while (v == VERDICT_OK && step_next(&step, mb, &part)) {
		v = mailbox_expunge(mb, part, err);
		/* One that has begun is finished, whoever is waiting. */
		(void)session_breathe(s);
	}
	if (v == VERDICT_OK && gone.n > 0)
		v = mailbox_sync(mb, account_pool(s->account), err);
	room_changed(view_room(s->view));
	uid_list_free(&gone);
	return v;
}

/* UID EXPUNGE: RFC 4315 2.1. */
SUSPENDS void
cmd_expunge(struct session *s, struct args *a)
{
	struct uid_list uids = { NULL, 0, 0 };
	struct err err = ERR_NONE;
	struct uid_set uid_set;
	struct set set;

	if (s->uid) {
		if (!set_args(s, a, &set) || !args_done(a))
			return;
		set_uids(&set, s->view, &uids);
	}
	uid_set = uid_list_set(&uids);
	if (expunge_deleted(s, s->uid ? &uid_set : NULL, &err) != VERDICT_OK)
		result_err(s, &err);
	uid_list_free(&uids);
}
