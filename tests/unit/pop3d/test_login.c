/*
 * pop3d's dialogue before the login, with lib/login's rig around it: a master, an authd and a user
 * half that the test plays. What is told when a login fails for this reason or that, and that the
 * state of the session goes along.
 */
#include "config.h"

#include "pop3d/login/pop3d.h"
#include "tests/unit/login/rig.h"

static const struct conf plain = { .pop3d_banner = SPAN("ready"),
	.pop3d_tls_security_level = CONF_TLS_SERVER_MAY,
	.pop3d_login_timeout = 20 * NS_PER_S,
	.pop3d_hard_error_limit = 5,
	.auth_mechanisms = SPAN("PLAIN LOGIN"),
	.smtpd_tls_protocols = SPAN(">=TLSv1.2") };

static struct rig *
pop3_rig(const struct conf *conf)
{
	struct login_settings settings;
	struct rig *rig;

	pop3d_settings(conf, &settings);
	rig = rig_new(&settings);
	rig->half.conf = *conf;
	return rig;
}

/* What a client says and hears, in turn; TLS begins at "TLS", the end is "". */
struct turn {
	const char *says;
	const char *hears; /* lines, each with LF */
};

SUSPENDS
static void
talk(struct client *c)
{
	const struct turn *turn = c->arg;
	struct str line = STR_INIT(4096);
	struct span rest, one;

	for (; turn->says; turn++) {
		if (turn->says[0]) {
			str_reset(&line);
			str_printf(&line, "%s\r\n", turn->says);
			client_send(c, str_cstr(&line));
		}
		rest = span_str(turn->hears);
		while (span_cut(rest, '\n', &one, &rest)) {
			str_reset(&line);
			str_put(&line, one);
			if (span_eq(one, span_lit("TLS")))
				client_start_tls(c);
			else
				client_expect(c, str_cstr(&line));
		}
	}
	client_expect_end(c);
	str_free(&line);
}

static void
run(const struct conf *conf, const struct turn *turns, unsigned sessions)
{
	struct rig *rig = pop3_rig(conf);

	rig_run(rig, talk, turns, 1);
	assert_int_equal(rig->sessions, sessions);
	rig_free(rig);
}

static void
test_logins(void **state)
{
	static const struct turn user[] = { { "", "+OK ready\n" },
		{ "USER ann", "+OK now the password\n" },
		{ "PASS sesame", "+OK hello ann 127.0.0.1  tls=0\n" }, { "QUIT", "bye\n" },
		{ NULL, NULL } };
	static const struct turn auth[] = { { "", "+OK ready\n" },
		{ "AUTH PLAIN AGFubgBzZXNhbWU=", "+OK hello ann 127.0.0.1  tls=0\n" },
		{ "QUIT", "bye\n" }, { NULL, NULL } };
	static const struct turn utf8[] = { { "", "+OK ready\n" }, { "UTF8", "+OK UTF-8 it is\n" },
		{ "user ann", "+OK now the password\n" },
		{ "pass sesame", "+OK hello ann 127.0.0.1 u tls=0\n" }, { "QUIT", "bye\n" },
		{ NULL, NULL } };
	static const struct turn tls[] = { { "", "+OK ready\n" }, { "UTF8", "+OK UTF-8 it is\n" },
		{ "USER ann", "+OK now the password\n" }, { "STLS", "+OK begin TLS\nTLS\n" },
		{ "PASS sesame", "-ERR USER comes first\n" },
		{ "USER bob", "+OK now the password\n" },
		{ "PASS sesame", "+OK hello bob 127.0.0.1  tls=1\n" }, { "QUIT", "bye\n" },
		{ NULL, NULL } };

	(void)state;
	run(&plain, user, 1);
	run(&plain, auth, 1);
	run(&plain, utf8, 1);
	run(&plain, tls, 1);
}

static void
test_failures(void **state)
{
	static const struct turn wrong[] = { { "", "+OK ready\n" },
		{ "USER ann", "+OK now the password\n" },
		{ "PASS open", "-ERR [AUTH] authentication failed\n" },
		{ "AUTH PLAIN AGFubgBvcGVu", "-ERR [AUTH] authentication failed\n" },
		{ "AUTH LOGIN", "+ VXNlcm5hbWU6\n" }, { "*", "-ERR the login was given up\n" },
		{ "QUIT", "+OK good-bye\n" }, { NULL, NULL } };
	static const struct turn errors[] = { { "", "+OK ready\n" },
		{ "A\r\nB\r\nC\r\nD\r\nE\r\nF",
		    "-ERR no such command, or not before the login\n"
		    "-ERR no such command, or not before the login\n"
		    "-ERR no such command, or not before the login\n"
		    "-ERR no such command, or not before the login\n"
		    "-ERR no such command, or not before the login\n"
		    "-ERR no such command, or not before the login\n"
		    "-ERR too many errors, or too much said; good-bye\n" },
		{ NULL, NULL } };

	(void)state;
	run(&plain, wrong, 0);
	run(&plain, errors, 0);
}

/* The grant gets lost: no session, and the client is told that it is not its fault. */
static void
test_no_grant(void **state)
{
	static const struct turn turns[] = { { "", "+OK ready\n" },
		{ "USER ann", "+OK now the password\n" },
		{ "PASS sesame", "-ERR [SYS/TEMP] master did not honour the grant\n" },
		{ "QUIT", "+OK good-bye\n" }, { NULL, NULL } };
	struct rig *rig = pop3_rig(&plain);

	(void)state;
	rig->lose_grants = true;
	rig_run(rig, talk, turns, 1);
	assert_int_equal(rig->sessions, 0);
	rig_free(rig);
}

static void
test_tls_demanded(void **state)
{
	static const struct turn turns[] = { { "", "+OK ready\n" },
		{ "USER ann", "-ERR STLS comes first\n" },
		{ "AUTH PLAIN AGFubgBzZXNhbWU=", "-ERR STLS comes first\n" },
		{ "STLS", "+OK begin TLS\nTLS\n" }, { "STLS", "-ERR TLS is there already\n" },
		{ "QUIT", "+OK good-bye\n" }, { NULL, NULL } };
	struct conf conf = plain;

	(void)state;
	conf.pop3d_tls_security_level = CONF_TLS_SERVER_ENCRYPT;
	run(&conf, turns, 0);
}

static void
test_mechanisms(void **state)
{
	static const struct turn turns[] = { { "", "+OK ready\n" },
		{ "AUTH", "+OK mechanisms follow\nPLAIN\n.\n" },
		{ "AUTH LOGIN", "-ERR no such mechanism\n" }, { "QUIT", "+OK good-bye\n" },
		{ NULL, NULL } };
	struct conf conf = plain;

	(void)state;
	conf.auth_mechanisms = span_lit("PLAIN CRAM-MD5");
	run(&conf, turns, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_logins),
		cmocka_unit_test(test_failures),
		cmocka_unit_test(test_no_grant),
		cmocka_unit_test(test_tls_demanded),
		cmocka_unit_test(test_mechanisms),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
