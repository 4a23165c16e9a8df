/*
 * Sessions from a client's login to their end: plain (the descriptor goes along) and through the
 * pump, refused, parked and revived, ended by either side.
 */
#include "config.h"

#include <string.h>

#include "tests/unit/login/rig.h"

SUSPENDS
static void
plain_session(struct client *c)
{
	client_expect(c, "+OK ready");
	client_send(c, "LOGIN ann sesame a1\r\n");
	client_expect(c, "+OK hello ann 127.0.0.1 a1 tls=0");
	client_send(c, "ECHO one\r\nECHO two\r\n");
	client_expect(c, "one");
	client_expect(c, "two");
	client_send(c, "QUIT\r\n");
	client_expect(c, "bye");
	client_expect_end(c);
}

static void
test_plain(void **state)
{
	struct rig *rig = rig_new(NULL);

	(void)state;
	rig_run(rig, plain_session, NULL, 1);
	assert_int_equal(rig->with_fd, 1);
	assert_int_equal(rig->sessions, 1);
	rig_run(rig, plain_session, NULL, 1);
	assert_int_equal(rig->redeemed, 2);
	rig_free(rig);
}

SUSPENDS
static void
into_tls(struct client *c)
{
	client_expect(c, "+OK ready");
	client_send(c, "STLS\r\n");
	client_expect(c, "+OK begin");
	client_start_tls(c);
}

SUSPENDS
static void
tls_session(struct client *c)
{
	into_tls(c);
	client_send(c, "LOGIN bob sesame t7\r\n");
	client_expect(c, "+OK hello bob 127.0.0.1 t7 tls=1");
	client_send(c, "ECHO over TLS\r\nQUIT\r\n");
	client_expect(c, "over TLS");
	client_expect(c, "bye");
	client_expect_end(c);
}

static void
test_tls(void **state)
{
	struct rig *rig = rig_new(NULL);

	(void)state;
	rig_run(rig, tls_session, NULL, 1);
	assert_int_equal(rig->with_fd, 0);
	assert_int_equal(rig->sessions, 1);
	rig_free(rig);
}

/* What a client sends behind its login is in the login half's hands: the pump brings it over. */
SUSPENDS
static void
pipelined_session(struct client *c)
{
	client_send(c, "LOGIN ann sesame a1\r\nECHO early\r\nQUIT\r\n");
	client_expect(c, "+OK ready");
	client_expect(c, "+OK hello ann 127.0.0.1 a1 tls=0");
	client_expect(c, "early");
	client_expect(c, "bye");
	client_expect_end(c);
}

/* What is sent behind STLS is not run, before TLS or after. */
SUSPENDS
static void
injected(struct client *c)
{
	client_send(c, "STLS\r\nLOGIN ann sesame evil\r\n");
	client_expect(c, "+OK ready");
	client_expect(c, "+OK begin");
	client_start_tls(c);
	client_send(c, "LOGIN bob sesame good\r\n");
	client_expect(c, "+OK hello bob 127.0.0.1 good tls=1");
	client_send(c, "QUIT\r\n");
	client_expect(c, "bye");
}

static void
test_pipelined(void **state)
{
	struct rig *rig = rig_new(NULL);

	(void)state;
	rig_run(rig, pipelined_session, NULL, 1);
	assert_int_equal(rig->with_fd, 0);
	rig_run(rig, injected, NULL, 1);
	assert_int_equal(rig->verified, 2);
	rig_free(rig);
}

/* A session that is over before the login half has seen it begin has been carried all the same:
 * nothing is said after it. ARG: with TLS. */
SUSPENDS
static void
brief_session(struct client *c)
{
	if (c->arg)
		into_tls(c);
	else
		client_expect(c, "+OK ready");
	client_send(c, "LOGIN ann sesame brief\r\n");
	client_expect(c, "+OK brief");
	client_expect_end(c);
}

