/*
 * From dns_servers, or else the nameserver lines of resolv.conf(5), to forwarders as libunbound
 * wants them. Called once, before the walls. What is wrong in main.cf is an error; what is wrong in
 * resolv.conf is somebody else's file and is passed over, as the C library does.
 */
#include "dns/servers.h"

#include <arpa/inet.h>

#include "base/num.h"
#include "conf/conf.h"

#define DNS_PORT 53

static bool
address_good(struct span text)
{
	struct str s = STR_INIT(LIMIT_DOMAIN);
	struct in6_addr any;
	/* fe80::1%eth0: the interface is not part of the address, but belongs to it. */
	struct span address = span_head(text, span_find(text, '%'));
	bool good;

	str_put(&s, address);
	good = inet_pton(AF_INET, str_cstr(&s), &any) == 1 ||
	       inet_pton(AF_INET6, str_cstr(&s), &any) == 1;
	str_free(&s);
	return good;
}

/* "192.0.2.1", "192.0.2.1:53", "2001:db8::1", "[2001:db8::1]:53" */
static bool
server_split(struct span text, struct span *address, uint64_t *port)
{
	struct span rest = span_lit("");

	*port = DNS_PORT;
	*address = text;
	if (text.n && text.p[0] == '[') {
		if (!span_cut(span_from(text, 1), ']', address, &rest))
			return false;
	} else if (span_find(text, ':') == span_rfind(text, ':')) {
		size_t colon = span_find(text, ':');
		*address = span_head(text, colon);
		rest = span_from(text, colon);
	}
	if (rest.n && (rest.p[0] != ':' || !num_parse_u64(span_from(rest, 1), UINT16_MAX, port)))
		return false;
	return address_good(*address) && *port > 0;
}

static void
put_resolv_conf(struct str *out, struct span text)
{
	unsigned n = 0;

	while (text.n && n < LIMIT_DNS_SERVERS) {
		struct span line, word, address;
		span_cut(text, '\n', &line, &text);
		if (!span_token(&line, span_lit(" \t\r"), &word) ||
		    !span_eq(word, span_lit("nameserver")) ||
		    !span_token(&line, span_lit(" \t\r"), &address) || !address_good(address))
			continue;
		str_printf(out, "%.*s@%u\n", SPAN_ARG(address), DNS_PORT);
		n++;
	}
}

enum verdict
servers_put(struct str *out, struct span list, struct span resolv_conf, struct err *err)
{
	struct span item, address;
	uint64_t port;
	unsigned n = 0;

	list = span_trim(list);
	if (span_eq(list, span_lit("none")))
		return VERDICT_OK;
	if (list.n == 0)
		put_resolv_conf(out, resolv_conf);
	while (conf_list_next(&list, &item)) {
		if (!server_split(item, &address, &port))
			return err_set(err, VERDICT_PERM,
			    "dns_servers: \"%.*s\" is no address, with or without :port",
			    SPAN_ARG(item));
		if (++n > LIMIT_DNS_SERVERS)
			return err_set(
			    err, VERDICT_PERM, "dns_servers: more than %d", LIMIT_DNS_SERVERS);
		str_printf(out, "%.*s@%llu\n", SPAN_ARG(address), (unsigned long long)port);
	}
	return out->full ? err_set(err, VERDICT_PERM, "dns_servers: too long") : VERDICT_OK;
}
