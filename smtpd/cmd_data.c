/*
 * DATA (RFC 5321 4.1.1.4): from the last RCPT to 250. 250 is said only after qmgr has said that the
 * message would survive a power cut; every other outcome is a 4xx or 5xx that leaves nothing behind
 * but a log line. The transaction ends here, whatever happened.
 */
#include "smtpd/session.h"

#define OPENED_WAIT_S 60 /* for the file: qmgr answers in microseconds, or is being restarted */
#define COMMIT_WAIT_S \
	300 /* for a sync round: RFC 5321 4.5.3.2.6 gives clients 10 minutes of patience */

SUSPENDS static enum verdict
data_await_file(struct session *s, struct err *err)
{
	struct transaction *t = &s->t;
	enum verdict v;

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
data_judge(struct session *s, struct err *err)
{
	struct transaction *t = &s->t;

	if (t->too_big)
		return err_mail(err, 552, "5.3.4", "Error: message file too big");
	if (t->write_failed)
		return err_mail(err, 452, "4.3.1",
		    "Error: the message could not be written: insufficient system storage");
	if (t->content.flags & (CONTENT_BARE_CR | CONTENT_BARE_LF)) {
		s->bare_lf = true;
		return err_mail(err, 550, "5.6.11",
		    "Error: bare <%s> received: lines end with <CR><LF>",
		    t->content.flags & CONTENT_BARE_LF ? "LF" : "CR");
	}
	return VERDICT_OK;
}

SUSPENDS static enum verdict
data_commit(struct session *s, struct err *err)
{
	struct transaction *t = &s->t;
	struct item_extent extent = { t->file.content_at, t->written };
	struct str client = STR_INIT(LIMIT_NEXTHOP);
	struct msg_queue_committed done;
	unsigned flags = t->content.flags;

	str_printf(&client, "%s[%s]", s->client_name, s->client_ip);
	struct msg_queue_commit msg = {
		.handle = t->file.handle,
		.queue_id = t->queue_id,
		.arrived = t->arrived,
		.sender = t->sender,
		.envid = t->envid,
		.ret = t->ret,
		.flags = (flags & CONTENT_8BIT ? MESSAGE_8BIT : 0) |
			 (t->smtputf8 ? MESSAGE_SMTPUTF8 : 0) |
			 (flags & CONTENT_LEADING_DOT ? MESSAGE_LEADING_DOT : 0),
		.longest_line = (uint32_t)t->content.longest_line,
		.header_size = t->content.header.size,
		.crc = t->crc,
		.extents = { &extent, 1 },
		.client = str_span(&client),
		.recipients = { t->recipients, t->recipients_n },
	};
	t->opened = false; /* from here the file is qmgr's affair, whatever it answers */
	enum verdict v = service_call(s->ctx, "qmgr", s->trace, &ipc_queue_commit, &msg,
	    &ipc_queue_committed, &done, &t->arena, deadline_after_s(COMMIT_WAIT_S), err);
	str_free(&client);
	if (v != VERDICT_OK && err->reply == 0)
		return err_mail(err, 451, "4.3.0", "Error: queue file write error");
	return v;
}

SUSPENDS void
cmd_data(struct session *s, struct span args)
{
	struct transaction *t = &s->t;
	struct err err = ERR_NONE;
	enum verdict v;

	(void)args;
	v = data_await_file(s, &err);
	if (v == VERDICT_OK) {
		reply(s, 354, "End data with <CR><LF>.<CR><LF>");
		v = receive_content(s);
		if (v != VERDICT_OK) {
			s->lost = v == VERDICT_TIMEOUT ? "timeout" : "lost connection";
			transaction_reset(s);
			return;
		}
		v = data_judge(s, &err);
	}
	if (v == VERDICT_OK)
		v = data_commit(s, &err);
	if (v == VERDICT_OK) {
		reply(s, 250, "2.0.0 Ok: queued as %.*s", SPAN_ARG(t->queue_id));
		s->errors = s->junk = 0; /* who delivers mail may go on for as long as it likes */
	} else {
		log_reject(s, "DATA", span_lit(""), &err);
		reply_verdict(s, &err);
	}
	transaction_reset(s);
}
