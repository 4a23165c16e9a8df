/*
 * MAIL and RCPT (RFC 5321 4.1.1.2, 4.1.1.3): paths, their parameters, and who may send what to
 * whom. MAIL names the message and asks qmgr for its file at once, so that the file is there when
 * DATA comes; the answer is not waited for. Parameters are tables: a row says which function takes
 * it.
 */
#include "base/num.h"
#include "base/time.h"
#include "message/queue_id.h"
#include "smtpd/session.h"

#define OPEN_WAIT_S 30 /* for a channel to qmgr */

typedef enum verdict param_fn(struct session *s, struct span value, void *target, struct err *err);

struct param {
	struct span key;
	bool has_value;
	param_fn *take;
};

/* RFC 1870 6.1: what is announced too large is refused before it is sent. */
static enum verdict
mail_size(struct session *s, struct span value, void *target, struct err *err)
{
	struct transaction *t = target;

	if (!num_parse_u64(value, UINT64_C(1) << 62, &t->declared_size))
		return err_mail(err, 501, "5.5.4", "Bad SIZE: a number of bytes is expected");
	if (s->conf->message_size_limit && t->declared_size > s->conf->message_size_limit)
		return err_mail(err, 552, "5.3.4", "Message size exceeds fixed limit");
	return VERDICT_OK;
}

/* RFC 6152 3. */
static enum verdict
mail_body(struct session *s, struct span value, void *target, struct err *err)
{
	struct transaction *t = target;

	(void)s;
	t->body_8bit = span_eq_nocase(value, span_lit("8BITMIME"));
	if (!t->body_8bit && !span_eq_nocase(value, span_lit("7BIT")))
		return err_mail(err, 501, "5.5.4", "Bad BODY: 7BIT or 8BITMIME is expected");
	return VERDICT_OK;
}

static const struct param mail_params[] = {
	{ SPAN("SIZE"), true, mail_size },
	{ SPAN("BODY"), true, mail_body },
};

/* Takes what stands behind the path, by TABLE. */
static enum verdict
params_take(struct session *s, struct span text, const struct param *table, size_t n, void *target,
    struct err *err)
{
	struct esmtp_params params;
	enum verdict v = esmtp_params_parse(text, false, &params, err);

	for (size_t i = 0; v == VERDICT_OK && i < params.count; i++) {
		const struct esmtp_param *p = &params.v[i];
		size_t row = 0;
		while (row < n && !span_eq_nocase(p->key, table[row].key))
			row++;
		if (row == n || !s->esmtp)
			v = err_mail(
			    err, 555, "5.5.4", "Unsupported option: %.*s", SPAN_ARG(p->key));
		else if (p->has_value != table[row].has_value)
			v = err_mail(err, 501, "5.5.4", "Bad option: %.*s", SPAN_ARG(p->key));
		else
			v = table[row].take(s, p->value, target, err);
	}
	return v;
}

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

SUSPENDS static void
mail_open(struct session *s)
{
	struct transaction *t = &s->t;
	struct msg_queue_open msg = { .size_hint = t->declared_size };
	struct ipc_channel *queue;
	struct err err = ERR_NONE;

	if (service_channel(s->ctx, "qmgr", deadline_after_s(OPEN_WAIT_S), &queue, &err) !=
	    VERDICT_OK)
		return; /* DATA will say so */
	ipc_send_call(queue, s->trace, &ipc_queue_open, &msg, &ipc_queue_opened, &t->open);
	t->open_sent = true;
}

SUSPENDS void
cmd_mail(struct session *s, struct span args)
{
	struct transaction *t = &s->t;
	struct address sender;
	struct err err = ERR_NONE;
	enum verdict v;

	if (!skip_word(&args, span_lit("FROM:"))) {
		reply(s, 501, "5.5.4 Syntax: MAIL FROM:<address>");
		return;
	}
	v = path_parse(
	    &args, PATH_NULL | PATH_NO_DOMAIN | PATH_SENDER | PATH_BARE, &t->arena, &sender, &err);
	if (v == VERDICT_OK)
		v = params_take(s, span_trim(args), mail_params, ARRAY_LEN(mail_params), t, &err);
	if (v != VERDICT_OK) {
		log_reject(s, "MAIL", span_lit(""), &err);
		reply_verdict(s, &err);
		transaction_reset(s);
		return;
	}
	t->sender = address_text(&sender, &t->arena);
	t->arrived = time_wall();
	t->queue_id = queue_id_make(service_state(s->ctx), t->arrived, &t->arena);
	s->state = SMTP_MAIL;
	mail_open(s);
	reply(s, 250, "2.1.0 Ok");
}

SUSPENDS void
cmd_rcpt(struct session *s, struct span args)
{
	struct transaction *t = &s->t;
	struct item_recipient found = { 0 }, *place;
	struct address rcpt;
	struct err err = ERR_NONE;
	enum verdict v;

	if (!skip_word(&args, span_lit("TO:"))) {
		reply(s, 501, "5.5.4 Syntax: RCPT TO:<address>");
		return;
	}
	v = path_parse(&args, PATH_NO_DOMAIN | PATH_BARE, &t->arena, &rcpt, &err);
	if (v == VERDICT_OK)
		v = params_take(s, span_trim(args), NULL, 0, &found, &err);
	if (v == VERDICT_OK && t->recipients_n >= s->conf->smtpd_recipient_limit)
		v = err_mail(&err, 452, "4.5.3", "Error: too many recipients");
	if (v == VERDICT_OK)
		v = policy_recipient(s, &rcpt, &found, &err);
	place = v == VERDICT_OK ? transaction_add(t) : NULL;
	if (v == VERDICT_OK && !place)
		err_mail(&err, 452, "4.3.1", "Error: too many recipients for memory");
	if (!place) {
		log_reject(s, "RCPT", address_text(&rcpt, &t->arena), &err);
		reply_verdict(s, &err);
		s->errors += err.reply == 454; /* or relaying could be tried for ever */
		return;
	}
	*place = found;
	if (t->recipients_n == 1)
		log_client(s);
	s->state = SMTP_RCPT;
	reply(s, 250, "2.1.5 Ok");
}
