/*
 * Contexts: lists of protocols, chain and CA files, what is wrong with them in words, server
 * names.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include "event/tls_private.h"
#include "pki.h"

static void
test_protocols(void **state UNUSED)
{
	static const struct {
		const char *name;
		const char *input;
		int min, max;
		uint64_t options;
	} cases[] = {
		{ "nothing said", "", TLS1_VERSION, 0, 0 },
		{ "at least", ">=TLSv1.2", TLS1_2_VERSION, 0, SSL_OP_NO_TLSv1 | SSL_OP_NO_TLSv1_1 },
		{ "at least, a number", ">=0x0304", TLS1_3_VERSION, 0,
		    SSL_OP_NO_TLSv1 | SSL_OP_NO_TLSv1_1 | SSL_OP_NO_TLSv1_2 },
		{ "a bare number", ">=0303, <=0303", TLS1_2_VERSION, TLS1_2_VERSION,
		    SSL_OP_NO_TLSv1 | SSL_OP_NO_TLSv1_1 | SSL_OP_NO_TLSv1_3 },
		{ "at most", "<=TLSv1.2", TLS1_VERSION, TLS1_2_VERSION, SSL_OP_NO_TLSv1_3 },
		{ "left out", "!SSLv2, !SSLv3, !TLSv1", TLS1_1_VERSION, 0, SSL_OP_NO_TLSv1 },
		{ "a hole", "!TLSv1.1", TLS1_VERSION, 0, SSL_OP_NO_TLSv1_1 },
		{ "taken", "TLSv1.2", TLS1_2_VERSION, TLS1_2_VERSION,
		    SSL_OP_NO_TLSv1 | SSL_OP_NO_TLSv1_1 | SSL_OP_NO_TLSv1_3 },
		{ "colons and case", "tlsv1.2:TLSV1.3", TLS1_2_VERSION, 0,
		    SSL_OP_NO_TLSv1 | SSL_OP_NO_TLSv1_1 },
		{ "all at once", ">=TLSv1, !TLSv1.2 <=TLSv1.3", TLS1_VERSION, TLS1_3_VERSION,
		    SSL_OP_NO_TLSv1_2 },
		{ "unknown", "TLSv1.4", 0, 0, 0 },
		{ "unknown bound", ">=1.2", 0, 0, 0 },
		{ "unknown, left out", "!TLS", 0, 0, 0 },
		{ "a bound without a name", ">=", 0, 0, 0 },
		{ "none left", "SSLv3", 0, 0, 0 },
		{ "none left of a range", ">=TLSv1.3, <=TLSv1.2", 0, 0, 0 },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct tls_protocols got;
		struct err err = ERR_NONE;
		enum verdict v = tls_protocols_parse(span_str(cases[i].input), &got, &err);

		if (v != (cases[i].min ? VERDICT_OK : VERDICT_PERM))
			fail_msg("%s: verdict %d, %s", cases[i].name, v, err.text);
		if (v != VERDICT_OK)
			continue;
		if (got.min != cases[i].min || got.max != cases[i].max ||
		    got.options != cases[i].options)
			fail_msg("%s: %x to %x, options %llx", cases[i].name, (unsigned)got.min,
			    (unsigned)got.max, (unsigned long long)got.options);
	}
}

/* How a chain file is made that is wrong. */
typedef int make_fn(const struct pki *pki);

static int
make_empty(const struct pki *pki UNUSED)
{
	return pki_file();
}

static int
make_text(const struct pki *pki UNUSED)
{
	int fd = pki_file();

	pki_put_text(fd, "just words\n");
	return fd;
}

static int
make_key_alone(const struct pki *pki)
{
	int fd = pki_file();

	pki_put_text(fd, "a comment\n");
	pki_put_key(fd, &pki->root);
	return fd;
}

static int
make_cert_alone(const struct pki *pki)
{
	int fd = pki_file();

	pki_put_cert(fd, &pki->root);
	return fd;
}

static int
make_wrong_key(const struct pki *pki)
{
	int fd = pki_file();

	pki_put_key(fd, &pki->root);
	pki_put_cert(fd, &pki->middle);
	return fd;
}

