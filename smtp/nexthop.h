/* A next hop: where the transport says that mail goes. */
#ifndef SMTP_NEXTHOP_H
#define SMTP_NEXTHOP_H

#include "base/err.h"
#include "message/domain.h"

enum nexthop_kind {
	NEXTHOP_DOMAIN,	 /* "domain", "domain:port": its MX hosts */
	NEXTHOP_HOST,	 /* "[host]", "[host]:port": that host */
	NEXTHOP_ADDRESS, /* "[192.0.2.1]", "[IPv6:2001:db8::1]:port" */
	NEXTHOP_UNIX,	 /* LMTP: "unix:path" */
};

struct nexthop {
	enum nexthop_kind kind;
	struct span name; /* domain, host or path: within the text */
	struct domain_ip ip;
	uint16_t port;
};

/*
 * TEXT with a port of PORT where it has none. LMTP: hosts are looked up without MX (RFC 2033), and
 * "inet:host:port" and "unix:path" are understood. VERDICT_PERM: 5.4.4, it is none of these.
 */
enum verdict nexthop_parse(
    struct span text, bool lmtp, uint16_t port, struct nexthop *out, struct err *err);

/* A number, or smtp, submission, submissions, smtps, lmtp. */
bool port_parse(struct span text, uint16_t *out);

#endif
