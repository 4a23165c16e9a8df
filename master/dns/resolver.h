/*
 * Lookups by libunbound within the event loop: no thread, no process. One cache for all; answers
 * are validated from the trust anchors on.
 */
#ifndef DNS_RESOLVER_H
#define DNS_RESOLVER_H

#include "event/fiber.h"
#include "ipc/types.h"

struct resolver;

struct resolver_settings {
	struct span servers; /* lines of address@port; empty: from the root on */
	struct span
	    anchors; /* DNSKEY and DS records in zone file form; empty: nothing is validated */
	uint64_t cache_size; /* bytes */
	uint64_t timeout;    /* ns of a lookup, all its tries */
};

/*
 * After loop_init, before the walls: the library is brought to where it needs no file any more.
 * VERDICT_PERM: what it says of the settings.
 */
enum verdict resolver_new(
    const struct resolver_settings *settings, struct resolver **out, struct err *err);
/* Who waits for a lookup must have ended. */
void resolver_free(struct resolver *r);
/* Lookups that the library has not answered, waited for or not. */
unsigned resolver_busy(const struct resolver *r);

/*
 * A lookup under way: start many, then wait for each. Never NULL; what is wrong is in the answer:
 * DNS_INVALID for what can be no name, DNS_SERVFAIL when LIMIT_DNS_LOOKUPS are under way,
 * DNS_TIMEOUT.
 */
struct lookup;
struct lookup *lookup_start(struct resolver *r, struct span name, uint16_t type);
/* Until it is answered or its time is over; the answer lives until lookup_drop. */
SUSPENDS const struct msg_dns_answer *lookup_wait(struct lookup *l);
/* Waited for or not. */
void lookup_drop(struct lookup *l);

#endif
