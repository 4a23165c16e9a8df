/*
 * What needs no server: next hops as text, the order of addresses, loops to this host (ABUSE 36),
 * replies and EHLO as lines.
 */
#include "config.h"

#include <arpa/inet.h>

#include "base/mem.h"
#include "smtp/ehlo.h"
#include "smtp/reply.h"
#include "smtp/route.h"
#include "tests/unit/unit.h"

static const struct {
	const char *text;
	bool lmtp;
	bool good;
	enum nexthop_kind kind;
	const char *name;
	uint16_t port;
} nexthops[] = {
	{ "example.org", false, true, NEXTHOP_DOMAIN, "example.org", 25 },
	{ "example.org:587", false, true, NEXTHOP_DOMAIN, "example.org", 587 },
	{ "example.org:submission", false, true, NEXTHOP_DOMAIN, "example.org", 587 },
	{ "[mx.example.org]", false, true, NEXTHOP_HOST, "mx.example.org", 25 },
	{ "[mx.example.org]:465", false, true, NEXTHOP_HOST, "mx.example.org", 465 },
	{ "[192.0.2.1]", false, true, NEXTHOP_ADDRESS, "192.0.2.1", 25 },
	{ "[192.0.2.1]:26", false, true, NEXTHOP_ADDRESS, "192.0.2.1", 26 },
	{ "[2001:db8::1]:26", false, true, NEXTHOP_ADDRESS, "2001:db8::1", 26 },
	{ "[IPv6:2001:db8::1]", false, true, NEXTHOP_ADDRESS, "IPv6:2001:db8::1", 25 },
	{ "192.0.2.1", false, true, NEXTHOP_ADDRESS, "192.0.2.1", 25 },
	{ "host.example", true, true, NEXTHOP_HOST, "host.example", 25 },
	{ "inet:host.example:24", true, true, NEXTHOP_HOST, "host.example", 24 },
	{ "inet:[127.0.0.1]:24", true, true, NEXTHOP_ADDRESS, "127.0.0.1", 24 },
	{ "unix:private/lmtp", true, true, NEXTHOP_UNIX, "private/lmtp", 25 },
	{ "unix:/run/dovecot/lmtp", true, true, NEXTHOP_UNIX, "/run/dovecot/lmtp", 25 },
	{ "unix:", true, false, 0, NULL, 0 },
	{ "unix:private/lmtp", false, false, 0, NULL, 0 },
	{ "example.org:", false, false, 0, NULL, 0 },
	{ "example.org:0", false, false, 0, NULL, 0 },
	{ "example.org:70000", false, false, 0, NULL, 0 },
	{ "[mx.example.org", false, false, 0, NULL, 0 },
	{ "[mx.example.org]x", false, false, 0, NULL, 0 },
	{ "", false, false, 0, NULL, 0 },
	{ "-bad-.example", false, false, 0, NULL, 0 },
	{ "a..b", false, false, 0, NULL, 0 },
	{ "300.1.1.1", false, false, 0, NULL, 0 },
};

static void
nexthops_are_understood(void **state UNUSED)
{
	for (size_t i = 0; i < ARRAY_LEN(nexthops); i++) {
		const char *text = nexthops[i].text;
		struct err err = ERR_NONE;
		struct nexthop n;
		enum verdict v = nexthop_parse(span_str(text), nexthops[i].lmtp, 25, &n, &err);

		expect_number(text, v, nexthops[i].good ? VERDICT_OK : VERDICT_PERM);
		if (!nexthops[i].good)
			continue;
		expect_number(text, n.kind, nexthops[i].kind);
		expect_text(text, n.name, nexthops[i].name);
		expect_number(text, n.port, nexthops[i].port);
	}
}

/* A host as "preference name address address ...". */
struct route_case {
	const char *name;
	const char *hosts; /* separated by ";" */
	enum conf_address_preference prefer;
	uint64_t limit;
	uint16_t port;
	const char *want; /* addresses; or what is wrong */
	enum verdict verdict;
};

