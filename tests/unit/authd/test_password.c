/*
 * Hashes of every scheme, and what is none of them. Costs are the lowest that libcrypt takes: what
 * is tested is the choice of the scheme, not libcrypt.
 */
#include "config.h"

#include "authd/password.h"
#include "base/mem.h"
#include "tests/unit/unit.h"

#define BCRYPT "$2b$04$abcdefghijklmnopqrstuuinwY/tkBVrn3xrxQI/TgnMHhkvl85RW"
#define SHA512                                                                                    \
	"$6$rounds=1000$saltsalt$5Oji4y.RQw4TBqlwXcGLBsxSL7.Pw5hdIpFnzMJTl.OaKsU3EiPTP5NseI3oKDT" \
	"8iioErVqshwXGd40hlWBLx1"
#define SHA256	 "$5$rounds=1000$saltsalt$30.yc4HsSpLTxr3NqKw4EhPINDzNTqzxg9qelAitDW2"
#define YESCRYPT "$y$j75$saltsaltsalt$5z4hixMqZu85Q.FImGPyeqhaItXFcGCWgGmHtxl/3c9"

static const struct {
	const char *name;
	const char *stored;
	struct span password;
	enum verdict want;
	const char *reason;
} rows[] = {
	{ "yescrypt", "{CRYPT}" YESCRYPT, SPAN("sesame"), VERDICT_OK, NULL },
	{ "yescrypt, wrong", "{CRYPT}" YESCRYPT, SPAN("Sesame"), VERDICT_ABSENT, NULL },
	{ "yescrypt by name", "{yescrypt}" YESCRYPT, SPAN("sesame"), VERDICT_OK, NULL },
	{ "no scheme", YESCRYPT, SPAN("sesame"), VERDICT_OK, NULL },
	{ "bcrypt", "{BLF-CRYPT}" BCRYPT, SPAN("sesame"), VERDICT_OK, NULL },
	{ "bcrypt, wrong", "{BLF-CRYPT}" BCRYPT, SPAN("sesam"), VERDICT_ABSENT, NULL },
	{ "bcrypt, empty", "{BLF-CRYPT}" BCRYPT, SPAN(""), VERDICT_ABSENT, NULL },
	{ "sha512", "{SHA512-CRYPT}" SHA512, SPAN("sesame"), VERDICT_OK, NULL },
	{ "sha512, wrong", "{SHA512-CRYPT}" SHA512, SPAN("sesamesesame"), VERDICT_ABSENT, NULL },
	{ "sha256", "{SHA256-CRYPT}" SHA256, SPAN("sesame"), VERDICT_OK, NULL },
	{ "a NUL behind it", "{SHA256-CRYPT}" SHA256, SPAN("sesame\0x"), VERDICT_ABSENT, NULL },
	{ "plain", "{PLAIN}sesame", SPAN("sesame"), VERDICT_OK, NULL },
	{ "plain, wrong", "{PLAIN}sesame", SPAN("sesamf"), VERDICT_ABSENT, NULL },
	{ "plain, shorter", "{PLAIN}sesame", SPAN("sesam"), VERDICT_ABSENT, NULL },
	{ "unknown scheme", "{ROT13}frfnzr", SPAN("sesame"), VERDICT_PERM,
	    "unknown password scheme {ROT13}" },
	{ "hash of another scheme", "{SHA512-CRYPT}" SHA256, SPAN("sesame"), VERDICT_PERM,
	    "what follows {SHA512-CRYPT} is no such hash" },
	{ "no hash at all", "{CRYPT}*", SPAN("sesame"), VERDICT_PERM,
	    "no hash that crypt(3) knows" },
	{ "locked", "!", SPAN("!"), VERDICT_PERM, "no hash that crypt(3) knows" },
	{ "brace without end", "{CRYPT", SPAN("sesame"), VERDICT_PERM,
	    "no hash that crypt(3) knows" },
	{ "cut hash", "{CRYPT}$y$j75$salt", SPAN("sesame"), VERDICT_ABSENT, NULL },
};

static void
test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct err err = ERR_NONE;
		enum verdict v = password_check(span_str(rows[i].stored), rows[i].password, &err);
		expect_number(rows[i].name, v, rows[i].want);
		if (rows[i].reason)
			expect_text(rows[i].name, err_text(&err), rows[i].reason);
	}
}

static void
test_dummy(void **state)
{
	struct err err = ERR_NONE;
	char dummy[192];

	(void)state;
	assert_true(password_dummy(dummy, sizeof(dummy)));
	assert_int_equal(password_check(span_str(dummy), span_lit("x"), &err), VERDICT_ABSENT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_dummy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
