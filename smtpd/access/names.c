/*
 * Restrictions on names: how HELO, sender and recipient are written (RFC 5321 2.3.5, 4.1.3), and
 * whether the DNS knows their domains. Called through the table of rules.c. Questions to the DNS
 * about one name go out together.
 */
#include "base/time.h"
#include "message/domain.h"
#include "smtpd/access/check.h"

#define DNS_WAIT_S 30

static struct span
helo_of(const struct check *c)
{
	return str_span(&c->s->helo);
}

enum access
rule_invalid_helo(struct check *c, const struct step *step)
{
	struct domain_ip ip;

	(void)step;
	if (helo_of(c).n == 0 || domain_helo_parse(helo_of(c), DOMAIN_UTF8, &ip))
		return ACCESS_DUNNO;
	return check_reject(c, ABOUT_HELO, (unsigned)c->conf->invalid_hostname_reject_code, "5.5.2",
	    "Invalid name");
}

/* "[192.0.2.1]" says as much as a full name. */
static bool
is_full_name(struct span name)
{
	struct domain_ip ip;

	if (name.n > 0 && name.p[name.n - 1] == '.')
		name.n--;
	return domain_is_fqdn(name, DOMAIN_UTF8) || domain_literal_parse(name, &ip);
}

enum access
rule_non_fqdn_helo(struct check *c, const struct step *step)
{
	(void)step;
	if (helo_of(c).n == 0 || is_full_name(helo_of(c)))
		return ACCESS_DUNNO;
	return check_reject(c, ABOUT_HELO, (unsigned)c->conf->non_fqdn_reject_code, "5.5.2",
	    "need fully-qualified hostname");
}

static enum access
non_fqdn_address(struct check *c, enum subject about, struct span address, const char *dsn)
{
	struct span local, domain;

	if (address.n == 0)
		return ACCESS_DUNNO;
	if (address_split(address, &local, &domain) && is_full_name(domain))
		return ACCESS_DUNNO;
	return check_reject(
	    c, about, (unsigned)c->conf->non_fqdn_reject_code, dsn, "need fully-qualified address");
}

enum access
rule_non_fqdn_sender(struct check *c, const struct step *step)
{
	(void)step;
	return non_fqdn_address(c, ABOUT_SENDER, c->s->t.sender, "5.5.2");
}

enum access
rule_non_fqdn_recipient(struct check *c, const struct step *step)
{
	(void)step;
	return non_fqdn_address(c, ABOUT_RECIPIENT, c->rcpt, "5.5.2");
}

/* What the DNS has for a name that mail could go to. */
struct host_answer {
	enum verdict verdict; /* VERDICT_OK: an MX, or an address */
	bool null_mx;	      /* RFC 7505 */
};

SUSPENDS static void
host_ask(struct check *c, struct span name, struct host_answer *out)
{
	static const enum dns_type types[] = { DNS_MX, DNS_A, DNS_AAAA };
	struct ask_dns asks[ARRAY_LEN(types)];
	uint64_t deadline = deadline_after_s(DNS_WAIT_S);

	out->verdict = VERDICT_ABSENT;
	out->null_mx = false;
	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		ask_dns_send(c->s, name, types[i], &asks[i]);
	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		struct msg_dns_answer answer = { 0 };
		enum verdict v = ask_dns_await(&asks[i], &answer, &c->arena, deadline);
		if (v == VERDICT_OK && types[i] == DNS_MX && answer.records.n == 1 &&
		    answer.records.v[0].name.n == 0)
			out->null_mx = true;
		if (v == VERDICT_OK || (v == VERDICT_TEMP && out->verdict != VERDICT_OK))
			out->verdict = v;
	}
}

SUSPENDS enum access
rule_unknown_helo(struct check *c, const struct step *step)
{
	struct span name = helo_of(c);
	struct host_answer host;
	struct domain_ip ip;

	(void)step;
	if (name.n == 0 || domain_literal_parse(name, &ip))
		return ACCESS_DUNNO;
	host_ask(c, name, &host);
	if (host.verdict == VERDICT_OK)
		return ACCESS_DUNNO;
	if (host.verdict == VERDICT_TEMP)
		return check_lookup_failed(c, ABOUT_HELO, 450, "4.7.1", "Host not found");
	return check_reject(c, ABOUT_HELO, (unsigned)c->conf->unknown_hostname_reject_code, "4.7.1",
	    "Host not found");
}

/* Mail to DOMAIN could be sent. Codes for what it is about: unknown domain, null MX (RFC 7505). */
SUSPENDS static enum access
unknown_domain(
    struct check *c, enum subject about, struct span domain, const char *dsn, const char *null_dsn)
{
	struct host_answer host;
	struct domain_ip ip;

	if (domain.n == 0 || domain_literal_parse(domain, &ip))
		return ACCESS_DUNNO;
	host_ask(c, domain, &host);
	if (host.null_mx)
		return check_reject(c, about, 550, null_dsn,
		    "Domain %.*s does not accept mail (nullMX)", SPAN_ARG(domain));
	if (host.verdict == VERDICT_OK)
		return ACCESS_DUNNO;
	if (host.verdict == VERDICT_TEMP)
		return check_lookup_failed(c, about, 450, dsn, "Domain not found");
	return check_reject(
	    c, about, (unsigned)c->conf->unknown_address_reject_code, dsn, "Domain not found");
}

SUSPENDS enum access
rule_unknown_sender_domain(struct check *c, const struct step *step)
{
	struct session *s = c->s;

	(void)step;
	if (s->t.sender.n == 0)
		return ACCESS_DUNNO;
	/* Our own domains need no DNS. */
	if (await_sender(s) == VERDICT_OK && s->t.sender_found.class != ADDRESS_DEFAULT)
		return ACCESS_DUNNO;
	return unknown_domain(c, ABOUT_SENDER, s->t.sender_domain, "4.1.8", "5.7.27");
}

SUSPENDS enum access
rule_unknown_recipient_domain(struct check *c, const struct step *step)
{
	struct span local, domain;
	enum verdict v;

	(void)step;
	if (c->rcpt.n == 0)
		return ACCESS_DUNNO;
	v = check_resolve(c);
	if (v == VERDICT_PERM || (v == VERDICT_OK && c->found->class != ADDRESS_DEFAULT))
		return ACCESS_DUNNO;
	address_split(c->rcpt, &local, &domain);
	return unknown_domain(c, ABOUT_RECIPIENT, domain, "4.1.2", "5.1.10");
}
