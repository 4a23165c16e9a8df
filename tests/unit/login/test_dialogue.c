/*
 * Before the login: what a stranger may send, TLS from the start, passwords in clear, clients that
 * are turned away. Sessions have tests of their own.
 */
#include "config.h"

#include <string.h>

#include "base/mem.h"
#include "tests/unit/login/rig.h"

SUSPENDS
static void
too_many_errors(struct client *c)
{
	client_expect(c, "+OK ready");
	for (int i = 0; i < 4; i++) {
		client_send(c, "FROB\r\n");
		client_expect(c, "-ERR what?");
	}
	client_expect(c, "-ERR over 3");
	client_expect_end(c);
}

SUSPENDS
static void
too_many_logins(struct client *c)
{
	client_expect(c, "+OK ready");
	for (int i = 0; i < 4; i++) {
		client_send(c, "LOGIN ann wrong x\r\n");
		client_expect(c, "-ERR authentication failed");
	}
	client_expect(c, "-ERR over 3");
	client_expect_end(c);
}

/* Four lines without an end to them; the client goes on sending, nobody keeps it. */
SUSPENDS
static void
long_lines(struct client *c)
{
	struct str block = STR_INIT(100000);

	client_expect(c, "+OK ready");
	while (block.n < 99000)
		str_putc(&block, 'x');
	for (int i = 0; i < 3; i++) {
		stream_write(c->io, str_span(&block));
		client_send(c, "\r\n");
		client_expect(c, "-ERR long");
	}
	str_free(&block);
}

SUSPENDS
static void
many_lines(struct client *c)
{
	struct str lines = STR_INIT(100000);

	client_expect(c, "+OK ready");
	for (int i = 0; i < 1000; i++)
		str_puts(&lines, "LOGIN ann wrong x\r\n");
	/* The half may have closed before all was taken. */
	(void)stream_write(c->io, str_span(&lines));
	(void)stream_flush(c->io, SOON);
	for (int i = 0; i < 4; i++)
		client_expect(c, "-ERR authentication failed");
	client_expect(c, "-ERR over 3");
	str_free(&lines);
}

/* Connects and says nothing: leaves without a word after a while, or at once with one. */
SUSPENDS
static void
silent(struct client *c)
{
	client_expect(c, "+OK ready");
	client_expect(c, "-ERR over 5");
	client_expect_end(c);
}

SUSPENDS
static void
half_open(struct client *c)
{
	client_expect(c, "+OK ready");
	client_send(c, "LOGIN ann ses");
}

static void
test_limits(void **state)
{
	static rig_fn *const strangers[] = { too_many_errors, too_many_logins, long_lines,
		many_lines, half_open };
	struct rig *rig = rig_new(NULL);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(strangers); i++)
		rig_run(rig, strangers[i], NULL, 2);
	assert_int_equal(rig->redeemed, 0);
	rig_free(rig);
}

static void
test_silent(void **state)
{
	struct login_settings settings = rig_settings();
	struct rig *rig;

	(void)state;
	settings.timeout = 50 * NS_PER_MS;
	rig = rig_new(&settings);
	rig_run(rig, silent, NULL, 3);
	rig_free(rig);
}

SUSPENDS
static void
wrapped(struct client *c)
{
	client_start_tls(c);
	client_expect(c, "+OK ready");
	client_send(c, "STLS\r\n");
	client_expect(c, "-ERR what?");
	client_send(c, "LOGIN ann sesame a\r\nQUIT\r\n");
	client_expect(c, "+OK hello ann 127.0.0.1 a tls=1");
	client_expect(c, "bye");
	client_expect_end(c);
}

SUSPENDS
static void
not_wrapped(struct client *c)
{
	struct span got;

	client_send(c, "LOGIN ann sesame a\r\n");
	while (stream_read_some(c->io, 100, SOON, &got) == VERDICT_OK)
		;
}

static void
test_wrapper(void **state)
{
	struct login_settings settings = rig_settings();
	struct rig *rig;

	(void)state;
	settings.tls_wrapper = true;
	rig = rig_new(&settings);
	rig_run(rig, wrapped, NULL, 1);
	rig_run(rig, not_wrapped, NULL, 1);
	assert_int_equal(rig->verified, 1);
	rig_free(rig);
}

/* TLS is needed for a password, but not by this host itself; not offered, it cannot be begun. */
SUSPENDS
static void
no_stls(struct client *c)
{
	client_expect(c, "+OK ready");
	client_send(c, "STLS\r\n");
	client_expect(c, "-ERR what?");
	client_send(c, "LOGIN ann sesame a\r\n");
	client_expect(c, "+OK hello ann 127.0.0.1 a tls=0");
	client_send(c, "QUIT\r\n");
	client_expect(c, "bye");
}

static void
test_needed(void **state)
{
	struct login_settings settings = rig_settings();
	struct rig *rig;

	(void)state;
	settings.tls_needed = true;
	settings.tls_offered = false;
	rig = rig_new(&settings);
	rig_run(rig, no_stls, NULL, 1);
	rig_free(rig);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_silent),
		cmocka_unit_test(test_wrapper),
		cmocka_unit_test(test_needed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
