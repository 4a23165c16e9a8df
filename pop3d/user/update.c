/*
 * The UPDATE state (RFC 1939 6): what a session has marked happens to the mailbox. Called at QUIT,
 * and, for \Seen alone, at every other end. In slices, so that other sessions are not kept waiting.
 * Must never remove what was not marked: messages are told by UID, in the UIDVALIDITY of the
 * session.
 */
#include "base/log.h"
#include "pop3d/user/popuser.h"

#define SLICE 256 /* messages removed or flagged between two turns of the loop */

typedef enum verdict update_fn(struct mailbox *mb, struct uid_set set, struct err *err);

static enum verdict
set_seen(struct mailbox *mb, struct uid_set set, struct err *err)
{
	const struct mailbox_store store = {
		.how = MAILBOX_ADD_FLAGS, .flags = MAIL_SEEN, .unchanged_since = UINT64_MAX
	};

	return mailbox_store_flags(mb, set, &store, NULL, err);
}

/* Does M have MARK, and is there? */
static bool
is_marked(const struct maildrop_message *m, unsigned mark)
{
	return (m->marks & mark) && !(m->marks & MAILDROP_GONE);
}

/* APPLY to all that are so marked; the number of them in *DONE_OUT. */
SUSPENDS static enum verdict
apply_marked(struct maildrop *drop, enum maildrop_mark mark, update_fn *apply, size_t *done_out,
    struct err *err)
{
	struct uid_list slice = { NULL, 0, 0 };
	enum verdict v = VERDICT_OK;
	size_t n = 0;

	for (size_t i = 0; i < drop->n && v == VERDICT_OK; i++) {
		if (is_marked(&drop->v[i], mark)) {
			uid_list_add(&slice, drop->v[i].uid);
			n++;
		}
		if (n < SLICE && i + 1 < drop->n)
			continue;
		v = n > 0 ? maildrop_check(drop, err) : VERDICT_OK;
		if (n > 0 && v == VERDICT_OK)
			v = apply(drop->user->mailbox, uid_list_set(&slice), err);
		if (v == VERDICT_OK)
			*done_out += n;
		uid_list_free(&slice);
		if (n > 0 && i + 1 < drop->n)
			(void)fiber_yield();
		n = 0;
	}
	return v;
}

/* All that have the mark MARK get the mark NEXT. */
static void
marks_turn(struct maildrop *drop, enum maildrop_mark mark, unsigned next)
{
	for (size_t i = 0; i < drop->n; i++)
		if (drop->v[i].marks & mark)
			drop->v[i].marks = (drop->v[i].marks & ~(unsigned)mark) | next;
}

SUSPENDS void
maildrop_mark_seen(struct maildrop *drop)
{
	struct err err = ERR_NONE;
	size_t done = 0;

	if (apply_marked(drop, MAILDROP_READ, set_seen, &done, &err) != VERDICT_OK)
		log_event(LOG_LEVEL_WARNING, "<%s>: what was read could not be marked: %s",
		    log_escape(span_str(service_account(drop->user->ctx))), err.text);
	marks_turn(drop, MAILDROP_READ, 0);
}

SUSPENDS enum verdict
maildrop_update(struct maildrop *drop, size_t *removed_out, struct err *err)
{
	enum verdict v;

	*removed_out = 0;
	v = apply_marked(drop, MAILDROP_DELETED, mailbox_expunge, removed_out, err);
	if (v != VERDICT_OK)
		return v;
	marks_turn(drop, MAILDROP_DELETED, MAILDROP_GONE);
	maildrop_mark_seen(drop);
	return *removed_out > 0 ? mailbox_sync(drop->user->mailbox, drop->user->pool, err) : v;
}
