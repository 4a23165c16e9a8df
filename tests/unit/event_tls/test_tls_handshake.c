/*
 * Handshakes: what is agreed, whose certificate is shown, who is believed, and peers that do not
 * speak TLS.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "pki.h"
#include "talk.h"

#define TLS13 "TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits) key-exchange X25519 "

static bool
str_is(const struct str *s, const char *expected)
{
	return span_eq(str_span(s), span_str(expected));
}

static void
test_agreed(void **state)
{
	const struct pki *pki = *state;
	const struct {
		const char *name;
		int chain;
		const char *server, *client;
		const char *expected;
	} cases[] = {
		{ "RSA", pki->rsa_fd, ">=TLSv1.2", "",
		    TLS13 "server-signature RSA-PSS (2048 bits) server-digest SHA256" },
		{ "P-256", pki->p256_fd, ">=TLSv1.2", "",
		    TLS13 "server-signature ECDSA (P-256) server-digest SHA256" },
		{ "both", pki->both_fd, ">=TLSv1.2", "",
		    TLS13 "server-signature ECDSA (P-256) server-digest SHA256" },
		{ "TLS 1.2, RSA", pki->rsa_fd, ">=TLSv1.2", "<=TLSv1.2",
		    "TLSv1.2 with cipher ECDHE-RSA-AES256-GCM-SHA384 (256/256 bits)" },
		{ "TLS 1.2, P-256", pki->p256_fd, "<=TLSv1.2", "",
		    "TLSv1.2 with cipher ECDHE-ECDSA-AES256-GCM-SHA384 (256/256 bits)" },
		{ "TLS 1.0", pki->rsa_fd, "", "TLSv1",
		    "TLSv1 with cipher ECDHE-RSA-AES256-SHA (256/256 bits)" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct side server = { .ctx =
					   talk_server("smtp", cases[i].chain, cases[i].server) };
		struct side client = { .ctx = talk_client(TLS_VERIFY_NONE, -1, cases[i].client) };

		talk(&server, &client);
		if (server.verdict != VERDICT_OK || client.verdict != VERDICT_OK)
			fail_msg(
			    "%s: \"%s\", \"%s\"", cases[i].name, server.err.text, client.err.text);
		if (!str_is(&server.line, cases[i].expected) ||
		    !str_is(&client.line, cases[i].expected))
			fail_msg("%s: \"%s\", \"%s\"", cases[i].name, str_cstr(&server.line),
			    str_cstr(&client.line));
		assert_true(str_is(&server.heard, "ping"));
		assert_true(str_is(&client.heard, "pong"));
		assert_false(server.info.resumed || server.cut || client.cut);
		assert_string_equal(tls_info_trust(&server.info), "Anonymous");
		assert_string_equal(tls_info_trust(&client.info), "Untrusted");
		tls_context_free(server.ctx);
		tls_context_free(client.ctx);
		talk_forget(&server, &client);
	}
}

static void
test_nothing_in_common(void **state)
{
	const struct pki *pki = *state;
	struct side server = { .ctx = talk_server("smtp", pki->rsa_fd, ">=TLSv1.3") };
	struct side client = { .ctx = talk_client(TLS_VERIFY_NONE, -1, "<=TLSv1.2") };

	talk(&server, &client);
	assert_int_equal(server.verdict, VERDICT_PERM);
	assert_string_equal(server.err.text, "TLS handshake: unsupported protocol");
	assert_int_equal(client.verdict, VERDICT_PERM);
	assert_non_null(strstr(client.err.text, "TLS handshake: tlsv1 alert protocol version"));
	tls_context_free(server.ctx);
	tls_context_free(client.ctx);
	talk_forget(&server, &client);
}

/* The default certificate is RSA, those for names are P-256. */
static void
test_sni(void **state)
{
	static char many_a[256], many_dots[256];
	const struct pki *pki = *state;
	const struct {
		const char *name;
		const char *input;
		bool expected; /* a certificate of its own */
	} cases[] = {
		{ "none", "", false },
		{ "unknown", "mx.example.com", false },
		{ "exact", "mx.example.org", true },
		{ "case", "MX.Example.ORG", true },
		{ "end dot", "mx.example.org.", true },
		{ "below an exact name", "a.mx.example.org", false },
		{ "parent", "a.example.net", true },
		{ "grandparent", "a.b.example.net", true },
		{ "the parent itself", "example.net", false },
		{ "the parent's own dot", ".example.net", true },
		{ "address", "127.0.0.1", false },
		{ "path", "../../etc/passwd", false },
		{ "backslash", "\\..\\x", false },
		{ "control", "\r\n\x01\x7f", false },
		{ "8 bit", "\xff\xfe\xc3\x28", false },
		{ "percent", "%s%n%s%n", false },
		{ "long", many_a, false },
		{ "dots", many_dots, false },
	};
	struct tls_context *server_ctx = talk_server("smtp", pki->rsa_fd, ">=TLSv1.2");
	struct tls_context *client_ctx = talk_client(TLS_VERIFY_NONE, -1, ">=TLSv1.2");

	memset(many_a, 'a', 255);
	memset(many_dots, '.', 255);
	tls_context_add_sni(server_ctx, span_lit("mx.example.org"), pki->p256_fd, NULL);
	tls_context_add_sni(server_ctx, span_lit(".example.net"), pki->wild_fd, NULL);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct tls_client who = { .sni = span_str(cases[i].input) };
		struct side server = { .ctx = server_ctx };
		struct side client = { .ctx = client_ctx, .client = &who };
		bool own;

		talk(&server, &client);
		if (client.verdict != VERDICT_OK || server.verdict != VERDICT_OK)
			fail_msg("%s: %s", cases[i].name, client.err.text);
		own = strcmp(client.info.signature, "ECDSA") == 0;
		if (own != cases[i].expected)
			fail_msg("%s: %s", cases[i].name, client.info.signature);
		if (!span_starts(who.sni, str_span(&server.sni)))
			fail_msg("%s: server saw \"%s\"", cases[i].name, str_cstr(&server.sni));
		talk_forget(&server, &client);
	}
	tls_context_free(server_ctx);
	tls_context_free(client_ctx);
}

