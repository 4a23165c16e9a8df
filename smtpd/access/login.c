/*
 * Who may use which sender: smtpd_sender_login_maps say whose an address is (ABUSE 39). Called
 * through the table of rules.c. A sender that is in no table belongs to nobody: an authenticated
 * client may not use it, unless only known senders are looked at.
 */
#include "smtpd/access/check.h"

/* The logins that own the sender. */
SUSPENDS static enum verdict
owners_find(struct check *c, struct span *owners_out)
{
	struct span tables = c->conf->smtpd_sender_login_maps;

	if (tables.n == 0)
		return VERDICT_ABSENT;
	return table_ask(c, tables, LOOKUP_OWNER, c->s->t.sender, owners_out);
}

static bool
owners_have(struct span owners, struct span login)
{
	struct span owner;

	while (conf_list_next(&owners, &owner))
		if (span_eq_nocase(owner, login))
			return true;
	return false;
}

static enum access
owners_failed(struct check *c)
{
	return check_reject_text(
	    c, 451, "4.3.0", "<%.*s>: Temporary lookup failure", SPAN_ARG(c->s->t.sender));
}

/* STRICT: what nobody owns is not his either. */
SUSPENDS static enum access
mismatch_authenticated(struct check *c, bool strict)
{
	struct session *s = c->s;
	struct span owners = span_lit("");
	enum verdict v;

	if (s->t.sender.n == 0 || s->login.n == 0)
		return ACCESS_DUNNO;
	v = owners_find(c, &owners);
	if (v == VERDICT_TEMP)
		return owners_failed(c);
	if (v == VERDICT_ABSENT ? !strict : owners_have(owners, str_span(&s->login)))
		return ACCESS_DUNNO;
	return check_reject(
	    c, ABOUT_SENDER, 553, "5.7.1", "not owned by user %.*s", SPAN_ARG(str_span(&s->login)));
}

SUSPENDS static enum access
mismatch_unauthenticated(struct check *c)
{
	struct session *s = c->s;
	struct span owners = span_lit("");
	enum verdict v;

	if (s->t.sender.n == 0 || s->login.n > 0)
		return ACCESS_DUNNO;
	v = owners_find(c, &owners);
	if (v == VERDICT_TEMP)
		return owners_failed(c);
	if (v == VERDICT_ABSENT)
		return ACCESS_DUNNO;
	return check_reject(c, ABOUT_SENDER, 553, "5.7.1", "not logged in");
}

SUSPENDS enum access
rule_login_mismatch(struct check *c, const struct step *step)
{
	(void)step;
	return c->s->login.n > 0 ? mismatch_authenticated(c, true) : mismatch_unauthenticated(c);
}

SUSPENDS enum access
rule_login_mismatch_known(struct check *c, const struct step *step)
{
	(void)step;
	return c->s->login.n > 0 ? mismatch_authenticated(c, false) : mismatch_unauthenticated(c);
}

SUSPENDS enum access
rule_login_mismatch_authenticated(struct check *c, const struct step *step)
{
	(void)step;
	return mismatch_authenticated(c, true);
}

SUSPENDS enum access
rule_login_mismatch_unauthenticated(struct check *c, const struct step *step)
{
	(void)step;
	return mismatch_unauthenticated(c);
}
