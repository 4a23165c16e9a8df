/*
 * What stands behind the path of MAIL and RCPT (RFC 5321 4.1.2): each parameter of an extension is
 * a row that says which function takes its value. Syntax and doubles are lib/message's; a parameter
 * that EHLO did not offer is 555. Called by cmd_mail.c and cmd_rcpt.c. Values are checked as far as
 * they travel: what is queued is clean (ABUSE 12).
 */
#include "base/num.h"
#include "smtpd/session.h"

#define ENVID_MAX 100 /* RFC 3461 4.4 */

/* TARGET: the struct item_recipient of RCPT; unused by MAIL. */
typedef enum verdict param_fn(
    struct session *s, struct span value, struct item_recipient *target, struct err *err);

struct param {
	struct span key;
	bool has_value;
	param_fn *take;
};

/* RFC 1870 6.1: what is announced too large is refused before it is sent. */
static enum verdict
mail_size(struct session *s, struct span value, struct item_recipient *unused, struct err *err)
{
	(void)unused;
	if (!num_parse_u64(value, UINT64_C(1) << 62, &s->t.declared_size))
		return err_mail(err, 501, "5.5.4", "Bad message size syntax");
	if (s->conf->message_size_limit && s->t.declared_size > s->conf->message_size_limit)
		return err_mail(err, 552, "5.3.4", "Message size exceeds fixed limit");
	return VERDICT_OK;
}

/* RFC 6152 3. What the content really is, is seen when it comes. */
static enum verdict
mail_body(struct session *s, struct span value, struct item_recipient *unused, struct err *err)
{
	(void)s;
	(void)unused;
	if (!span_eq_nocase(value, span_lit("8BITMIME")) &&
	    !span_eq_nocase(value, span_lit("7BIT")))
		return err_mail(err, 501, "5.5.4", "Bad BODY: 7BIT or 8BITMIME is expected");
	return VERDICT_OK;
}

/* RFC 6531 3.4. */
static enum verdict
mail_smtputf8(struct session *s, struct span value, struct item_recipient *unused, struct err *err)
{
	(void)value;
	(void)unused;
	(void)err;
	s->t.smtputf8 = true;
	return VERDICT_OK;
}

/* RFC 3461 4.3. */
static enum verdict
mail_ret(struct session *s, struct span value, struct item_recipient *unused, struct err *err)
{
	(void)unused;
	if (span_eq_nocase(value, span_lit("FULL")))
		s->t.ret = 1;
	else if (span_eq_nocase(value, span_lit("HDRS")))
		s->t.ret = 2;
	else
		return err_mail(err, 501, "5.5.4", "Bad RET parameter: FULL or HDRS is expected");
	return VERDICT_OK;
}

/* RFC 3461 4.4. */
static enum verdict
mail_envid(struct session *s, struct span value, struct item_recipient *unused, struct err *err)
{
	struct str text = STR_INIT(ENVID_MAX);
	bool ok = value.n <= ENVID_MAX && xtext_parse(value, &text);

	(void)unused;
	if (ok)
		s->t.envid = arena_dup(&s->t.arena, str_span(&text));
	str_free(&text);
	return ok ? VERDICT_OK : err_mail(err, 501, "5.5.4", "Bad ENVID parameter syntax");
}

/*
 * RFC 4954 5: who submitted the message first. Only somebody who has said who he is is believed;
 * all others are taken to have said "<>".
 */
static enum verdict
mail_auth(struct session *s, struct span value, struct item_recipient *unused, struct err *err)
{
	struct str text = STR_INIT(LIMIT_ADDRESS);
	struct address who;
	enum verdict v = VERDICT_OK;

	(void)unused;
	if (!s->conf->smtpd_sasl_auth_enable)
		return err_mail(err, 555, "5.5.4", "Unsupported option: AUTH");
	if (!xtext_parse(value, &text))
		v = VERDICT_PERM;
	else if (!span_eq(str_span(&text), span_lit("<>")))
		v = address_parse(str_span(&text), PATH_NO_DOMAIN, &s->t.arena, &who, err);
	if (v == VERDICT_OK && s->login.n > 0)
		s->t.auth_sender = arena_dup(&s->t.arena, str_span(&text));
	str_free(&text);
	return v == VERDICT_OK ? v : err_mail(err, 501, "5.5.4", "Bad AUTH parameter syntax");
}

/* RFC 3461 4.1: NEVER alone, or some of the others. */
static enum verdict
rcpt_notify(struct session *s, struct span value, struct item_recipient *out, struct err *err)
{
	static const struct {
		struct span word;
		enum dsn_notify bit;
	} words[] = {
		{ SPAN("NEVER"), DSN_NEVER },
		{ SPAN("SUCCESS"), DSN_SUCCESS },
		{ SPAN("FAILURE"), DSN_FAILURE },
		{ SPAN("DELAY"), DSN_DELAY },
	};
	struct span word;
	bool more = true;

	(void)s;
	while (more) {
		size_t i = 0;
		more = span_cut(value, ',', &word, &value);
		while (i < ARRAY_LEN(words) && !span_eq_nocase(word, words[i].word))
			i++;
		if (i == ARRAY_LEN(words) || (out->notify & words[i].bit))
			return err_mail(err, 501, "5.5.4", "Bad NOTIFY parameter syntax");
		out->notify |= (uint8_t)words[i].bit;
	}
	if ((out->notify & DSN_NEVER) && out->notify != DSN_NEVER)
		return err_mail(err, 501, "5.5.4", "Bad NOTIFY parameter: NEVER stands alone");
	return VERDICT_OK;
}

/* RFC 3461 4.2. */
static enum verdict
rcpt_orcpt(struct session *s, struct span value, struct item_recipient *out, struct err *err)
{
	struct str text = STR_INIT(LIMIT_ADDRESS);
	bool ok = orcpt_parse(value, s->t.smtputf8, &text);

	if (ok)
		out->orcpt = arena_dup(&s->t.arena, str_span(&text));
	str_free(&text);
	return ok ? VERDICT_OK : err_mail(err, 501, "5.5.4", "Bad ORCPT parameter syntax");
}

static const struct param mail_params[] = {
	{ SPAN("SIZE"), true, mail_size },
	{ SPAN("BODY"), true, mail_body },
	{ SPAN("SMTPUTF8"), false, mail_smtputf8 },
	{ SPAN("RET"), true, mail_ret },
	{ SPAN("ENVID"), true, mail_envid },
	{ SPAN("AUTH"), true, mail_auth },
};

static const struct param rcpt_params[] = {
	{ SPAN("NOTIFY"), true, rcpt_notify },
	{ SPAN("ORCPT"), true, rcpt_orcpt },
};

/* Takes TEXT by TABLE. */
static enum verdict
params_take(struct session *s, struct span text, const struct param *table, size_t n,
    struct item_recipient *target, struct err *err)
{
	struct esmtp_params params;
	enum verdict v = esmtp_params_parse(text, s->t.smtputf8, &params, err);

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

enum verdict
params_mail(struct session *s, struct span text, struct err *err)
{
	return params_take(s, text, mail_params, ARRAY_LEN(mail_params), NULL, err);
}

enum verdict
params_rcpt(struct session *s, struct span text, struct item_recipient *out, struct err *err)
{
	return params_take(s, text, rcpt_params, ARRAY_LEN(rcpt_params), out, err);
}
