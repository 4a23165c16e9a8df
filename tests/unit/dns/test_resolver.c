/*
 * The resolver and what stands on it, against a scripted server on loopback: every status a lookup
 * can have, the cache, DNSSEC (secure, bogus, neither), and mail servers as RFC 5321 5.1 orders
 * them (ABUSE 36).
 */
#include "config.h"

#include "base/mem.h"
#include "base/str.h"
#include "dns/mx.h"
#include "event/loop.h"
#include "service/dns.h"
#include "tests/unit/dns/server.h"
#include "tests/unit/unit.h"

struct scene {
	struct dns_server server;
	struct signer *signer;
	struct resolver *resolver;
	void (*run)(struct scene *s);
};

typedef void scene_fn(struct scene *s);

FIBER_MAIN
static void
scene_fiber(void *arg)
{
	struct scene *s = arg;

	s->run(s);
	server_stop(&s->server);
	loop_stop();
}

static void
scene_run(scene_fn *fill, scene_fn *run, bool sign)
{
	struct scene s = { .run = run };
	struct str servers = STR_INIT(100), anchors = STR_INIT(1000);
	struct err err = ERR_NONE;

	loop_init();
	server_start(&s.server);
	if (sign) {
		s.signer = s.server.signer = signer_new("signed");
		zone_add(&s.server, "signed", 48, signer_key_data(s.signer));
		signer_put_anchor(s.signer, &anchors);
	}
	fill(&s);
	server_put(&s.server, &servers);
	struct resolver_settings settings = { .servers = str_span(&servers),
		.anchors = str_span(&anchors),
		.cache_size = 1 << 20,
		.timeout = 300 * NS_PER_MS };
	if (resolver_new(&settings, &s.resolver, &err) != VERDICT_OK)
		fail_msg("%s", err.text);
	fiber_spawn("test", scene_fiber, &s);
	loop_run();
	resolver_free(s.resolver);
	loop_fini();
	if (s.signer)
		signer_free(s.signer);
	str_free(&servers);
	str_free(&anchors);
}

static void
fill_plain(struct scene *s)
{
	struct dns_server *z = &s->server;
	struct str text = STR_INIT(300);

	zone_a(z, "host.example", "192.0.2.1");
	zone_a(z, "host.example", "192.0.2.2");
	zone_cname(z, "alias.example", "host.example");
	zone_cname(z, "loop1.example", "loop2.example");
	zone_cname(z, "loop2.example", "loop1.example");
	zone_add(z, "1.2.0.192.in-addr.arpa", DNS_PTR, span_lit("\004host\007example\0"));
	zone_add(z, "text.example", DNS_TXT, span_lit("\003v=s\002pf"));
	zone_add(z, "_25._tcp.host.example", DNS_TLSA, span_lit("\3\1\1abc"));
	zone_add(z, "short.example", DNS_MX, span_lit("\0"));
	zone_manner(z, "silent.example", MANNER_SILENT);
	zone_manner(z, "broken.example", MANNER_SERVFAIL);
	str_free(&text);
}

static const struct {
	const char *name;
	uint16_t type;
	enum dns_status status;
	const char *canonical; /* NULL: any */
	struct span first;     /* name or data of the first record */
} lookups[] = {
	{ "host.example", DNS_A, DNS_FOUND, "host.example", { NULL, 0 } },
	{ "HOST.Example.", DNS_A, DNS_FOUND, "host.example", { NULL, 0 } },
	{ "host.example", DNS_AAAA, DNS_NODATA, "host.example", SPAN("") },
	{ "alias.example", DNS_A, DNS_FOUND, "host.example", { NULL, 0 } },
	{ "1.2.0.192.in-addr.arpa", DNS_PTR, DNS_FOUND, NULL, SPAN("host.example") },
	{ "text.example", DNS_TXT, DNS_FOUND, NULL, SPAN("v=spf") },
	{ "_25._tcp.host.example", DNS_TLSA, DNS_FOUND, NULL, SPAN("abc") },
	{ "nobody.example", DNS_A, DNS_NXDOMAIN, NULL, SPAN("") },
	{ "loop1.example", DNS_A, DNS_SERVFAIL, NULL, SPAN("") },
	{ "short.example", DNS_MX, DNS_SERVFAIL, NULL, SPAN("") },
	{ "broken.example", DNS_A, DNS_SERVFAIL, NULL, SPAN("") },
	{ "silent.example", DNS_A, DNS_TIMEOUT, NULL, SPAN("") },
	{ "", DNS_A, DNS_INVALID, NULL, SPAN("") },
	{ ".", DNS_A, DNS_INVALID, NULL, SPAN("") },
	{ "a..b", DNS_A, DNS_INVALID, NULL, SPAN("") },
	{ ".a", DNS_A, DNS_INVALID, NULL, SPAN("") },
	{ "a b.example", DNS_A, DNS_INVALID, NULL, SPAN("") },
	{ "a\\.b", DNS_A, DNS_INVALID, NULL, SPAN("") },
	{ "caf\xc3\xa9.example", DNS_A, DNS_INVALID, NULL, SPAN("") },
	{ "123456789012345678901234567890123456789012345678901234567890abcde.example", DNS_A,
	    DNS_INVALID, NULL, SPAN("") },
};

