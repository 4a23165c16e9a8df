/*
 * From the last byte of the content to 250. 250 is said only after qmgr has said that the message
 * would survive a power cut; every other outcome is a 4xx or 5xx that leaves nothing behind but a
 * log line. Called by DATA and BDAT; the transaction ends here, whatever happened. A client that is
 * gone by then gets no commit: it did not see the 250 and sends again.
 */
#include "base/time.h"
#include "smtpd/ask.h"
#include "smtpd/loglines.h"

#define OPENED_WAIT_S 60 /* for the file: qmgr answers in microseconds, or is being restarted */
#define COMMIT_WAIT_S \
	300 /* for a sync round: RFC 5321 4.5.3.2.6 gives clients 10 minutes of patience */

SUSPENDS enum verdict
message_await_file(struct session *s, struct err *err)
{
	struct transaction *t = &s->t;
	enum verdict v;

	if (t->opened)
		return VERDICT_OK;
	if (!t->open_sent)
		return err_mail(err, 451, "4.3.0", "Error: queue file open error");
	t->open_sent = false;
	v = ipc_await(&t->open, &t->file, &t->arena, deadline_after_s(OPENED_WAIT_S), err);
	t->opened = v == VERDICT_OK;
	if (!t->opened)
		t->file.content = -1;
	if (v != VERDICT_OK && err->reply == 0)
		return err_mail(err, 451, "4.3.0", "Error: queue file open error");
	return v;
}

/* What the content was found to be, against what may be. */
static enum verdict
message_judge(struct session *s, struct err *err)
{
	struct transaction *t = &s->t;

	if (t->too_big)
		return err_mail(err, 552, "5.3.4", "Error: message file too big");
	if (t->write_failed)
		return err_mail(err, 452, "4.3.1",
		    "Error: queue file write error: insufficient system storage");
	if (t->hops > s->conf->hopcount_limit)
		return err_mail(err, 554, "5.4.6", "Error: too many hops");
	s->bare_lf = s->bare_lf || (t->content.flags & CONTENT_BARE_LF);
	if (!s->peer.bare_lf_ok && (t->content.flags & (CONTENT_BARE_CR | CONTENT_BARE_LF)))
		return err_mail(err, 550, "5.5.2",
		    "%.*s Error: bare <%s> received: lines end with <CR><LF>",
		    SPAN_ARG(s->conf->myhostname),
		    t->content.flags & CONTENT_BARE_LF ? "LF" : "CR");
	return VERDICT_OK;
}

/* One more address that restrictions asked for, in place of the others or beside them. */
SUSPENDS static enum verdict
message_add(struct session *s, struct span address, struct err *err)
{
	struct item_recipient said = { .original = address, .notify = DSN_NEVER };
	struct msg_resolved found = { 0 };
	enum verdict v = ask_resolve(s, address, &found, err);

	if (v == VERDICT_OK && !transaction_add(&s->t, &found.recipients, &said))
		v = VERDICT_LIMIT;
	if (v == VERDICT_OK)
		return v;
	/* The client is not to blame for what a table of ours says. */
	return err_mail(err, 451, "4.3.5", "Server configuration error");
}

SUSPENDS static enum verdict
message_readdress(struct session *s, struct err *err)
{
	struct transaction *t = &s->t;
	enum verdict v = VERDICT_OK;

	if (t->marks.redirect.n > 0) {
		t->recipients_n = 0;
		map_free(&t->known);
		map_init(&t->known);
		v = message_add(s, t->marks.redirect, err);
	}
	if (v == VERDICT_OK && (t->sender_sent || t->sender_done) && await_sender(s) != VERDICT_OK)
		v = err_mail(
		    err, 451, "4.3.0", "<%.*s>: Temporary lookup failure", SPAN_ARG(t->sender));
	for (const struct access_text *bcc = t->marks.bcc; bcc && v == VERDICT_OK; bcc = bcc->next)
		v = message_add(s, bcc->text, err);
	return v;
}

static uint32_t
message_flags(const struct transaction *t)
{
	unsigned flags = t->content.flags;

	return (flags & CONTENT_8BIT ? MESSAGE_8BIT : 0u) | (t->smtputf8 ? MESSAGE_SMTPUTF8 : 0u) |
	       (flags & CONTENT_LEADING_DOT ? MESSAGE_LEADING_DOT : 0u) |
	       (t->marks.hold ? MESSAGE_HOLD : 0u);
}

SUSPENDS static enum verdict
message_commit(struct session *s, struct err *err)
{
	struct transaction *t = &s->t;
	struct item_extent extent = { t->file.content_at, t->written };
	struct msg_queue_committed done;
	struct msg_queue_commit msg = {
		.handle = t->file.handle,
		.queue_id = t->queue_id,
		.arrived = t->arrived,
		.sender = t->sender_done ? t->sender_found.address : t->sender,
		.envid = t->envid,
		.ret = t->ret,
		.flags = message_flags(t),
		.longest_line = (uint32_t)t->content.longest_line,
		.header_size = t->content.header.size,
		.crc = t->crc,
		.extents = { &extent, 1 },
		.client = span_head(s->peer.label, LIMIT_NEXTHOP),
		.login = str_span(&s->login),
		.recipients = { t->recipients, t->recipients_n },
	};
	enum verdict v;

	t->opened = false; /* from here the file is qmgr's affair, whatever it answers */
	v = service_call(s->smtpd->ctx, "qmgr", s->trace, &ipc_queue_commit, &msg,
	    &ipc_queue_committed, &done, &t->arena, deadline_after_s(COMMIT_WAIT_S), err);
	if (v != VERDICT_OK && err->reply == 0)
		return err_mail(err, 451, "4.3.0", "Error: queue file write error");
	return v;
}

/* Closed, and nothing more to say: a client may close its half after a QUIT sent ahead. */
SUSPENDS static bool
client_is_gone(struct session *s)
{
	return stream_peer_gone(s->io) && stream_wait_input(s->io, time_mono()) != VERDICT_OK;
}

/* One reply; LMTP has one for each RCPT that was accepted (RFC 2033 4.2), which here share a fate.
 */
SUSPENDS static void
message_answer(struct session *s, enum verdict v, const struct err *err)
{
	uint32_t times = s->conf->smtpd_lmtp ? s->t.rcpt_n : 1;

	while (times-- > 0) {
		if (v == VERDICT_OK)
			reply(s, 250, "2.0.0 Ok: queued as %.*s", SPAN_ARG(s->t.queue_id));
		else
			reply_verdict(s, err);
	}
}

SUSPENDS void
message_finish(struct session *s)
{
	struct transaction *t = &s->t;
	struct err err = ERR_NONE;
	enum verdict v;

	content_end(&t->content);
	v = message_judge(s, &err);
	if (v != VERDICT_OK)
		log_verdict(s, "reject", "END-OF-MESSAGE", span_lit(""), &err);
	else
		v = access_end_of_data(s, &err);
	if (v == VERDICT_OK && !t->marks.discard) {
		v = message_readdress(s, &err);
		if (v == VERDICT_OK && client_is_gone(s)) {
			session_dismiss(s, "lost connection");
			transaction_reset(s);
			return;
		}
		if (v == VERDICT_OK)
			v = message_commit(s, &err);
	}
	if (v == VERDICT_OK)
		s->junk = 0;
	message_answer(s, v, &err);
	transaction_reset(s);
}
