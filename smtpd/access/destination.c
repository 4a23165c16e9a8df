/*
 * Restrictions on where mail goes: whether the recipient's domain is ours to take mail for, and
 * whether there is such a recipient. Both are rewrite's word (address classes), asked for once at
 * the begin of RCPT and awaited by the first restriction that needs it. Called through the table of
 * rules.c and at the end of RCPT.
 */
#include "base/time.h"
#include "smtpd/access/check.h"

/* Who should have known an address, by its class. */
static const struct {
	enum address_class class;
	const char *name;
	size_t code; /* of the parameter with the reply code, in struct conf */
} tables[] = {
	{ ADDRESS_LOCAL, "local recipient",
	    offsetof(struct conf, unknown_local_recipient_reject_code) },
	{ ADDRESS_ALIAS, "virtual alias",
	    offsetof(struct conf, unknown_virtual_alias_reject_code) },
	{ ADDRESS_VIRTUAL, "virtual mailbox",
	    offsetof(struct conf, unknown_virtual_mailbox_reject_code) },
	{ ADDRESS_RELAY, "relay recipient",
	    offsetof(struct conf, unknown_relay_recipient_reject_code) },
};

struct resolved_about
resolve_about(const struct check *c)
{
	return (struct resolved_about){ c->rewrite, c->s->t.sender, c->rcpt, time_mono() };
}

SUSPENDS enum verdict
check_resolve(struct check *c)
{
	struct resolved_about about;

	if (c->resolve_done)
		return c->found_verdict;
	c->resolve_done = true;
	c->found_verdict = VERDICT_TEMP;
	if (!c->resolve_sent)
		return c->found_verdict;
	c->resolve_sent = false;
	c->found_verdict = ipc_await(
	    &c->resolve, c->found, &c->s->t.arena, deadline_after_s(ASK_WAIT_S), c->found_err);
	if (c->found_verdict == VERDICT_OK && c->found->recipients.n == 0)
		c->found_verdict = VERDICT_TEMP;
	if (c->found_verdict == VERDICT_OK) {
		about = resolve_about(c);
		resolved_keep(&c->s->smtpd->resolved, &about, c->found);
	}
	return c->found_verdict;
}

static unsigned
code_of(const struct conf *conf, size_t field)
{
	const uint64_t *code = (const void *)((const char *)conf + field);

	return (unsigned)*code;
}

static enum access
lookup_failed(struct check *c, struct span address)
{
	return check_reject_text(
	    c, 451, "4.3.0", "<%.*s>: Temporary lookup failure", SPAN_ARG(address));
}

/*
 * Is it a domain of ours? A recipient that rewrite refuses for good is in one: strangers' are never
 * looked up, and what is refused is not relayed.
 */
SUSPENDS static bool
is_ours(struct check *c)
{
	enum verdict v = check_resolve(c);

	return v == VERDICT_PERM || (v == VERDICT_OK && c->found->class != ADDRESS_DEFAULT);
}

SUSPENDS static bool
is_unknown(struct check *c)
{
	enum verdict v = check_resolve(c);

	return v != VERDICT_OK && v != VERDICT_PERM;
}

SUSPENDS enum access
rule_auth_destination(struct check *c, const struct step *step)
{
	(void)step;
	if (c->rcpt.n == 0)
		return ACCESS_DUNNO;
	if (is_unknown(c))
		return lookup_failed(c, c->rcpt);
	return is_ours(c) ? ACCESS_OK : ACCESS_DUNNO;
}

SUSPENDS static enum access
unauth_destination(struct check *c, unsigned code, const char *dsn)
{
	if (c->rcpt.n == 0)
		return ACCESS_DUNNO;
	if (is_unknown(c))
		return lookup_failed(c, c->rcpt);
	if (is_ours(c))
		return ACCESS_DUNNO;
	return check_reject_text(c, code, dsn, "<%.*s>: Relay access denied", SPAN_ARG(c->rcpt));
}

SUSPENDS enum access
rule_unauth_destination(struct check *c, const struct step *step)
{
	(void)step;
	return unauth_destination(c, (unsigned)c->conf->relay_domains_reject_code, "5.7.1");
}

SUSPENDS enum access
rule_defer_unauth_destination(struct check *c, const struct step *step)
{
	unsigned code = (unsigned)c->conf->relay_domains_reject_code;

	(void)step;
	return unauth_destination(c, code >= 500 ? code - 100 : code, "4.7.1");
}

SUSPENDS enum access
check_unlisted_recipient(struct check *c)
{
	enum verdict v;

	if (c->rcpt.n == 0)
		return ACCESS_DUNNO;
	v = check_resolve(c);
	if (v == VERDICT_OK)
		return ACCESS_DUNNO;
	if (v != VERDICT_PERM || c->found_err->reply == 0)
		return lookup_failed(c, c->rcpt);
	return check_reject_err(c, c->found_err);
}

SUSPENDS enum access
rule_unlisted_recipient(struct check *c, const struct step *step)
{
	(void)step;
	return check_unlisted_recipient(c);
}

SUSPENDS enum access
check_unlisted_sender(struct check *c)
{
	struct transaction *t = &c->s->t;

	if (t->sender.n == 0)
		return ACCESS_DUNNO;
	if (await_sender(c->s) != VERDICT_OK)
		return lookup_failed(c, t->sender);
	if (!t->sender_found.unknown)
		return ACCESS_DUNNO;
	/* RFC 3463 3.2: X.1.0, something with the sender's address. */
	for (size_t i = 0; i < ARRAY_LEN(tables); i++)
		if (tables[i].class == t->sender_found.class)
			return check_reject(c, ABOUT_SENDER, code_of(c->conf, tables[i].code),
			    "5.1.0", "User unknown in %s table", tables[i].name);
	return check_reject(c, ABOUT_SENDER, 550, "5.1.0", "User unknown");
}

SUSPENDS enum access
rule_unlisted_sender(struct check *c, const struct step *step)
{
	(void)step;
	return check_unlisted_sender(c);
}
