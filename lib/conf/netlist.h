/* Lists of networks: mynetworks and its kin. "192.0.2.0/24", "[2001:db8::]/32", "192.0.2.7", "!"
 * before one takes it out. */
#ifndef CONF_NETLIST_H
#define CONF_NETLIST_H

#include <sys/socket.h>

#include "base/span.h"

/* A network, or an address: all its bits count then. */
struct network {
	unsigned char bytes[16];
	unsigned size; /* 4 or 16 */
	unsigned bits; /* of the prefix; those behind it are as they were written */
};

/* "192.0.2.0/24", "2001:db8::/32", "[2001:db8::1]"; false: that is none. */
bool network_parse(struct span text, struct network *out);
bool network_has(const struct network *net, const struct network *peer);

/* The first item that matches decides. Items that are no networks match nothing (they were named
 * when loaded). */
bool netlist_match(struct span list, const struct sockaddr *addr);

/* Is every item of LIST a network? *BAD_OUT is the first that is not. */
bool netlist_valid(struct span list, struct span *bad_out);

#endif