struct verify_case {
	const char *name;
	int chain;
	enum tls_verify verify;
	int ca;
	const char *match[3];
	const char *expected; /* trust, or what the error says */
	bool fails;
};

static void
verify_run(const struct verify_case *c)
{
	struct span match[ARRAY_LEN(c->match)];
	struct tls_client who = { .match = match };
	struct side server = { .ctx = talk_server("smtp", c->chain, ">=TLSv1.2") };
	struct side client = { .ctx = talk_client(c->verify, c->ca, ">=TLSv1.2"), .client = &who };

	while (who.match_count < ARRAY_LEN(match) && c->match[who.match_count]) {
		match[who.match_count] = span_str(c->match[who.match_count]);
		who.match_count++;
	}
	talk(&server, &client);
	if (client.verdict != (c->fails ? VERDICT_PERM : VERDICT_OK))
		fail_msg("%s: verdict %d: %s", c->name, client.verdict, client.err.text);
	if (c->fails && !strstr(client.err.text, c->expected))
		fail_msg("%s: \"%s\"", c->name, client.err.text);
	if (!c->fails && strcmp(tls_info_trust(&client.info), c->expected) != 0)
		fail_msg("%s: %s", c->name, tls_info_trust(&client.info));
	if (c->fails && server.verdict == VERDICT_OK)
		fail_msg("%s: the server has not noticed", c->name);
	tls_context_free(server.ctx);
	tls_context_free(client.ctx);
	talk_forget(&server, &client);
}

