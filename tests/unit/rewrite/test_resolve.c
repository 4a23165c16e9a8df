/*
 * From a recipient to what it means, as one line for each case: classes, aliases of all kinds and
 * their loops, rewriting, routes, and who is known. Failures of tables are never "unknown".
 */
#include "config.h"

#include "base/time.h"
#include "tests/unit/rewrite/site.h"

struct row {
	const char *main_cf;
	const char *sender;
	const char *address;
	const char *want;
};

SUSPENDS static void
check_rows(const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct site site;
		struct str got = STR_INIT(1 << 20), name = STR_INIT(4096);

		site_make(&site, rows[i].main_cf);
		site_resolve(&site, rows[i].sender, rows[i].address, &got);
		str_printf(&name, "%s <%s>", rows[i].main_cf, rows[i].address);
		expect_text(str_cstr(&name), str_span(&got), rows[i].want);
		str_free(&got);
		str_free(&name);
		site_drop(&site);
	}
}

#define ANNA "anna@example.com local:mx.example.com account anna"
#define BERT "bert@example.com local:mx.example.com account bert"

static const struct row class_rows[] = {
	{ "", "", "anna@example.com", "local: " ANNA },
	{ "", "", "anna", "local: " ANNA },
	{ "", "", "Anna+x@EXAMPLE.com",
	    "local: Anna+x@example.com local:mx.example.com account anna" },
	{ "", "", "anna@localhost", "local: anna@localhost local:mx.example.com account anna" },
	{ "", "", "\"with space\"@example.com",
	    "local: \"with space\"@example.com local:mx.example.com account with space" },
	{ "", "", "nobody@example.com",
	    "550 5.1.1 <nobody@example.com>: Recipient address rejected: User unknown in local "
	    "recipient table" },
	{ "", "", "busy@example.com", "451 4.3.0 <busy@example.com>: Temporary lookup failure" },
	{ "unknown_local_recipient_reject_code = 450", "", "nobody@example.com",
	    "450 5.1.1 <nobody@example.com>: Recipient address rejected: User unknown in local "
	    "recipient table" },
	{ "", "", "a@b.test", "default: a@b.test smtp:b.test" },
	{ "", "", "a@[192.0.2.1]", "default: a@[192.0.2.1] smtp:[192.0.2.1]" },
	{ "inet_interfaces = 192.0.2.1", "", "anna@[192.0.2.1]",
	    "local: anna@[192.0.2.1] local:mx.example.com account anna" },
	{ "", "", "a b@c", "501 5.1.3 Bad recipient address syntax" },
	{ "mydestination = inline:{ a.test=x }, !b.test, b.test", "", "anna@a.test",
	    "local: anna@a.test local:mx.example.com account anna" },
	{ "mydestination = fail:x", "", "a@b.test",
	    "451 4.3.0 <a@b.test>: Temporary lookup failure" },
	{ "virtual_mailbox_domains = virtual.test", "", "vera+x@virtual.test",
	    "virtual: vera+x@virtual.test virtual:virtual.test account vera@virtual.test" },
	{ "virtual_mailbox_domains = virtual.test", "", "anna@virtual.test",
	    "550 5.1.1 <anna@virtual.test>: Recipient address rejected: User unknown in virtual "
	    "mailbox table" },
	{ "virtual_mailbox_domains = virtual.test\nvirtual_mailbox_maps = inline:{ "
	  "carl@virtual.test=x }",
	    "", "carl@virtual.test",
	    "451 4.3.5 <carl@virtual.test>: Server configuration problem" },
	{ "virtual_mailbox_domains = virtual.test\nvirtual_transport = lmtp:[::1]:24", "",
	    "any@virtual.test", "virtual: any@virtual.test lmtp:[::1]:24" },
	{ "virtual_mailbox_domains = virtual.test\nvirtual_transport = lmtp:[::1]:24\n"
	  "virtual_mailbox_maps = inline:{ carl@virtual.test=x }",
	    "", "any@virtual.test",
	    "550 5.1.1 <any@virtual.test>: Recipient address rejected: User unknown in virtual "
	    "mailbox table" },
	{ "relay_domains = r.test", "", "a@x.r.test", "relay: a@x.r.test relay:x.r.test" },
	{ "relay_domains = r.test\nparent_domain_matches_subdomains =", "", "a@x.r.test",
	    "default: a@x.r.test smtp:x.r.test" },
	{ "relay_domains = .r.test\nparent_domain_matches_subdomains =", "", "a@x.r.test",
	    "relay: a@x.r.test relay:x.r.test" },
	{ "relay_domains = r.test\nrelay_recipient_maps = inline:{ a@r.test=x }", "", "a+e@r.test",
	    "relay: a+e@r.test relay:r.test" },
	{ "relay_domains = r.test\nrelay_recipient_maps = inline:{ a@r.test=x }", "", "b@r.test",
	    "550 5.1.1 <b@r.test>: Recipient address rejected: User unknown in relay recipient "
	    "table" },
	{ "relay_domains = r.test\nrelay_recipient_maps = inline:{ a@r.test=x }\n"
	  "smtpd_reject_unlisted_recipient = no",
	    "", "b@r.test", "relay: b@r.test relay:r.test" },
	{ "relay_domains = r.test\nrelay_recipient_maps = fail:x", "", "b@r.test",
	    "451 4.3.0 <b@r.test>: Temporary lookup failure" },
};

