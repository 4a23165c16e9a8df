/*
 * The client's side of the dns daemon: one call, and what its answer means for mail, in the words
 * that log readers know. "Not there" is permanent, all that could change is temporary (ABUSE 36).
 * Called by smtp, smtpd and whoever may have a channel to dns. Owns nothing.
 */
#include "service/dns.h"

static const struct {
	enum dns_status status;
	enum verdict verdict;
	unsigned reply;
	const char *dsn;
	const char *text;
} meanings[] = {
	{ DNS_NODATA, VERDICT_ABSENT, 550, "5.4.4",
	    "Host found but no data record of requested type" },
	{ DNS_NXDOMAIN, VERDICT_ABSENT, 550, "5.4.4", "Host not found" },
	{ DNS_SERVFAIL, VERDICT_TEMP, 451, "4.4.3", "Host not found, try again" },
	{ DNS_BOGUS, VERDICT_TEMP, 451, "4.4.3", "DNSSEC validation failure" },
	{ DNS_TIMEOUT, VERDICT_TEMP, 451, "4.4.3", "Host not found, try again" },
	{ DNS_INVALID, VERDICT_PERM, 550, "5.4.4", "Malformed or unexpected name server reply" },
};

static const struct {
	enum dns_type type;
	const char *name;
} type_names[] = {
	{ DNS_A, "A" },
	{ DNS_AAAA, "AAAA" },
	{ DNS_CNAME, "CNAME" },
	{ DNS_MX, "MX" },
	{ DNS_NS, "NS" },
	{ DNS_PTR, "PTR" },
	{ DNS_TLSA, "TLSA" },
	{ DNS_TXT, "TXT" },
};

enum verdict
dns_status_verdict(enum dns_status status, struct span name, const char *what, struct err *err)
{
	for (size_t i = 0; i < ARRAY_LEN(meanings); i++) {
		if (meanings[i].status != status)
			continue;
		err_mail(err, meanings[i].reply, meanings[i].dsn,
		    "Host or domain name not found. Name service error for name=%.*s type=%s: %s",
		    SPAN_ARG(name), what, meanings[i].text);
		if (err)
			err->verdict = meanings[i].verdict;
		return meanings[i].verdict;
	}
	return VERDICT_OK;
}

static const char *
type_name(enum dns_type type)
{
	for (size_t i = 0; i < ARRAY_LEN(type_names); i++)
		if (type_names[i].type == type)
			return type_names[i].name;
	return "?";
}

SUSPENDS
enum verdict
dns_lookup(struct service_ctx *ctx, uint64_t trace, struct span name, enum dns_type type,
    struct msg_dns_answer *out, struct arena *arena, uint64_t deadline, struct err *err)
{
	struct msg_dns_query ask = { .name = name, .type = (uint16_t)type };
	enum verdict v;

	if (name.n > LIMIT_DOMAIN)
		return dns_status_verdict(DNS_INVALID, name, type_name(type), err);
	v = service_call(
	    ctx, "dns", trace, &ipc_dns_query, &ask, &ipc_dns_answer, out, arena, deadline, err);
	return v == VERDICT_OK ? dns_status_verdict(out->status, name, type_name(type), err) : v;
}

SUSPENDS
enum verdict
dns_mx(struct service_ctx *ctx, uint64_t trace, const struct msg_dns_mx *ask,
    struct msg_dns_mx_answer *out, struct arena *arena, uint64_t deadline, struct err *err)
{
	enum verdict v;

	if (ask->domain.n > LIMIT_DOMAIN)
		return dns_status_verdict(DNS_INVALID, ask->domain, "MX", err);
	v = service_call(
	    ctx, "dns", trace, &ipc_dns_mx, ask, &ipc_dns_mx_answer, out, arena, deadline, err);
	if (v != VERDICT_OK)
		return v;
	if (out->null_mx)
		return err_mail(err, 556, "5.1.10", "Domain %.*s does not accept mail (nullMX)",
		    SPAN_ARG(ask->domain));
	return dns_status_verdict(
	    out->status, ask->domain, out->implicit || ask->direct ? "A" : "MX", err);
}

enum verdict
dns_host_verdict(const struct item_dns_host *host, struct err *err)
{
	if (host->ipv4.n || host->ipv6.n)
		return VERDICT_OK;
	return dns_status_verdict(
	    host->status == DNS_FOUND ? DNS_NODATA : host->status, host->name, "A", err);
}
