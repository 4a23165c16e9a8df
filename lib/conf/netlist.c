/*
 * Matching an address against a list of networks. An IPv4 address that came over an IPv6 socket
 * (::ffff:192.0.2.1) is an IPv4 address. Called once a connection by the front doors.
 */
#include "conf/netlist.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "base/num.h"
#include "conf/params.h"

bool
network_parse(struct span text, struct network *out)
{
	struct span host, mask;
	char buffer[INET6_ADDRSTRLEN] = { 0 };
	uint64_t bits;
	bool masked = span_cut(text, '/', &host, &mask);

	if (host.n > 2 && host.p[0] == '[' && host.p[host.n - 1] == ']')
		host = span_of(host.p + 1, host.n - 2);
	if (host.n >= sizeof(buffer))
		return false;
	memcpy(buffer, host.p, host.n);
	if (inet_pton(AF_INET, buffer, out->bytes) == 1)
		out->size = 4;
	else if (inet_pton(AF_INET6, buffer, out->bytes) == 1)
		out->size = 16;
	else
		return false;
	bits = out->size * 8;
	if (masked && !num_parse_u64(mask, bits, &bits))
		return false;
	out->bits = (unsigned)bits;
	return true;
}

static bool
network_of_peer(const struct sockaddr *addr, struct network *out)
{
	static const unsigned char mapped[12] = { [10] = 0xff, [11] = 0xff };

	if (addr->sa_family == AF_INET) {
		memcpy(out->bytes, &((const struct sockaddr_in *)(const void *)addr)->sin_addr, 4);
		out->size = 4;
		return true;
	}
	if (addr->sa_family != AF_INET6)
		return false;
	memcpy(out->bytes, &((const struct sockaddr_in6 *)(const void *)addr)->sin6_addr, 16);
	out->size = 16;
	if (memcmp(out->bytes, mapped, sizeof(mapped)) == 0) {
		memmove(out->bytes, out->bytes + 12, 4);
		out->size = 4;
	}
	return true;
}

bool
network_has(const struct network *net, const struct network *peer)
{
	unsigned whole = net->bits / 8, rest = net->bits % 8;

	if (net->size != peer->size || memcmp(net->bytes, peer->bytes, whole) != 0)
		return false;
	return rest == 0 || ((net->bytes[whole] ^ peer->bytes[whole]) >> (8 - rest)) == 0;
}

bool
netlist_match(struct span list, const struct sockaddr *addr)
{
	struct network peer, net;
	struct span item;

	if (!network_of_peer(addr, &peer))
		return false;
	while (conf_list_next(&list, &item)) {
		bool out = item.n > 0 && item.p[0] == '!';
		if (network_parse(span_from(item, out), &net) && network_has(&net, &peer))
			return !out;
	}
	return false;
}

bool
netlist_valid(struct span list, struct span *bad_out)
{
	struct network net;

	while (conf_list_next(&list, bad_out)) {
		bool out = bad_out->n > 0 && bad_out->p[0] == '!';
		if (!network_parse(span_from(*bad_out, out), &net))
			return false;
	}
	return true;
}
