/*
 * Restrictions that ask nobody: permit and reject in their forms, and what the connection itself
 * tells. Called through the table of rules.c. Codes and texts are Postfix's.
 */
#include "base/time.h"
#include "smtpd/access/check.h"
#include "smtpd/loglines.h"

enum access
rule_permit(struct check *c, const struct step *step)
{
	(void)c;
	(void)step;
	return ACCESS_OK;
}

enum access
rule_reject(struct check *c, const struct step *step)
{
	(void)step;
	return check_reject(
	    c, ABOUT_LIST, (unsigned)c->conf->reject_code, "5.7.1", "Access denied");
}

enum access
rule_defer(struct check *c, const struct step *step)
{
	(void)step;
	return check_reject(
	    c, ABOUT_LIST, (unsigned)c->conf->defer_code, "4.3.2", "Try again later");
}

enum access
rule_defer_if_permit(struct check *c, const struct step *step)
{
	(void)step;
	return check_defer_if_permit(c, ABOUT_LIST, 450, "4.7.0", "defer_if_permit requested");
}

enum access
rule_defer_if_reject(struct check *c, const struct step *step)
{
	(void)step;
	return check_defer_if_reject(c, ABOUT_LIST, 450, "4.7.0", "defer_if_reject requested");
}

SUSPENDS enum access
rule_sleep(struct check *c, const struct step *step)
{
	stream_flush(c->s->io, time_mono() + c->conf->smtpd_timeout);
	fiber_sleep_until(time_mono() + step->number);
	return ACCESS_DUNNO;
}

enum access
rule_call(struct check *c, const struct step *step)
{
	c->call = step->class;
	c->call_about = c->about;
	return ACCESS_CALL;
}

enum access
rule_pipelining(struct check *c, const struct step *step)
{
	(void)step;
	if (!c->s->access.ahead)
		return ACCESS_DUNNO;
	return check_reject(c, ABOUT_LIST, 503, "5.5.0", "Improper use of SMTP command pipelining");
}

enum access
rule_plaintext(struct check *c, const struct step *step)
{
	(void)step;
	if (stream_tls(c->s->io))
		return ACCESS_DUNNO;
	return check_reject(c, ABOUT_LIST, 450, "4.7.1", "Session encryption is required");
}

enum access
rule_mynetworks(struct check *c, const struct step *step)
{
	(void)step;
	return c->s->peer.local ? ACCESS_OK : ACCESS_DUNNO;
}

enum access
rule_interfaces(struct check *c, const struct step *step)
{
	(void)step;
	return c->s->peer.self ? ACCESS_OK : ACCESS_DUNNO;
}

enum access
rule_authenticated(struct check *c, const struct step *step)
{
	(void)step;
	return c->s->login.n > 0 ? ACCESS_OK : ACCESS_DUNNO;
}

/* RFC 7372 3.5: 7.25, the reverse DNS says nothing good. */
enum access
rule_unknown_client(struct check *c, const struct step *step)
{
	const struct peer *p = &c->s->peer;
	unsigned code =
	    p->status == PEER_NAME_TEMP ? 450 : (unsigned)c->conf->unknown_client_reject_code;

	(void)step;
	if (p->status == PEER_NAME_OK)
		return ACCESS_DUNNO;
	return check_reject_text(
	    c, code, "4.7.25", "Client host rejected: cannot find your hostname, [%s]", p->ip);
}

enum access
rule_unknown_reverse_client(struct check *c, const struct step *step)
{
	const struct peer *p = &c->s->peer;
	unsigned code = p->reverse_status == PEER_NAME_TEMP
			    ? 450
			    : (unsigned)c->conf->unknown_client_reject_code;

	(void)step;
	if (p->reverse_status == PEER_NAME_OK)
		return ACCESS_DUNNO;
	return check_reject_text(c, code, "4.7.25",
	    "Client host rejected: cannot find your reverse hostname, [%s]", p->ip);
}
