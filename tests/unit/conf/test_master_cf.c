/*
 * master.cf: what each column may hold and becomes; what is wrong with a line, word for word; and
 * which value a parameter has for a service that sets its own with -o, or does not. Run by make
 * check, on text alone.
 */
#include "config.h"

#include "tests/unit/conf/conf_unit.h"

/* A service as text: "type name host port private wakeup[?] maxproc command [args] {-o}". */
static void
put_service(struct str *out, const struct conf_service *s)
{
	str_printf(out, "%s %.*s %.*s:%u %s %u%s %lld %.*s", s->type == CONF_INET ? "inet" : "unix",
	    SPAN_ARG(s->name), SPAN_ARG(s->host), s->port, s->private ? "private" : "public",
	    s->wakeup, s->wakeup_used ? "?" : "",
	    s->maxproc == CONF_MAXPROC_DEFAULT ? -1LL : (long long)s->maxproc,
	    SPAN_ARG(s->command));
	for (size_t i = 0; i < s->args_n; i++)
		str_printf(out, " [%.*s]", SPAN_ARG(s->args[i]));
	for (size_t i = 0; i < s->settings_n; i++)
		str_printf(out, " {%.*s=%.*s}", SPAN_ARG(s->settings[i].name),
		    SPAN_ARG(s->settings[i].value));
}

