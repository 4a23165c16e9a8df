/*
 * Messages from OPEN to "removed", with agents that deliver, defer, bounce, die or say nothing.
 */
#include "config.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/sys.h"
#include "qmgr/active.h"
#include "tests/unit/qmgr/rig.h"

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

static void
agent_checks(struct ipc_request *req, const struct msg_deliver *msg, void *arg)
{
	char buffer[100];

	(void)arg;
	expect_text("queue id", msg->queue_id, "Q1");
	expect_text("sender", msg->sender, "s@example.com");
	expect_text("nexthop", msg->nexthop, "example.org");
	assert_int_equal(msg->targets.n, 1);
	expect_text("address", msg->targets.v[0].address, "r0@example.org");
	assert_int_equal(msg->extents.n, 1);
	ssize_t n = pread(msg->content, buffer, sizeof(buffer), (off_t)msg->extents.v[0].at);
	assert_true(n >= 0 && (size_t)n == msg->extents.v[0].size);
	expect_text("content", span_of(buffer, (size_t)n), "hello\r\n");
	assert_int_equal(fcntl(msg->content, F_GETFL) & O_ACCMODE, O_RDONLY);
	rig_agent_sends(req, msg, NULL);
}

FIBER_MAIN static void
one_message(void *arg)
{
	(void)arg;
	rig_agent(&rig, "smtp", agent_checks, NULL);
	post(&(struct rig_mail){ .id = "Q1", .content = "hello\r\n" });
	rig_wait_empty(&rig);
	assert_int_equal(rig_logged("Q1: from=<s@example.com>, size=7, nrcpt=1 (queue active)"), 1);
	assert_int_equal(rig_logged("Q1: removed"), 1);
	assert_int_equal(rig_files(&rig), 0);
	assert_int_equal(rig_busy(&rig), 0);
}

static void
test_one_message(void **state)
{
	(void)state;
	rig_run(&rig, one_message);
}

static void
test_one_message_without_tmpfiles(void **state)
{
	(void)state;
	rig.named = true;
	rig_run(&rig, one_message);
}

static void
test_one_message_by_fsync(void **state)
{
	(void)state;
	rig.mode = COMMIT_FSYNC;
	rig_run(&rig, one_message);
}

FIBER_MAIN static void
deferred_and_sent(void *arg)
{
	(void)arg;
	rig_agent(&rig, "smtp", rig_agent_defers, NULL);
	post(&(struct rig_mail){ .id = "Q2", .recipients = 3 });
	rig_wait_place(&rig, "Q2", MESSAGE_DEFERRED);
	struct message *m = message_find(rig.q, span_lit("Q2"));
	assert_int_equal(m->deferred, 3);
	assert_int_equal(m->read_fd, -1);
	assert_true(m->retry.key >= time_wall() + 290 * NS_PER_S);
	assert_true(m->retry.key <= time_wall() + 320 * NS_PER_S);
	assert_true(rig_has_file(&rig, "Q2"));
	rig_agent(&rig, "smtp", rig_agent_sends, NULL);
	time_set_wall(m->retry.key + 1);
	active_tick(rig.q);
	rig_wait_empty(&rig);
	assert_int_equal(rig_logged("(queue active)"), 2);
	assert_int_equal(rig_files(&rig), 0);
}

static void
test_deferred_and_sent(void **state)
{
	(void)state;
	rig_run(&rig, deferred_and_sent);
}

FIBER_MAIN static void
bounced(void *arg)
{
	(void)arg;
	rig_agent(&rig, "smtp", rig_agent_bounces, NULL);
	post(&(struct rig_mail){ .id = "BBB" });
	rig_wait_empty(&rig);
	assert_int_equal(rig_logged("report of BBB: kind 1, 1 of them, <r0@example.org>"), 1);
}

static void
test_bounced(void **state)
{
	(void)state;
	rig_run(&rig, bounced);
}

FIBER_MAIN static void
expired(void *arg)
{
	(void)arg;
	rig_conf(&rig)->maximal_queue_lifetime = 0;
	rig_agent(&rig, "smtp", rig_agent_defers, NULL);
	post(&(struct rig_mail){ .id = "XPR" });
	rig_wait_empty(&rig);
	assert_int_equal(
	    rig_logged("XPR: from=<s@example.com>, status=expired, returned to sender"), 1);
	assert_int_equal(rig_logged("XPR: removed"), 1);
}

static void
test_expired(void **state)
{
	(void)state;
	rig_run(&rig, expired);
}

FIBER_MAIN static void
no_transport(void *arg)
{
	(void)arg;
	post(&(struct rig_mail){ .id = "NTR", .transport = "uucp" });
	rig_wait_place(&rig, "NTR", MESSAGE_DEFERRED);
	assert_int_equal(rig_logged("dsn=4.3.0, status=deferred (mail transport unavailable)"), 1);
	assert_int_equal(rig_logged("NTR: to=<r0@example.org>, relay=none, delay="), 1);
}

static void
test_no_transport(void **state)
{
	(void)state;
	rig_run(&rig, no_transport);
}

static void
agent_dies_once(struct ipc_request *req, const struct msg_deliver *msg, void *arg)
{
	unsigned *deaths = arg;

	if ((*deaths)++ > 0)
		rig_agent_sends(req, msg, NULL);
	else
		rig_agent_dies(&rig, "smtp");
}

