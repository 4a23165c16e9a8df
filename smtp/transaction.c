/*
 * A mail transaction, RFC 5321 3.3: MAIL, RCPT for each recipient, DATA, the content. Over
 * PIPELINING (RFC 2920) all of it up to DATA leaves in one segment, LIMIT_SMTP_PIPELINE commands
 * ahead of their replies at most, so that neither end waits for the other's buffers. LMTP (RFC 2033
 * 4.2) has a reply for each recipient at the end. Called by deliver.c. A recipient over the
 * server's limit (452, 552: RFC 5321 4.5.3.1.10) goes into another transaction of the same session.
 *
 * The window of RFC 1047: between our final dot and the server's reply a lost connection leaves us
 * ignorant. Then no other host is tried in this delivery, and the report says so.
 */
#include "smtp/transaction.h"

#include "base/log.h"
#include "base/mem.h"
#include "smtp/content.h"
#include "smtp/envelope.h"

#define COMMAND_MAX 8192 /* bytes: addresses and ORCPT quoted */

struct transaction {
	struct session *s;
	struct delivery *d;
	bool final;
	uint32_t *targets; /* those offered, by command */
	uint32_t n;
	bool *accepted;
	uint32_t accepted_n;
	uint32_t later_n;
	/* Commands: 0 is MAIL, 1 to n are RCPT, n + 1 is DATA. */
	uint32_t sent;
	uint32_t heard;
	bool refused; /* the sender; or none of the recipients can be written */
	bool go_on;   /* 354 */
	struct str line;
};

/* Refused this time: told, or left for the next host. */
static void
target_soft(struct transaction *t, uint32_t i, const struct err *err)
{
	struct delivery *d = t->d;

	if (t->final) {
		delivery_failed(d, i, err);
		return;
	}
	d->states[i] = TARGET_SOFT;
	log_event(LOG_LEVEL_INFO, "%s: %s", log_escape(d->msg->queue_id), err->text);
	delivery_note(d, err, false);
}

static void
target_refused(struct transaction *t, uint32_t i, const struct err *err)
{
	if (err->verdict == VERDICT_PERM)
		delivery_failed(t->d, i, err);
	else
		target_soft(t, i, err);
}

/* All that were offered and are not told yet, or only those that were accepted. */
static void
refuse_all(struct transaction *t, bool accepted, const struct err *err)
{
	for (uint32_t k = 0; k < t->n; k++)
		if (t->d->states[t->targets[k]] == TARGET_LEFT && (!accepted || t->accepted[k]))
			target_refused(t, t->targets[k], err);
}

static void
hear_mail(struct transaction *t)
{
	struct err err = ERR_NONE;

	if (reply_class(&t->s->reply) == 2)
		return;
	session_said(t->s, "MAIL FROM command", &err);
	t->refused = true;
	refuse_all(t, false, &err);
}

static void
hear_rcpt(struct transaction *t)
{
	struct reply *r = &t->s->reply;
	uint32_t k = t->heard - 1, i = t->targets[k];
	struct err err = ERR_NONE;

	if (t->refused)
		return;
	if (reply_class(r) == 2) {
		t->accepted[k] = true;
		t->accepted_n++;
		return;
	}
	if (r->code == 552) {
		r->code = 452;
		r->dsn.class = r->dsn.class ? 4 : 0;
	}
	if (r->code == 452 && t->accepted_n > 0) {
		t->d->states[i] = TARGET_LATER;
		t->later_n++;
		return;
	}
	session_said(t->s, "RCPT TO command", &err);
	target_refused(t, i, &err);
}

static void
hear_data(struct transaction *t)
{
	struct err err = ERR_NONE;

	t->go_on = reply_class(&t->s->reply) == 3;
	if (t->go_on || t->accepted_n == 0)
		return;
	if (reply_class(&t->s->reply) == 2) {
		t->s->reply.code = 451; /* it has taken nothing: we have sent nothing */
		t->s->broken = true;	/* and is out of step */
	}
	session_said(t->s, "DATA command", &err);
	refuse_all(t, true, &err);
}