static void
test_verify(void **state)
{
	const struct pki *pki = *state;
	const int rsa = pki->rsa_fd, p256 = pki->p256_fd, ca = pki->ca_fd;
	const struct verify_case cases[] = {
		{ "none, without CAs", rsa, TLS_VERIFY_NONE, -1, { 0 }, "Untrusted", false },
		{ "none, trusted still", rsa, TLS_VERIFY_NONE, ca, { 0 }, "Trusted", false },
		{ "none, expired", pki->expired_fd, TLS_VERIFY_NONE, ca, { 0 }, "Untrusted",
		    false },
		{ "CA", rsa, TLS_VERIFY_CA, ca, { 0 }, "Trusted", false },
		{ "CA above CA", p256, TLS_VERIFY_CA, ca, { 0 }, "Trusted", false },
		{ "CA, another name", rsa, TLS_VERIFY_CA, ca, { "x.org" }, "Trusted", false },
		{ "CA, unknown", rsa, TLS_VERIFY_CA, pki->other_ca_fd, { 0 },
		    "certificate not verified: unable to get local issuer", true },
		{ "CA, expired", pki->expired_fd, TLS_VERIFY_CA, ca, { 0 },
		    "certificate not verified: certificate has expired", true },
		{ "name", rsa, TLS_VERIFY_NAME, ca, { "mx.example.org" }, "Verified", false },
		{ "name, case and dot", rsa, TLS_VERIFY_NAME, ca, { "MX.example.org." }, "Verified",
		    false },
		{ "name, wrong", rsa, TLS_VERIFY_NAME, ca, { "mx.example.com" },
		    "certificate not verified: hostname mismatch", true },
		{ "name, unknown CA", rsa, TLS_VERIFY_NAME, pki->other_ca_fd, { "mx.example.org" },
		    "unable to get local issuer", true },
		{ "name, expired", pki->expired_fd, TLS_VERIFY_NAME, ca, { "mx.example.org" },
		    "certificate has expired", true },
		{ "name, in the subject alone", pki->cn_fd, TLS_VERIFY_NAME, ca,
		    { "mx.example.org" }, "hostname mismatch", true },
		{ "wildcard", pki->wild_fd, TLS_VERIFY_NAME, ca, { "a.example.net" }, "Verified",
		    false },
		{ "wildcard, two labels", pki->wild_fd, TLS_VERIFY_NAME, ca, { "a.b.example.net" },
		    "hostname mismatch", true },
		{ "parent", rsa, TLS_VERIFY_NAME, ca, { ".example.org" }, "Verified", false },
		{ "one of several", rsa, TLS_VERIFY_NAME, ca, { "x.org", "mx.example.org" },
		    "Verified", false },
		{ "address", rsa, TLS_VERIFY_NAME, ca, { "127.0.0.1" }, "Verified", false },
		{ "address literal", rsa, TLS_VERIFY_NAME, ca, { "[127.0.0.1]" }, "Verified",
		    false },
		{ "address, wrong", rsa, TLS_VERIFY_NAME, ca, { "[IPv6:::1]" },
		    "IP address mismatch", true },
		{ "no name", rsa, TLS_VERIFY_NAME, ca, { 0 }, "no name to verify", true },
		{ "address and name", rsa, TLS_VERIFY_NAME, ca, { "127.0.0.1", "x.org" },
		    "cannot be matched beside", true },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		verify_run(&cases[i]);
}

static void
test_client_names(void **state)
{
	static char too_long[257];
	const struct pki *pki = *state;
	const struct {
		const char *name;
		struct span input;
	} cases[] = {
		{ "NUL", span_lit("mx.example.org\0.evil.org") },
		{ "too long", span_of(too_long, 256) },
	};

	memset(too_long, 'a', 256);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct tls_client who = { .sni = cases[i].input };
		struct side server = { .ctx = talk_server("smtp", pki->rsa_fd, "") };
		struct side client = { .ctx = talk_client(TLS_VERIFY_NONE, -1, ""),
			.client = &who };

		talk(&server, &client);
		if (client.verdict != VERDICT_PERM || !strstr(client.err.text, "server name"))
			fail_msg("%s: %s", cases[i].name, client.err.text);
		tls_context_free(server.ctx);
		tls_context_free(client.ctx);
		talk_forget(&server, &client);
	}
}

SUSPENDS
static void
say_bytes(struct side *side)
{
	const struct span *bytes = side->arg;

	stream_write(side->s, *bytes);
	stream_flush(side->s, deadline_after_s(10));
}

/* Says its bytes, then waits until the other one has had enough. */
SUSPENDS
static void
say_bytes_and_wait(struct side *side)
{
	struct span got;

	say_bytes(side);
	while (stream_read_some(side->s, 1000, deadline_after_s(10), &got) == VERDICT_OK)
		continue;
}