#define VIRTUAL(entries) \
	"virtual_alias_domains = v.test\nvirtual_alias_maps = inline:{ " entries " }"
#define UNREASONABLE(a) "451 4.6.0 <" a ">: Alias expansion error"

static const struct row virtual_rows[] = {
	{ VIRTUAL("a@v.test=anna"), "", "a@v.test", "alias: " ANNA },
	{ VIRTUAL("{a@v.test=anna, bert@example.com, c@d.test}"), "", "a@v.test",
	    "alias: " ANNA ", " BERT ", c@d.test smtp:d.test" },
	{ VIRTUAL("a@v.test=anna"), "", "a+x@v.test",
	    "alias: anna+x@example.com local:mx.example.com account anna" },
	{ VIRTUAL("a@v.test=anna") "\npropagate_unmatched_extensions =", "", "a+x@v.test",
	    "alias: " ANNA },
	{ VIRTUAL("@v.test=anna"), "", "a+x@v.test", "alias: " ANNA },
	{ VIRTUAL("@v.test=@w.test"), "", "a+x@v.test", "alias: a+x@w.test smtp:w.test" },
	{ VIRTUAL("{a@v.test=Anna Example <anna@example.com>}"), "", "a@v.test", "alias: " ANNA },
	{ VIRTUAL("a@v.test=b@v.test, b@v.test=c@v.test, c@v.test=anna"), "", "a@v.test",
	    "alias: " ANNA },
	{ VIRTUAL("b@v.test=anna"), "", "a@v.test",
	    "550 5.1.1 <a@v.test>: Recipient address rejected: User unknown in virtual alias "
	    "table" },
	{ VIRTUAL("a@v.test=a@b..c"), "", "a@v.test",
	    "451 4.3.5 <a@v.test>: Server configuration problem" },
	{ VIRTUAL("a@v.test="), "", "a@v.test",
	    "451 4.3.5 <a@v.test>: Server configuration problem" },
	{ "virtual_alias_maps = inline:{ anna=bert }", "", "anna@example.com", "local: " BERT },
	{ "virtual_alias_maps = inline:{ anna=bert }", "", "anna@b.test",
	    "default: anna@b.test smtp:b.test" },
	{ "virtual_alias_maps = fail:x", "", "anna@example.com",
	    "451 4.3.0 <anna@example.com>: Temporary lookup failure" },
	{ "virtual_alias_maps = hash:/nonexistent/x\nvirtual_alias_domains =", "",
	    "anna@example.com", "451 4.3.0 <anna@example.com>: Temporary lookup failure" },
	{ "virtual_alias_maps = pcre:{ {/^(.*)-all@example\\.com$$/ $$1, bert} "
	  "}\nvirtual_alias_domains =",
	    "", "anna-all@example.com", "local: " ANNA ", " BERT },
	/* One that is nobody does not stop the others; delivery tells the sender. */
	{ VIRTUAL("{a@v.test=anna, nobody, nobody@v.test}"), "", "a@v.test",
	    "alias: " ANNA
	    ", nobody@example.com error:5.1.1 User unknown in local recipient table, "
	    "nobody@v.test error:5.1.1 User unknown in virtual alias table" },
	{ VIRTUAL("{a@v.test=nobody, x@v.test}"), "", "a@v.test",
	    "550 5.1.1 <a@v.test>: Recipient address rejected: User unknown in local recipient "
	    "table" },
	{ VIRTUAL("{a@v.test=anna, busy}"), "", "a@v.test",
	    "451 4.3.0 <a@v.test>: Temporary lookup failure" },
	/* Loops: item 13 of the abuse list. */
	{ "virtual_alias_maps = inline:{ {anna@example.com=anna@example.com, bert} }", "",
	    "anna@example.com", "local: " ANNA ", " BERT },
	{ "virtual_alias_maps = inline:{ anna@example.com=bert, bert@example.com=anna }", "",
	    "anna@example.com", "local: " ANNA },
	{ VIRTUAL("a@v.test=b@v.test, b@v.test=a@v.test"), "", "a@v.test",
	    "550 5.1.1 <a@v.test>: Recipient address rejected: User unknown in virtual alias "
	    "table" },
	{ VIRTUAL("{a@v.test=a+x@v.test}"), "", "a@v.test", UNREASONABLE("a@v.test") },
	{ VIRTUAL("@v.test=x"), "", "a@v.test",
	    "550 5.1.1 <a@v.test>: Recipient address rejected: User unknown in local recipient "
	    "table" },
	{ "virtual_alias_maps = pcre:{ {/^(.*)@example.com$$/ $${1}x@example.com} "
	  "}\nvirtual_alias_domains =",
	    "", "a@example.com", UNREASONABLE("a@example.com") },
	{ "virtual_alias_maps = pcre:{ {/^(.*)@v.test$$/ $${1}x@v.test, $${1}y@v.test} }\n"
	  "virtual_alias_domains = v.test",
	    "", "a@v.test", UNREASONABLE("a@v.test") },
	{ VIRTUAL("{a@v.test=1@d.test, 2@d.test, 3@d.test}") "\nvirtual_alias_expansion_limit = 2",
	    "", "a@v.test", UNREASONABLE("a@v.test") },
	{ VIRTUAL("a@v.test=b@v.test, b@v.test=anna") "\nvirtual_alias_recursion_limit = 1", "",
	    "a@v.test", UNREASONABLE("a@v.test") },
	{ VIRTUAL("{a@v.test=anna, b@v.test}, b@v.test=anna"), "", "a@v.test", "alias: " ANNA },
};

