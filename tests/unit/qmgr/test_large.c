/*
 * Large messages, whose recipients are in memory a part at a time, and large queues: deferral,
 * restart, expiry, failures among thousands; ten thousand messages; what one that waits costs.
 */
#include "config.h"

#include <malloc.h>

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

/* How often each recipient was delivered. */
static uint8_t seen[LIMIT_RECIPIENTS];

/* Every SHARE-th recipient gets STATUS, the others are sent. */
struct share {
	uint32_t share;
	enum delivery_status status;
};

static void
agent_shares(struct ipc_request *req, const struct msg_deliver *msg, void *arg)
{
	const struct share *share = arg;
	struct item_result results[50];
	struct msg_deliver_results m = {
		.job = msg->job, .results = { results, msg->targets.n }, .last = true
	};

	for (uint32_t i = 0; i < msg->targets.n; i++) {
		uint32_t index = msg->targets.v[i].index;
		bool other = share && index % share->share == 0;

		seen[index] += !other;
		results[i] = (struct item_result){ .index = index,
			.status = other ? share->status : DELIVERY_SENT,
			.dsn = other ? span_lit("4.2.0") : span_lit("2.0.0"),
			.text = span_lit("said so") };
	}
	ipc_note(ipc_request_channel(req), 0, &ipc_deliver_results, &m);
}

#define LARGE 5300

FIBER_MAIN static void
large_deferred(void *arg)
{
	static struct share tenth = { 10, DELIVERY_DEFERRED };

	(void)arg;
	rig_agent(&rig, "smtp", agent_shares, &tenth);
	post(&(struct rig_mail){ .id = "BG", .recipients = LARGE });
	rig_wait_place(&rig, "BG", MESSAGE_DEFERRED);
	struct message *m = message_find(rig.q, span_lit("BG"));
	assert_int_equal(m->deferred, LARGE / 10);
	assert_int_equal(m->done, LARGE - LARGE / 10);
	assert_int_equal(rig.q->recipients_n, 0);
	assert_true(m->retry.place > 0);
}

FIBER_MAIN static void
large_again(void *arg)
{
	(void)arg;
	rig_agent(&rig, "smtp", agent_shares, NULL);
	rig_wait_place(&rig, "BG", MESSAGE_DEFERRED);
	struct message *m = message_find(rig.q, span_lit("BG"));
	assert_int_equal(m->deferred, LARGE / 10);
	assert_int_equal(rig.q->recipients_n, 0);
	time_set_wall(time_wall() + 400 * NS_PER_S);
	active_tick(rig.q);
	rig_wait_empty(&rig);
	for (uint32_t i = 0; i < LARGE; i++)
		if (seen[i] != 1)
			fail_msg("recipient %u was delivered %u times", i, seen[i]);
	assert_int_equal(rig_files(&rig), 0);
}

static void
test_large_message(void **state)
{
	(void)state;
	memset(seen, 0, sizeof(seen));
	rig_run(&rig, large_deferred);
	rig_run(&rig, large_again);
}

FIBER_MAIN static void
large_expired(void *arg)
{
	static struct share fifth = { 5, DELIVERY_DEFERRED };

	(void)arg;
	rig_conf(&rig)->maximal_queue_lifetime = 0;
	rig_agent(&rig, "smtp", agent_shares, &fifth);
	post(&(struct rig_mail){ .id = "BX", .recipients = 2500 });
	rig_wait_empty(&rig);
	assert_int_equal(
	    rig_logged("BX: from=<s@example.com>, status=expired, returned to sender"), 1);
	assert_true(rig_logged("report of BX: kind 1, ") > 0);
}

static void
test_large_expired(void **state)
{
	(void)state;
	rig_run(&rig, large_expired);
}

FIBER_MAIN static void
large_bounced(void *arg)
{
	static struct share third = { 3, DELIVERY_BOUNCED };

	(void)arg;
	rig_conf(&rig)->qmgr_message_recipient_limit = 10;
	rig_agent(&rig, "smtp", agent_shares, &third);
	post(&(struct rig_mail){ .id = "BB", .recipients = 3000 });
	rig_wait_empty(&rig);
	assert_true(rig_logged("report of BB: kind 1, ") > 0);
}

static void
test_large_bounced(void **state)
{
	(void)state;
	rig_run(&rig, large_bounced);
}

#define MESSAGES 10000

static void
many_id(char id[8], unsigned i)
{
	for (unsigned k = 6; k > 0; k--, i /= 10)
		id[k] = (char)('0' + i % 10);
	id[0] = 'M';
	id[7] = '\0';
}

/* Posted by several fibers, so that rounds have something to share. */
#define POSTERS 50

static unsigned posted;

FIBER_MAIN static void
poster(void *arg)
{
	char id[8];

	(void)arg;
	while (posted < MESSAGES) {
		many_id(id, posted++);
		post(&(struct rig_mail){ .id = id });
	}
}

static bool
all_deferred(void *arg)
{
	(void)arg;
	return rig.q->retry.n == MESSAGES && rig.q->active_n == 0 && changes_idle(rig.q->changes);
}

FIBER_MAIN static void
leave_many(void *arg)
{
	struct commit_figures figures;

	(void)arg;
	rig_agent(&rig, "smtp", rig_agent_defers, NULL);
	posted = 0;
	for (unsigned i = 0; i < POSTERS; i++)
		fiber_spawn("poster", poster, NULL);
	rig_wait(all_deferred, NULL, "all are deferred");
	commit_figures(rig.q->commit, &figures);
	assert_int_equal(figures.messages, MESSAGES);
	/* Rounds are shared. */
	assert_true(figures.rounds < MESSAGES / 4);
	assert_int_equal(rig.q->reasons.count, 1);
}

FIBER_MAIN static void
deliver_many(void *arg)
{
	size_t before = mallinfo2().uordblks, after;

	(void)arg;
	rig_agent(&rig, "smtp", rig_agent_sends, NULL);
	rig_wait(all_deferred, NULL, "all are read");
	after = mallinfo2().uordblks;
#ifndef POSTERN_SANITIZED
	if (after > before && (after - before) / MESSAGES > 1024)
		fail_msg("a waiting message takes %zu bytes", (after - before) / MESSAGES);
#endif
	(void)before;
	(void)after;
	time_set_wall(time_wall() + 400 * NS_PER_S);
	active_tick(rig.q);
	rig_wait_empty(&rig);
	assert_int_equal(rig_files(&rig), 0);
	assert_int_equal(rig_logged(": removed"), MESSAGES);
}

static void
test_many_messages(void **state)
{
	(void)state;
	rig_run(&rig, leave_many);
	assert_int_equal(rig_files(&rig), MESSAGES);
	rig_run(&rig, deliver_many);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_large_message, setup, teardown),
		cmocka_unit_test_setup_teardown(test_large_expired, setup, teardown),
		cmocka_unit_test_setup_teardown(test_large_bounced, setup, teardown),
		cmocka_unit_test_setup_teardown(test_many_messages, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
