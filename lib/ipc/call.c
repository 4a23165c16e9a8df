/*
 * Our calls of the peer, and notes to it. Called by whoever wants something of another process, on
 * any fiber. A call has a slot in its caller; the channel knows those that wait and those whose
 * reply nobody has taken, so that each end of the matter (reply, deadline, cancellation, a broken
 * channel) leaves nothing behind.
 *
 * A forgotten call still counts against LIMIT_IPC_CALLS until its reply comes: a peer that is stuck
 * is not given more. A reply is checked against its call when it comes, and decoded when it is
 * taken, into the caller's arena.
 */
#include "config.h"

#include "base/mem.h"
#include "ipc/channel.h"

/* A reply, or why there is none. */
struct ipc_answer {
	struct err *err;	     /* NULL: it came */
	const struct ipc_type *type; /* the call's reply type, or ipc_failed */
	uint64_t trace;
	unsigned fds_n;
	int fds[LIMIT_IPC_FDS];
	size_t n;
	char body[];
};

static void
answer_free(struct ipc_answer *a)
{
	fds_close(a->fds, a->fds_n);
	mem_free(a->err);
	mem_free(a);
}

static void
slot_fail(struct ipc_pending *slot, const struct err *err)
{
	slot->answer = mem_alloc(sizeof(*slot->answer));
	slot->answer->err = mem_alloc(sizeof(*err));
	*slot->answer->err = *err;
	waitq_wake_all(&slot->wait);
}

void
call_fail_all(struct ipc_channel *ch)
{
	struct list *node;
	struct err err;

	err_set(&err, VERDICT_TEMP, "%s went away", ch->service->name);
	while ((node = list_pop(&ch->pending)) != NULL) {
		struct ipc_pending *slot = LIST_ITEM(node, struct ipc_pending, node);

		slot->ch = NULL;
		slot_fail(slot, &err);
	}
	while ((node = list_pop(&ch->answered)) != NULL)
		LIST_ITEM(node, struct ipc_pending, node)->ch = NULL;
	ch->calls = ch->forgotten = 0;
}

static struct ipc_pending *
slot_find(struct ipc_channel *ch, uint32_t id)
{
	list_foreach (node, after, &ch->pending) {
		struct ipc_pending *slot = LIST_ITEM(node, struct ipc_pending, node);

		if (slot->id == id)
			return slot;
	}
	return NULL;
}

void
call_answer(struct ipc_channel *ch, const struct ipc_type *type, const struct frame *f,
    struct span body, int *fds)
{
	struct ipc_pending *slot = slot_find(ch, f->id);
	struct ipc_answer *a;

	if (!slot || (type != slot->reply_type && type != &ipc_failed)) {
		fds_close(fds, f->fds);
		if (slot || ch->forgotten == 0) {
			channel_break(ch, "sent %s that answers no call", type->name);
			return;
		}
		ch->forgotten--;
		ch->calls--;
		return;
	}
	a = mem_resize(NULL, sizeof(*a) + body.n);
	*a = (struct ipc_answer){ .type = type, .trace = f->trace, .fds_n = f->fds, .n = body.n };
	memcpy(a->fds, fds, f->fds * sizeof(int));
	memcpy(a->body, body.p, body.n);
	slot->answer = a;
	ch->calls--;
	list_remove(&slot->node);
	list_push(&ch->answered, &slot->node);
	waitq_wake_all(&slot->wait);
}

/* Ids wrap, long after the deadline of whoever had the same before. */
static uint32_t
call_next_id(struct ipc_channel *ch)
{
	ch->last_id = ch->last_id == UINT32_MAX ? 1 : ch->last_id + 1;
	return ch->last_id;
}

void
ipc_send_call(struct ipc_channel *ch, uint64_t trace, const struct ipc_type *type, const void *msg,
    const struct ipc_type *reply_type, struct ipc_pending *slot)
{
	struct err err;
	enum verdict v;

	assert(type->sort == IPC_CALL && reply_type->sort == IPC_REPLY);
	*slot = (struct ipc_pending){ .reply_type = reply_type, .peer = ch->service->name };
	list_init(&slot->node);
	waitq_init(&slot->wait);
	if (ch->state == CHANNEL_OPEN && ch->calls >= LIMIT_IPC_CALLS) {
		err_set(&err, VERDICT_TEMP, "%s is overloaded", slot->peer);
		slot_fail(slot, &err);
		return;
	}
	slot->id = call_next_id(ch);
	v = output_put(ch, type, slot->id, trace, msg, &err);
	if (v != VERDICT_OK) {
		slot_fail(slot, &err);
		return;
	}
	/* Sending may have ended it. */
	if (ch->state != CHANNEL_OPEN) {
		err_set(&err, VERDICT_TEMP, "%s went away", slot->peer);
		slot_fail(slot, &err);
		return;
	}
	slot->ch = ch;
	ch->calls++;
	list_push(&ch->pending, &slot->node);
}

