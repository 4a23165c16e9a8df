/* Where mail for an address goes. */
#ifndef REWRITE_ROUTE_H
#define REWRITE_ROUTE_H

#include "rewrite/address.h"

struct route {
	enum address_class class;
	struct span transport; /* service of master.cf; in the configuration or the arena */
	struct span nexthop;
};

/*
 * SENDER: canonical text, empty for the null sender. VERDICT_PERM or VERDICT_TEMP with the reply's
 * code and, as text, why: the address has moved, or its transport is error or retry.
 */
enum verdict route_find(const struct rewrite *rw, const struct named *to, struct span sender,
    struct arena *arena, struct route *out, struct err *err);
/* Is it Postern itself that delivers, to the account's mailbox? */
bool route_is_ours(const struct route *route);

#endif