#define ALIASES(entries) "alias_maps = inline:{ " entries " }"

static const struct row alias_rows[] = {
	{ ALIASES("postmaster=anna"), "", "postmaster@example.com", "local: " ANNA },
	{ ALIASES("postmaster=anna"), "", "PostMaster", "local: " ANNA },
	{ ALIASES("{list=anna, bert, c@d.test}"), "", "list@localhost",
	    "local: " ANNA ", " BERT ", c@d.test smtp:d.test" },
	{ ALIASES("list=anna"), "", "list+x@example.com", "local: " ANNA },
	{ ALIASES("list=anna, list+x=bert"), "", "list+x@example.com", "local: " BERT },
	{ ALIASES("list=anna") "\npropagate_unmatched_extensions = alias", "", "list+x@example.com",
	    "local: anna+x@example.com local:mx.example.com account anna" },
	{ ALIASES("list=anna"), "", "list@b.test", "default: list@b.test smtp:b.test" },
	{ ALIASES("list=anna") "\nlocal_transport = lmtp:[::1]:24", "", "list@example.com",
	    "local: list@example.com lmtp:[::1]:24" },
	{ ALIASES("{root=root, anna}"), "", "root@example.com",
	    "local: root@example.com local:mx.example.com account root, " ANNA },
	{ ALIASES("a=b, b=a"), "", "a@example.com",
	    "550 5.1.1 <a@example.com>: Recipient address rejected: User unknown in local "
	    "recipient table" },
	{ ALIASES("anna=bert, bert=anna"), "", "anna@example.com", "local: " ANNA },
	{ ALIASES("{prog=\"|/bin/cat -n\"}"), "", "prog@example.com",
	    "451 4.3.5 <prog@example.com>: Aliases to commands, files and lists in files are not "
	    "supported" },
	{ ALIASES("{prog=anna, |cat}"), "", "prog@example.com",
	    "451 4.3.5 <prog@example.com>: Aliases to commands, files and lists in files are not "
	    "supported" },
	{ ALIASES("arch=/var/archive"), "", "arch@example.com",
	    "451 4.3.5 <arch@example.com>: Aliases to commands, files and lists in files are not "
	    "supported" },
	{ ALIASES("l=:include:/etc/l"), "", "l@example.com",
	    "451 4.3.5 <l@example.com>: Aliases to commands, files and lists in files are not "
	    "supported" },
	{ ALIASES("{sp=\"with space\"}"), "", "sp@example.com",
	    "local: \"with space\"@example.com local:mx.example.com account with space" },
	{ "alias_maps = fail:x", "", "anna@example.com",
	    "451 4.3.0 <anna@example.com>: Temporary lookup failure" },
	/* A user of ours is not a command, whatever the name. */
	{ ALIASES("list=anna"), "", "\"|sh -c x\"@example.com",
	    "550 5.1.1 <\"|sh -c x\"@example.com>: Recipient address rejected: User unknown in "
	    "local recipient table" },
	{ ALIASES(
	      "list=anna") "\nvirtual_alias_maps = inline:{ anna@example.com=bert@example.com }",
	    "", "list@example.com", "local: " BERT },
};

