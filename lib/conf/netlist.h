/* Lists of networks: mynetworks and its kin. "192.0.2.0/24", "[2001:db8::]/32", "192.0.2.7", "!"
 * before one takes it out. */
#ifndef CONF_NETLIST_H
#define CONF_NETLIST_H

#include <sys/socket.h>

#include "base/span.h"

/* The first item that matches decides. Items that are no networks match nothing (they were named
 * when loaded). */
bool netlist_match(struct span list, const struct sockaddr *addr);

#endif
