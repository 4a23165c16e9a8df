/*
 * dns_servers and resolv.conf to forwarders: what is taken, what is refused, and that an empty list
 * falls back on the file while "none" does not.
 */
#include "config.h"

#include "dns/servers.h"
#include "tests/unit/unit.h"

static const struct {
	const char *list;
	const char *file;
	const char *want; /* NULL: refused */
} cases[] = {
	{ "", "nameserver 192.0.2.1\n", "192.0.2.1@53\n" },
	{ "", "# nameserver 192.0.2.9\nsearch x\nnameserver\t2001:db8::1  # here\r\nnameserver x\n",
	    "2001:db8::1@53\n" },
	{ "", "nameserver fe80::1%eth0", "fe80::1%eth0@53\n" },
	{ "", "nameserverx 192.0.2.1\n options rotate\n", "" },
	{ "", "", "" },
	{ "none", "nameserver 192.0.2.1\n", "" },
	{ "127.0.0.1:5353, 192.0.2.2", "nameserver 192.0.2.1\n", "127.0.0.1@5353\n192.0.2.2@53\n" },
	{ "[2001:db8::1]:54 2001:db8::2 [2001:db8::3]", "",
	    "2001:db8::1@54\n2001:db8::2@53\n2001:db8::3@53\n" },
	{ "resolver.example", "", NULL },
	{ "192.0.2.1:0", "", NULL },
	{ "192.0.2.1:65536", "", NULL },
	{ "192.0.2.1:", "", NULL },
	{ "[2001:db8::1", "", NULL },
	{ "[192.0.2.1]x", "", NULL },
	{ "192.0.2.1 192.0.2.1 192.0.2.1 192.0.2.1 192.0.2.1 192.0.2.1 192.0.2.1 192.0.2.1 "
	  "192.0.2.1",
	    "", NULL },
};

static void
servers_are_found(void **state UNUSED)
{
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct str out = STR_INIT(4096);
		struct err err = ERR_NONE;
		enum verdict v =
		    servers_put(&out, span_str(cases[i].list), span_str(cases[i].file), &err);

		expect_number(cases[i].list, v, cases[i].want ? VERDICT_OK : VERDICT_PERM);
		if (cases[i].want)
			expect_text(cases[i].list, str_span(&out), cases[i].want);
		str_free(&out);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(servers_are_found),
	};

	return cmocka_run_group_tests_name("servers", tests, NULL, NULL);
}