SUSPENDS
static void
run_plain(struct scene *s)
{
	struct lookup *under_way[ARRAY_LEN(lookups)];

	for (size_t i = 0; i < ARRAY_LEN(lookups); i++)
		under_way[i] =
		    lookup_start(s->resolver, span_str(lookups[i].name), lookups[i].type);
	for (size_t i = 0; i < ARRAY_LEN(lookups); i++) {
		const struct msg_dns_answer *a = lookup_wait(under_way[i]);
		expect_number(lookups[i].name, a->status, lookups[i].status);
		assert_false(a->secure);
		if (lookups[i].canonical)
			expect_text(lookups[i].name, a->canonical, lookups[i].canonical);
		if (a->status == DNS_FOUND && lookups[i].first.p)
			expect_span(lookups[i].name,
			    a->records.v[0].data.n ? a->records.v[0].data : a->records.v[0].name,
			    lookups[i].first);
	}
	assert_int_equal(lookup_wait(under_way[0])->records.n, 2);
	/* From the cache, and nobody has to be asked. */
	unsigned asked = s->server.asked;
	struct lookup *again = lookup_start(s->resolver, span_lit("host.example"), DNS_A);
	assert_int_equal(lookup_wait(again)->records.n, 2);
	assert_int_equal(s->server.asked, asked);
	lookup_drop(again);
	for (size_t i = 0; i < ARRAY_LEN(lookups); i++)
		lookup_drop(under_way[i]);
	/* The silent one is still under way there, though nobody waits. */
	assert_true(resolver_busy(s->resolver) > 0);
}

static void
lookups_have_their_status(void **state UNUSED)
{
	scene_run(fill_plain, run_plain, false);
}

static void
fill_signed(struct scene *s)
{
	zone_a(&s->server, "good.signed", "192.0.2.1");
	zone_a(&s->server, "spoiled.signed", "192.0.2.1");
	zone_manner(&s->server, "spoiled.signed", MANNER_SPOILED);
	zone_a(&s->server, "plain.example", "192.0.2.1");
	zone_cname(&s->server, "out.signed", "plain.example");
	zone_mx(&s->server, "signed", 1, "good.signed");
}

static const struct {
	const char *name;
	enum dns_status status;
	bool secure;
} validations[] = {
	{ "good.signed", DNS_FOUND, true }, { "spoiled.signed", DNS_BOGUS, false },
	{ "plain.example", DNS_FOUND, false },
	{ "out.signed", DNS_FOUND, false }, /* a chain is as good as its worst link */
};

SUSPENDS
static void
run_signed(struct scene *s)
{
	struct msg_dns_mx ask = { .domain = SPAN("signed"), .families = DNS_IPV4 };
	struct msg_dns_mx_answer mx;
	struct arena arena;

	for (size_t i = 0; i < ARRAY_LEN(validations); i++) {
		struct lookup *l = lookup_start(s->resolver, span_str(validations[i].name), DNS_A);
		const struct msg_dns_answer *a = lookup_wait(l);
		expect_number(validations[i].name, a->status, validations[i].status);
		expect_number(validations[i].name, a->secure, validations[i].secure);
		lookup_drop(l);
	}
	arena_init(&arena, 65536);
	mx_find(s->resolver, &ask, &arena, &mx);
	assert_int_equal(mx.hosts.n, 1);
	assert_true(mx.secure);
	assert_true(mx.hosts.v[0].secure);
	arena_free(&arena);
}