static void
test_good(UNUSED void **state)
{
	static const struct {
		const char *text, *want;
	} rows[] = {
		{ "smtp inet n - y - - smtpd", "inet smtp :25 public 0 -1 smtpd" },
		{ "2525 inet n n n - 5 smtpd", "inet 2525 :2525 public 0 5 smtpd" },
		{ ":26 inet n n n - 5 smtpd", "inet :26 :26 public 0 5 smtpd" },
		{ "127.0.0.1:imaps inet n - n - 0 imapd",
		    "inet 127.0.0.1:imaps 127.0.0.1:993 public 0 0 imapd" },
		{ "[2001:db8::1]:587 inet n - n - 0 smtpd",
		    "inet [2001:db8::1]:587 2001:db8::1:587 public 0 0 smtpd" },
		{ "localhost:10025 inet n - n - - smtpd",
		    "inet localhost:10025 localhost:10025 public 0 -1 smtpd" },
		{ "qmgr unix n - n 300? 1 qmgr", "unix qmgr :0 public 300? 1 qmgr" },
		{ "pickup unix - - n 60 1 pickup", "unix pickup :0 private 60 1 pickup" },
		{ "smtp\tunix  -\t- n -\t- smtp -v", "unix smtp :0 private 0 -1 smtp [-v]" },
		{ "smtp unix - - n - - smtp\n  -o smtp_helo_name=a,b\n # comment\n  -o mail_name=",
		    "unix smtp :0 private 0 -1 smtp {smtp_helo_name=a,b} {mail_name=}" },
		{ "smtp unix - - n - - smtp -o { mail_name = a b } { x y } -omail_name=c",
		    "unix smtp :0 private 0 -1 smtp [x y] {mail_name=a b} {mail_name=c}" },
		{ "smtp unix - - n - - smtp -o {mail_name={ a { b } }}",
		    "unix smtp :0 private 0 -1 smtp {mail_name={ a { b } }}" },
		{ "my-x.y_1 unix y - n - - local", "unix my-x.y_1 :0 private 0 -1 local" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct conf_problems *problems = conf_problems_new();
		struct conf_source *source = parse_source("", rows[i].text, problems);
		struct str got = STR_INIT(10000);
		const struct conf_service *services;
		size_t n;

		put_problems(&got, problems);
		services = conf_services(source, &n);
		for (size_t j = 0; j < n; j++)
			put_service(&got, &services[j]);
		expect_text(rows[i].text, str_span(&got), rows[i].want);
		str_free(&got);
		conf_free(source);
		conf_problems_free(problems);
	}
}

static const struct {
	const char *text, *want;
} bad_lines[] = {
	{ "smtp inet n - y -", "there are 6 columns: service type private unpriv chroot "
			       "wakeup maxproc command" },
	{ "smtp inet n - y - -", "there is no command: a line has eight columns" },
	{ "smtp inet n - y - - sendmail", "there is no daemon \"sendmail\": the eighth "
					  "column names a file of $daemon_directory" },
	{ "cleanup unix n - y - 0 cleanup",
	    "there is no daemon \"cleanup\": smtpd and qmgr do its work: delete the line" },
	{ "smtp tcp n - y - - smtpd", "\"tcp\" is no type: write inet or unix" },
	{ "smtp fifo n - y - - smtpd", "type fifo is not supported: write unix" },
	{ "smtp unix-dgram n - y - - smtpd", "type unix-dgram is not supported: write unix" },
	{ "smtp pass n - y - - smtpd", "type pass is not supported: write inet or unix" },
	{ "smtp inet y - y - - smtpd", "a service of type inet cannot be private: write n" },
	{ "smtp unix x - y - - smtp", "column private is \"x\": write y, n or -" },
	{ "smtp unix - x y - - smtp", "column unpriv is \"x\": write y, n or -" },
	{ "smtp unix - - x - - smtp", "column chroot is \"x\": write y, n or -" },
	{ "smtp unix - - n x - smtp", "column wakeup is \"x\": write seconds up to 86400, "
				      "with ? for not before the first use, or -" },
	{ "smtp unix - - n - x smtp",
	    "column maxproc is \"x\": write a number up to 10000 (0: no limit) or -" },
	{ "smtp unix - - n - 10001 smtp",
	    "column maxproc is \"10001\": write a number up to 10000 (0: no limit) or -" },
	{ "a/b unix - - n - - smtp",
	    "\"a/b\" is no name for a service: use at most 32 letters, digits, hyphens, "
	    "dots and underscores" },
	{ ".. unix - - n - - smtp",
	    "\"..\" is no name for a service: use at most 32 letters, digits, hyphens, "
	    "dots and underscores" },
	{ "0 inet n - n - - smtpd",
	    "\"0\" is no port: write a number from 1 to 65535, or smtp, submission, "
	    "submissions, lmtp, pop3, pop3s, imap or imaps" },
	{ "http inet n - n - - smtpd",
	    "\"http\" is no port: write a number from 1 to 65535, or smtp, submission, "
	    "submissions, lmtp, pop3, pop3s, imap or imaps" },
	{ "mx.example.com:25 inet n - n - - smtpd",
	    "\"mx.example.com\" is no address: write 192.0.2.1:port, [2001:db8::1]:port or "
	    "localhost:port; names "
	    "are not looked up" },
	{ "2001:db8::1:25 inet n - n - - smtpd",
	    "\"2001:db8::1\" is no address: write 192.0.2.1:port, [2001:db8::1]:port or "
	    "localhost:port; names are "
	    "not looked up" },
	{ "smtp unix - - n - - smtp -o",
	    "-o is not followed by name=value: write it without blanks, or { name "
	    "= value } in braces" },
	{ "smtp unix - - n - - smtp -o mail_name = x",
	    "-o is not followed by name=value: write it without "
	    "blanks, or { name = value } in braces" },
	{ "smtp unix - - n - - smtp { a", "there is a { without a } after it" },
	{ "smtp unix - - n - - smtp -o { a=b", "there is a { without a } after it" },
	{ " smtp unix - - n - - smtp",
	    "the line begins with a blank but there is none that it could continue" },
	{ "smtp unix - - n - - smtp \033[m", "there is a control character in it: take it out" },
	{ "smtp unix - - n - - smtp -o soft_bounce=x", "soft_bounce: \"x\" is not yes or no" },
	{ "smtp unix - - n - - smtp -o mail_nam=x",
	    "mail_nam is no parameter: did you mean mail_name?" },
};

static void
test_bad(UNUSED void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(bad_lines); i++) {
		struct str want = STR_INIT(1000);

		str_printf(&want, "master.cf:1: error: %s\n", bad_lines[i].want);
		expect_problems(bad_lines[i].text, "", bad_lines[i].text, str_cstr(&want));
		str_free(&want);
	}
}

static void
test_duplicates(UNUSED void **state)
{
	expect_problems("duplicates", "",
	    "smtp inet n - y - - smtpd\n"
	    "25 inet n - y - - smtpd\n"
	    "127.0.0.1:25 inet n - y - - smtpd\n"
	    "smtp unix - - y - - smtp\n"
	    "# comment\n"
	    "smtp unix - - y - - local\n",
	    "master.cf:2: error: service 25 is on line 1 already: delete one of them\n"
	    "master.cf:6: error: service smtp is on line 4 already: delete one of them\n");
}

