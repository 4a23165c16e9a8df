/* From the hosts of a destination to the addresses that are tried, one after the other. */
#ifndef SMTP_ROUTE_H
#define SMTP_ROUTE_H

#include "smtp/client.h"
#include "smtp/nexthop.h"

struct hop {
	struct span host; /* its name, or the address as text */
	struct domain_ip ip;
	struct span path; /* of a local socket: then there is no address */
	uint16_t port;
	uint16_t preference;
	uint64_t lot; /* among equals */
};

struct route {
	struct hop *v;
	size_t n;
};

/*
 * Texts lie in ARENA. VERDICT_PERM and VERDICT_TEMP: why there is no address to try, among that:
 * mail for this destination would come back to this host (5.4.6), a null MX (5.1.10).
 */
SUSPENDS enum verdict route_find(struct client *c, uint64_t trace, const struct nexthop *nexthop,
    struct arena *arena, uint64_t deadline, struct route *out, struct err *err);

/* The part of it that asks nobody. */
enum verdict route_build(const struct client *c, const struct nexthop *nexthop,
    const struct msg_dns_mx_answer *mx, struct arena *arena, struct route *out, struct err *err);

/* enum dns_family bits of inet_protocols. */
unsigned route_families(const struct conf *conf);

#endif
