/* Which resolvers are asked: text of the configuration to what libunbound takes. */
#ifndef DNS_SERVERS_H
#define DNS_SERVERS_H

#include "base/err.h"
#include "base/str.h"

/*
 * LIST: the parameter dns_servers; RESOLV_CONF: that file's text, used when LIST is empty. Appends
 * "address@port" lines, LIMIT_DNS_SERVERS at most; none when no resolver is to be asked but the
 * servers of each domain. VERDICT_PERM: LIST holds what is no address.
 */
enum verdict servers_put(
    struct str *out, struct span list, struct span resolv_conf, struct err *err);

#endif