static const struct row canonical_rows[] = {
	{ "canonical_maps = inline:{ old@example.com=anna }", "", "old@example.com",
	    "local: " ANNA },
	{ "canonical_maps = inline:{ old=anna }", "", "old+x@example.com",
	    "local: anna+x@example.com local:mx.example.com account anna" },
	{ "recipient_canonical_maps = inline:{ old=bert }\ncanonical_maps = inline:{ old=anna }",
	    "", "old@example.com", "local: " BERT },
	{ "sender_canonical_maps = inline:{ anna=bert }", "", "anna@example.com", "local: " ANNA },
	{ "canonical_maps = inline:{ a=b, b=anna }", "", "a@example.com", "local: " ANNA },
	{ "canonical_maps = inline:{ a=b, b=a }", "", "a@example.com",
	    UNREASONABLE("a@example.com") },
	{ "canonical_maps = inline:{ anna=anna }", "", "anna@example.com", "local: " ANNA },
	{ "canonical_maps = inline:{ @old.test=@example.com }", "", "anna@old.test",
	    "default: " ANNA },
	{ "canonical_maps = fail:x", "", "anna@example.com",
	    "451 4.3.0 <anna@example.com>: Temporary lookup failure" },
	{ "append_dot_mydomain = yes\nmydomain = example.com", "", "a@host",
	    "default: a@host.example.com smtp:host.example.com" },
	/* What an alias says is rewritten too, what a virtual alias says is not. */
	{ "canonical_maps = inline:{ old=bert }\n" ALIASES("list=old"), "", "list@example.com",
	    "local: " BERT },
	{ "canonical_maps = inline:{ anna=bert }\n" VIRTUAL("a@v.test=anna"), "", "a@v.test",
	    "alias: " ANNA },
};

