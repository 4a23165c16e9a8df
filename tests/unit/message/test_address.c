/*
 * Paths, addresses, parameters, xtext and domains: RFC 5321 4.1.2, RFC 6531, RFC 3461. Tables of
 * what is right, what is wrong and what attackers send (ABUSE 10, 12), each checked for its reply
 * code and for what stays of the command. What is read and written again must be the same.
 */
#include "config.h"

#include "message/address.h"
#include "message/domain.h"
#include "message/esmtp.h"
#include "tests/unit/message/test.h"

#define BAD_RCPT "501 5.1.3"
#define BAD_MAIL "501 5.1.7"
#define NO_UTF8	 "553 5.6.7"

struct path_row {
	const char *in;
	unsigned flags;
	const char *want; /* canonical text, or the reply code */
	const char *rest;
	size_t n; /* of IN, when it holds NULs */
};

static const struct path_row paths[] = {
	{ "<a@b>", 0, "a@b", "", 0 },
	{ "<a@B.Example> SIZE=3", 0, "a@b.example", " SIZE=3", 0 },
	{ "<A.b+c@d.e>", 0, "A.b+c@d.e", "", 0 },
	{ "<>", PATH_NULL, "", "", 0 },
	{ "<> RET=HDRS", PATH_NULL | PATH_SENDER, "", " RET=HDRS", 0 },
	{ "<>", 0, BAD_RCPT, "", 0 },
	{ "<postmaster>", PATH_NO_DOMAIN, "postmaster", "", 0 },
	{ "<postmaster>", PATH_SENDER, BAD_MAIL, "", 0 },
	{ "<@a,@b.c:d@e>", 0, "d@e", "", 0 },
	{ "<@a:>", 0, BAD_RCPT, "", 0 },
	{ "<@a,:d@e>", 0, BAD_RCPT, "", 0 },
	{ "<@:d@e>", 0, BAD_RCPT, "", 0 },
	{ "<@a,@b d@e>", 0, BAD_RCPT, "", 0 },
	{ "<\"a b\"@c>", 0, "\"a b\"@c", "", 0 },
	{ "<\"ab\"@c>", 0, "ab@c", "", 0 },
	{ "<\"a\\\"b\\\\\\c\"@c>", 0, "\"a\\\"b\\\\c\"@c", "", 0 },
	{ "<\"a@b>\"@c> X=1", 0, "\"a@b>\"@c", " X=1", 0 },
	{ "<\"a..b\"@c>", 0, "\"a..b\"@c", "", 0 },
	{ "<a..b.@docomo.ne.jp>", 0, "\"a..b.\"@docomo.ne.jp", "", 0 },
	{ "<\"|sh -c x\"@d>", 0, "\"|sh -c x\"@d", "", 0 },
	{ "<|sh@d>", 0, "|sh@d", "", 0 },
	{ "<../../etc/x@d>", 0, "\"../../etc/x\"@d", "", 0 },
	{ "<user+../x@d>", 0, "\"user+../x\"@d", "", 0 },
	{ "<;id;@d>", 0, BAD_RCPT, "", 0 },
	{ "<a\nb@d>", 0, BAD_RCPT, "", 0 },
	{ "<a\rb@d>", 0, BAD_RCPT, "", 0 },
	{ "<\"a\nb\"@d>", 0, BAD_RCPT, "", 0 },
	{ "<\"a\\\nb\"@d>", 0, BAD_RCPT, "", 0 },
	{ "<\"a\0b\"@d>", 0, BAD_RCPT, "", 9 },
	{ "<\"\">", PATH_NO_DOMAIN, BAD_RCPT, "", 0 },
	{ "<\"\"@d>", 0, BAD_RCPT, "", 0 },
	{ "<@d>", 0, BAD_RCPT, "", 0 },
	{ "<a@>", 0, BAD_RCPT, "", 0 },
	{ "<a@b@c>", 0, BAD_RCPT, "", 0 },
	{ "<a@b", 0, BAD_RCPT, "", 0 },
	{ "<a@b>c", 0, BAD_RCPT, "", 0 },
	{ "<a@b>\t", 0, BAD_RCPT, "", 0 },
	{ "<a@b>>", 0, BAD_RCPT, "", 0 },
	{ "<<a@b>>", 0, BAD_RCPT, "", 0 },
	{ "< a@b>", 0, BAD_RCPT, "", 0 },
	{ "<\"a@b>", 0, BAD_RCPT, "", 0 },
	{ "<\"a\"b@c>", 0, BAD_RCPT, "", 0 },
	{ "<\"a\\", 0, BAD_RCPT, "", 0 },
	{ "<g:a@b;>", 0, BAD_RCPT, "", 0 },
	{ "<a(c)@b>", 0, BAD_RCPT, "", 0 },
	{ "", 0, BAD_RCPT, "", 0 },
	{ "a@b", 0, BAD_RCPT, "", 0 },
	{ "a@b X=1", PATH_BARE, "a@b", " X=1", 0 },
	{ "a@b>", PATH_BARE, BAD_RCPT, "", 0 },
	{ "<a@b.>", 0, "a@b", "", 0 },
	{ "<a@.>", 0, BAD_RCPT, "", 0 },
	{ "<a@b..c>", 0, BAD_RCPT, "", 0 },
	{ "<a@-b.c>", 0, BAD_RCPT, "", 0 },
	{ "<a@b_c.d>", 0, "a@b_c.d", "", 0 },
	{ "<a@1.2.3.4>", 0, BAD_RCPT, "", 0 },
	{ "<a@[1.2.3.4]>", 0, "a@[1.2.3.4]", "", 0 },
	{ "<a@[1.2.3.256]>", 0, BAD_RCPT, "", 0 },
	{ "<a@[1.2.3.04]>", 0, BAD_RCPT, "", 0 },
	{ "<a@[1.2.3.4>", 0, BAD_RCPT, "", 0 },
	{ "<a@[ipv6:2001:DB8::1]>", 0, "a@[IPv6:2001:db8::1]", "", 0 },
	{ "<a@[2001:db8::1]>", 0, BAD_RCPT, "", 0 },
	{ "<a@[IPv6:1.2.3.4]>", 0, BAD_RCPT, "", 0 },
	{ "<a@[IPv6:junk]>", 0, BAD_RCPT, "", 0 },
	{ "<a@[IPv6:::1]x>", 0, BAD_RCPT, "", 0 },
	{ "<a@[tag:x]>", 0, BAD_RCPT, "", 0 },
	{ "<\xc3\xbc@d>", 0, NO_UTF8, "", 0 },
	{ "<\"\xc3\xbc\"@d>", 0, NO_UTF8, "", 0 },
	{ "<a@\xc3\xbc.example>", 0, NO_UTF8, "", 0 },
	{ "<\xc3\xbc@\xc3\xa4.Example>", PATH_UTF8, "\xc3\xbc@\xc3\xa4.example", "", 0 },
	{ "<\xc3@d>", PATH_UTF8, BAD_RCPT, "", 0 },
	{ "<a@\xc3\x28>", PATH_UTF8, BAD_RCPT, "", 0 },
	{ "<\xed\xa0\x80@d>", PATH_UTF8, BAD_RCPT, "", 0 },
};