static const struct route_case routes[] = {
	{ "by preference", "20 b 192.0.2.2;10 a 192.0.2.1", CONF_PREFER_ANY, 0, 25,
	    "192.0.2.1 192.0.2.2", VERDICT_OK },
	{ "IPv4 first", "10 a 192.0.2.1 2001:db8::1;20 b 2001:db8::2 192.0.2.2", CONF_PREFER_IPV4,
	    0, 25, "192.0.2.1 2001:db8::1 192.0.2.2 2001:db8::2", VERDICT_OK },
	{ "IPv6 first", "10 a 192.0.2.1 2001:db8::1;20 b 192.0.2.2 2001:db8::2", CONF_PREFER_IPV6,
	    0, 25, "2001:db8::1 192.0.2.1 2001:db8::2 192.0.2.2", VERDICT_OK },
	{ "limit", "1 a 192.0.2.1;2 b 192.0.2.2;3 c 192.0.2.3", CONF_PREFER_ANY, 2, 25,
	    "192.0.2.1 192.0.2.2", VERDICT_OK },
	{ "limit with both protocols", "1 a 192.0.2.1;2 b 192.0.2.2;3 c 192.0.2.3 2001:db8::1",
	    CONF_PREFER_ANY, 2, 25, "192.0.2.1 2001:db8::1", VERDICT_OK },
	{ "limit of one", "1 a 192.0.2.1;2 b 2001:db8::1", CONF_PREFER_ANY, 1, 25, "192.0.2.1",
	    VERDICT_OK },
	{ "backup MX: better ones alone",
	    "10 a 192.0.2.1;20 me 192.0.2.99;20 b 192.0.2.2;30 c 192.0.2.3", CONF_PREFER_ANY, 0, 25,
	    "192.0.2.1", VERDICT_OK },
	{ "best MX is this host", "10 x 192.0.2.99;20 b 192.0.2.2", CONF_PREFER_ANY, 0, 25,
	    "mail for dest.example loops back to myself", VERDICT_PERM },
	{ "MX to loopback", "10 localhost 127.0.0.1", CONF_PREFER_ANY, 0, 25,
	    "mail for dest.example loops back to myself", VERDICT_PERM },
	{ "MX to nowhere", "10 zero 0.0.0.0", CONF_PREFER_ANY, 0, 25,
	    "mail for dest.example loops back to myself", VERDICT_PERM },
	{ "MX to loopback, IPv6", "10 localhost ::1", CONF_PREFER_ANY, 0, 25,
	    "mail for dest.example loops back to myself", VERDICT_PERM },
	{ "MX by my name", "10 ME.example 192.0.2.7", CONF_PREFER_ANY, 0, 25,
	    "mail for dest.example loops back to myself", VERDICT_PERM },
	{ "behind a proxy", "10 x 192.0.2.98", CONF_PREFER_ANY, 0, 25,
	    "mail for dest.example loops back to myself", VERDICT_PERM },
	{ "another port, another service", "10 x 127.0.0.1", CONF_PREFER_ANY, 0, 24, "127.0.0.1",
	    VERDICT_OK },
};

static void
add_address(struct arena *arena, struct item_dns_host *h, struct span text)
{
	struct domain_ip ip;
	struct span *list;
	char *p;

	assert_true(domain_ip_parse(text, &ip));
	list = ip.size == 4 ? &h->ipv4 : &h->ipv6;
	p = arena_alloc(arena, list->n + ip.size);
	if (list->n)
		memcpy(p, list->p, list->n);
	memcpy(p + list->n, ip.byte, ip.size);
	*list = span_of(p, list->n + ip.size);
}

static void
make_answer(struct arena *arena, const char *text, struct msg_dns_mx_answer *out)
{
	struct span rest = span_str(text), host, word;

	*out = (struct msg_dns_mx_answer){ .status = DNS_FOUND };
	out->hosts.v = arena_alloc_array(arena, 10, sizeof(*out->hosts.v));
	while (span_token(&rest, span_lit(";"), &host)) {
		struct item_dns_host *h = &out->hosts.v[out->hosts.n++];
		h->status = DNS_FOUND;
		for (unsigned i = 0; span_token(&host, span_lit(" "), &word); i++) {
			if (i == 0)
				h->preference =
				    (uint16_t)((word.p[0] - '0') * (word.n > 1 ? 10 : 1));
			else if (i == 1)
				h->name = h->canonical = word;
			else
				add_address(arena, h, word);
		}
	}
}

