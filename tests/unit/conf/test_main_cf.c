/*
 * main.cf as a whole: how lines join, which value holds where, defaults that are computed from the
 * host (a made-up one, so that results are the same everywhere), and every problem with its line
 * and text. Run by make check.
 */
#include "config.h"

#include "tests/unit/conf/conf_unit.h"

static void
test_lines(UNUSED void **state)
{
	static const struct {
		const char *name, *text, *want; /* of the parameter x, not expanded */
	} rows[] = {
		{ "plain", "x = 1\ny = $x", "1" },
		{ "no blanks", "x=1\ny=$x\n", "1" },
		{ "no value", "x =\ny = $x\n", "" },
		{ "last wins", "x = 1\nx = 2\ny = $x\n", "2" },
		{ "continued", "x = 1,\n  2\n\t3\ny = $x\n", "1, 2 3" },
		{ "value on the next line", "x =\n  1\ny = $x\n", "1" },
		{ "comment between", "x = 1\n# no\n\n   # neither\n 2\ny = $x\n", "1 2" },
		{ "comments around", "# c\n\nx = 1\n# c\ny = $x\n", "1" },
		{ "CR LF", "x = 1\r\n 2\r\ny = $x\r\n", "1 2" },
		{ "equal signs", "x = a=b == c\ny = $x\n", "a=b == c" },
		{ "tabs", "x\t=\t1\t\ny = $x\n", "1" },
		{ "blank lines with blanks", "x = 1\n   \n 2\ny = $x\n", "1 2" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct conf_problems *problems = conf_problems_new();
		struct conf_source *source = parse_source(rows[i].text, "", problems);
		struct span raw = span_lit("undefined");

		conf_raw(source, NULL, span_lit("x"), &raw);
		expect_text(rows[i].name, raw, rows[i].want);
		conf_free(source);
		conf_problems_free(problems);
	}
}

static const struct {
	const char *name, *text, *want;
} problem_rows[] = {
	{ "nothing", "", "" },
	{ "good", "myhostname = a.example\nmaximal_queue_lifetime = 3d\n", "" },
	{ "own names", "nets = 10.0.0.0/8\nmynetworks = $nets\n", "" },
	{ "own name in a test", "nets = 10.0.0.0/8\nmynetworks = ${nets?{$nets}}\n", "" },
	{ "misspelt", "\nmyhostnam = x\n",
	    "main.cf:2: error: myhostnam is no parameter: did you mean myhostname?\n" },
	{ "unused", "a = 1\nfoo_bar = x\n",
	    "main.cf:1: error: a is no parameter, and nothing refers to $a: take it out\n"
	    "main.cf:2: error: foo_bar is no parameter, and nothing refers to $foo_bar: "
	    "take it out\n" },
	{ "unsupported", "in_flow_delay = 1s\nmilter_protocol = 6\nsmtp_delivery_slot_cost = 1\n",
	    "main.cf:1: warning: in_flow_delay is not supported by Postern: smtpd waits "
	    "for the queue by itself\n"
	    "main.cf:2: error: milter_protocol is not supported by Postern: milters are "
	    "not spoken to\n"
	    "main.cf:3: warning: smtp_delivery_slot_cost is not supported by Postern: "
	    "messages share "
	    "destinations evenly\n" },
	{ "values", "smtpd_timeout = soon\nsoft_bounce = maybe\n",
	    "main.cf:1: error: smtpd_timeout: \"soon\" is not a time: write a number and "
	    "s, m, h, d or w (seconds "
	    "when none stands there)\n"
	    "main.cf:2: error: soft_bounce: \"maybe\" is not yes or no\n" },
	{ "value through a name", "t = 9y\nsmtpd_timeout = $t\n",
	    "main.cf:2: error: smtpd_timeout: \"9y\" is not a time: write a number and s, "
	    "m, h, d or w (seconds "
	    "when none stands there)\n" },
	{ "duplicate", "mail_name = a\n\nmail_name = b\n",
	    "main.cf:3: warning: overriding earlier entry on line 1: mail_name = a\n" },
	{ "comment after", "mail_name = a # b\nmail_version = 1#2\n",
	    "main.cf:1: warning: what follows # is part of the value of mail_name: put "
	    "comments on lines of "
	    "their own\n" },
	{ "comment instead", "relayhost = #none\n",
	    "main.cf:1: warning: what follows # is part of the value of relayhost: put "
	    "comments on lines of "
	    "their own\n" },
	{ "no equal sign", "mail_name\n",
	    "main.cf:1: error: \"mail_name\" is not name = value: write it so, begin the "
	    "line with a blank to "
	    "continue the one before, or with # for a comment\n" },
	{ "bad name", "mail name = x\n",
	    "main.cf:1: error: \"mail name = x\" is not name = value: write it so, begin "
	    "the line with a blank "
	    "to continue the one before, or with # for a comment\n" },
	{ "orphan", "# c\n  mail_name = x\n",
	    "main.cf:2: error: the line begins with a blank but there is none that it "
	    "could continue\n" },
	{ "control", "mail_name = a\001b\n",
	    "main.cf:1: error: there is a control character in \"mail_name = a\\001b\": "
	    "take it out\n" },
	{ "loop", "a = $b\nb = $a\nmail_name = $a\n",
	    "main.cf:1: error: a: a loop: $b refers to $a refers to $b\n"
	    "main.cf:2: error: b: a loop: $a refers to $b refers to $a\n"
	    "main.cf:3: error: mail_name: a loop: $a refers to $b refers to $a\n" },
	{ "undefined", "mail_name = $nobody${other?x}\n",
	    "main.cf:1: warning: $nobody is not defined: nothing stands there then\n" },
	{ "syntax", "mail_name = ${a\n", "main.cf:1: error: mail_name: a ${ has no }\n" },
	{ "continued lines count", "mail_name = a\n b\n c\nsoft_bounce = x\n",
	    "main.cf:4: error: soft_bounce: \"x\" is not yes or no\n" },
	{ "class", "smtpd_restriction_classes = strict, lax\nstrict = reject\n",
	    "main.cf:1: error: smtpd_restriction_classes: lax is not defined: write lax = "
	    "restrictions\n" },
	{ "not expanded here", "forward_path = $home/x$nobody\n", "" },
};

static void
test_problems(UNUSED void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(problem_rows); i++)
		expect_problems(
		    problem_rows[i].name, problem_rows[i].text, "", problem_rows[i].want);
}