static void
test_scopes(UNUSED void **state)
{
	static const char main_cf[] = "mail_name = M\nsyslog_name = s/$service_name\n$";
	static const char master_cf[] =
	    "smtp inet n - y - - smtpd\n"
	    "26 inet n - y - - smtpd -o mail_name=26-$mail_version -o own=x "
	    "-o myhostname=h.sub.example -o smtpd_banner=$own\n";
	static const struct {
		int service;
		const char *name, *want;
	} rows[] = {
		{ -1, "mail_name", "M" },
		{ 0, "mail_name", "M" },
		{ 1, "mail_name", "26-" PACKAGE_VERSION },
		{ -1, "syslog_name", "s/" },
		{ 0, "syslog_name", "s/smtp" },
		{ 1, "syslog_name", "s/26" },
		{ 1, "smtpd_banner", "x" },
		{ 0, "mydomain", "example.com" },
		{ 1, "mydomain", "sub.example" },
		{ 1, "myorigin", "h.sub.example" },
	};
	struct conf_problems *problems = conf_problems_new();
	struct conf_source *source = parse_source(main_cf, master_cf, problems);
	size_t n;
	const struct conf_service *services = conf_services(source, &n);

	assert_int_equal(n, 2);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct conf_service *s =
		    rows[i].service < 0 ? NULL : &services[rows[i].service];
		struct str got = STR_INIT(1000);
		struct err err = ERR_NONE;

		assert_int_equal(
		    conf_value(source, s, span_str(rows[i].name), &got, &err), VERDICT_OK);
		expect_text(rows[i].name, str_span(&got), rows[i].want);
		str_free(&got);
	}
	conf_free(source);
	conf_problems_free(problems);
}

static void
test_hosts(UNUSED void **state)
{
	struct conf_service s = { .host = SPAN("localhost") };
	struct span hosts[2];

	assert_int_equal(conf_service_hosts(&s, hosts), 2);
	expect_text("4", hosts[0], "127.0.0.1");
	expect_text("6", hosts[1], "::1");
	s.host = span_lit("192.0.2.1");
	assert_int_equal(conf_service_hosts(&s, hosts), 1);
	expect_text("one", hosts[0], "192.0.2.1");
	s.host = span_lit("");
	assert_int_equal(conf_service_hosts(&s, hosts), 0);
}

/* What rewrite has to open beside what main.cf names; a dollar sign stays one. */
static void
test_tables(UNUSED void **state)
{
	static const struct {
		const char *main_cf, *master_cf, *want;
	} rows[] = {
		{ "", "smtp inet n - y - - smtpd", "" },
		{ "", "smtp inet n - y - - smtpd -o smtpd_helo_required=yes", "" },
		{ "",
		    "smtp inet n - y - - smtpd -o "
		    "smtpd_sender_restrictions=check_sender_access,hash:/x",
		    "check_sender_access,hash:/x" },
		{ "t = /a\nsmtpd_sender_login_maps = hash:$t",
		    "smtp inet n - y - - smtpd -o t=/b\nsmtps inet n - y - - smtpd -o t=/b",
		    "hash:/b" },
		{ "", "smtp inet n - y - - smtpd -o { transport_maps = pcre:{ {/^a$$/ x} } }",
		    "pcre:{ {/^a$/ x} }" },
		{ "smtpd_restriction_classes = mine\nmine = hash:/a",
		    "smtp inet n - y - - smtpd -o mine=hash:/b", "hash:/b" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct conf_problems *problems = conf_problems_new();
		struct conf_source *source =
		    parse_source(rows[i].main_cf, rows[i].master_cf, problems);
		struct str got = STR_INIT(10000);
		struct err err = ERR_NONE;

		assert_int_equal(
		    conf_value(source, NULL, span_lit("lookup_tables"), &got, &err), VERDICT_OK);
		expect_text(rows[i].master_cf, str_span(&got), rows[i].want);
		str_free(&got);
		conf_free(source);
		conf_problems_free(problems);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_duplicates),
		cmocka_unit_test(test_scopes),
		cmocka_unit_test(test_hosts),
		cmocka_unit_test(test_tables),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
