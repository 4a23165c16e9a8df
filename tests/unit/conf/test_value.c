/*
 * The types of parameters: what each takes and what it says of what it does not take. The table of
 * parameters itself: each row makes sense. Lists, and likely names for misspelt ones. Run by make
 * check.
 */
#include "config.h"

#include "base/time.h"
#include "conf/conf.h"
#include "tests/unit/unit.h"

#define S NS_PER_S

static void
test_good(UNUSED void **state)
{
	static const struct {
		const char *name, *text;
		uint64_t want;
	} rows[] = {
		{ "smtpd_recipient_limit", "1", 1 },
		{ "smtpd_recipient_limit", "50000", 50000 },
		{ "message_size_limit", "0", 0 },
		{ "message_size_limit", "52428800", 52428800 },
		{ "message_size_limit", "50M", 52428800 },
		{ "message_size_limit", "1k", 1024 },
		{ "message_size_limit", "2G", UINT64_C(2147483648) },
		{ "smtpd_timeout", "300", 300 * S },
		{ "smtpd_timeout", "5m", 300 * S },
		{ "smtpd_timeout", "1H", 3600 * S },
		{ "maximal_queue_lifetime", "5", 5 * 86400 * S },
		{ "maximal_queue_lifetime", "1w", 7 * 86400 * S },
		{ "delay_warning_time", "4", 4 * 3600 * S },
		{ "soft_bounce", "yes", 1 },
		{ "soft_bounce", "NO", 0 },
		{ "smtp_tls_security_level", "dane", CONF_TLS_DANE },
		{ "smtp_tls_security_level", "Dane-Only", CONF_TLS_DANE_ONLY },
		{ "smtpd_tls_security_level", "none", CONF_TLS_SERVER_NONE },
		{ "queue_directory", "/x", 0 },
		{ "queue_directory", "", 0 },
		{ "mynetworks", "127.0.0.0/8, { a b } x:{ { } }", 0 },
		{ "mail_name", "anything {", 0 },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct conf_param *p = conf_param_find(span_str(rows[i].name));
		struct err err = ERR_NONE;
		uint64_t got = 77;

		assert_non_null(p);
		if (conf_param_parse(p, span_str(rows[i].text), &got, &err) != VERDICT_OK)
			fail_msg("%s = %s: %s", rows[i].name, rows[i].text, err.text);
		expect_number(rows[i].name, (int64_t)got, (int64_t)rows[i].want);
	}
}