/* Is there a command to be sent now? */
static bool
more_to_say(const struct transaction *t)
{
	if (t->sent == t->n + 2 || t->refused)
		return false;
	/* DATA, and no recipient: all replies are here and none was good. */
	return t->sent <= t->n || t->heard <= t->n || t->accepted_n > 0;
}

/* A recipient that no command can be made of is refused here; NOOP keeps its place. */
SUSPENDS
static enum verdict
say_rcpt(struct transaction *t, struct err *err)
{
	uint32_t i = t->targets[t->sent - 1];

	str_reset(&t->line);
	if (!envelope_put_rcpt(&t->line, t->d, i, &t->s->ehlo)) {
		struct err bad = ERR_NONE;
		err_mail(&bad, 553, "5.1.3", "bad recipient address syntax");
		delivery_failed(t->d, i, &bad);
		return session_say(t->s, "sending RCPT TO", span_lit("NOOP"), err);
	}
	return session_say(t->s, "sending RCPT TO", str_span(&t->line), err);
}

SUSPENDS
static enum verdict
say_next(struct transaction *t, struct err *err)
{
	uint32_t command = t->sent;
	enum verdict v;

	if (command > 0 && command <= t->n) {
		v = say_rcpt(t, err);
	} else if (command == 0) {
		str_reset(&t->line);
		t->d->dsn_passed = (t->s->ehlo.features & EHLO_DSN) != 0;
		envelope_put_mail(&t->line, t->d, &t->s->ehlo);
		v = session_say(t->s, "sending MAIL FROM", str_span(&t->line), err);
	} else {
		v = session_say(t->s, "sending DATA command", span_lit("DATA"), err);
	}
	t->sent++;
	return v;
}

SUSPENDS
static enum verdict
hear_next(struct transaction *t, struct err *err)
{
	const struct conf *conf = t->s->client->conf;
	uint32_t command = t->heard;
	enum verdict v;

	if (command == 0)
		v = session_hear(t->s, "sending MAIL FROM", conf->smtp_mail_timeout, err);
	else if (command <= t->n)
		v = session_hear(t->s, "sending RCPT TO", conf->smtp_rcpt_timeout, err);
	else
		v = session_hear(t->s, "sending DATA command", conf->smtp_data_init_timeout, err);
	if (v != VERDICT_OK)
		return v;
	if (command == 0)
		hear_mail(t);
	else if (command <= t->n && t->d->states[t->targets[command - 1]] == TARGET_LEFT)
		hear_rcpt(t);
	else if (command > t->n)
		hear_data(t);
	t->heard++;
	return VERDICT_OK;
}

SUSPENDS
static enum verdict
say_envelope(struct transaction *t, struct err *err)
{
	uint32_t window = t->s->ehlo.features & EHLO_PIPELINING ? LIMIT_SMTP_PIPELINE : 1;
	enum verdict v = VERDICT_OK;

	t->s->unclean = true;
	while (v == VERDICT_OK && (t->heard < t->sent || more_to_say(t))) {
		while (v == VERDICT_OK && t->sent - t->heard < window && more_to_say(t))
			v = say_next(t, err);
		if (v == VERDICT_OK)
			v = hear_next(t, err);
	}
	return v;
}

/* The reply to the content: for all, or for the K-th. */
static void
hear_end(struct transaction *t, uint32_t k, bool all)
{
	struct reply *r = &t->s->reply;
	struct err err = ERR_NONE;

	if (reply_class(r) == 3)
		r->code = 451;
	if (reply_class(r) != 2)
		session_said(t->s, "end of DATA command", &err);
	for (uint32_t i = all ? 0 : k; i < (all ? t->n : k + 1); i++) {
		if (!t->accepted[i])
			continue;
		if (reply_class(r) == 2)
			delivery_sent(t->d, t->targets[i], r);
		else
			target_refused(t, t->targets[i], &err);
	}
}

