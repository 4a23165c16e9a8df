/* TLS to other servers: which level a destination has, and what that asks of the handshake. */
#ifndef SMTP_TLS_H
#define SMTP_TLS_H

#include "event/stream.h"
#include "smtp/client.h"
#include "smtp/nexthop.h"

#define TLS_MATCH_MOST 16 /* names that a certificate may have instead of one another */

struct tls_policy {
	enum conf_tls_client_level level;
	bool wrapper; /* TLS from the first byte */
	struct span match[TLS_MATCH_MOST];
	size_t match_n;
};

/*
 * Before the walls: the contexts of all levels that are in use. CA_FD: trusted CAs, or -1.
 * VERDICT_PERM: a level that cannot be had, and why.
 */
enum verdict tls_prepare(struct client *c, int ca_fd, struct err *err);
void tls_release(struct client *c);

/* For this destination. Texts lie in ARENA. VERDICT_TEMP: it cannot be known now. */
SUSPENDS enum verdict tls_policy_find(struct client *c, const struct nexthop *nexthop,
    struct arena *arena, struct tls_policy *out, struct err *err);

/* The handshake with HOST. VERDICT_TEMP: 4.7.5. */
SUSPENDS enum verdict tls_begin(struct client *c, const struct tls_policy *policy, struct span host,
    struct stream *io, uint64_t deadline, struct err *err);

/* "Trusted TLS connection established to mx.example.org[192.0.2.1]:25: TLSv1.3 with ..." */
void tls_log(const struct client *c, const struct stream *io, const char *peer);

#endif