static void
signatures_are_validated(void **state UNUSED)
{
	scene_run(fill_signed, run_signed, true);
}

static void
bad_anchors_are_refused(void **state UNUSED)
{
	struct resolver_settings settings = {
		.servers = span_lit("127.0.0.1@9\n"),
		.anchors = span_lit(". IN DNSKEY what is this\n"),
		.cache_size = 1 << 20,
		.timeout = NS_PER_S,
	};
	struct resolver *resolver;
	struct err err = ERR_NONE;

	loop_init();
	assert_int_equal(resolver_new(&settings, &resolver, &err), VERDICT_PERM);
	assert_non_null(strstr(err.text, "trust anchors"));
	loop_fini();
}

static void
fill_mx(struct scene *s)
{
	struct dns_server *z = &s->server;
	struct str name = STR_INIT(100);

	zone_mx(z, "order.example", 20, "c.example");
	zone_mx(z, "order.example", 10, "a.example");
	zone_mx(z, "order.example", 10, "b.example");
	zone_mx(z, "order.example", 30, "a.example");
	zone_mx(z, "order.example", 5, ".");
	zone_a(z, "a.example", "192.0.2.1");
	zone_aaaa(z, "a.example", "2001:db8::1");
	zone_a(z, "b.example", "192.0.2.2");
	zone_cname(z, "c.example", "a.example");
	zone_mx(z, "null.example", 0, ".");
	zone_a(z, "implicit.example", "192.0.2.3");
	zone_cname(z, "alias.example", "order.example");
	zone_mx(z, "gone.example", 1, "nobody.example");
	zone_mx(z, "slow.example", 1, "silent.example");
	zone_manner(z, "silent.example", MANNER_SILENT);
	zone_mx(z, "half.example", 1, "half-host.example");
	zone_a(z, "half-host.example", "192.0.2.4");
	zone_mx(z, "address.example", 1, "192.0.2.1");
	zone_manner(z, "broken.example", MANNER_SERVFAIL);
	zone_add(z, "empty.example", DNS_TXT, span_lit("\001x"));
	for (unsigned i = 0; i < 1000; i++) {
		str_reset(&name);
		str_printf(&name, "m%u.many.example", i);
		zone_mx(z, "many.example", (uint16_t)(i / 10), str_cstr(&name));
	}
	str_free(&name);
}

static const struct {
	const char *domain;
	bool direct;
	enum dns_status status;
	bool null_mx, implicit;
	unsigned hosts;
	enum dns_status last; /* status of the last host */
	const char *name;     /* of the last host */
	const char *canonical;
} domains[] = {
	{ "order.example", false, DNS_FOUND, false, false, 3, DNS_FOUND, "c.example", "a.example" },
	{ "alias.example", false, DNS_FOUND, false, false, 3, DNS_FOUND, "c.example", "a.example" },
	{ "order.example", true, DNS_FOUND, false, false, 1, DNS_NODATA, "order.example",
	    "order.example" },
	{ "a.example", true, DNS_FOUND, false, false, 1, DNS_FOUND, "a.example", "a.example" },
	{ "null.example", false, DNS_FOUND, true, false, 0, 0, NULL, NULL },
	{ "implicit.example", false, DNS_FOUND, false, true, 1, DNS_FOUND, "implicit.example",
	    "implicit.example" },
	{ "empty.example", false, DNS_NODATA, false, true, 1, DNS_NODATA, "empty.example",
	    "empty.example" },
	{ "nobody.example", false, DNS_NXDOMAIN, false, false, 0, 0, NULL, NULL },
	{ "gone.example", false, DNS_FOUND, false, false, 1, DNS_NXDOMAIN, "nobody.example",
	    "nobody.example" },
	{ "slow.example", false, DNS_FOUND, false, false, 1, DNS_TIMEOUT, "silent.example",
	    "silent.example" },
	{ "half.example", false, DNS_FOUND, false, false, 1, DNS_FOUND, "half-host.example",
	    "half-host.example" },
	{ "address.example", false, DNS_FOUND, false, false, 1, DNS_INVALID, "192.0.2.1",
	    "192.0.2.1" },
	{ "broken.example", false, DNS_SERVFAIL, false, false, 0, 0, NULL, NULL },
	{ "many.example", false, DNS_FOUND, false, false, LIMIT_DNS_HOSTS, DNS_NXDOMAIN, NULL,
	    NULL },
};