SUSPENDS
static enum verdict
hear_ends(struct transaction *t, struct err *err)
{
	const char *stage = "sending end of data -- message may be sent more than once";
	struct session *s = t->s;
	bool each = s->client->lmtp;

	for (uint32_t k = 0; k < t->n; k++) {
		enum verdict v;
		if (each && !t->accepted[k])
			continue;
		v = session_hear(s, stage, s->client->conf->smtp_data_done_timeout, err);
		/* 421 is a reply to what was asked: the message was not taken. */
		if (v != VERDICT_OK && s->reply.code != 421) {
			t->d->stop = true;
			return v;
		}
		if (v != VERDICT_OK)
			return v;
		hear_end(t, k, !each);
		if (!each)
			break;
	}
	s->unclean = false;
	return VERDICT_OK;
}

/* RFC 2920 3.1: nobody is to get it, and the server waits for it all the same. */
SUSPENDS
static enum verdict
send_nothing(struct transaction *t, struct err *err)
{
	enum verdict v = session_say(t->s, "sending an empty message", span_lit("."), err);

	if (v == VERDICT_OK)
		v = session_hear(t->s, "sending an empty message",
		    t->s->client->conf->smtp_data_done_timeout, err);
	return v;
}

/*
 * RFC 5321 4.3.1: a reply answers what was said. One that is here before the content has been sent
 * is no word about it, and believing it would lose the message.
 */
static enum verdict
check_turn(struct session *s, struct err *err)
{
	if (stream_buffered(s->io).n == 0)
		return VERDICT_OK;
	s->broken = true;
	return err_mail(err, 451, "4.5.0",
	    "protocol error: host %s said more than it was asked while %s", str_cstr(&s->peer),
	    s->stage);
}

SUSPENDS
static enum verdict
send_content(struct transaction *t, struct err *err)
{
	enum verdict v = check_turn(t->s, err);

	if (v != VERDICT_OK)
		return v;
	if (t->accepted_n == 0)
		return send_nothing(t, err);
	t->s->stage = "sending message body";
	v = content_send(t->s, t->d, err);
	if (v == VERDICT_OK)
		return hear_ends(t, err);
	t->s->broken = true;
	if (v != VERDICT_TEMP)
		return session_lost(t->s, v, err);
	/* Our own file: no other host gets further. */
	t->d->stop = true;
	return v;
}

/* Those that no server has seen, or that this one has put off. */
static void
choose_targets(struct transaction *t)
{
	struct delivery *d = t->d;

	t->n = t->accepted_n = t->later_n = t->sent = t->heard = 0;
	t->refused = t->go_on = false;
	for (uint32_t i = 0; i < d->msg->targets.n; i++) {
		if (d->states[i] != TARGET_LEFT && d->states[i] != TARGET_LATER)
			continue;
		d->states[i] = TARGET_LEFT;
		t->accepted[t->n] = false;
		t->targets[t->n++] = i;
	}
}

SUSPENDS
static enum verdict
transaction_once(struct transaction *t, struct err *err)
{
	enum verdict v;

	choose_targets(t);
	t->s->uses++;
	delivery_at(t->d, t->s);
	v = say_envelope(t, err);
	if (v == VERDICT_OK && t->go_on)
		v = send_content(t, err);
	return v;
}

SUSPENDS
enum verdict
transaction_run(struct session *s, struct delivery *d, bool final, struct err *err)
{
	uint32_t most = d->msg->targets.n;
	struct transaction t = { .s = s,
		.d = d,
		.final = final,
		.targets = mem_alloc_array(most, sizeof(uint32_t)),
		.accepted = mem_alloc_array(most, sizeof(bool)),
		.line = STR_INIT(COMMAND_MAX) };
	struct err unfit = ERR_NONE;
	enum verdict v;

	for (uint32_t i = 0; i < most; i++)
		if (d->states[i] != TARGET_DONE)
			d->states[i] = TARGET_LEFT;
	if (envelope_fits(d, s, &unfit) == VERDICT_OK) {
		do
			v = transaction_once(&t, err);
		while (v == VERDICT_OK && t.later_n > 0);
	} else {
		choose_targets(&t);
		delivery_at(d, s);
		refuse_all(&t, false, &unfit);
		v = VERDICT_OK;
	}
	mem_free(t.targets);
	mem_free(t.accepted);
	str_free(&t.line);
	return v;
}
