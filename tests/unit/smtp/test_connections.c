/*
 * Connections that are used again: for the same destination alone, in order, after RSET where a
 * transaction was left open; those that died meanwhile, those whose time is over.
 */
#include "config.h"

#include <unistd.h>

#include "tests/unit/smtp/stage.h"

#define HI   "> 220 h\n< EHLO\n> 250 h\n"
#define GOOD "< MAIL\n> 250 Ok\n< RCPT\n> 250 Ok\n< DATA\n> 354 go\ndata\n> 250 2.0.0 Ok\n"
#define BYE  "< QUIT\neof\n"
#define OK   "0 sent 2.0.0 250 2.0.0 Ok\n"

static void
set(struct stage *s)
{
	loop_init();
	stage_set(s);
	s->conf.smtp_connection_cache_time_limit = 10 * NS_PER_S;
}

static void
run(struct stage *s, void (*fn)(struct stage *s), const char *results, const char *heard)
{
	stage_run(s, fn);
	expect_text("results", str_span(&s->results), results);
	if (heard)
		expect_text("heard", str_span(&s->peers[0].heard), heard);
	stage_free(s);
}

SUSPENDS
static void
deliver_twice(struct stage *s)
{
	stage_deliver(s);
	assert_int_equal(s->client.idle_n, 1);
	stage_deliver(s);
}

static void
used_again(void **state UNUSED)
{
	static struct stage s;

	set(&s);
	s.peers[0].scripts[0] = HI GOOD GOOD BYE;
	run(&s, deliver_twice, OK OK,
	    "EHLO me.example\nMAIL FROM:<from@me.example>\nRCPT TO:<to@dest.example>\nDATA\n"
	    "MAIL FROM:<from@me.example>\nRCPT TO:<to@dest.example>\nDATA\nQUIT\n");
}

static void
reset_where_a_transaction_is_open(void **state UNUSED)
{
	static struct stage s;

	set(&s);
	s.peers[0].scripts[0] =
	    HI "< MAIL\n> 250 Ok\n< RCPT\n> 550 5.1.1 no\n< RSET\n> 250 Ok\n" GOOD BYE;
	run(&s, deliver_twice,
	    "0 bounced 5.1.1 host h1.example[127.0.0.1] said: 550 5.1.1 no (in reply to RCPT TO "
	    "command)\n" OK,
	    NULL);
}

SUSPENDS
static void
deliver_until_gone(struct stage *s)
{
	stage_deliver(s);
	assert_int_equal(s->client.idle_n, 1);
	/* Until the server has closed. */
	while (listener_open(s->peers[0].listener) > 0)
		assert_int_equal(fiber_yield(), VERDICT_OK);
	stage_deliver(s);
}

static void
dead_ones_are_no_attempt(void **state UNUSED)
{
	static const char *const ends[] = { "close\n", "> 421 4.4.2 too slow\nclose\n", "reset\n" };
	static struct stage s;

	for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
		struct str script = STR_INIT(1000);
		str_printf(&script, "%s%s%s", HI, GOOD, ends[i]);
		set(&s);
		s.peers[0].scripts[0] = str_cstr(&script);
		s.peers[0].scripts[1] = HI GOOD BYE;
		run(&s, deliver_until_gone, OK OK, NULL);
		str_free(&script);
	}
}

/* The server has not closed yet when MAIL comes. */
static void
dying_ones_are_no_attempt(void **state UNUSED)
{
	static const char *const ends[] = { "< MAIL\nclose\n",
		"< MAIL\n> 421 4.4.2 too slow\neof\n", "< MAIL\n> 250 Ok\n< RCPT\nreset\n" };
	static struct stage s;

	for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
		struct str script = STR_INIT(1000);
		str_printf(&script, "%s%s%s", HI, GOOD, ends[i]);
		set(&s);
		s.peers[0].scripts[0] = str_cstr(&script);
		s.peers[0].scripts[1] = HI GOOD BYE;
		run(&s, deliver_twice, OK OK, NULL);
		str_free(&script);
	}
}

