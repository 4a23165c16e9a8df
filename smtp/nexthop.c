/*
 * The text of a next hop, as relayhost, transport tables and recipients' domains have it, to its
 * meaning. Called by deliver.c for each destination and by main.c for smtp_tcp_port. Looks nothing
 * up: a service's name is one of five.
 */
#include "smtp/nexthop.h"

#include "base/num.h"

static const struct {
	const char *name;
	uint16_t port;
} port_names[] = {
	{ "smtp", 25 },
	{ "submission", 587 },
	{ "submissions", 465 },
	{ "smtps", 465 },
	{ "lmtp", 24 },
};

bool
port_parse(struct span text, uint16_t *out)
{
	uint64_t n;

	for (size_t i = 0; i < ARRAY_LEN(port_names); i++) {
		if (span_eq_nocase(text, span_str(port_names[i].name))) {
			*out = port_names[i].port;
			return true;
		}
	}
	if (!num_parse_u64(text, UINT16_MAX, &n) || n == 0)
		return false;
	*out = (uint16_t)n;
	return true;
}

static bool
parse_bracketed(struct span text, struct nexthop *out)
{
	struct span inside, rest;

	out->kind = NEXTHOP_HOST;
	if (!span_cut(span_from(text, 1), ']', &inside, &rest))
		return false;
	if (rest.n && (rest.p[0] != ':' || !port_parse(span_from(rest, 1), &out->port)))
		return false;
	if (domain_ip_parse(inside, &out->ip) ||
	    domain_literal_parse(span_head(text, inside.n + 2), &out->ip))
		out->kind = NEXTHOP_ADDRESS;
	out->name = inside;
	return out->kind == NEXTHOP_ADDRESS || domain_valid(inside, 0);
}

static bool
parse_plain(struct span text, bool lmtp, struct nexthop *out)
{
	struct span port;

	out->kind = lmtp ? NEXTHOP_HOST : NEXTHOP_DOMAIN;
	if (span_cut(text, ':', &out->name, &port) && !port_parse(port, &out->port))
		return false;
	if (domain_ip_parse(out->name, &out->ip)) {
		out->kind = NEXTHOP_ADDRESS;
		return true;
	}
	return domain_valid(out->name, 0);
}

enum verdict
nexthop_parse(struct span text, bool lmtp, uint16_t port, struct nexthop *out, struct err *err)
{
	struct span rest = text;
	bool good;

	*out = (struct nexthop){ .port = port };
	if (lmtp && span_starts(text, span_lit("unix:"))) {
		out->kind = NEXTHOP_UNIX;
		out->name = span_from(text, 5);
		return out->name.n ? VERDICT_OK
				   : err_mail(err, 550, "5.3.5", "unix: without a path");
	}
	if (span_starts(text, span_lit("inet:")))
		rest = span_from(text, 5);
	good = span_starts(rest, span_lit("[")) ? parse_bracketed(rest, out)
						: parse_plain(rest, lmtp, out);
	return good ? VERDICT_OK
		    : err_mail(
			  err, 550, "5.4.4", "\"%.*s\" is no host to send mail to", SPAN_ARG(text));
}
