/*
 * What senders are told of, and when: failures, delays, success; with NOTIFY, with the null sender,
 * while bounce is not to be had, and after a restart.
 */
#include "config.h"

#include "qmgr/active.h"
#include "tests/unit/qmgr/rig.h"

#define DAY_NS (86400 * NS_PER_S)

static struct rig rig;

static int
setup(void **state)
{
	(void)state;
	rig_init(&rig);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	rig_fini(&rig);
	return 0;
}

SUSPENDS static void
post(const struct rig_mail *mail)
{
	struct err err = ERR_NONE;

	if (rig_post(&rig, mail, &err) != VERDICT_OK)
		fail_msg("%s: %s", mail->id, err.text);
}

/* What is told at the end of a message, by its sender, its NOTIFY and what became of it. */
static const struct end_row {
	const char *id;
	const char *sender;
	unsigned notify;
	rig_agent_fn *agent;
	const char *transport;
	const char *nexthop;
	const char *report; /* NULL: none */
} end_rows[] = {
	{ "F1", NULL, 0, rig_agent_bounces, NULL, NULL,
	    "report of F1: kind 1, 1 of them, <r0@example.org> 1 5.1.1 (unknown user)" },
	{ "F2", NULL, DSN_NEVER, rig_agent_bounces, NULL, NULL, NULL },
	{ "F3", NULL, DSN_SUCCESS | DSN_DELAY, rig_agent_bounces, NULL, NULL, NULL },
	{ "F4", NULL, DSN_FAILURE, rig_agent_bounces, NULL, NULL, "report of F4: kind 1, " },
	{ "F5", "", DSN_NEVER, rig_agent_bounces, NULL, NULL, "report of F5: kind 1, " },
	{ "S1", NULL, 0, rig_agent_sends, NULL, NULL, NULL },
	{ "S2", NULL, DSN_SUCCESS, rig_agent_sends, NULL, NULL,
	    "report of S2: kind 3, 1 of them, <r0@example.org> 4 2.0.0 (250 2.0.0 Ok)" },
	{ "S3", NULL, DSN_FAILURE, rig_agent_sends, NULL, NULL, NULL },
	{ "S4", "", DSN_SUCCESS, rig_agent_sends, NULL, NULL, NULL },
	{ "X1", NULL, 0, rig_agent_sends, "error", "5.1.2 no such place",
	    "1 5.1.2 (no such place)" },
	{ "X2", NULL, 0, rig_agent_sends, "error", "nobody here", "1 5.0.0 (nobody here)" },
};

FIBER_MAIN static void
ends(void *arg)
{
	(void)arg;
	for (size_t i = 0; i < ARRAY_LEN(end_rows); i++) {
		const struct end_row *row = &end_rows[i];
		unsigned before = rig_logged("report of");

		rig_agent(&rig, "smtp", row->agent, NULL);
		post(&(struct rig_mail){ .id = row->id,
		    .sender = row->sender,
		    .notify = row->notify,
		    .transport = row->transport,
		    .nexthop = row->nexthop });
		rig_wait_empty(&rig);
		expect_number(row->id, rig_logged("report of") - before, row->report != NULL);
		if (row->report)
			expect_number(row->id, rig_logged(row->report), 1);
	}
}

static void
test_ends(void **state)
{
	(void)state;
	rig_run(&rig, ends);
}

FIBER_MAIN static void
delay(void *arg)
{
	(void)arg;
	rig_conf(&rig)->delay_warning_time = 4 * 3600 * NS_PER_S;
	rig_agent(&rig, "smtp", rig_agent_defers, NULL);
	post(&(struct rig_mail){ .id = "D1" });
	post(&(struct rig_mail){ .id = "D2", .notify = DSN_FAILURE });
	rig_wait_place(&rig, "D1", MESSAGE_DEFERRED);
	rig_wait_place(&rig, "D2", MESSAGE_DEFERRED);
	assert_int_equal(rig_logged("report of"), 0);
	for (unsigned day = 1; day < 4; day++) {
		time_set_wall(time_wall() + DAY_NS);
		active_tick(rig.q);
		rig_wait_log(&rig, "report of D1: kind 2, 1 of them, <r0@example.org> 2 4.2.0");
		rig_wait_place(&rig, "D1", MESSAGE_DEFERRED);
	}
	assert_int_equal(rig_logged("report of"), 1);
}

static void
test_delay(void **state)
{
	(void)state;
	rig_run(&rig, delay);
}

FIBER_MAIN static void
many(void *arg)
{
	(void)arg;
	rig_agent(&rig, "smtp", rig_agent_bounces, NULL);
	post(&(struct rig_mail){ .id = "M1", .recipients = LIMIT_REPORT_RECIPIENTS + 1 });
	rig_wait_empty(&rig);
	assert_int_equal(rig_logged("report of M1: kind 1, 500 of them"), 1);
	assert_int_equal(rig_logged("report of M1: kind 1, 1 of them"), 1);
}

static void
test_many(void **state)
{
	(void)state;
	rig_run(&rig, many);
}

/* What cannot be told waits in its slot, and no deliveries wait for it. */
FIBER_MAIN static void
bounce_is_down(void *arg)
{
	(void)arg;
	rig.bounce_fails = true;
	rig_conf(&rig)->qmgr_message_active_limit = 1;
	rig_agent(&rig, "smtp", rig_agent_bounces, NULL);
	post(&(struct rig_mail){ .id = "W1" });
	rig_wait_log(&rig, "W1: the sender is not told yet: not now");
	rig_wait_place(&rig, "W1", MESSAGE_DEFERRED);
	post(&(struct rig_mail){ .id = "W2" });
	rig_wait_place(&rig, "W2", MESSAGE_DEFERRED);
	assert_int_equal(rig_logged("removed"), 0);
}

FIBER_MAIN static void
bounce_is_up(void *arg)
{
	(void)arg;
	rig.bounce_fails = false;
	rig_wait_log(&rig, "W1: removed");
	rig_wait_log(&rig, "W2: removed");
	assert_int_equal(rig_delivered(), 2);
	assert_int_equal(rig_logged("report of W2: kind 1"), 1);
	assert_int_equal(rig_logged("report of W1: kind 1"), 2);
}

static void
test_restart(void **state)
{
	(void)state;
	rig_run(&rig, bounce_is_down);
	rig_run(&rig, bounce_is_up);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_ends, setup, teardown),
		cmocka_unit_test_setup_teardown(test_delay, setup, teardown),
		cmocka_unit_test_setup_teardown(test_many, setup, teardown),
		cmocka_unit_test_setup_teardown(test_restart, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