static void
test_transport_problems(UNUSED void **state)
{
	static const char master_cf[] =
	    "smtp unix - - n - - smtp\n"
	    "smtp inet n - n - - smtpd -o smtp_destination_rate_delay=1s\n";

	expect_problems("transports",
	    "smtp_destination_rate_delay = 1s\n"
	    "smpt_destination_rate_delay = 1s\n"
	    "smtp_transport_rate_delay = never\n",
	    master_cf,
	    "main.cf:2: error: smpt_destination_rate_delay: there is no service smpt of type unix "
	    "in master.cf\n"
	    "main.cf:3: error: smtp_transport_rate_delay: \"never\" is not a time: write a number "
	    "and s, m, h, d or "
	    "w (seconds when none stands there)\n"
	    "master.cf:2: warning: smtp_destination_rate_delay changes nothing here: qmgr reads it "
	    "from main.cf\n");
}

static void
test_values(UNUSED void **state)
{
	static const struct {
		const char *text, *name, *want; /* want NULL: not defined */
	} rows[] = {
		{ "", "myhostname", "mx.example.com" },
		{ "", "mydomain", "example.com" },
		{ "myhostname = a.b.c\n", "mydomain", "b.c" },
		{ "myhostname = a\n", "mydomain", "localdomain" },
		{ "mydomain = d\nmyhostname = m.$mydomain\n", "myhostname", "m.d" },
		{ "myhostname = m.$mydomain\n", "myhostname", "m.localdomain" },
		{ "", "myorigin", "mx.example.com" },
		{ "", "mydestination", "mx.example.com, localhost.example.com, localhost" },
		{ "", "local_transport", "local:mx.example.com" },
		{ "", "mynetworks",
		    "127.0.0.0/8 [::1]/128 192.0.2.1/32 198.51.100.7/32 [2001:db8::1]/128" },
		{ "mynetworks_style = subnet\n", "mynetworks",
		    "127.0.0.0/8 [::1]/128 192.0.2.0/24 [2001:db8::]/64" },
		{ "inet_protocols = ipv4\n", "mynetworks",
		    "127.0.0.0/8 192.0.2.1/32 198.51.100.7/32" },
		{ "inet_protocols = ipv6\n", "mynetworks", "[::1]/128 [2001:db8::1]/128" },
		{ "inet_interfaces = loopback-only\n", "mynetworks", "127.0.0.0/8 [::1]/128" },
		{ "inet_interfaces = 192.0.2.1, [2001:db8::1] 2001:db8::2\n", "mynetworks",
		    "127.0.0.0/8 [::1]/128 192.0.2.1/32 [2001:db8::1]/128 [2001:db8::2]/128" },
		{ "mynetworks =\n", "mynetworks", "" },
		{ "", "smtpd_timeout", "300s" },
		{ "stress = yes\n", "smtpd_timeout", "10s" },
		{ "", "config_directory", "/conf" },
		{ "", "forward_path",
		    "$home/.forward${recipient_delimiter}${extension}, $home/.forward" },
		{ "smtpd_tls_cert_file = /c\n", "imapd_tls_key_file", "/c" },
		{ "smtpd_tls_cert_file = /c\nsmtpd_tls_key_file = /k\n", "imapd_tls_key_file",
		    "/k" },
		{ "smtpd_tls_cert_file = /c\nimapd_tls_cert_file = /i\n", "imapd_tls_key_file",
		    "/i" },
		{ "default_destination_rate_delay = 3s\n", "smtp_destination_rate_delay", "3s" },
		{ "nobody", "nobody", NULL },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct conf_problems *problems = conf_problems_new();
		struct conf_source *source = parse_source(rows[i].text, "", problems);
		struct str got = STR_INIT(LIMIT_CONF_VALUE);
		struct err err = ERR_NONE;
		const enum verdict v = conf_value(source, NULL, span_str(rows[i].name), &got, &err);

		assert_int_equal(v, rows[i].want ? VERDICT_OK : VERDICT_ABSENT);
		expect_text(rows[i].name, str_span(&got), rows[i].want ? rows[i].want : "");
		str_free(&got);
		conf_free(source);
		conf_problems_free(problems);
	}
}