static void
check_path(struct span in, unsigned flags, const char *want, const char *rest)
{
	struct arena arena;
	struct address a;
	struct err err = ERR_NONE;
	struct str text = STR_INIT(4096);
	struct span args = in;

	arena_init(&arena, 65536);
	if (path_parse(&args, flags, &arena, &a, &err) == VERDICT_OK) {
		address_put(&text, &a);
		expect_text(want, args, rest);
	} else {
		char code[12];

		str_printf(&text, "%u %s", err.reply, dsn_code_text(err.dsn, code));
		expect_span(want, args, in);
	}
	expect_text(in.p, str_span(&text), want);
	str_free(&text);
	arena_free(&arena);
}

static void
test_paths(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		const struct path_row *r = &paths[i];

		check_path(span_of(r->in, r->n ? r->n : strlen(r->in)), r->flags, r->want, r->rest);
	}
}

/* What address_put writes is read back to the same. */
static void
test_canonical(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		struct arena arena;
		struct address a;
		struct address b;
		struct span text = span_str(paths[i].want);
		unsigned flags = PATH_UTF8 | PATH_NO_DOMAIN | PATH_NULL;
		struct span local;
		struct span domain;

		if (span_starts(text, span_lit("50")) || span_starts(text, span_lit("553")))
			continue;
		arena_init(&arena, 65536);
		assert_int_equal(address_parse(text, flags, &arena, &a, NULL), VERDICT_OK);
		expect_span(paths[i].in, address_text(&a, &arena), text);
		assert_int_equal(
		    address_parse(address_text(&a, &arena), flags, &arena, &b, NULL), VERDICT_OK);
		assert_true(address_eq(&a, &b));
		assert_int_equal(address_split(text, &local, &domain), a.domain.n > 0);
		expect_span(paths[i].in, domain, a.domain);
		arena_free(&arena);
	}
}