static void
put_route(struct str *out, const struct route *r)
{
	for (size_t i = 0; i < r->n; i++) {
		char text[INET6_ADDRSTRLEN];
		inet_ntop(
		    r->v[i].ip.size == 4 ? AF_INET : AF_INET6, r->v[i].ip.byte, text, sizeof(text));
		str_printf(out, "%s%s", i ? " " : "", text);
	}
}

static void
routes_are_in_order(void **state UNUSED)
{
	for (size_t i = 0; i < ARRAY_LEN(routes); i++) {
		const struct route_case *row = &routes[i];
		struct conf conf = { .myhostname = SPAN("me.example"),
			.inet_interfaces = SPAN("192.0.2.99"),
			.proxy_interfaces = SPAN("192.0.2.98"),
			.smtp_address_preference = row->prefer,
			.smtp_mx_address_limit = row->limit };
		struct client c = { .conf = &conf, .port = 25 };
		struct nexthop nexthop = { .name = SPAN("dest.example"), .port = row->port };
		struct msg_dns_mx_answer mx;
		struct str out = STR_INIT(1000);
		struct err err = ERR_NONE;
		struct route route;
		struct arena arena;

		arena_init(&arena, 1 << 20);
		own_find(&c.own, &conf);
		make_answer(&arena, row->hosts, &mx);
		expect_number(
		    row->name, route_build(&c, &nexthop, &mx, &arena, &route, &err), row->verdict);
		if (row->verdict == VERDICT_OK)
			put_route(&out, &route);
		else
			str_puts(&out, err.text);
		expect_text(row->name, str_span(&out), row->want);
		str_free(&out);
		own_free(&c.own);
		arena_free(&arena);
	}
}

/* Equals take turns, the better one never. */
static void
equals_are_drawn(void **state UNUSED)
{
	struct conf conf = { .smtp_randomize_addresses = true };
	struct client c = { .conf = &conf };
	struct nexthop nexthop = { .name = SPAN("dest.example"), .port = 24 };
	unsigned first[4] = { 0 };

	for (int i = 0; i < 200; i++) {
		struct msg_dns_mx_answer mx;
		struct err err = ERR_NONE;
		struct route route;
		struct arena arena;

		arena_init(&arena, 1 << 20);
		make_answer(&arena, "2 c 192.0.2.3;1 a 192.0.2.1;1 b 192.0.2.2", &mx);
		assert_int_equal(route_build(&c, &nexthop, &mx, &arena, &route, &err), VERDICT_OK);
		first[route.v[0].ip.byte[3]]++;
		arena_free(&arena);
	}
	assert_true(first[1] > 20 && first[2] > 20 && first[3] == 0);
}

