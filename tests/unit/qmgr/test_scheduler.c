/*
 * Windows, dead destinations, fairness, limits: what order deliveries come in, and how many run at
 * a time.
 */
#include "config.h"

#include "base/mem.h"

#include "qmgr/active.h"
#include "qmgr/destination.h"
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

/* Each letter is a delivery: s began and succeeded, f began and failed, b began; S and F end one
 * that had begun. */
static void
test_window(void **state)
{
	static const struct {
		const char *name;
		const char *script;
		unsigned initial, most;
		double cohorts;
		unsigned window;
		bool dead;
	} rows[] = {
		{ "untouched", "", 5, 20, 1, 5, false },
		{ "initial is bounded by most", "", 5, 2, 1, 2, false },
		{ "grows while used", "bbbbbSSS", 5, 20, 1, 8, false },
		{ "grows by no more than it is used", "ssssssssssss", 5, 20, 1, 6, false },
		{ "never beyond most", "bbbbbbbbbbSSSSSSSSSS", 5, 8, 1, 8, false },
		{ "one failure", "f", 5, 20, 1, 4, false },
		{ "a cohort of failures", "ffff", 5, 20, 1, 5, true },
		{ "success between", "fffsff", 5, 20, 1, 1, false },
		{ "no death", "ffffffffff", 5, 20, 0, 1, false },
		{ "three cohorts", "fffff", 5, 20, 3, 1, false },
		{ "a window of one", "f", 1, 1, 1, 1, true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct transport_limits limits = { .initial = rows[i].initial,
			.most = rows[i].most,
			.cohorts = (uint64_t)rows[i].cohorts,
			.dead_time = 100 };
		struct destination d = { .busy = 0 };

		destination_init(&d, &limits);
		for (const char *p = rows[i].script; *p; p++) {
			d.busy += *p == 'b' || *p == 's' || *p == 'f';
			if (*p == 's' || *p == 'S')
				destination_reached(&d, &limits);
			if (*p == 'f' || *p == 'F')
				destination_failed(&d, &limits, 1000, span_lit("why"));
			d.busy -= *p != 'b';
		}
		expect_number(rows[i].name, d.window, rows[i].window);
		expect_number(rows[i].name, destination_is_dead(&d, 1050), rows[i].dead);
		expect_number(rows[i].name, destination_is_dead(&d, 1101), false);
		mem_free(d.reason);
	}
}

/* Keeps what it is given, and how many it had at most. */
struct keeper {
	uint64_t jobs[1000];
	uint32_t first[1000];
	uint32_t targets[1000];
	char order[4000];
	size_t n, held;
	struct ipc_channel *ch;
};

static void
agent_keeps(struct ipc_request *req, const struct msg_deliver *msg, void *arg)
{
	struct keeper *k = arg;

	k->ch = ipc_request_channel(req);
	k->order[k->n] = msg->queue_id.p[0];
	k->jobs[k->n] = msg->job;
	k->first[k->n] = msg->targets.v[0].index;
	k->targets[k->n++] = msg->targets.n;
	k->held++;
}

static void
keeper_sends(struct keeper *k, size_t i)
{
	struct item_result results[100];
	struct msg_deliver_results m = {
		.job = k->jobs[i], .results = { results, k->targets[i] }, .last = true
	};

	for (uint32_t t = 0; t < k->targets[i]; t++)
		results[t] = (struct item_result){ .index = k->first[i] + t,
			.status = DELIVERY_SENT,
			.dsn = span_lit("2.0.0"),
			.text = span_lit("ok") };
	ipc_note(k->ch, 0, &ipc_deliver_results, &m);
	k->held--;
}

struct keeper_wanted {
	struct keeper *k;
	size_t n;
};

static bool
keeper_has(void *arg)
{
	struct keeper_wanted *w = arg;

	return w->k->n >= w->n;
}

SUSPENDS static void
wait_kept(struct keeper *k, size_t n)
{
	struct keeper_wanted w = { k, n };

	rig_wait(keeper_has, &w, "deliveries");
}

/* Nothing more comes for a while. */
SUSPENDS static void
let_run(void)
{
	for (int i = 0; i < 20; i++)
		(void)fiber_sleep_until(deadline_after_ms(1));
}

static struct keeper keeper;

FIBER_MAIN static void
concurrency(void *arg)
{
	(void)arg;
	keeper = (struct keeper){ .n = 0 };
	rig_set_transport(&rig, CONF_TRANSPORT_destination_recipient_limit, 10);
	rig_set_transport(&rig, CONF_TRANSPORT_destination_concurrency_limit, 7);
	rig_agent(&rig, "smtp", agent_keeps, &keeper);
	post(&(struct rig_mail){ .id = "C1", .recipients = 200 });
	wait_kept(&keeper, 5);
	let_run();
	assert_int_equal(keeper.n, 5); /* initial_destination_concurrency */
	assert_int_equal(keeper.targets[0], 10);
	for (size_t done = 0; done < 20; done++) {
		wait_kept(&keeper, done + 1);
		keeper_sends(&keeper, done);
		let_run();
		assert_true(keeper.held <= 7);
	}
	rig_wait_empty(&rig);
	assert_int_equal(keeper.n, 20);
}

static void
test_concurrency(void **state)
{
	(void)state;
	rig_run(&rig, concurrency);
}

/* A message with one recipient does not wait for the ten thousand of the one before it. */
FIBER_MAIN static void
fairness(void *arg)
{
	(void)arg;
	keeper = (struct keeper){ .n = 0 };
	rig_agent(&rig, "smtp", agent_keeps, &keeper);
	post(&(struct rig_mail){ .id = "B1", .recipients = 10000 });
	wait_kept(&keeper, 5);
	post(&(struct rig_mail){ .id = "S1" });
	post(&(struct rig_mail){ .id = "T1" });
	let_run();
	for (size_t done = 0; done < 5; done++) {
		keeper_sends(&keeper, done);
		wait_kept(&keeper, 6 + done);
	}
	let_run();
	/* Five of the large one ran already; then it is each one's turn. */
	assert_non_null(memchr(keeper.order, 'S', 9));
	assert_non_null(memchr(keeper.order, 'T', 9));
	for (size_t done = 5; rig.q->messages.count > 0; done++) {
		wait_kept(&keeper, done + 1);
		keeper_sends(&keeper, done);
		if (rig.q->recipients_n > 4 * LIMIT_QUEUE_CHUNK)
			fail_msg("%zu recipients are in memory", rig.q->recipients_n);
		if (done > 201)
			break;
		while (done + 1 >= keeper.n && rig.q->messages.count > 0)
			(void)fiber_sleep_until(deadline_after_ms(1));
	}
	rig_wait_empty(&rig);
	assert_int_equal(keeper.n, 202);
}

static void
test_fairness(void **state)
{
	(void)state;
	rig_run(&rig, fairness);
}

FIBER_MAIN static void
other_destinations(void *arg)
{
	(void)arg;
	keeper = (struct keeper){ .n = 0 };
	rig_agent(&rig, "smtp", agent_keeps, &keeper);
	/* A destination that does not answer takes its window and no more. */
	post(&(struct rig_mail){ .id = "B2", .recipients = 1000, .nexthop = "slow.example" });
	wait_kept(&keeper, 5);
	post(&(struct rig_mail){ .id = "S2", .nexthop = "fast.example" });
	wait_kept(&keeper, 6);
	assert_int_equal(keeper.order[5], 'S');
	/* And one that belongs to another transport. */
	rig_agent(&rig, "relay", rig_agent_sends, NULL);
	post(&(struct rig_mail){ .id = "R2", .transport = "relay" });
	rig_wait_log(&rig, "R2: removed");
}

static void
test_other_destinations(void **state)
{
	(void)state;
	rig_run(&rig, other_destinations);
}

FIBER_MAIN static void
dead_destination(void *arg)
{
	(void)arg;
	rig_set_transport(&rig, CONF_TRANSPORT_initial_destination_concurrency, 1);
	rig_agent(&rig, "smtp", rig_agent_no_host, NULL);
	post(&(struct rig_mail){ .id = "D1" });
	rig_wait_place(&rig, "D1", MESSAGE_DEFERRED);
	assert_int_equal(rig_delivered(), 1);
	post(&(struct rig_mail){ .id = "D2" });
	rig_wait_place(&rig, "D2", MESSAGE_DEFERRED);
	assert_int_equal(rig_delivered(), 1);
	assert_int_equal(rig_logged("D2: to=<r0@example.org>, relay=none"), 1);
	assert_int_equal(
	    rig_logged("(delivery temporarily suspended: connect to mx: Connection refused)"), 1);
	/* Others are not concerned. */
	rig_agent(&rig, "smtp", rig_agent_sends, NULL);
	post(&(struct rig_mail){ .id = "D3", .nexthop = "other.example" });
	rig_wait_log(&rig, "D3: removed");
	scheduler_revive(rig.q);
	post(&(struct rig_mail){ .id = "D4" });
	rig_wait_log(&rig, "D4: removed");
}

static void
test_dead_destination(void **state)
{
	(void)state;
	rig_run(&rig, dead_destination);
}

/* A death defers what waits behind it in the destination, other messages too. */
FIBER_MAIN static void
death_takes_others(void *arg)
{
	(void)arg;
	rig_set_transport(&rig, CONF_TRANSPORT_initial_destination_concurrency, 1);
	rig_set_transport(&rig, CONF_TRANSPORT_destination_recipient_limit, 1);
	rig_agent(&rig, "smtp", rig_agent_no_host, NULL);
	for (unsigned i = 0; i < 3; i++) {
		char id[3] = { 'K', (char)('0' + i), '\0' };
		post(&(struct rig_mail){ .id = id, .recipients = 1 });
	}
	rig_wait_place(&rig, "K2", MESSAGE_DEFERRED);
	assert_true(rig_delivered() <= 3);
	assert_int_equal(rig.q->active_n, 0);
	assert_int_equal(rig.q->retry.n, 3);
}

static void
test_death_takes_others(void **state)
{
	(void)state;
	rig_run(&rig, death_takes_others);
}

FIBER_MAIN static void
active_limit(void *arg)
{
	char id[4] = "L00";

	(void)arg;
	keeper = (struct keeper){ .n = 0 };
	rig_conf(&rig)->qmgr_message_active_limit = 3;
	rig_agent(&rig, "smtp", agent_keeps, &keeper);
	for (unsigned i = 0; i < 10; i++) {
		id[2] = (char)('0' + i);
		post(&(struct rig_mail){ .id = id });
	}
	let_run();
	assert_int_equal(rig.q->active_n, 3);
	assert_int_equal(keeper.n, 3);
	for (size_t done = 0; done < 10; done++) {
		wait_kept(&keeper, done + 1);
		keeper_sends(&keeper, done);
	}
	rig_wait_empty(&rig);
}

static void
test_active_limit(void **state)
{
	(void)state;
	rig_run(&rig, active_limit);
}

static uint64_t sent_at[8];

static void
agent_clocks(struct ipc_request *req, const struct msg_deliver *msg, void *arg)
{
	unsigned *n = arg;

	if (*n < 8)
		sent_at[(*n)++] = time_mono();
	rig_agent_sends(req, msg, NULL);
}

FIBER_MAIN static void
rate_delay(void *arg)
{
	unsigned n = 0;

	(void)arg;
	rig_set_transport(&rig, CONF_TRANSPORT_destination_rate_delay, 30 * NS_PER_MS);
	rig_set_transport(&rig, CONF_TRANSPORT_destination_recipient_limit, 2);
	rig_agent(&rig, "smtp", agent_clocks, &n);
	post(&(struct rig_mail){ .id = "RD", .recipients = 6 });
	rig_wait_empty(&rig);
	assert_int_equal(n, 3);
	for (unsigned i = 1; i < n; i++)
		assert_true(sent_at[i] - sent_at[i - 1] >= 25 * NS_PER_MS);
}

static void
test_rate_delay(void **state)
{
	(void)state;
	rig_run(&rig, rate_delay);
}

FIBER_MAIN static void
transport_rate_delay(void *arg)
{
	unsigned n = 0;

	(void)arg;
	rig_set_transport(&rig, CONF_TRANSPORT_transport_rate_delay, 30 * NS_PER_MS);
	rig_agent(&rig, "smtp", agent_clocks, &n);
	post(&(struct rig_mail){ .id = "RT", .recipients = 3, .own_nexthops = true });
	rig_wait_empty(&rig);
	assert_int_equal(n, 3);
	for (unsigned i = 1; i < n; i++)
		assert_true(sent_at[i] - sent_at[i - 1] >= 25 * NS_PER_MS);
}

static void
test_transport_rate_delay(void **state)
{
	(void)state;
	rig_run(&rig, transport_rate_delay);
}

/* An agent that dies of its message takes the message with it, not the queue manager's time. */
static void
agent_always_dies(struct ipc_request *req, const struct msg_deliver *msg, void *arg)
{
	(void)req;
	(void)msg;
	(void)arg;
	rig_agent_dies(&rig, "smtp");
}

FIBER_MAIN static void
deadly_message(void *arg)
{
	(void)arg;
	rig_agent(&rig, "smtp", agent_always_dies, NULL);
	post(&(struct rig_mail){ .id = "DD" });
	rig_wait_place(&rig, "DD", MESSAGE_DEFERRED);
	assert_int_equal(rig_delivered(), 3);
	assert_int_equal(rig_logged("status=deferred (mail transport unavailable)"), 1);
}

static void
test_deadly_message(void **state)
{
	(void)state;
	rig_run(&rig, deadly_message);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_window),
		cmocka_unit_test_setup_teardown(test_concurrency, setup, teardown),
		cmocka_unit_test_setup_teardown(test_fairness, setup, teardown),
		cmocka_unit_test_setup_teardown(test_other_destinations, setup, teardown),
		cmocka_unit_test_setup_teardown(test_dead_destination, setup, teardown),
		cmocka_unit_test_setup_teardown(test_death_takes_others, setup, teardown),
		cmocka_unit_test_setup_teardown(test_active_limit, setup, teardown),
		cmocka_unit_test_setup_teardown(test_rate_delay, setup, teardown),
		cmocka_unit_test_setup_teardown(test_transport_rate_delay, setup, teardown),
		cmocka_unit_test_setup_teardown(test_deadly_message, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