void
ipc_forget(struct ipc_pending *slot)
{
	if (slot->ch && !slot->answer)
		slot->ch->forgotten++;
	list_remove(&slot->node);
	slot->ch = NULL;
	if (slot->answer)
		answer_free(slot->answer);
	slot->answer = NULL;
}

/* The peer's word that the call failed: its verdict, or false when it is malformed. */
static bool
answer_failed(const struct ipc_answer *a, struct err *err)
{
	struct msg_failed failed;
	struct arena none;

	arena_init(&none, 0);
	return ipc_decode(&ipc_failed, span_of(a->body, a->n), NULL, &failed, &none, err) ==
		   VERDICT_OK &&
	       failed_to_err(&failed, err);
}

static enum verdict
answer_take(struct ipc_pending *slot, void *reply_out, struct arena *arena, struct err *err)
{
	struct ipc_answer *a = slot->answer;
	struct span body;
	enum verdict v;

	if (a->err) {
		*err = *a->err;
		return err->verdict;
	}
	if (a->type == &ipc_failed && answer_failed(a, err))
		return err->verdict;
	v = VERDICT_PERM;
	if (a->type != &ipc_failed) {
		body = arena_dup(arena, span_of(a->body, a->n));
		if (!body.p)
			return err_set(
			    err, VERDICT_LIMIT, "%s of %zu bytes: too long", a->type->name, a->n);
		v = ipc_decode(a->type, body, a->fds, reply_out, arena, err);
	}
	if (v == VERDICT_OK) {
		a->fds_n = 0;
		if (slot->ch)
			channel_trace(slot->ch, false, a->trace, a->type, reply_out);
	} else if (v == VERDICT_PERM) {
		if (slot->ch)
			channel_break(slot->ch, "sent a malformed reply: %s", err->text);
		v = err_set(err, VERDICT_TEMP, "%s sent a malformed %s", slot->peer, a->type->name);
	}
	return v;
}

SUSPENDS
enum verdict
ipc_await(struct ipc_pending *slot, void *reply_out, struct arena *arena, uint64_t deadline,
    struct err *err)
{
	struct err unseen;
	enum verdict v = VERDICT_OK;

	err = err ? err : &unseen;
	while (!slot->answer && v == VERDICT_OK)
		v = waitq_wait(&slot->wait, deadline);
	if (v == VERDICT_CANCELLED)
		err_set(err, v, "cancelled while %s was asked", slot->peer);
	else if (!slot->answer)
		err_set(err, v, "%s did not answer in time", slot->peer);
	else
		v = answer_take(slot, reply_out, arena, err);
	ipc_forget(slot);
	return v;
}

SUSPENDS
enum verdict
ipc_call(struct ipc_channel *ch, uint64_t trace, const struct ipc_type *type, const void *msg,
    const struct ipc_type *reply_type, void *reply_out, struct arena *arena, uint64_t deadline,
    struct err *err)
{
	struct ipc_pending slot;

	ipc_send_call(ch, trace, type, msg, reply_type, &slot);
	return ipc_await(&slot, reply_out, arena, deadline, err);
}

void
ipc_note(struct ipc_channel *ch, uint64_t trace, const struct ipc_type *type, const void *msg)
{
	struct err err;

	assert(type->sort == IPC_NOTE);
	if (output_put(ch, type, 0, trace, msg, &err) != VERDICT_OK && ch->state == CHANNEL_OPEN &&
	    !ch->deaf)
		channel_break(ch, "was left, what it should have got cannot be sent: %s", err.text);
}

void
ipc_note_giving(
    struct ipc_channel *ch, uint64_t trace, const struct ipc_type *type, const void *msg)
{
	struct ipc *ipc = ch->ipc;

	output_give(ipc);
	ipc_note(ch, trace, type, msg);
	output_given(ipc, type, msg);
}