static void
test_brief(void **state)
{
	struct rig *rig = rig_new(NULL);

	(void)state;
	rig_run(rig, brief_session, NULL, 1);
	rig_run(rig, brief_session, "tls", 1);
	assert_int_equal(rig->sessions, 2);
	rig_free(rig);
}

FIBER_MAIN
static void
busy_writer(void *arg)
{
	struct client *c = arg;
	char block[1000];

	memset(block, 'x', sizeof(block));
	for (int i = 0; i < 2000; i++) {
		assert_int_equal(stream_write(c->io, span_of(block, sizeof(block))), VERDICT_OK);
		assert_int_equal(stream_flush(c->io, SOON), VERDICT_OK);
	}
}

/* 2 MB each way at once, through TLS and a pump: nothing is lost, nothing stalls. */
SUSPENDS
static void
busy_session(struct client *c)
{
	static const char text[] = "abcdefghijklmnopqrstuvwxyz";
	struct span got;

	into_tls(c);
	client_send(c, "LOGIN bob sesame t7\r\n");
	client_expect(c, "+OK hello bob 127.0.0.1 t7 tls=1");
	client_send(c, "MANY 2000000\r\nSINK 2000000\r\n");
	assert_non_null(fiber_spawn("writer", busy_writer, c));
	for (size_t n = 0; n < 2000000; n += got.n) {
		assert_int_equal(stream_read_some(c->io, 2000000 - n, SOON, &got), VERDICT_OK);
		assert_int_equal(got.p[0], text[n % 1000 % 26]);
	}
	client_expect(c, "sunk");
	client_send(c, "QUIT\r\n");
	client_expect(c, "bye");
}

static void
test_busy(void **state)
{
	struct rig *rig = rig_new(NULL);

	(void)state;
	rig_run(rig, busy_session, NULL, 1);
	rig_free(rig);
}

/* The user half's reason reaches the client, who may try again. */
SUSPENDS
static void
refused(struct client *c)
{
	client_expect(c, "+OK ready");
	client_send(c, "LOGIN ann sesame refuse\r\n");
	client_expect(c, "-ERR [IN-USE] locked");
	client_send(c, "LOGIN ann sesame vanish\r\n");
	client_expect(c, "-ERR the mailbox is not available");
	client_send(c, "LOGIN ann wrong a\r\n");
	client_expect(c, "-ERR authentication failed");
	client_send(c, "LOGIN ann sesame a2\r\n");
	client_expect(c, "+OK hello ann 127.0.0.1 a2 tls=0");
	client_send(c, "QUIT\r\n");
	client_expect(c, "bye");
}

SUSPENDS
static void
not_granted(struct client *c)
{
	client_expect(c, "+OK ready");
	client_send(c, "LOGIN ann sesame a1\r\n");
	client_expect(c, "-ERR master did not honour the grant");
}

static void
test_refused(void **state)
{
	struct rig *rig = rig_new(NULL);

	(void)state;
	rig_run(rig, refused, NULL, 1);
	assert_int_equal(rig->sessions, 1);
	rig->lose_grants = true;
	rig_run(rig, not_granted, NULL, 1);
	assert_int_equal(rig->sessions, 1);
	rig_free(rig);
}

/* Parked twice: nothing is lost, though the client speaks while it happens. ARG: with TLS. */
SUSPENDS
static void
parked_session(struct client *c)
{
	bool tls = c->arg != NULL;

	if (tls)
		into_tls(c);
	else
		client_expect(c, "+OK ready");
	client_send(c, "LOGIN ann sesame a1\r\n");
	client_expect(
	    c, tls ? "+OK hello ann 127.0.0.1 a1 tls=1" : "+OK hello ann 127.0.0.1 a1 tls=0");
	client_send(c, "PARK record one\r\n");
	while (c->rig->parked < 1)
		assert_int_equal(fiber_yield(), VERDICT_OK);
	client_send(c, "ECHO awake\r\n");
	client_expect(c, tls ? "+OK again ann 127.0.0.1 record one tls=1"
			     : "+OK again ann 127.0.0.1 record one tls=0");
	client_expect(c, "awake");
	client_send(c, "PARK two\r\n");
	client_send(c, "ECHO at once\r\n");
	struct span line;
	assert_int_equal(stream_read_line(c->io, LINE_CRLF, 100, SOON, &line), VERDICT_OK);
	if (!span_eq(line, span_lit("not parked")))
		expect_text("revived", span_head(line, 9), "+OK again");
	client_expect(c, "at once");
	client_send(c, "QUIT\r\n");
	client_expect(c, "bye");
	client_expect_end(c);
}