static void
expect_host(const char *name, const struct item_dns_host *h, enum dns_status status,
    const char *host, const char *canonical)
{
	expect_number(name, h->status, status);
	if (host)
		expect_text(name, h->name, host);
	if (canonical)
		expect_text(name, h->canonical, canonical);
}

SUSPENDS
static void
run_mx(struct scene *s)
{
	for (size_t i = 0; i < ARRAY_LEN(domains); i++) {
		struct msg_dns_mx ask = { .domain = span_str(domains[i].domain),
			.direct = domains[i].direct,
			.families = DNS_IPV4 | DNS_IPV6 };
		struct msg_dns_mx_answer mx;
		struct arena arena;
		const char *name = domains[i].domain;

		arena_init(&arena, 262144);
		mx_find(s->resolver, &ask, &arena, &mx);
		expect_number(name, mx.status, domains[i].status);
		expect_number(name, mx.null_mx, domains[i].null_mx);
		expect_number(name, mx.implicit, domains[i].implicit);
		expect_number(name, mx.hosts.n, domains[i].hosts);
		if (mx.hosts.n)
			expect_host(name, &mx.hosts.v[mx.hosts.n - 1], domains[i].last,
			    domains[i].name, domains[i].canonical);
		for (uint32_t k = 1; k < mx.hosts.n; k++)
			assert_true(mx.hosts.v[k - 1].preference <= mx.hosts.v[k].preference);
		arena_free(&arena);
	}
}

static void
mail_servers_are_found(void **state UNUSED)
{
	scene_run(fill_mx, run_mx, false);
}

/* Equal preference: each comes first now and then; addresses of both families are there. */
SUSPENDS
static void
run_lots(struct scene *s)
{
	struct msg_dns_mx ask = { .domain = SPAN("order.example"),
		.families = DNS_IPV4 | DNS_IPV6 };
	unsigned first[2] = { 0, 0 };

	for (int i = 0; i < 64; i++) {
		struct msg_dns_mx_answer mx;
		struct arena arena;

		arena_init(&arena, 65536);
		mx_find(s->resolver, &ask, &arena, &mx);
		bool a = span_eq(mx.hosts.v[0].name, span_lit("a.example"));
		first[a]++;
		assert_int_equal(mx.hosts.v[a ? 0 : 1].ipv6.n, 16);
		assert_int_equal(mx.hosts.v[a ? 0 : 1].ipv4.n, 4);
		arena_free(&arena);
	}
	assert_true(first[0] > 0 && first[1] > 0);
}

static void
equals_take_turns(void **state UNUSED)
{
	scene_run(fill_mx, run_lots, false);
}

/* Temporary or permanent: what mail does with each. */
static void
statuses_mean_what_they_should(void **state UNUSED)
{
	static const struct {
		enum dns_status status;
		enum verdict verdict;
		unsigned reply;
	} rows[] = {
		{ DNS_FOUND, VERDICT_OK, 0 },
		{ DNS_NODATA, VERDICT_ABSENT, 550 },
		{ DNS_NXDOMAIN, VERDICT_ABSENT, 550 },
		{ DNS_SERVFAIL, VERDICT_TEMP, 451 },
		{ DNS_BOGUS, VERDICT_TEMP, 451 },
		{ DNS_TIMEOUT, VERDICT_TEMP, 451 },
		{ DNS_INVALID, VERDICT_PERM, 550 },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct err err = ERR_NONE;
		enum verdict v = dns_status_verdict(rows[i].status, span_lit("x"), "MX", &err);
		expect_number("verdict", v, rows[i].verdict);
		expect_number("reply", err.reply, rows[i].reply);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lookups_have_their_status),
		cmocka_unit_test(signatures_are_validated),
		cmocka_unit_test(bad_anchors_are_refused),
		cmocka_unit_test(mail_servers_are_found),
		cmocka_unit_test(equals_take_turns),
		cmocka_unit_test(statuses_mean_what_they_should),
	};

	return cmocka_run_group_tests_name("resolver", tests, NULL, NULL);
}
