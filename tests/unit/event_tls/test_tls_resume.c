/*
 * Sessions resumed by ticket: by workers that share keys, across rotations, and not by anybody
 * else.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "pki.h"
#include "talk.h"

/* Key number N of a rotation, 1 and up. */
static struct tls_ticket_key
key_number(unsigned n)
{
	struct tls_ticket_key key;

	memset(&key, (int)n, sizeof(key));
	return key;
}

/* A server whose newest key is NEWEST; 0: keys of its own. */
static struct tls_context *
server_with_keys(const struct pki *pki, const char *service, unsigned newest)
{
	struct tls_context *ctx = talk_server(service, pki->p256_fd, "");
	const struct tls_ticket_key keys[TLS_TICKET_KEYS] = { key_number(newest),
		key_number(newest - 1), key_number(newest - 2) };

	if (newest)
		tls_context_set_ticket_keys(ctx, keys);
	return ctx;
}

/* One dialogue; *SESSION is offered, and becomes the one that was given. */
static bool
talk_resumes(const struct pki *pki, const char *service, unsigned newest,
    struct tls_context *client_ctx, struct tls_session **session)
{
	struct span name = span_lit("mx.example.org");
	struct tls_client who = {
		.sni = name, .match = &name, .match_count = 1, .resume = *session
	};
	struct side server = { .ctx = server_with_keys(pki, service, newest) };
	struct side client = { .ctx = client_ctx, .client = &who };
	bool resumed;

	talk(&server, &client);
	if (server.verdict != VERDICT_OK || client.verdict != VERDICT_OK)
		fail_msg("\"%s\", \"%s\"", server.err.text, client.err.text);
	assert_int_equal(server.info.resumed, client.info.resumed);
	assert_string_equal(tls_info_trust(&client.info), "Verified");
	assert_true(span_eq(str_span(&server.sni), name));
	assert_true(span_eq(str_span(&client.heard), span_lit("pong")));
	resumed = client.info.resumed;
	tls_session_free(*session);
	*session = client.session;
	client.session = NULL;
	tls_context_free(server.ctx);
	talk_forget(&server, &client);
	return resumed;
}

static void
test_tickets(void **state)
{
	const struct pki *pki = *state;
	static const struct {
		const char *name;
		const char *service;
		unsigned newest;
		bool expected;
		bool renewed; /* what is given then opens with the newest key alone */
	} cases[] = {
		{ "another worker", "smtp", 10, true, false },
		{ "rotated once", "smtp", 11, true, true },
		{ "rotated twice", "smtp", 12, true, true },
		{ "rotated thrice", "smtp", 13, false, true },
		{ "other keys", "smtp", 0, false, false },
		{ "another service", "submission", 10, false, false },
		{ "another service, a longer name", "smtps", 10, false, false },
		{ "another service, rotated", "submission", 11, false, false },
	};
	static const char *const protocols[] = { "TLSv1.2", "TLSv1.3" };

	for (size_t i = 0; i < 2 * ARRAY_LEN(cases); i++) {
		size_t c = i / 2;
		struct tls_context *ctx =
		    talk_client(TLS_VERIFY_NAME, pki->ca_fd, protocols[i % 2]);
		struct tls_session *session = NULL;

		assert_false(talk_resumes(pki, "smtp", 10, ctx, &session));
		assert_non_null(session);
		if (talk_resumes(pki, cases[c].service, cases[c].newest, ctx, &session) !=
		    cases[c].expected)
			fail_msg("%s, %s", cases[c].name, protocols[i % 2]);
		if (cases[c].renewed &&
		    !talk_resumes(pki, "smtp", cases[c].newest + 2, ctx, &session))
			fail_msg("%s, %s: not renewed", cases[c].name, protocols[i % 2]);
		tls_session_free(session);
		tls_context_free(ctx);
	}
}

/* A session is for the context and the names it was made with. */
static void
test_binding(void **state)
{
	const struct pki *pki = *state;
	struct span name = span_lit("127.0.0.1");
	struct tls_context *ctx = talk_client(TLS_VERIFY_NAME, pki->ca_fd, "");
	struct tls_context *other = talk_client(TLS_VERIFY_NAME, pki->ca_fd, "");
	struct tls_session *session = NULL;
	struct tls_client who = { .match = &name, .match_count = 1 };
	struct side server = { .ctx = server_with_keys(pki, "smtp", 10) };
	struct side client = { .ctx = ctx, .client = &who };

	talk_resumes(pki, "smtp", 10, ctx, &session);
	who.resume = session;
	talk(&server, &client);
	assert_int_equal(client.verdict, VERDICT_OK);
	assert_false(client.info.resumed);
	talk_forget(&server, &client);
	assert_false(talk_resumes(pki, "smtp", 10, other, &session));
	tls_session_free(session);
	tls_context_free(server.ctx);
	tls_context_free(ctx);
	tls_context_free(other);
}

/* No ticket is given to a client that goes before it reads. */
SUSPENDS
static void
read_nothing(struct side *side UNUSED)
{
}

static void
test_no_session(void **state)
{
	const struct pki *pki = *state;
	struct side server = { .ctx = server_with_keys(pki, "smtp", 10), .body = read_nothing };
	struct side client = { .ctx = talk_client(TLS_VERIFY_NONE, -1, "TLSv1.3"),
		.body = read_nothing };

	talk(&server, &client);
	assert_int_equal(client.verdict, VERDICT_OK);
	assert_null(client.session);
	assert_null(server.session);
	tls_context_free(server.ctx);
	tls_context_free(client.ctx);
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
		cmocka_unit_test(test_tickets),
		cmocka_unit_test(test_binding),
		cmocka_unit_test(test_no_session),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