static const struct {
	const char *name;
	const char *lines[4];
	enum reply_step last;
	unsigned code;
	const char *dsn;
	const char *text;
} replies[] = {
	{ "one line", { "250 2.0.0 Ok" }, REPLY_DONE, 250, "2.0.0", "250 2.0.0 Ok" },
	{ "no text", { "250" }, REPLY_DONE, 250, "0.0.0", "250" },
	{ "blank text", { "250 " }, REPLY_DONE, 250, "0.0.0", "250 " },
	{ "lines", { "550-5.1.1 a", "550-5.1.1 b", "550 5.1.1 c" }, REPLY_DONE, 550, "5.1.1",
	    "550-5.1.1 a 550-5.1.1 b 550 5.1.1 c" },
	{ "the last code counts", { "250-a", "550 b" }, REPLY_DONE, 550, "0.0.0", "250-a 550 b" },
	{ "another class", { "550 4.1.1 x" }, REPLY_DONE, 550, "0.0.0", "550 4.1.1 x" },
	{ "goes on", { "250-a" }, REPLY_MORE, 250, "0.0.0", "250-a" },
	{ "empty", { "" }, REPLY_BAD, 0, "0.0.0", "" },
	{ "two digits", { "25 x" }, REPLY_BAD, 0, "0.0.0", "25 x" },
	{ "four digits", { "2500 x" }, REPLY_BAD, 0, "0.0.0", "2500 x" },
	{ "1xx", { "150 x" }, REPLY_BAD, 0, "0.0.0", "150 x" },
	{ "6xx", { "600 x" }, REPLY_BAD, 0, "0.0.0", "600 x" },
	{ "a sign", { "+25 x" }, REPLY_BAD, 0, "0.0.0", "+25 x" },
	{ "text at once", { "250x" }, REPLY_BAD, 0, "0.0.0", "250x" },
	{ "bad amid a reply", { "250-a", "hello" }, REPLY_BAD, 250, "0.0.0", "250-a hello" },
};

static void
replies_are_read(void **state UNUSED)
{
	for (size_t i = 0; i < ARRAY_LEN(replies); i++) {
		enum reply_step step = REPLY_MORE;
		struct str text = STR_INIT(1000);
		struct reply r;
		char dsn[12];

		reply_init(&r);
		for (size_t k = 0; k < 4 && replies[i].lines[k]; k++)
			step = reply_take(&r, span_str(replies[i].lines[k]));
		reply_put(&text, &r);
		expect_number(replies[i].name, step, replies[i].last);
		expect_number(replies[i].name, r.code, replies[i].code);
		expect_text(replies[i].name, span_str(dsn_code_text(r.dsn, dsn)), replies[i].dsn);
		expect_text(replies[i].name, str_span(&text), replies[i].text);
		reply_free(&r);
		str_free(&text);
	}
}

static const struct {
	const char *text;
	unsigned features, mechanisms;
	uint64_t size;
} offers[] = {
	{ "250 PIPELINING", 0, 0, 0 }, /* the first line is a name */
	{ "250-h\n250-PIPELINING\n250-size 1000\n250 8BITMIME",
	    EHLO_PIPELINING | EHLO_SIZE | EHLO_8BITMIME, 0, 1000 },
	{ "250-h\n250-SIZE\n250-DSN\n250 SMTPUTF8", EHLO_SIZE | EHLO_DSN | EHLO_SMTPUTF8, 0, 0 },
	{ "250-h\n250 SIZE 99999999999999999999999", EHLO_SIZE, 0, 0 },
	{ "250-h\n250 SIZE -1", EHLO_SIZE, 0, 0 },
	{ "250-h\n250-AUTH PLAIN login X\n250 STARTTLS", EHLO_AUTH | EHLO_STARTTLS,
	    EHLO_AUTH_PLAIN | EHLO_AUTH_LOGIN, 0 },
	{ "250-h\n250 AUTH=LOGIN", EHLO_AUTH, EHLO_AUTH_LOGIN, 0 },
	{ "250-h\n250-\n250-    \n250 STARTTLSX", 0, 0, 0 },
	{ "250-h\n250", 0, 0, 0 },
	{ "", 0, 0, 0 },
};

static void
offers_are_understood(void **state UNUSED)
{
	for (size_t i = 0; i < ARRAY_LEN(offers); i++) {
		struct ehlo ehlo;

		ehlo_parse(span_str(offers[i].text), &ehlo);
		expect_number(offers[i].text, ehlo.features, offers[i].features);
		expect_number(offers[i].text, ehlo.mechanisms, offers[i].mechanisms);
		expect_number(offers[i].text, (int64_t)ehlo.size, (int64_t)offers[i].size);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nexthops_are_understood),
		cmocka_unit_test(routes_are_in_order),
		cmocka_unit_test(equals_are_drawn),
		cmocka_unit_test(replies_are_read),
		cmocka_unit_test(offers_are_understood),
	};

	return cmocka_run_group_tests_name("route", tests, NULL, NULL);
}