/* A client that leaves while it is parked. */
SUSPENDS
static void
parked_and_gone(struct client *c)
{
	client_expect(c, "+OK ready");
	client_send(c, "LOGIN ann sesame a1\r\n");
	client_expect(c, "+OK hello ann 127.0.0.1 a1 tls=0");
	client_send(c, "PARK x\r\n");
	while (c->rig->user.busy > 0)
		assert_int_equal(fiber_yield(), VERDICT_OK);
}

static void
test_parked(void **state)
{
	struct rig *rig = rig_new(NULL);

	(void)state;
	rig_run(rig, parked_session, NULL, 1);
	assert_true(rig->with_fd >= 2);
	rig->parked = 0;
	rig_run(rig, parked_session, "tls", 1);
	rig->parked = 0;
	rig_run(rig, parked_and_gone, NULL, 1);
	assert_int_equal(rig->parked, 1);
	rig_free(rig);
}

/* A shutdown: who is logged in hears good-bye, who is not is let go. */
SUSPENDS
static void
stopped(struct client *c)
{
	bool tls = c->arg != NULL;

	if (tls)
		into_tls(c);
	else
		client_expect(c, "+OK ready");
	client_send(c, "LOGIN ann sesame a1\r\nECHO x\r\n");
	client_expect(
	    c, tls ? "+OK hello ann 127.0.0.1 a1 tls=1" : "+OK hello ann 127.0.0.1 a1 tls=0");
	client_expect(c, "x");
	c->rig->half.stopping = c->rig->half.shutdown = true;
	login_front_stop(c->rig->front);
	client_expect(c, "* bye");
	client_expect_end(c);
}

SUSPENDS
static void
stopped_before(struct client *c)
{
	client_expect(c, "+OK ready");
	c->rig->half.stopping = c->rig->half.shutdown = true;
	login_front_stop(c->rig->front);
	client_expect(c, "-ERR over 6");
	client_expect_end(c);
}

static void
test_stop(void **state)
{
	static const struct {
		rig_fn *fn;
		const char *arg;
	} rows[] = { { stopped, NULL }, { stopped, "tls" }, { stopped_before, NULL } };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct rig *rig = rig_new(NULL);
		rig_run(rig, rows[i].fn, rows[i].arg, 1);
		rig_free(rig);
	}
}

/* Clients that leave in the middle. */
SUSPENDS
static void
leaves(struct client *c)
{
	bool tls = c->arg != NULL;

	if (tls)
		into_tls(c);
	else
		client_expect(c, "+OK ready");
	client_send(c, "LOGIN ann sesame a1\r\n");
	client_expect(
	    c, tls ? "+OK hello ann 127.0.0.1 a1 tls=1" : "+OK hello ann 127.0.0.1 a1 tls=0");
	client_send(c, "MANY 5000000\r\n");
}

static void
test_leaves(void **state)
{
	struct rig *rig = rig_new(NULL);

	(void)state;
	rig_run(rig, leaves, NULL, 3);
	rig_run(rig, leaves, "tls", 3);
	assert_int_equal(rig->sessions, 6);
	rig_free(rig);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain),
		cmocka_unit_test(test_tls),
		cmocka_unit_test(test_pipelined),
		cmocka_unit_test(test_brief),
		cmocka_unit_test(test_busy),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_parked),
		cmocka_unit_test(test_stop),
		cmocka_unit_test(test_leaves),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