static void
refused_there_taken_elsewhere(void **state UNUSED)
{
	static struct stage s;

	set(&s);
	s.hosts = "12";
	s.peers[0].scripts[0] = HI GOOD "< MAIL\n> 450 4.7.1 grey\n< RSET\n> 250 Ok\n" BYE;
	s.peers[1].scripts[0] = HI GOOD BYE;
	run(&s, deliver_twice, OK OK, NULL);
}

SUSPENDS
static void
deliver_elsewhere(struct stage *s)
{
	stage_deliver(s);
	str_reset(&s->nexthop);
	str_printf(&s->nexthop, "[h1.example]:%u", s->peers[0].port);
	s->msg.nexthop = str_span(&s->nexthop);
	stage_deliver(s);
	assert_int_equal(s->client.idle_n, 2);
}

static void
another_destination_another_connection(void **state UNUSED)
{
	static struct stage s;

	set(&s);
	s.peers[0].scripts[0] = s.peers[0].scripts[1] = HI GOOD BYE;
	run(&s, deliver_elsewhere, OK OK, NULL);
}

SUSPENDS
static void
deliver_and_wait(struct stage *s)
{
	stage_deliver(s);
	assert_int_equal(s->client.idle_n, 1);
	while (s->client.idle_n > 0)
		assert_int_equal(fiber_yield(), VERDICT_OK);
}

static void
idle_ones_say_quit(void **state UNUSED)
{
	static struct stage s;

	set(&s);
	s.conf.smtp_connection_cache_time_limit = NS_PER_S / 50;
	s.peers[0].scripts[0] = HI GOOD BYE;
	run(&s, deliver_and_wait, OK, NULL);
}

SUSPENDS
static void
deliver_twice_afresh(struct stage *s)
{
	stage_deliver(s);
	assert_int_equal(s->client.idle_n, 0);
	stage_deliver(s);
}

static void
old_ones_are_not_kept(void **state UNUSED)
{
	static struct stage s;

	set(&s);
	s.conf.smtp_connection_reuse_time_limit = 1;
	s.peers[0].scripts[0] = s.peers[0].scripts[1] = HI GOOD BYE;
	run(&s, deliver_twice_afresh, OK OK, NULL);
}

static void
lmtp_over_a_local_socket(void **state UNUSED)
{
	static struct stage s;
	static struct peer local;
	struct str path = STR_INIT(100);

	set(&s);
	s.client.lmtp = true;
	str_printf(&path, "/tmp/postern-lmtp-%d", (int)getpid());
	local.scripts[0] = "> 220 h\n< LHLO\n> 250 h\n" GOOD GOOD BYE;
	peer_start_unix(&local, str_cstr(&path));
	s.local = &local;
	str_reset(&s.nexthop);
	str_printf(&s.nexthop, "unix:%s", str_cstr(&path));
	s.msg.nexthop = str_span(&s.nexthop);
	stage_run(&s, deliver_twice);
	unlink(str_cstr(&path));
	expect_text("results", str_span(&s.results), OK OK);
	peer_stop(&local);
	stage_free(&s);
	peer_free(&local);
	str_free(&path);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(used_again),
		cmocka_unit_test(reset_where_a_transaction_is_open),
		cmocka_unit_test(dead_ones_are_no_attempt),
		cmocka_unit_test(dying_ones_are_no_attempt),
		cmocka_unit_test(refused_there_taken_elsewhere),
		cmocka_unit_test(another_destination_another_connection),
		cmocka_unit_test(idle_ones_say_quit),
		cmocka_unit_test(old_ones_are_not_kept),
		cmocka_unit_test(lmtp_over_a_local_socket),
	};

	return cmocka_run_group_tests_name("connections", tests, NULL, NULL);
}
