/* Lookups in the DNS: calls to the dns daemon that read like library calls. */
#ifndef SERVICE_DNS_H
#define SERVICE_DNS_H

#include "service/service.h"

/*
 * Records of TYPE. VERDICT_OK: there are some; VERDICT_ABSENT: none (ERR says it in words fit for a
 * 5.4.4 reply); VERDICT_PERM: NAME is no name; VERDICT_TEMP: nobody could say (4.4.3), bogus
 * answers among it; VERDICT_TIMEOUT, VERDICT_CANCELLED: as of ipc_call. *OUT is filled on the first
 * two; its texts lie in ARENA.
 */
SUSPENDS enum verdict dns_lookup(struct service_ctx *ctx, uint64_t trace, struct span name,
    enum dns_type type, struct msg_dns_answer *out, struct arena *arena, uint64_t deadline,
    struct err *err);

/*
 * The hosts that take mail for DOMAIN (or, DIRECT, for the host of that name), best first, with
 * their addresses of FAMILIES (enum dns_family bits). Verdicts as above; VERDICT_OK says that the
 * domain is there, not that a host of it can be reached: see dns_host_verdict. A null MX is
 * VERDICT_PERM (RFC 7505: 556 5.1.10).
 */
SUSPENDS enum verdict dns_mx(struct service_ctx *ctx, uint64_t trace, const struct msg_dns_mx *ask,
    struct msg_dns_mx_answer *out, struct arena *arena, uint64_t deadline, struct err *err);

/* Is there an address in HOST? Else why not, with the verdicts of dns_lookup. */
enum verdict dns_host_verdict(const struct item_dns_host *host, struct err *err);

/* What a status means for mail; WHAT is the record type's name. VERDICT_OK for DNS_FOUND. */
enum verdict dns_status_verdict(
    enum dns_status status, struct span name, const char *what, struct err *err);

#endif