static int
make_bad_base64(const struct pki *pki)
{
	int fd = pki_chain_file(&pki->root);

	pki_put_text(fd, "-----BEGIN CERTIFICATE-----\n!!!!\n-----END CERTIFICATE-----\n");
	return fd;
}

static int
make_bad_der(const struct pki *pki UNUSED)
{
	int fd = pki_file();

	pki_put_text(fd, "\n-----BEGIN CERTIFICATE-----\nMAAA\n-----END CERTIFICATE-----\n");
	return fd;
}

static int
make_bad_key(const struct pki *pki UNUSED)
{
	int fd = pki_file();

	pki_put_text(fd, "-----BEGIN PRIVATE KEY-----\nMAAA\n-----END PRIVATE KEY-----\n");
	return fd;
}

static int
make_encrypted(const struct pki *pki UNUSED)
{
	int fd = pki_file();

	pki_put_text(fd, "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMAAA\n"
			 "-----END ENCRYPTED PRIVATE KEY-----\n");
	return fd;
}

static int
make_cut(const struct pki *pki)
{
	int fd = pki_chain_file(&pki->root);

	pki_put_text(fd, "-----BEGIN CERTIFICATE-----\nMAAA\n");
	return fd;
}

static int
make_two_of_a_kind(const struct pki *pki)
{
	int fd = pki_chain_file(&pki->root);

	pki_put_key(fd, &pki->middle);
	pki_put_cert(fd, &pki->middle);
	return fd;
}

static int
make_many(const struct pki *pki)
{
	int fd = pki_file();

	for (int i = 0; i <= LIMIT_TLS_CERTS; i++)
		pki_put_cert(fd, &pki->root);
	return fd;
}

static int
make_small_key(const struct pki *pki UNUSED)
{
	const struct cert_plan plan = { "small", NULL, false, false };
	struct cert cert = pki_cert(pki_key_rsa(1024), &plan, NULL);
	int fd = pki_chain_file(&cert);

	pki_cert_free(&cert);
	return fd;
}

static int
make_pipe(const struct pki *pki UNUSED)
{
	int fds[2];

	assert_int_equal(pipe(fds), 0);
	close(fds[1]);
	return fds[0];
}

static int
make_directory(const struct pki *pki UNUSED)
{
	return -2; /* EBADF, since the file is looked at */
}

static void
test_wrong_chains(void **state)
{
	static const struct {
		const char *name;
		make_fn *input;
		const char *expected;
	} cases[] = {
		{ "empty", make_empty, "0 bytes, expected" },
		{ "text", make_text, "no private key" },
		{ "key alone", make_key_alone, "line 2: no certificate for this private key" },
		{ "certificate alone", make_cert_alone, "no private key" },
		{ "another one's key", make_wrong_key, "line 1: no certificate for this" },
		{ "bad base64", make_bad_base64, ": bad base64 decode" },
		{ "bad DER", make_bad_der, "line 2: bad certificate: " },
		{ "bad key", make_bad_key, "line 1: bad private key: " },
		{ "encrypted", make_encrypted, "line 1: the private key is encrypted" },
		{ "cut", make_cut, ": bad end line" },
		{ "two of a kind", make_two_of_a_kind, "EC key: not replacing certificate" },
		{ "too many", make_many, "more than 64 certificates" },
		{ "too small a key", make_small_key, "ee key too small" },
		{ "a pipe", make_pipe, "not a regular file" },
	};
	const struct pki *pki = *state;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct tls_settings settings = { .service = "smtp",
			.chain_fd = cases[i].input(pki),
			.ca_fd = -1,
			.protocols = ">=TLSv1.2" };
		struct err err = ERR_NONE;
		struct tls_context *ctx;
		enum verdict v = tls_context_new_server(&settings, &ctx, &err);

		close(settings.chain_fd);
		if (v != VERDICT_PERM || ctx || !strstr(err.text, cases[i].expected) ||
		    !strstr(err.text, "certificate chain file"))
			fail_msg("%s: verdict %d, \"%s\"", cases[i].name, v, err.text);
	}
}