static void
test_bad(UNUSED void **state)
{
	static const struct {
		const char *name, *text, *want;
	} rows[] = {
		{ "smtpd_recipient_limit", "0", "\"0\" is out of range: it goes from 1 to 50000" },
		{ "smtpd_recipient_limit", "50001",
		    "\"50001\" is out of range: it goes from 1 to 50000" },
		{ "smtpd_recipient_limit", "", "\"\" is not a whole number" },
		{ "smtpd_recipient_limit", "1x", "\"1x\" is not a whole number" },
		{ "smtpd_recipient_limit", "-1", "\"-1\" is not a whole number" },
		{ "smtpd_recipient_limit", "99999999999999999999",
		    "\"99999999999999999999\" is not a whole number" },
		{ "message_size_limit", "10MB",
		    "\"10MB\" is not a size: write a number of bytes, or a number and K, M or G" },
		{ "message_size_limit", "999999999999999999G",
		    "\"999999999999999999G\" is out of range: it goes from 0 to 1125899906842624 "
		    "bytes" },
		{ "smtpd_timeout", "5y",
		    "\"5y\" is not a time: write a number and s, m, h, d or w (seconds when none "
		    "stands there)" },
		{ "smtpd_timeout", "s",
		    "\"s\" is not a time: write a number and s, m, h, d or w (seconds when none "
		    "stands there)" },
		{ "smtpd_timeout", "0", "\"0\" is out of range: it goes from 1 to 86400 seconds" },
		{ "smtpd_timeout", "2d",
		    "\"2d\" is out of range: it goes from 1 to 86400 seconds" },
		{ "soft_bounce", "true", "\"true\" is not yes or no" },
		{ "soft_bounce", "", "\"\" is not yes or no" },
		{ "smtpd_tls_security_level", "secure",
		    "\"secure\" is none of its choices: none, may, encrypt" },
		{ "queue_directory", "var/spool",
		    "\"var/spool\" is not an absolute path: begin it with /" },
		{ "mynetworks", "{ a", "there is a { without a } after it" },
		{ "mynetworks", "a }", "there is a } without a { before it" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct conf_param *p = conf_param_find(span_str(rows[i].name));
		struct err err = ERR_NONE;
		uint64_t got;

		assert_non_null(p);
		assert_int_equal(
		    conf_param_parse(p, span_str(rows[i].text), &got, &err), VERDICT_PERM);
		expect_text(rows[i].name, err_text(&err), rows[i].want);
	}
}

static void
test_lists(UNUSED void **state)
{
	static const struct {
		const char *text, *want;
	} rows[] = {
		{ "", "" },
		{ " ,, ", "" },
		{ "a", "[a]" },
		{ "a,b  c , d", "[a][b][c][d]" },
		{ "{ a, b } c", "[a, b][c]" },
		{ "{}x,{a}{b}", "[{}x][{a}{b}]" },
		{ "{ { a } b }", "[{ a } b]" },
		{ "pcre:{{/x y/ z}, {q}} t", "[pcre:{{/x y/ z}, {q}}][t]" },
		{ "{", "[{]" },
		{ "{}", "[]" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct span rest = span_str(rows[i].text), token;
		struct str got = STR_INIT(1000);

		while (conf_list_next(&rest, &token))
			str_printf(&got, "[%.*s]", SPAN_ARG(token));
		expect_text(rows[i].text, str_span(&got), rows[i].want);
		str_free(&got);
	}
}

static void
test_names(UNUSED void **state)
{
	static const struct {
		const char *name, *like;
	} rows[] = {
		{ "myhostnam", "myhostname" },
		{ "my_hostname", "myhostname" },
		{ "smtpd_recipeint_limit", "smtpd_recipient_limit" },
		{ "smptd_tls_security_level", "smtpd_tls_security_level" },
		{ "smtpd_recipient_restriction", "smtpd_recipient_restrictions" },
		{ "Relayhost", "relayhost" },
		{ "mua", "" },
		{ "mua_client_restrictions", "" },
		{ "", "" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		expect_text(rows[i].name, conf_param_suggest(span_str(rows[i].name)), rows[i].like);
}

static void
test_transports(UNUSED void **state)
{
	static const struct {
		const char *name, *transport, *suffix;
	} rows[] = {
		{ "smtp_destination_recipient_limit", "smtp", "destination_recipient_limit" },
		{ "my-relay_transport_rate_delay", "my-relay", "transport_rate_delay" },
		{ "a_b_initial_destination_concurrency", "a_b", "initial_destination_concurrency" },
		{ "default_destination_recipient_limit", NULL, NULL },
		{ "_destination_recipient_limit", NULL, NULL },
		{ "destination_recipient_limit", NULL, NULL },
		{ "smtpdestination_recipient_limit", NULL, NULL },
		{ "smtp_destination_recipient_limits", NULL, NULL },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct span transport = span_lit("");
		const struct conf_param *p =
		    conf_param_find_transport(span_str(rows[i].name), &transport);

		assert_int_equal(p != NULL, rows[i].suffix != NULL);
		if (p) {
			expect_text(rows[i].name, transport, rows[i].transport);
			expect_text(rows[i].name, p->name, rows[i].suffix);
		}
	}
}

/* Each row makes sense in itself: the default is of its type, names are unique, and none is
 * unsupported as well. */
static void
test_table(UNUSED void **state)
{
	size_t n;
	const struct conf_param *params = conf_params(&n);

	for (size_t i = 0; i < n; i++) {
		const struct conf_param *p = &params[i];
		struct err err = ERR_NONE;
		uint64_t got;

		assert_true(p->name.n < LIMIT_CONF_NAME);
		assert_ptr_equal(conf_param_find(p->name), p);
		assert_true(p->min <= p->max);
		if (conf_unsupported_find(p->name))
			fail_msg("%.*s is supported and not supported", SPAN_ARG(p->name));
		if (span_find(p->preset, '$') < p->preset.n)
			continue;
		if (conf_param_parse(p, p->preset, &got, &err) != VERDICT_OK)
			fail_msg("%.*s: %s", SPAN_ARG(p->name), err.text);
	}
	for (size_t i = 0; i < CONF_TRANSPORT_PARAMS; i++)
		assert_true(
		    conf_param_find(span_from(conf_transport_params()[i].preset, 1)) != NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_lists),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_transports),
		cmocka_unit_test(test_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
