/*
 * SASL PLAIN and LOGIN as clients send them, right and wrong; and the passwd file's lines.
 * Exchanges are given as the responses in order, each in base64.
 */
#include "config.h"

#include "base/base64.h"
#include "login/passwd.h"
#include "login/sasl.h"
#include "tests/unit/unit.h"

static const struct {
	const char *name;
	const char *mechanism;
	const char *sent[2]; /* base64 */
	enum verdict want;
	const char *act_as, *user, *password; /* or in act_as the reason */
} rows[] = {
	/* RFC 4616 4 */
	{ "PLAIN", "PLAIN", { "AHRpbQB0YW5zdGFhZnRhbnN0YWFm" }, VERDICT_OK, "", "tim",
	    "tanstaaftanstaaf" },
	{ "PLAIN as another", "plain", { "VXJzZWwAS3VydAB4aXBqMzBtbm0=" }, VERDICT_OK, "Ursel",
	    "Kurt", "xipj30mnm" },
	{ "PLAIN, empty password", "PLAIN", { "AHRpbQA=" }, VERDICT_OK, "", "tim", "" },
	{ "PLAIN, one NUL", "PLAIN", { "dGltAHB3" }, VERDICT_PERM,
	    "a PLAIN message has two NULs in it", NULL, NULL },
	{ "PLAIN, three NULs", "PLAIN", { "AHRpbQBwAHc=" }, VERDICT_PERM,
	    "a NUL stands in a name or in a password", NULL, NULL },
	{ "PLAIN, no user", "PLAIN", { "AAB4" }, VERDICT_PERM, "the user name is empty", NULL,
	    NULL },
	{ "PLAIN, empty", "PLAIN", { "=" }, VERDICT_PERM, "a PLAIN message has two NULs in it",
	    NULL, NULL },
	{ "PLAIN, nothing", "PLAIN", { "" }, VERDICT_PERM, "a PLAIN message has two NULs in it",
	    NULL, NULL },
	{ "no base64", "PLAIN", { "AHRpbQB0YW5*" }, VERDICT_PERM, "the response is no base64", NULL,
	    NULL },
	{ "bits left over", "PLAIN",
	    { "AHRpbQB1"
	      "AB==" },
	    VERDICT_PERM, "the response is no base64", NULL, NULL },
	{ "blank in it", "PLAIN", { "AHRp bQB0" }, VERDICT_PERM, "the response is no base64", NULL,
	    NULL },
	{ "LOGIN", "Login", { "dGlt", "c2VzYW1l" }, VERDICT_OK, "", "tim", "sesame" },
	{ "LOGIN, empty password", "LOGIN", { "dGlt", "" }, VERDICT_OK, "", "tim", "" },
	{ "LOGIN, NUL in name", "LOGIN", { "dABt", "c2VzYW1l" }, VERDICT_PERM,
	    "a NUL stands in a name or in a password", NULL, NULL },
	{ "LOGIN, no name", "LOGIN", { "", "c2VzYW1l" }, VERDICT_PERM, "the user name is empty",
	    NULL, NULL },
};

static void
test_exchanges(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct sasl_login who = { .user = SPAN("") };
		struct err err = ERR_NONE;
		struct sasl x;
		enum verdict v = VERDICT_ABSENT;
		assert_true(sasl_begin(&x, span_str(rows[i].mechanism)));
		expect_text(
		    rows[i].name, span_str(sasl_prompt(&x)), rows[i].sent[1] ? "VXNlcm5hbWU6" : "");
		for (size_t n = 0; v == VERDICT_ABSENT && n < 2 && rows[i].sent[n]; n++) {
			v = sasl_feed(&x, span_str(rows[i].sent[n]), &who, &err);
			if (v == VERDICT_ABSENT)
				assert_string_equal(sasl_prompt(&x), "UGFzc3dvcmQ6");
		}
		expect_number(rows[i].name, v, rows[i].want);
		if (v == VERDICT_OK) {
			expect_text(rows[i].name, who.act_as, rows[i].act_as);
			expect_text(rows[i].name, who.user, rows[i].user);
			expect_text(rows[i].name, who.password, rows[i].password);
		} else {
			expect_text(rows[i].name, err_text(&err), rows[i].act_as);
			expect_number(rows[i].name, err.reply, 501);
		}
		sasl_end(&x);
		sasl_end(&x);
	}
}

static void
test_unknown(void **state)
{
	static const char *const names[] = { "", "PLAI", "PLAIN ", "CRAM-MD5", "XOAUTH2" };
	struct sasl x;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		assert_false(sasl_begin(&x, span_str(names[i])));
		sasl_end(&x);
	}
}

/* Names and passwords at their limits, and beyond; a response of any length costs no more than
 * that. */
static void
test_limits(void **state)
{
	static const struct {
		size_t user, password;
		bool ok;
	} sizes[] = {
		{ LIMIT_ADDRESS, LIMIT_PASSWORD, true },
		{ LIMIT_ADDRESS + 1, 10, false },
		{ 10, LIMIT_PASSWORD + 1, false },
		{ 10, 1u << 20, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		struct str plain = STR_INIT(1u << 21), base64 = STR_INIT(1u << 22);
		struct sasl_login who;
		struct err err = ERR_NONE;
		struct sasl x;
		str_putc(&plain, 0);
		for (size_t n = 0; n < sizes[i].user; n++)
			str_putc(&plain, 'u');
		str_putc(&plain, 0);
		for (size_t n = 0; n < sizes[i].password; n++)
			str_putc(&plain, 'p');
		base64_put(&base64, str_span(&plain));
		sasl_begin(&x, span_lit("PLAIN"));
		assert_int_equal(sasl_feed(&x, str_span(&base64), &who, &err),
		    sizes[i].ok ? VERDICT_OK : VERDICT_PERM);
		assert_true(x.bytes.cap < 10000);
		sasl_end(&x);
		str_free(&plain);
		str_free(&base64);
	}
}

static void
test_names(void **state)
{
	static const struct {
		const char *user;
		bool ok;
	} users[] = {
		{ "ann", true },
		{ "ann@example.com", true },
		{ "a.n+n-x_y@b", true },
		{ "\xc3\xa4nn", true },
		{ "", false },
		{ ".ann", false },
		{ "a/b", false },
		{ "..", false },
		{ "@b", false },
		{ "a@", false },
		{ "a@.b", false },
		{ "a@..", false },
		{ "a@b@c", false },
		{ "a:b", false },
		{ "#a", false },
		{ "a b", false },
		{ "a\nb", false },
		{ "a\x7f", false },
	};
	uint32_t id = 1;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(users); i++)
		expect_number(
		    users[i].user, passwd_user_valid(span_str(users[i].user)), users[i].ok);
	assert_true(passwd_static_id(span_lit(" static:5000 "), &id));
	assert_int_equal(id, 5000);
	assert_false(passwd_static_id(span_lit("static:4294967295"), &id));
	assert_false(passwd_static_id(span_lit("hash:/etc/x"), &id));
	assert_false(passwd_static_id(span_lit(""), &id));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_exchanges),
		cmocka_unit_test(test_unknown),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
