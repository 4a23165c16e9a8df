/*
 * The transaction: what MAIL begins. One object with one reset, so that no path can leave half of
 * it behind (RFC 5321 3.3: RSET, EHLO and the end of DATA clear all). The file that qmgr opened for
 * it is committed by cmd_data or given up here.
 */
#include "base/sys.h"
#include "smtpd/session.h"

#define TRANSACTION_ARENA                                                                        \
	(64u << 20) /* 50,000 recipients of the longest kind; smtpd_recipient_limit is far below \
		     */
#define RECIPIENTS_FIRST 4

void
transaction_init(struct transaction *t)
{
	*t = (struct transaction){ .file = { .content = -1 } };
	arena_init(&t->arena, TRANSACTION_ARENA);
}

void
transaction_reset(struct session *s)
{
	struct transaction *t = &s->t;

	if (t->open_sent)
		ipc_forget(&t->open);
	if (t->opened) {
		struct msg_queue_abort abort = { .handle = t->file.handle };
		service_note(s->ctx, "qmgr", s->trace, &ipc_queue_abort, &abort);
	}
	if (t->file.content >= 0)
		sys_close(t->file.content);
	struct arena arena = t->arena;
	arena_reset(&arena);
	*t = (struct transaction){ .file = { .content = -1 }, .arena = arena };
	if (s->state > SMTP_GREETED)
		s->state = SMTP_GREETED;
}

struct item_recipient *
transaction_add(struct transaction *t)
{
	if (t->recipients_n == t->recipients_room) {
		uint32_t room = t->recipients_room ? t->recipients_room * 2 : RECIPIENTS_FIRST;
		struct item_recipient *more = arena_alloc_array(&t->arena, room, sizeof(*more));
		if (!more)
			return NULL;
		for (uint32_t i = 0; i < t->recipients_n; i++)
			more[i] = t->recipients[i];
		t->recipients = more;
		t->recipients_room = room;
	}
	return &t->recipients[t->recipients_n++];
}
