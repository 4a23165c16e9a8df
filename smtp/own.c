/*
 * This host's own addresses: from inet_interfaces and proxy_interfaces, or from the kernel where
 * these say "all". Found once, by main.c before the walls, since the cage has no netlink; used by
 * route.c. At most LIMIT_SMTP_ADDRESSES are known.
 */
#include "config.h"

#include "smtp/own.h"

#include <ifaddrs.h>
#include <netinet/in.h>

static void
own_add(struct own *own, const struct domain_ip *ip)
{
	if (own->n < LIMIT_SMTP_ADDRESSES)
		own->v[own->n++] = *ip;
}

static void
add_interfaces(struct own *own)
{
	struct ifaddrs *list = NULL;

	if (getifaddrs(&list) != 0)
		return;
	for (const struct ifaddrs *i = list; i; i = i->ifa_next) {
		struct domain_ip ip = { .size = 0 };
		const void *addr = i->ifa_addr;
		if (addr && i->ifa_addr->sa_family == AF_INET) {
			ip.size = 4;
			memcpy(ip.byte, &((const struct sockaddr_in *)addr)->sin_addr, 4);
		} else if (addr && i->ifa_addr->sa_family == AF_INET6) {
			ip.size = 16;
			memcpy(ip.byte, &((const struct sockaddr_in6 *)addr)->sin6_addr, 16);
		}
		if (ip.size)
			own_add(own, &ip);
	}
	freeifaddrs(list);
}

static void
add_list(struct own *own, struct span list)
{
	struct span item;
	struct domain_ip ip;

	while (conf_list_next(&list, &item)) {
		if (span_starts(item, span_lit("[")) && span_ends(item, span_lit("]")))
			item = span_of(item.p + 1, item.n - 2);
		if (domain_ip_parse(item, &ip))
			own_add(own, &ip);
	}
}

static bool
is_loopback(const struct domain_ip *ip)
{
	static const uint8_t loopback[16] = { [15] = 1 };

	return ip->size == 4 ? ip->byte[0] == 127 : memcmp(ip->byte, loopback, 16) == 0;
}

void
own_find(struct own *own, const struct conf *conf)
{
	arena_init(&own->arena, (LIMIT_SMTP_ADDRESSES + 1) * sizeof(*own->v));
	own->v = arena_alloc_array(&own->arena, LIMIT_SMTP_ADDRESSES, sizeof(*own->v));
	own->n = 0;
	own->loopback = true;
	add_list(own, conf->inet_interfaces);
	for (size_t i = 0; i < own->n; i++)
		own->loopback = own->loopback && !is_loopback(&own->v[i]);
	if (span_eq_nocase(conf->inet_interfaces, span_lit("all")))
		add_interfaces(own);
	add_list(own, conf->proxy_interfaces);
}

void
own_free(struct own *own)
{
	arena_free(&own->arena);
	own->v = NULL;
	own->n = 0;
}

bool
own_has(const struct own *own, const struct domain_ip *ip)
{
	static const uint8_t zero[16] = { 0 };

	if (memcmp(ip->byte, zero, ip->size) == 0)
		return true;
	if (own->loopback && is_loopback(ip))
		return true;
	for (size_t i = 0; i < own->n; i++)
		if (own->v[i].size == ip->size && memcmp(own->v[i].byte, ip->byte, ip->size) == 0)
			return true;
	return false;
}
