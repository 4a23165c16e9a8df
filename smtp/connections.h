/* Connections that wait a little for the next message to the same destination. */
#ifndef SMTP_CONNECTIONS_H
#define SMTP_CONNECTIONS_H

#include "smtp/session.h"

/* What a session depends on, so that nobody gets one that was made for another. */
void connections_put_key(struct str *out, const struct client *c, struct span nexthop,
    const struct tls_policy *tls, struct span sender);

/* One that was kept for KEY and seems alive, or NULL; it is the caller's. */
struct session *connections_take(struct client *c, struct span key, uint64_t deadline);
/*
 * Keeps S for smtp_connection_cache_time_limit, or says QUIT when it is broken, too old, or keeping
 * is off. S is gone for the caller.
 */
SUSPENDS void connections_give(struct client *c, struct session *s);
/* Ends all that are idle; from now on none is kept. */
void connections_close(struct client *c);

#endif