static void
test_bad_peers(void **state)
{
	const struct pki *pki = *state;
	static const struct {
		const char *name;
		struct span input;
		bool leaves;
		enum verdict verdict;
		const char *expected;
	} cases[] = {
		{ "closes", SPAN(""), true, VERDICT_EOF,
		    "TLS handshake: the peer closed the connection" },
		{ "a header, then closes", SPAN("\x16\x03\x01\x02"), true, VERDICT_EOF,
		    "TLS handshake: the peer closed the connection" },
		{ "half a record, then closes", SPAN("\x16\x03\x01\x02\x00\x01\x00"), true,
		    VERDICT_EOF, "TLS handshake: the peer closed the connection" },
		{ "SMTP", SPAN("EHLO client.example.org\r\n"), false, VERDICT_PERM,
		    "TLS handshake: wrong version number" },
		{ "NULs", SPAN("\0\0\0\0\0\0\0\0\0\0\0\0"), false, VERDICT_PERM,
		    "TLS handshake: " },
		{ "a record too long", SPAN("\x16\x03\x01\xff\xff\x01\0\0\0\0\0"), false,
		    VERDICT_PERM, "TLS handshake: packet length too long" },
		{ "an alert", SPAN("\x15\x03\x01\x00\x02\x02\x28"), false, VERDICT_PERM,
		    "TLS handshake: " },
		{ "data", SPAN("\x17\x03\x03\x00\x05xxxxx"), false, VERDICT_PERM,
		    "TLS handshake: " },
		{ "silence", SPAN(""), false, VERDICT_TIMEOUT, "" },
		{ "silence after a start", SPAN("\x16\x03\x01\x02"), false, VERDICT_TIMEOUT, "" },
	};

	for (size_t i = 0; i < 2 * ARRAY_LEN(cases); i++) {
		size_t c = i / 2;
		bool bad_client = i % 2;
		struct span said = cases[c].input;
		struct side bad = { .body = cases[c].leaves ? say_bytes : say_bytes_and_wait,
			.arg = &said };
		struct side good = { .patience_ms = cases[c].verdict == VERDICT_TIMEOUT ? 30 : 0 };

		good.ctx = bad_client ? talk_server("smtp", pki->rsa_fd, "")
				      : talk_client(TLS_VERIFY_NONE, -1, "");
		if (bad_client)
			talk(&good, &bad);
		else
			talk(&bad, &good);
		if (good.verdict != cases[c].verdict || !strstr(good.err.text, cases[c].expected))
			fail_msg("%s (%s): verdict %d, \"%s\"", cases[c].name,
			    bad_client ? "client" : "server", good.verdict, good.err.text);
		tls_context_free(good.ctx);
		talk_forget(&bad, &good);
	}
}

static void
put_number(struct str *out, size_t n, unsigned bytes)
{
	while (bytes-- > 0)
		str_putc(out, (char)(n >> (8 * bytes) & 0xff));
}

/* A ClientHello (RFC 5246 7.4.1.2) that asks for NAME, which OpenSSL's client would not send. */
static void
put_hello(struct str *out, struct span name)
{
	const size_t extensions = 9 + name.n, body = 43 + extensions;

	put_number(out, 0x160301, 3);
	put_number(out, body + 4, 2);
	put_number(out, 1, 1); /* client_hello */
	put_number(out, body, 3);
	put_number(out, 0x0303, 2);
	for (int i = 0; i < 32; i++)
		str_putc(out, 'r');
	put_number(out, 0, 1);		/* no session */
	put_number(out, 0x0002c02f, 4); /* one cipher */
	put_number(out, 0x0100, 2);	/* no compression */
	put_number(out, extensions, 2);
	put_number(out, 0, 2); /* server_name */
	put_number(out, 5 + name.n, 2);
	put_number(out, 3 + name.n, 2);
	put_number(out, 0, 1); /* host_name */
	put_number(out, name.n, 2);
	str_put(out, name);
}