FIBER_MAIN static void
agent_dies(void *arg)
{
	unsigned deaths = 0;

	(void)arg;
	rig_agent(&rig, "smtp", agent_dies_once, &deaths);
	post(&(struct rig_mail){ .id = "DJ1", .recipients = 2 });
	rig_wait_empty(&rig);
	assert_int_equal(deaths, 2);
	assert_int_equal(rig_logged("1 deliveries begin again"), 1);
	assert_int_equal(rig_busy(&rig), 0);
}

static void
test_agent_dies(void **state)
{
	(void)state;
	rig_run(&rig, agent_dies);
}

FIBER_MAIN static void
duplicate_id(void *arg)
{
	struct err err = ERR_NONE;
	struct rig_mail mail = { .id = "DPL" };

	(void)arg;
	rig_agent(&rig, "smtp", rig_agent_silent, NULL);
	post(&mail);
	assert_int_equal(rig_post(&rig, &mail, &err), VERDICT_TEMP);
	assert_int_equal(err.reply, 451);
	/* On the disk, but not known in memory. */
	close(openat(rig.dir, "DSK", O_CREAT | O_WRONLY, 0600));
	assert_int_equal(rig_post(&rig, &(struct rig_mail){ .id = "DSK" }, &err), VERDICT_TEMP);
	assert_int_equal(err.reply, 451);
	assert_null(message_find(rig.q, span_lit("DSK")));
	rig_agent_dies(&rig, "smtp");
	rig_agent(&rig, "smtp", rig_agent_sends, NULL);
	rig_wait_log(&rig, "DPL: removed");
	assert_int_equal(rig_files(&rig), 1);
}

static void
test_duplicate_id(void **state)
{
	(void)state;
	rig_run(&rig, duplicate_id);
}

FIBER_MAIN static void
aborted(void *arg)
{
	struct err err = ERR_NONE;
	struct rig_mail mail = { .id = "BRT" };
	uint64_t handle;

	(void)arg;
	assert_int_equal(rig_open(&rig, &mail, &handle, &err), VERDICT_OK);
	ipc_note(rig.client, 0, &ipc_queue_abort, &(struct msg_queue_abort){ .handle = handle });
	assert_int_equal(rig_commit(&rig, &mail, handle, &err), VERDICT_TEMP);
	assert_int_equal(err.reply, 451);
	assert_int_equal(rig_commit(&rig, &mail, 77, &err), VERDICT_TEMP);
	assert_int_equal(rig.q->lent_n, 0);
	assert_int_equal(rig_files(&rig), 0);
}

static void
test_aborted(void **state)
{
	(void)state;
	rig_run(&rig, aborted);
}

FIBER_MAIN static void
short_content(void *arg)
{
	struct err err = ERR_NONE;
	struct rig_mail mail = { .id = "SHR", .content = "short" };
	uint64_t handle;

	(void)arg;
	assert_int_equal(rig_open(&rig, &mail, &handle, &err), VERDICT_OK);
	mail.content = "longer than that";
	assert_int_equal(rig_commit(&rig, &mail, handle, &err), VERDICT_TEMP);
	assert_int_equal(err.reply, 451);
	assert_int_equal(rig.q->messages.count, 0);
	assert_int_equal(rig_files(&rig), 0);
}

static void
test_short_content(void **state)
{
	(void)state;
	rig_run(&rig, short_content);
}

FIBER_MAIN static void
stop_waits(void *arg)
{
	(void)arg;
	rig_agent(&rig, "smtp", rig_agent_silent, NULL);
	post(&(struct rig_mail){ .id = "STP" });
	rig_wait_place(&rig, "STP", MESSAGE_ACTIVE);
	while (rig_delivered() == 0)
		fiber_sleep_until(deadline_after_ms(1));
	assert_int_equal(rig_busy(&rig), 1);
	qmgr_stop(rig.q);
	assert_true(rig_busy(&rig) >= 1);
	rig_agent_dies(&rig, "smtp");
	while (rig_busy(&rig) > 0)
		fiber_sleep_until(deadline_after_ms(1));
	assert_int_equal(rig_delivered(), 1);
	assert_true(rig_has_file(&rig, "STP"));
}

static void
test_stop_waits(void **state)
{
	(void)state;
	rig_run(&rig, stop_waits);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_one_message, setup, teardown),
		cmocka_unit_test_setup_teardown(test_one_message_without_tmpfiles, setup, teardown),
		cmocka_unit_test_setup_teardown(test_one_message_by_fsync, setup, teardown),
		cmocka_unit_test_setup_teardown(test_deferred_and_sent, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bounced, setup, teardown),
		cmocka_unit_test_setup_teardown(test_expired, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_transport, setup, teardown),
		cmocka_unit_test_setup_teardown(test_agent_dies, setup, teardown),
		cmocka_unit_test_setup_teardown(test_duplicate_id, setup, teardown),
		cmocka_unit_test_setup_teardown(test_aborted, setup, teardown),
		cmocka_unit_test_setup_teardown(test_short_content, setup, teardown),
		cmocka_unit_test_setup_teardown(test_stop_waits, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
