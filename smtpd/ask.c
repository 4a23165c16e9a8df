/*
 * Questions to rewrite and dns. Called by RCPT, by the client's name and by restrictions. A
 * question is sent at once and awaited later, so that those of one command are on their way
 * together. Owns nothing: slots lie in their callers, answers in the arena that they name.
 */
#include "smtpd/ask.h"

#include "base/time.h"

#define CHANNEL_WAIT_S 30 /* a server that is being started again is back by then */

SUSPENDS enum verdict
ask_send(struct session *s, const char *kind, const struct ipc_type *type, const void *msg,
    const struct ipc_type *reply_type, struct ipc_pending *slot, struct err *err)
{
	struct ipc_channel *ch;
	enum verdict v =
	    service_channel(s->smtpd->ctx, kind, deadline_after_s(CHANNEL_WAIT_S), &ch, err);

	if (v == VERDICT_OK)
		ipc_send_call(ch, s->trace, type, msg, reply_type, slot);
	return v;
}

SUSPENDS void
ask_dns_send(struct session *s, struct span name, enum dns_type type, struct ask_dns *ask)
{
	struct msg_dns_query msg = { .name = name, .type = (uint16_t)type };
	struct err err = ERR_NONE;

	ask->name = name;
	ask->type = type;
	ask->sent = false;
	ask->verdict = VERDICT_PERM;
	if (name.n == 0 || name.n > LIMIT_DOMAIN)
		return;
	ask->verdict = ask_send(s, "dns", &ipc_dns_query, &msg, &ipc_dns_answer, &ask->slot, &err);
	ask->sent = ask->verdict == VERDICT_OK;
}

SUSPENDS enum verdict
ask_dns_await(
    struct ask_dns *ask, struct msg_dns_answer *out, struct arena *arena, uint64_t deadline)
{
	enum verdict v;

	if (!ask->sent)
		return ask->verdict;
	ask->sent = false;
	v = ipc_await(&ask->slot, out, arena, deadline, NULL);
	if (v == VERDICT_OK)
		return dns_status_verdict(out->status, ask->name, "", NULL);
	return v == VERDICT_CANCELLED ? v : VERDICT_TEMP;
}

SUSPENDS enum verdict
ask_resolve(struct session *s, struct span address, struct msg_resolved *out, struct err *err)
{
	struct msg_resolve ask = { .address = address, .sender = s->t.sender };
	enum verdict v = service_call(s->smtpd->ctx, "rewrite", s->trace, &ipc_resolve, &ask,
	    &ipc_resolved, out, &s->t.arena, deadline_after_s(ASK_WAIT_S), err);

	if (v != VERDICT_OK && err->reply == 0)
		return err_mail(
		    err, 451, "4.3.0", "<%.*s>: Temporary lookup failure", SPAN_ARG(address));
	if (v == VERDICT_OK && out->recipients.n == 0)
		return err_mail(
		    err, 451, "4.3.0", "<%.*s>: Temporary lookup failure", SPAN_ARG(address));
	return v;
}

SUSPENDS void
ask_sender(struct session *s)
{
	struct transaction *t = &s->t;
	struct msg_rewrite_sender ask = { .address = t->sender,
		.check = access_checks_sender(s->smtpd->rules) };
	struct err err = ERR_NONE;

	if (t->sender_sent || t->sender_done)
		return;
	t->sender_verdict = ask_send(
	    s, "rewrite", &ipc_rewrite_sender, &ask, &ipc_sender_rewritten, &t->sender_ask, &err);
	t->sender_sent = t->sender_verdict == VERDICT_OK;
	t->sender_done = !t->sender_sent;
}

SUSPENDS enum verdict
await_sender(struct session *s)
{
	struct transaction *t = &s->t;

	ask_sender(s);
	if (!t->sender_sent)
		return t->sender_verdict;
	t->sender_sent = false;
	t->sender_done = true;
	t->sender_verdict = ipc_await(
	    &t->sender_ask, &t->sender_found, &t->arena, deadline_after_s(ASK_WAIT_S), NULL);
	if (t->sender_verdict != VERDICT_OK)
		t->sender_verdict = VERDICT_TEMP;
	return t->sender_verdict;
}
