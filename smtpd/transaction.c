/*
 * The transaction: what MAIL begins. One object with one reset, so that no path can leave half of
 * it behind (RFC 5321 3.3: RSET, EHLO and the end of DATA clear all). The file that qmgr opened for
 * it is committed by commit.c or given up here. Recipients are a set: an address that two aliases
 * lead to gets one copy.
 */
#include "base/sys.h"
#include "smtpd/session.h"

#define TRANSACTION_ARENA \
	(64u << 20) /* 50,000 recipients of the longest kind; far above any limit set */
#define RECIPIENTS_FIRST 4

void
transaction_init(struct transaction *t)
{
	*t = (struct transaction){ .file = { .content = -1 } };
	map_init(&t->known);
	arena_init(&t->arena, TRANSACTION_ARENA);
}

void
transaction_reset(struct session *s)
{
	struct transaction *t = &s->t;
	struct arena arena = t->arena;

	if (t->open_sent)
		ipc_forget(&t->open);
	if (t->sender_sent)
		ipc_forget(&t->sender_ask);
	if (t->opened) {
		struct msg_queue_abort abort = { .handle = t->file.handle };
		service_note(s->smtpd->ctx, "qmgr", s->trace, &ipc_queue_abort, &abort);
	}
	if (t->file.content >= 0)
		sys_close(t->file.content);
	map_free(&t->known);
	arena_reset(&arena);
	*t = (struct transaction){ .file = { .content = -1 }, .arena = arena };
	map_init(&t->known);
	if (s->state > SMTP_GREETED)
		s->state = s->helo.n > 0 ? SMTP_GREETED : SMTP_CONNECTED;
}

/* Room for N more. */
static bool
transaction_grow(struct transaction *t, uint32_t n)
{
	uint32_t room = t->recipients_room ? t->recipients_room : RECIPIENTS_FIRST;
	struct item_recipient *more;

	if (n > LIMIT_RECIPIENTS - t->recipients_n)
		return false;
	if (t->recipients_n + n <= t->recipients_room)
		return true;
	while (room < t->recipients_n + n)
		room *= 2;
	more = arena_alloc_array(&t->arena, room, sizeof(*more));
	if (!more)
		return false;
	for (uint32_t i = 0; i < t->recipients_n; i++)
		more[i] = t->recipients[i];
	t->recipients = more;
	t->recipients_room = room;
	return true;
}

bool
transaction_add(
    struct transaction *t, const struct list_recipient *found, const struct item_recipient *said)
{
	if (!transaction_grow(t, found->n))
		return false;
	for (uint32_t i = 0; i < found->n; i++) {
		struct item_recipient r = found->v[i];
		if (map_get(&t->known, r.address))
			continue;
		if (r.original.n == 0)
			r.original = said->original;
		r.orcpt = said->orcpt;
		r.notify = said->notify;
		t->recipients[t->recipients_n++] = r;
		map_put(&t->known, r.address, t);
	}
	return true;
}