static void
test_set(UNUSED void **state)
{
	struct conf_problems *problems = conf_problems_new();
	struct conf_source *source =
	    parse_source("mail_name = a\nmyhostname = b.c.d\n", "", problems);
	struct str got = STR_INIT(1000);
	struct err err = ERR_NONE;

	conf_set(source, span_lit("myhostname"), span_lit("x.y"), problems);
	assert_int_equal(conf_value(source, NULL, span_lit("mydomain"), &got, &err), VERDICT_OK);
	expect_text("mydomain", str_span(&got), "y");
	conf_set(source, span_lit("mail_nam"), span_lit("x"), problems);
	str_reset(&got);
	put_problems(&got, problems);
	expect_text("problems", str_span(&got),
	    ":0: error: mail_nam is no parameter: did you mean mail_name?\n");
	str_free(&got);
	conf_free(source);
	conf_problems_free(problems);
}

/* More problems than are kept are counted. */
static void
test_many_problems(UNUSED void **state)
{
	struct conf_problems *problems = conf_problems_new();
	struct str text = STR_INIT(1 << 20);
	struct conf_source *source;
	size_t kept = 0;

	for (size_t i = 0; i < 3 * LIMIT_CONF_PROBLEMS; i++)
		str_puts(&text, "nonsense\n");
	source = parse_source(str_cstr(&text), "", problems);
	while (conf_problems_get(problems, kept))
		kept++;
	assert_int_equal(kept, LIMIT_CONF_PROBLEMS);
	assert_int_equal(conf_problems_count(problems, CONF_ERROR), 3 * LIMIT_CONF_PROBLEMS);
	assert_int_equal(conf_problems_count(problems, CONF_WARNING), 0);
	str_free(&text);
	conf_free(source);
	conf_problems_free(problems);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_problems),
		cmocka_unit_test(test_transport_problems),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_set),
		cmocka_unit_test(test_many_problems),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
