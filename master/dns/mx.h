/* From a domain to the hosts that take its mail. */
#ifndef DNS_MX_H
#define DNS_MX_H

#include "base/arena.h"
#include "dns/resolver.h"

/*
 * RFC 5321 5.1 and RFC 7505; fills all of *OUT, texts in ARENA. ARENA full: DNS_SERVFAIL. A host
 * without an address stands there with its status, since whether mail waits or returns depends on
 * it.
 */
SUSPENDS void mx_find(struct resolver *r, const struct msg_dns_mx *ask, struct arena *arena,
    struct msg_dns_mx_answer *out);

#endif