static void
test_wrong_settings(void **state)
{
	const struct pki *pki = *state;
	const struct {
		const char *name;
		struct tls_settings input;
		const char *expected;
	} cases[] = {
		{ "protocols", { "smtp", pki->rsa_fd, -1, "SSLv3", NULL, TLS_VERIFY_NONE },
		    "TLS protocols \"SSLv3\": none is left" },
		{ "ciphers", { "smtp", pki->rsa_fd, -1, "", "NOSUCH", TLS_VERIFY_NONE },
		    "TLS ciphers \"NOSUCH\": no cipher match" },
		{ "no CA", { "smtp", -1, -1, "", NULL, TLS_VERIFY_CA }, "no CA file" },
		{ "a CA file without CA", { "smtp", -1, make_text(pki), "", NULL, TLS_VERIFY_CA },
		    "CA file: no certificate" },
		{ "a bad CA file", { "smtp", -1, make_bad_der(pki), "", NULL, TLS_VERIFY_CA },
		    "CA file line 2: bad certificate" },
		{ "closed", { "smtp", -1, make_directory(pki), "", NULL, TLS_VERIFY_CA },
		    "no CA file" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct err err = ERR_NONE;
		struct tls_context *ctx;
		bool server = cases[i].input.chain_fd >= 0;
		enum verdict v = (server ? tls_context_new_server : tls_context_new_client)(
		    &cases[i].input, &ctx, &err);

		if (cases[i].input.ca_fd >= 0)
			close(cases[i].input.ca_fd);
		if (v != VERDICT_PERM || ctx || !strstr(err.text, cases[i].expected))
			fail_msg("%s: verdict %d, \"%s\"", cases[i].name, v, err.text);
	}
}

/* A chain is sent in order, whatever the file's. */
static void
test_chain_order(void **state)
{
	const struct pki *pki = *state;
	struct tls_chains chains;
	struct err err = ERR_NONE;

	assert_int_equal(tls_chains_read(pki->both_fd, "file", &chains, &err), VERDICT_OK);
	assert_int_equal(chains.n, 2);
	assert_int_equal(EVP_PKEY_get_base_id(chains.v[0].key), EVP_PKEY_EC);
	assert_int_equal(sk_X509_num(chains.v[0].above), 1);
	assert_int_equal(X509_cmp(sk_X509_value(chains.v[0].above, 0), pki->middle.x509), 0);
	assert_int_equal(EVP_PKEY_get_base_id(chains.v[1].key), EVP_PKEY_RSA);
	assert_int_equal(sk_X509_num(chains.v[1].above), 0);
	tls_chains_free(&chains);
}

static void
test_sni_names(void **state)
{
	static const struct {
		const char *name;
		struct span input;
		enum verdict expected;
	} cases[] = {
		{ "host", SPAN("mx.example.org"), VERDICT_OK },
		{ "parent", SPAN(".example.org"), VERDICT_OK },
		{ "again", SPAN("MX.example.ORG"), VERDICT_OK },
		{ "empty", SPAN(""), VERDICT_PERM },
		{ "NUL", SPAN("a\0b"), VERDICT_PERM },
	};
	const struct pki *pki = *state;
	const struct tls_settings settings = {
		.service = "smtp", .chain_fd = pki->rsa_fd, .ca_fd = -1, .protocols = ""
	};
	struct err err = ERR_NONE;
	struct tls_context *ctx;
	int bad = make_text(pki);

	assert_int_equal(tls_context_new_server(&settings, &ctx, &err), VERDICT_OK);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		if (tls_context_add_sni(ctx, cases[i].input, pki->wild_fd, &err) !=
		    cases[i].expected)
			fail_msg("%s: %s", cases[i].name, err.text);
	assert_int_equal(tls_context_add_sni(ctx, span_lit("x.org"), bad, &err), VERDICT_PERM);
	assert_non_null(strstr(err.text, "TLS name x.org: certificate chain file: no private key"));
	tls_context_free(ctx);
	close(bad);
}

static int
setup(void **state)
{
	static struct pki pki;

	pki_make(&pki);
	*state = &pki;
	return 0;
}

static int
teardown(void **state)
{
	pki_free(*state);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_protocols),
		cmocka_unit_test(test_wrong_chains),
		cmocka_unit_test(test_wrong_settings),
		cmocka_unit_test(test_chain_order),
		cmocka_unit_test(test_sni_names),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