static void
test_hello(void **state)
{
	static char many[16000];
	const struct pki *pki = *state;
	const struct {
		const char *name;
		struct span input;
		const char *expected;
	} cases[] = {
		/* The hello is too short for a shared cipher, but its name is taken. */
		{ "a good name", span_lit("mx.example.org"), "no shared cipher" },
		{ "empty", span_lit(""), "no shared cipher" },
		{ "NUL", span_lit("mx.example.org\0.evil.org"), "TLS handshake: " },
		{ "256 bytes", span_of(many, 256), "TLS handshake: " },
		{ "16000 bytes", span_of(many, sizeof(many)), "TLS handshake: " },
	};

	memset(many, 'a', sizeof(many));
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct str hello = STR_INIT(32768);
		struct span said;
		struct side server = { .ctx = talk_server("smtp", pki->rsa_fd, "") };
		struct side client = { .body = say_bytes, .arg = &said };

		tls_context_add_sni(server.ctx, span_lit(".example.org"), pki->p256_fd, NULL);
		put_hello(&hello, cases[i].input);
		said = str_span(&hello);
		talk(&server, &client);
		if (server.verdict == VERDICT_OK || !strstr(server.err.text, cases[i].expected))
			fail_msg("%s: verdict %d, \"%s\"", cases[i].name, server.verdict,
			    server.err.text);
		str_free(&hello);
		tls_context_free(server.ctx);
		talk_forget(&server, &client);
	}
}

/* RFC 3207 4.2: what was said in clear, and read too early, is not heard after the handshake. */
#define INJECTED "MAIL FROM:<mallory@example.org>\r\n"

SUSPENDS
static void
starttls_server(struct side *side)
{
	struct span line;

	stream_read_line(side->s, LINE_CRLF, 1000, deadline_after_s(10), &line);
	stream_write(side->s, span_lit("220 go\r\n250 injected\r\n"));
	stream_flush(side->s, deadline_after_s(10));
}

SUSPENDS
static void
starttls_client(struct side *side)
{
	struct span line;

	stream_write(side->s, span_lit("STARTTLS\r\n" INJECTED));
	stream_flush(side->s, deadline_after_s(10));
	stream_read_line(side->s, LINE_CRLF, 1000, deadline_after_s(10), &line);
}

static void
test_injection(void **state)
{
	const struct pki *pki = *state;
	struct side server = { .ctx = talk_server("smtp", pki->p256_fd, ""),
		.before = starttls_server };
	struct side client = { .ctx = talk_client(TLS_VERIFY_NONE, -1, ""),
		.before = starttls_client };

	talk(&server, &client);
	assert_int_equal(server.verdict, VERDICT_OK);
	assert_int_equal(client.verdict, VERDICT_OK);
	assert_int_equal(server.dropped, strlen(INJECTED));
	assert_true(str_is(&server.heard, "ping"));
	assert_true(str_is(&client.heard, "pong"));
	tls_context_free(server.ctx);
	tls_context_free(client.ctx);
	talk_forget(&server, &client);
}

/* A context may go while streams that use it live. */
SUSPENDS
static void
drop_context(struct side *side)
{
	struct span line;

	tls_context_free(side->ctx);
	side->ctx = NULL;
	stream_write(side->s, side->server ? span_lit("pong\r\n") : span_lit("ping\r\n"));
	stream_flush(side->s, deadline_after_s(10));
	stream_read_line(side->s, LINE_CRLF, 1000, deadline_after_s(10), &line);
	str_put(&side->heard, line);
}

static void
test_context_goes(void **state)
{
	const struct pki *pki = *state;
	struct side server = { .ctx = talk_server("smtp", pki->p256_fd, ""), .body = drop_context };
	struct side client = { .ctx = talk_client(TLS_VERIFY_NONE, -1, ""), .body = drop_context };

	talk(&server, &client);
	assert_true(str_is(&server.heard, "ping"));
	assert_true(str_is(&client.heard, "pong"));
	talk_forget(&server, &client);
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
		cmocka_unit_test(test_agreed),
		cmocka_unit_test(test_nothing_in_common),
		cmocka_unit_test(test_sni),
		cmocka_unit_test(test_verify),
		cmocka_unit_test(test_client_names),
		cmocka_unit_test(test_bad_peers),
		cmocka_unit_test(test_hello),
		cmocka_unit_test(test_injection),
		cmocka_unit_test(test_context_goes),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
