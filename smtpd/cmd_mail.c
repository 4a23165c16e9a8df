/*
 * MAIL and RCPT (RFC 5321 4.1.1.2, 4.1.1.3): paths, parameters, limits, restrictions. MAIL names
 * the message and asks qmgr for its file at once, so that the file is there when DATA comes; the
 * answer is not waited for. Called through the command table. A MAIL that is refused leaves no
 * transaction; a RCPT that is refused leaves the others as they are.
 */
#include "base/time.h"
#include "smtpd/ask.h"
#include "smtpd/loglines.h"

#define OPEN_WAIT_S 30 /* for a channel to qmgr */

/* "FROM:" or "TO:"; a blank after the colon is taken, as clients send it. */
static bool
skip_word(struct span *args, struct span word)
{
	if (!span_starts_nocase(*args, word))
		return false;
	*args = span_from(*args, word.n);
	while (args->n > 0 && args->p[0] == ' ')
		*args = span_from(*args, 1);
	return true;
}

static unsigned
path_flags(const struct session *s, unsigned flags)
{
	return flags | PATH_NO_DOMAIN | PATH_UTF8 |
	       (s->conf->strict_rfc821_envelopes ? 0 : PATH_BARE);
}

/* RFC 6531 3.4: who sends such an address must have said SMTPUTF8. */
static enum verdict
utf8_judge(const struct session *s, const struct address *a, const char *dsn, struct err *err)
{
	if (!a->utf8 || s->t.smtputf8)
		return VERDICT_OK;
	return err_mail(err, 553, dsn, "Must declare SMTPUTF8 to send unicode address");
}

SUSPENDS static void
mail_open(struct session *s)
{
	struct transaction *t = &s->t;
	struct msg_queue_open msg = { .size_hint = t->declared_size };
	struct ipc_channel *queue;
	struct err err = ERR_NONE;

	if (service_channel(s->smtpd->ctx, "qmgr", deadline_after_s(OPEN_WAIT_S), &queue, &err) !=
	    VERDICT_OK)
		return; /* DATA will say so */
	ipc_send_call(queue, s->trace, &ipc_queue_open, &msg, &ipc_queue_opened, &t->open);
	t->open_sent = true;
}

static enum verdict
mail_parse(struct session *s, struct span args, struct err *err)
{
	struct transaction *t = &s->t;
	struct address sender;
	struct span whole = args;
	enum verdict v =
	    path_parse(&args, path_flags(s, PATH_NULL | PATH_SENDER), &t->arena, &sender, err);

	if (v != VERDICT_OK) {
		log_bad_address(s, "MAIL", whole);
		return v;
	}
	t->sender = address_text(&sender, &t->arena);
	t->sender_domain = sender.domain;
	v = params_mail(s, span_trim(args), err);
	return v == VERDICT_OK ? utf8_judge(s, &sender, "5.6.7", err) : v;
}

SUSPENDS void
cmd_mail(struct session *s, struct span args)
{
	struct transaction *t = &s->t;
	struct err err = ERR_NONE;
	enum verdict v;

	if (s->state == SMTP_CONNECTED && s->conf->smtpd_helo_required) {
		reply(s, 503, "5.5.1 Error: send HELO/EHLO first");
		return;
	}
	if (!skip_word(&args, span_lit("FROM:"))) {
		reply(s, 501, "5.5.4 Syntax: MAIL FROM:<address>");
		return;
	}
	v = mail_parse(s, args, &err);
	if (v == VERDICT_OK)
		v = rates_message(s, &err);
	if (v == VERDICT_OK)
		v = access_mail(s, &err);
	if (v != VERDICT_OK) {
		reply_verdict(s, &err);
		transaction_reset(s);
		return;
	}
	t->arrived = time_wall();
	t->queue_id = queue_id_make(&s->smtpd->ids, t->arrived, &t->arena);
	s->state = SMTP_MAIL;
	mail_open(s);
	if (t->sender.n > 0 &&
	    (s->conf->canonical_maps.n > 0 || s->conf->sender_canonical_maps.n > 0))
		ask_sender(s);
	reply(s, 250, "2.1.0 Ok");
}

static enum verdict
rcpt_parse(struct session *s, struct span args, struct item_recipient *said, struct err *err)
{
	struct transaction *t = &s->t;
	struct address rcpt;
	struct span whole = args;
	enum verdict v = path_parse(&args, path_flags(s, 0), &t->arena, &rcpt, err);

	if (v != VERDICT_OK) {
		log_bad_address(s, "RCPT", whole);
		return v;
	}
	said->original = address_text(&rcpt, &t->arena);
	v = params_rcpt(s, span_trim(args), said, err);
	if (v == VERDICT_OK)
		v = utf8_judge(s, &rcpt, "5.6.7", err);
	if (v == VERDICT_OK && t->rcpt_n >= s->conf->smtpd_recipient_limit)
		v = err_mail(err, 452, "4.5.3", "Error: too many recipients");
	return v;
}

SUSPENDS void
cmd_rcpt(struct session *s, struct span args)
{
	struct transaction *t = &s->t;
	struct item_recipient said = { 0 };
	struct msg_resolved found = { 0 };
	struct err err = ERR_NONE;
	enum verdict v;

	if (!skip_word(&args, span_lit("TO:"))) {
		reply(s, 501, "5.5.4 Syntax: RCPT TO:<address>");
		return;
	}
	v = rcpt_parse(s, args, &said, &err);
	if (v == VERDICT_OK)
		v = rates_recipient(s, &err);
	if (v == VERDICT_OK)
		v = access_rcpt(s, said.original, &found, &err);
	if (v == VERDICT_OK && !transaction_add(t, &found.recipients, &said))
		v = err_mail(&err, 452, "4.5.3", "Error: too many recipients");
	if (v != VERDICT_OK) {
		reply_verdict(s, &err);
		s->errors += err.reply == 454; /* or relaying could be tried for ever */
		return;
	}
	if (t->rcpt_n++ == 0)
		log_client(s);
	s->state = SMTP_RCPT;
	reply(s, 250, "2.1.5 Ok");
}