static void
test_long(void **state)
{
	static const size_t sizes[] = { 64, LIMIT_LOCALPART, LIMIT_LOCALPART + 1, 65536 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		struct str in = STR_INIT(1 << 20);
		struct str want = STR_INIT(1 << 20);
		bool good = sizes[i] <= LIMIT_LOCALPART;

		for (size_t n = 0; n < sizes[i]; n++)
			str_putc(&want, 'a');
		str_puts(&want, "@d");
		str_printf(&in, "<%s>", str_cstr(&want));
		check_path(str_span(&in), 0, good ? str_cstr(&want) : BAD_RCPT, "");
		str_free(&in);
		str_free(&want);
	}
}

static void
test_arena_full(void **state)
{
	struct arena arena;
	struct address a;
	struct err err = ERR_NONE;
	struct span args = span_lit("<aaaaaaaaaaaaaaaaaaaaaaaaaa@bbbbbbbbbbbbbbbbbbbbbbbbb>");

	(void)state;
	arena_init(&arena, 8);
	assert_int_equal(path_parse(&args, 0, &arena, &a, &err), VERDICT_TEMP);
	assert_int_equal(err.reply, 452);
	arena_free(&arena);
}

static void
test_put(void **state)
{
	static const struct {
		const char *local, *want;
	} rows[] = {
		{ "a", "a" },
		{ "a.b", "a.b" },
		{ ".a", "\".a\"" },
		{ "a.", "\"a.\"" },
		{ "a b", "\"a b\"" },
		{ "a\"b", "\"a\\\"b\"" },
		{ "a\r\nb", "\"a??b\"" },
		{ "a@b", "\"a@b\"" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct str out = STR_INIT(100);

		address_put_local(&out, span_str(rows[i].local));
		expect_text(rows[i].local, str_span(&out), rows[i].want);
		str_free(&out);
	}
}

static void
test_split(void **state)
{
	struct span local;
	struct span domain;

	(void)state;
	assert_false(address_split(span_lit("\"a@b\""), &local, &domain));
	expect_text("quoted", local, "\"a@b\"");
	assert_true(address_split(span_lit("\"a@b\"@c"), &local, &domain));
	expect_text("domain", domain, "c");
	assert_false(address_split(span_lit("a"), &local, &domain));
	assert_int_equal(domain.n, 0);
}

static void
test_params(void **state)
{
	static const struct {
		const char *in;
		bool utf8;
		const char *want; /* keys and values joined, NULL: refused */
	} rows[] = {
		{ "", false, "" },
		{ "  ", false, "" },
		{ " SIZE=1000 BODY=8BITMIME SMTPUTF8", false, "SIZE(1000)BODY(8BITMIME)SMTPUTF8" },
		{ " AUTH=<> ", false, "AUTH(<>)" },
		{ " SIZE=", false, NULL },
		{ " =1", false, NULL },
		{ " -A=1", false, NULL },
		{ " A=1=2", false, NULL },
		{ " A_B=1", false, NULL },
		{ " A=1\tB=2", false, NULL },
		{ " A=\x01", false, NULL },
		{ " SIZE=1 size=2", false, NULL },
		{ " A=\xc3\xbc", false, NULL },
		{ " A=\xc3\xbc", true, "A(\xc3\xbc)" },
		{ " A=\xc3", true, NULL },
		{ " A B C D E F G H I J K L M N O P", false, "ABCDEFGHIJKLMNOP" },
		{ " A B C D E F G H I J K L M N O P Q", false, NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct esmtp_params params;
		struct err err = ERR_NONE;
		struct str got = STR_INIT(200);
		enum verdict v;

		v = esmtp_params_parse(span_str(rows[i].in), rows[i].utf8, &params, &err);
		expect_number(rows[i].in, v, rows[i].want ? VERDICT_OK : VERDICT_PERM);
		for (size_t k = 0; rows[i].want && k < params.count; k++) {
			str_put(&got, params.v[k].key);
			if (params.v[k].has_value)
				str_printf(&got, "(%.*s)", SPAN_ARG(params.v[k].value));
		}
		expect_text(rows[i].in, str_span(&got), rows[i].want ? rows[i].want : "");
		expect_number(rows[i].in, err.reply, rows[i].want ? 0 : 501);
		str_free(&got);
	}
}

static void
test_xtext(void **state)
{
	static const struct {
		const char *in, *want;
	} rows[] = {
		{ "abc", "abc" },
		{ "a+2Bb+3D", "a+b=" },
		{ "+20", " " },
		{ "", "" },
		{ "+", NULL },
		{ "+0", NULL },
		{ "+2b", NULL },
		{ "+2G", NULL },
		{ "+0D+0A", NULL },
		{ "+00", NULL },
		{ "+7F", NULL },
		{ "+C3+BC", NULL },
		{ "a b", NULL },
		{ "a=b", NULL },
		{ "\xc3\xbc", NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct str out = STR_INIT(100);
		struct str back = STR_INIT(100);
		bool ok;

		str_puts(&out, "x");
		ok = xtext_parse(span_str(rows[i].in), &out);
		expect_number(rows[i].in, ok, rows[i].want != NULL);
		expect_text(rows[i].in, span_from(str_span(&out), 1), ok ? rows[i].want : "");
		xtext_put(&back, span_from(str_span(&out), 1));
		if (ok)
			expect_text(rows[i].in, str_span(&back), rows[i].in);
		str_free(&out);
		str_free(&back);
	}
}

static void
test_orcpt(void **state)
{
	static const struct {
		const char *in;
		bool utf8;
		const char *want;
		const char *ascii; /* orcpt_put for a server without SMTPUTF8 */
	} rows[] = {
		{ "rfc822;a@b", false, "rfc822;a@b", "rfc822;a@b" },
		{ "RFC822;a+2Bb@c", false, "rfc822;a+b@c", "rfc822;a+2Bb@c" },
		{ "utf-8;\\x{FC}@c", false, "utf-8;\xc3\xbc@c", "utf-8;\\x{FC}@c" },
		{ "utf-8;\xc3\xbc@c", true, "utf-8;\xc3\xbc@c", "utf-8;\\x{FC}@c" },
		{ "utf-8;\xc3\xbc@c", false, NULL, NULL },
		{ "utf-8;\xc3@c", true, NULL, NULL },
		{ "utf-8;\\x{0A}", true, NULL, NULL },
		{ "utf-8;\\x{D800}", true, NULL, NULL },
		{ "utf-8;\\x{", true, NULL, NULL },
		{ "utf-8;\\", true, NULL, NULL },
		{ "rfc822;+0A", false, NULL, NULL },
		{ "rfc822;", false, NULL, NULL },
		{ ";a@b", false, NULL, NULL },
		{ "rfc822", false, NULL, NULL },
		{ "rf\x01;a", false, NULL, NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct str out = STR_INIT(100);
		struct str back = STR_INIT(100);
		bool ok = orcpt_parse(span_str(rows[i].in), rows[i].utf8, &out);

		expect_number(rows[i].in, ok, rows[i].want != NULL);
		expect_text(rows[i].in, str_span(&out), ok ? rows[i].want : "");
		if (ok) {
			orcpt_put(&back, str_span(&out), false);
			expect_text(rows[i].in, str_span(&back), rows[i].ascii);
		}
		str_free(&out);
		str_free(&back);
	}
}

static void
test_domains(void **state)
{
	static const struct {
		const char *in;
		unsigned flags;
		bool valid, fqdn;
	} rows[] = {
		{ "a", 0, true, false },
		{ "a.b", 0, true, true },
		{ "A-1.b", 0, true, true },
		{ "_dmarc.b", 0, true, true },
		{ "", 0, false, false },
		{ ".", 0, false, false },
		{ "a.", 0, false, false },
		{ ".a", 0, false, false },
		{ "a..b", 0, false, false },
		{ "a-.b", 0, false, false },
		{ "-a.b", 0, false, false },
		{ "1.2.3.4", 0, false, false },
		{ "123", 0, false, false },
		{ "a b", 0, false, false },
		{ "a/b", 0, false, false },
		{ "\xc3\xbc.b", 0, false, false },
		{ "\xc3\xbc.b", DOMAIN_UTF8, true, true },
		{ "\xc3.b", DOMAIN_UTF8, false, false },
		{ "a123456789012345678901234567890123456789012345678901234567890123", 0, false,
		    false },
		{ "a12345678901234567890123456789012345678901234567890123456789012", 0, true,
		    false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		expect_number(
		    rows[i].in, domain_valid(span_str(rows[i].in), rows[i].flags), rows[i].valid);
		expect_number(
		    rows[i].in, domain_is_fqdn(span_str(rows[i].in), rows[i].flags), rows[i].fqdn);
	}
}

static void
test_ips(void **state)
{
	static const struct {
		const char *in, *want; /* bytes in hex */
	} rows[] = {
		{ "1.2.3.4", "01020304" },
		{ "255.255.255.255", "ffffffff" },
		{ "1.2.3", "" },
		{ "1.2.3.4.5", "" },
		{ "1.2.3.", "" },
		{ "1..3.4", "" },
		{ "01.2.3.4", "" },
		{ "1.2.3.256", "" },
		{ "::", "00000000000000000000000000000000" },
		{ "::1", "00000000000000000000000000000001" },
		{ "1::", "00010000000000000000000000000000" },
		{ "1:2:3:4:5:6:7:8", "00010002000300040005000600070008" },
		{ "1:2:3:4:5:6:1.2.3.4", "00010002000300040005000601020304" },
		{ "::ffff:1.2.3.4", "00000000000000000000ffff01020304" },
		{ "2001:db8::a:0", "20010db80000000000000000000a0000" },
		{ "1::2:3:4:5:6:7", "00010000000200030004000500060007" },
		{ "1::2:3:4:5:6:7:8", "" },
		{ "1:2:3:4:5:6:7", "" },
		{ "1:2:3:4:5:6:7:8:9", "" },
		{ "1:2:3:4:5:6:7:", "" },
		{ ":1:2:3:4:5:6:7", "" },
		{ "1::2::3", "" },
		{ ":::", "" },
		{ ":", "" },
		{ "", "" },
		{ "1:::2", "" },
		{ "12345::", "" },
		{ "g::", "" },
		{ "fe80::1%eth0", "" },
		{ "::1.2.3.4:5", "" },
		{ "::1.2.3", "" },
		{ "1:2:3:4:5:6:7:1.2.3.4", "" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct domain_ip ip;
		struct str got = STR_INIT(100);

		domain_ip_parse(span_str(rows[i].in), &ip);
		for (size_t k = 0; k < ip.size; k++)
			str_printf(&got, "%02x", ip.byte[k]);
		expect_text(rows[i].in, str_span(&got), rows[i].want);
		str_free(&got);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_paths),
		cmocka_unit_test(test_canonical),
		cmocka_unit_test(test_long),
		cmocka_unit_test(test_arena_full),
		cmocka_unit_test(test_put),
		cmocka_unit_test(test_split),
		cmocka_unit_test(test_params),
		cmocka_unit_test(test_xtext),
		cmocka_unit_test(test_orcpt),
		cmocka_unit_test(test_domains),
		cmocka_unit_test(test_ips),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
