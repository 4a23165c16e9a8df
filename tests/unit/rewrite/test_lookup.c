/*
 * Lookups for other daemons: which keys stand for what they ask, which tables may be asked for at
 * all, and logins for other hosts.
 */
#include "config.h"

#include "tests/unit/rewrite/site.h"

static const char main_cf[] =
    "smtpd_recipient_restrictions = check_client_access cidr:{ {192.0.2.0/24 net} {203.0.113.7 "
    "one} },\n"
    " check_sender_access inline:{ a@b.test=full, b.test=dom, .c.test=sub, user@=user, <>=null }\n"
    " reject_rbl_client zen.test\n"
    "smtpd_client_restrictions = { check_client_access inline:{ 192.0.2=two } }, mine\n"
    "smtpd_restriction_classes = mine\n"
    "mine = check_helo_access inline:{ parent.test=p }\n"
    "smtpd_sender_login_maps = inline:{ anna=l1, x@b.test=l2, @z.test=l3 }, fail:f\n"
    "smtp_sasl_password_maps = inline:{ [mx.test]:587=u:p, host.test=hu:h:p, s@s.test=su:sp, "
    "bad.test=nocolon }\n"
    "smtp_sender_dependent_authentication = yes\n"
    "tls_server_sni_maps = inline:{ key=secret }\n"
    "parent_domain_matches_subdomains =\n";

#define CIDR   "cidr:{ {192.0.2.0/24 net} {203.0.113.7 one} }"
#define ACCESS "inline:{ a@b.test=full, b.test=dom, .c.test=sub, user@=user, <>=null }"
#define LOGINS "inline:{ anna=l1, x@b.test=l2, @z.test=l3 }"

static void
test_lookups(UNUSED void **state)
{
	static const struct {
		const char *table;
		enum lookup_kind kind;
		const char *key;
		const char *value; /* NULL: absent; "!": failed */
	} rows[] = {
		{ CIDR, LOOKUP_CLIENT, "192.0.2.9", "net" },
		{ CIDR, LOOKUP_CLIENT, "203.0.113.7", "one" },
		{ CIDR, LOOKUP_CLIENT, "203.0.113.8", NULL },
		{ "inline:{ 192.0.2=two }", LOOKUP_CLIENT, "192.0.2.9", "two" },
		{ "inline:{ parent.test=p }", LOOKUP_DOMAIN, "parent.test", "p" },
		{ "inline:{ parent.test=p }", LOOKUP_DOMAIN, "x.parent.test", NULL },
		{ ACCESS, LOOKUP_ADDRESS, "a+x@b.test", "full" },
		{ ACCESS, LOOKUP_ADDRESS, "z@b.test", "dom" },
		{ ACCESS, LOOKUP_ADDRESS, "z@x.c.test", "sub" },
		{ ACCESS, LOOKUP_ADDRESS, "user@q.test", "user" },
		{ ACCESS, LOOKUP_PLAIN, "<>", "null" },
		{ LOGINS, LOOKUP_OWNER, "anna@example.com", "l1" },
		{ LOGINS, LOOKUP_OWNER, "anna@q.test", NULL },
		{ LOGINS, LOOKUP_OWNER, "x+y@b.test", "l2" },
		{ LOGINS, LOOKUP_OWNER, "x@z.test", "l3" },
		{ LOGINS ", fail:f", LOOKUP_OWNER, "x@b.test", "l2" },
		{ LOGINS ", fail:f", LOOKUP_OWNER, "x@q.test", "!" },
		{ "inline:{ not=named }", LOOKUP_PLAIN, "not", "!" },
		{ "texthash:/etc/passwd", LOOKUP_PLAIN, "root", "!" },
		{ "inline:{ key=secret }", LOOKUP_PLAIN, "key", "!" },
		{ "inline:{ [mx.test]:587=u:p, host.test=hu:h:p, s@s.test=su:sp, bad.test=nocolon "
		  "}",
		    LOOKUP_PLAIN, "host.test", "!" },
		{ CIDR, 77, "192.0.2.9", "!" },
		{ "", LOOKUP_PLAIN, "x", NULL },
	};
	struct site site;

	site_make(&site, main_cf);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct item_question q = { span_str(rows[i].table), (uint8_t)rows[i].kind,
			span_str(rows[i].key) };
		struct str value = STR_INIT(LIMIT_LOOKUP_VALUE);
		struct err err = ERR_NONE;
		enum verdict v = lookup_answer(site.rw, &q, &value, &err);

		if (!rows[i].value)
			expect_number(rows[i].key, v, VERDICT_ABSENT);
		else if (strcmp(rows[i].value, "!") == 0)
			expect_number(rows[i].table, v, VERDICT_TEMP);
		else
			expect_text(rows[i].key, str_span(&value), rows[i].value);
		str_free(&value);
	}
	site_drop(&site);
}

/* What another process cannot be told is a failed lookup. */
static void
test_value_too_long(UNUSED void **state)
{
	struct str key = STR_INIT(LIMIT_ADDRESS), value = STR_INIT(LIMIT_LOOKUP_VALUE);
	struct item_question q = { .kind = LOOKUP_PLAIN };
	struct site site;
	struct err err = ERR_NONE;

	site_make(&site, "transport_maps = pcre:{ {/^(.*)$$/ $$1$$1$$1$$1$$1$$1$$1$$1$$1$$1} }");
	q.table = site.conf.transport_maps;
	for (int i = 0; i < 1000; i++)
		str_putc(&key, 'k');
	q.key = span_head(str_span(&key), 800);
	assert_int_equal(lookup_answer(site.rw, &q, &value, &err), VERDICT_OK);
	assert_int_equal(value.n, 8000);
	str_reset(&value);
	q.key = str_span(&key);
	assert_int_equal(lookup_answer(site.rw, &q, &value, &err), VERDICT_TEMP);
	site_drop(&site);
	str_free(&key);
	str_free(&value);
}

static void
test_logins(UNUSED void **state)
{
	static const struct {
		const char *sender, *host, *nexthop, *value;
	} rows[] = {
		{ "", "", "[mx.test]:587", "u:p" },
		{ "", "host.test", "[mx.test]:587", "hu:h:p" },
		{ "s+x@s.test", "host.test", "[mx.test]:587", "su:sp" },
		{ "other@s.test", "host.test", "", "hu:h:p" },
		{ "", "q.test", "[mx.test]", NULL },
		{ "bad syntax@", "q.test", "[mx.test]:587", "u:p" },
	};
	struct site site;

	site_make(&site, main_cf);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct msg_smtp_auth msg = { .nexthop = span_str(rows[i].nexthop),
			.host = span_str(rows[i].host),
			.sender = span_str(rows[i].sender) };
		struct str value = STR_INIT(256);
		struct err err = ERR_NONE;
		enum verdict v = login_find(site.rw, &msg, &value, &err);

		expect_number(rows[i].nexthop, v, rows[i].value ? VERDICT_OK : VERDICT_ABSENT);
		expect_text(rows[i].nexthop, str_span(&value), rows[i].value ? rows[i].value : "");
		str_wipe(&value);
	}
	site_drop(&site);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lookups),
		cmocka_unit_test(test_value_too_long),
		cmocka_unit_test(test_logins),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
