/*
 * What the configuration must know of the host: its name and the addresses of its interfaces.
 * Called once by conf_load, so in master and the tools alone. Asks the kernel (uname, netlink),
 * never a name service. Link-local addresses are left out: they mean nothing without their
 * interface.
 */
#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/utsname.h>

#include "conf/source.h"

/* One family: where its address lies in a sockaddr, and how it is written. */
struct family {
	int af;
	size_t offset;
	size_t size;
	const char *open, *close;
};

static const struct family families[] = {
	{ AF_INET, offsetof(struct sockaddr_in, sin_addr), sizeof(struct in_addr), "", "" },
	{ AF_INET6, offsetof(struct sockaddr_in6, sin6_addr), sizeof(struct in6_addr), "[", "]" },
};

static void
put_network(struct str *out, const struct family *family, const uint8_t *address, unsigned bits)
{
	char text[INET6_ADDRSTRLEN];

	if (!inet_ntop(family->af, address, text, sizeof(text)))
		return;
	str_printf(out, "%s%s%s%s/%u", out->n ? " " : "", family->open, text, family->close, bits);
}

static void
put_interface(
    const struct family *family, const struct ifaddrs *ifa, struct str *hosts, struct str *subnets)
{
	uint8_t address[sizeof(struct in6_addr)], mask[sizeof(struct in6_addr)];
	unsigned bits = 0;

	memcpy(address, (const char *)ifa->ifa_addr + family->offset, family->size);
	memcpy(mask, (const char *)ifa->ifa_netmask + family->offset, family->size);
	if (family->af == AF_INET6 && address[0] == 0xfe && (address[1] & 0xc0) == 0x80)
		return;
	put_network(hosts, family, address, (unsigned)family->size * 8);
	for (size_t i = 0; i < family->size; i++) {
		address[i] &= mask[i];
		bits += (unsigned)__builtin_popcount(mask[i]);
	}
	put_network(subnets, family, address, bits);
}

struct conf_host
conf_host_probe(struct conf_source *source)
{
	struct conf_host host = { .name = span_lit("") };
	struct str hosts[2] = { STR_INIT(LIMIT_CONF_VALUE / 2), STR_INIT(LIMIT_CONF_VALUE / 2) };
	struct str subnets[2] = { STR_INIT(LIMIT_CONF_VALUE / 2), STR_INIT(LIMIT_CONF_VALUE / 2) };
	struct utsname name;
	struct ifaddrs *list = NULL;

	if (uname(&name) == 0)
		host.name = conf_keep(source, span_str(name.nodename));
	if (getifaddrs(&list) != 0)
		list = NULL;
	for (const struct ifaddrs *ifa = list; ifa; ifa = ifa->ifa_next) {
		if (!ifa->ifa_addr || !ifa->ifa_netmask || (ifa->ifa_flags & IFF_LOOPBACK))
			continue;
		for (size_t i = 0; i < ARRAY_LEN(families); i++)
			if (ifa->ifa_addr->sa_family == families[i].af)
				put_interface(&families[i], ifa, &hosts[i], &subnets[i]);
	}
	if (list)
		freeifaddrs(list);
	host.host4 = conf_keep(source, str_span(&hosts[0]));
	host.host6 = conf_keep(source, str_span(&hosts[1]));
	host.subnet4 = conf_keep(source, str_span(&subnets[0]));
	host.subnet6 = conf_keep(source, str_span(&subnets[1]));
	for (size_t i = 0; i < 2; i++) {
		str_free(&hosts[i]);
		str_free(&subnets[i]);
	}
	return host;
}