static const struct row route_rows[] = {
	{ "relayhost = [relay.test]:587", "", "a@b.test",
	    "default: a@b.test smtp:[relay.test]:587" },
	{ "relayhost = relay.test\nrelay_domains = b.test", "", "a@b.test",
	    "relay: a@b.test relay:relay.test" },
	{ "relayhost = relay.test", "", "anna@example.com", "local: " ANNA },
	{ "default_transport = smtp:[gate.test]\nrelayhost = relay.test", "", "a@b.test",
	    "default: a@b.test smtp:[gate.test]" },
	{ "transport_maps = inline:{ b.test=slow:[mx.b.test], c.test=slow:, d.test=:[x] }", "",
	    "a@b.test", "default: a@b.test slow:[mx.b.test]" },
	{ "transport_maps = inline:{ c.test=slow: }\nrelayhost = relay.test", "", "a@c.test",
	    "default: a@c.test slow:c.test" },
	{ "transport_maps = inline:{ d.test=:[x] }", "", "a@d.test", "default: a@d.test smtp:[x]" },
	{ "transport_maps = inline:{ d.test=: }\nrelayhost = relay.test", "", "a@d.test",
	    "default: a@d.test smtp:relay.test" },
	{ "transport_maps = inline:{ .b.test=slow:[x], b.test=no: }", "", "a@c.b.test",
	    "default: a@c.b.test slow:[x]" },
	{ "transport_maps = inline:{ b.test=slow:[x] }\nparent_domain_matches_subdomains = "
	  "transport_maps",
	    "", "a@c.b.test", "default: a@c.b.test slow:[x]" },
	{ "transport_maps = inline:{ *=slow:[x], a@b.test=other:[y] }", "", "z@b.test",
	    "default: z@b.test slow:[x]" },
	{ "transport_maps = inline:{ *=slow:[x], a@b.test=other:[y] }", "", "a+e@b.test",
	    "default: a+e@b.test other:[y]" },
	{ "transport_maps = inline:{ anna@example.com=smtp:[x] }", "", "anna@example.com",
	    "local: anna@example.com smtp:[x]" },
	{ "transport_maps = inline:{ {b.test=error:5.7.1 no mail there} }", "", "a@b.test",
	    "550 5.7.1 <a@b.test>: Recipient address rejected: no mail there" },
	{ "transport_maps = inline:{ {b.test=error:gone away} }", "", "a@b.test",
	    "550 5.0.0 <a@b.test>: Recipient address rejected: gone away" },
	{ "transport_maps = inline:{ {b.test=retry:4.2.1 later} }", "", "a@b.test",
	    "450 4.2.1 <a@b.test>: Recipient address rejected: later" },
	{ "transport_maps = fail:x", "", "a@b.test",
	    "451 4.3.0 <a@b.test>: Temporary lookup failure" },
	{ "relocated_maps = inline:{ {anna@example.com=anna@new.test} }", "", "anna@example.com",
	    "550 5.1.6 <anna@example.com>: Recipient address rejected: User has moved to "
	    "anna@new.test" },
	{ "sender_dependent_relayhost_maps = inline:{ @s.test=[s-relay] }\nrelayhost = relay.test",
	    "x@s.test", "a@b.test", "default: a@b.test smtp:[s-relay]" },
	{ "sender_dependent_relayhost_maps = inline:{ @s.test=[s-relay] }\nrelayhost = relay.test",
	    "x@t.test", "a@b.test", "default: a@b.test smtp:relay.test" },
	{ "sender_dependent_relayhost_maps = inline:{ @s.test=DUNNO }\nrelayhost = relay.test",
	    "x@s.test", "a@b.test", "default: a@b.test smtp:relay.test" },
	{ "sender_dependent_relayhost_maps = inline:{ <>=[null-relay] }", "", "a@b.test",
	    "default: a@b.test smtp:[null-relay]" },
	{ "sender_dependent_default_transport_maps = inline:{ x@s.test=slow:[q] }", "x+e@s.test",
	    "a@b.test", "default: a@b.test slow:[q]" },
	{ "sender_dependent_default_transport_maps = inline:{ x@s.test=slow: }\nrelay_domains = "
	  "b.test",
	    "x@s.test", "a@b.test", "relay: a@b.test relay:b.test" },
	{ "sender_dependent_relayhost_maps = fail:x", "x@s.test", "a@b.test",
	    "451 4.3.0 <a@b.test>: Temporary lookup failure" },
	{ "sender_dependent_relayhost_maps = fail:x", "x@s.test", "anna@example.com",
	    "local: " ANNA },
};

FIBER_MAIN static void
run_classes(void)
{
	check_rows(class_rows, ARRAY_LEN(class_rows));
}

FIBER_MAIN static void
run_virtual(void)
{
	check_rows(virtual_rows, ARRAY_LEN(virtual_rows));
}

FIBER_MAIN static void
run_aliases(void)
{
	check_rows(alias_rows, ARRAY_LEN(alias_rows));
}

FIBER_MAIN static void
run_canonical(void)
{
	check_rows(canonical_rows, ARRAY_LEN(canonical_rows));
}

FIBER_MAIN static void
run_routes(void)
{
	check_rows(route_rows, ARRAY_LEN(route_rows));
}

/* A large alias, and one that doubles at each step: bounded, and quick. */
FIBER_MAIN static void
run_large(void)
{
	struct str cf = STR_INIT(1 << 20), got = STR_INIT(1 << 20);
	uint64_t from = time_mono();
	struct site site;

	str_puts(
	    &cf, "virtual_alias_domains = v.test\nvirtual_alias_maps = pcre:{ {/^all@v.test$$/ ");
	for (int i = 0; i < 500; i++)
		str_printf(&cf, "user%d@d.test, ", i);
	str_puts(&cf, "last@d.test} }\n");
	site_make(&site, str_cstr(&cf));
	site_resolve(&site, "", "all@v.test", &got);
	assert_true(span_ends(str_span(&got), span_lit(", last@d.test smtp:d.test")));
	site_drop(&site);
	str_free(&cf);
	str_free(&got);
	assert_true(time_mono() - from < 5 * NS_PER_S);
}

#define TEST(name)                                   \
	static void test_##name(UNUSED void **state) \
	{                                            \
		site_run(run_##name);                \
	}
TEST(classes)
TEST(virtual)
TEST(aliases)
TEST(canonical)
TEST(routes)
TEST(large)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_classes),
		cmocka_unit_test(test_virtual),
		cmocka_unit_test(test_aliases),
		cmocka_unit_test(test_canonical),
		cmocka_unit_test(test_routes),
		cmocka_unit_test(test_large),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
