/*
 * An answer of the DNS in wire form (RFC 1035 4) to records. libunbound made the bytes of what it
 * understood; nothing is believed about them all the same.
 */
#ifndef DNS_PACKET_H
#define DNS_PACKET_H

#include "base/arena.h"
#include "ipc/types.h"

/*
 * Fills *OUT, but for `secure`, from the answer PACKET to a question for TYPE: CNAMEs are followed
 * from the name asked, records of others are left out. Names and data are copied to ARENA.
 * DNS_SERVFAIL: it is no answer, no record is well formed, or ARENA is full. Only the types of enum
 * dns_type can be read; of others there is nothing.
 */
void packet_read(
    struct span packet, uint16_t type, struct arena *arena, struct msg_dns_answer *out);

#endif
