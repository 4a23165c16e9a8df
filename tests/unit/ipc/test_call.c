/*
 * Calls: replies, failures, deadlines, cancellation, peers that die or answer wrongly, more calls
 * than may be open, many at once. Client and server are two channels of one process, on one loop;
 * where the peer breaks a rule it is a descriptor that the test writes frames to.
 */
#include "config.h"

#include "base/mem.h"
#include "tests/unit/ipc/ipc_test.h"

#define MANY 10000
#define WAVE 2500

static void
answer_resolve(struct ipc_request *req, const void *msg, void *arg)
{
	const struct msg_resolve *q = msg;
	struct item_recipient one = { .address = q->address, .nexthop = SPAN("example.org") };
	struct msg_resolved r = { .class = ADDRESS_LOCAL, .recipients = { &one, 1 } };
	struct scene *s = arg;
	struct err err;

	s->taken++;
	assert_int_equal(ipc_request_trace(req), 77);
	if (span_eq(q->address, span_lit("nobody"))) {
		err_mail(&err, 550, "5.1.1", "<%.*s>: unknown", SPAN_ARG(q->address));
		ipc_fail(req, &err);
		return;
	}
	ipc_reply(req, &ipc_resolved, &r);
}

/* Kept until the test says. */
static void
hold_flush(struct ipc_request *req, const void *msg UNUSED, void *arg)
{
	struct scene *s = arg;

	assert_true(s->held_n < ARRAY_LEN(s->held));
	s->held[s->held_n++] = req;
}

static void
answer_too_long(struct ipc_request *req, const void *msg UNUSED, void *arg UNUSED)
{
	static const char text[LIMIT_ADDRESS + 1];
	struct msg_granted r = { .account = { text, sizeof(text) } };

	ipc_reply(req, &ipc_granted, &r);
}

static const struct ipc_permit permits[] = {
	{ &ipc_resolve, answer_resolve },
	{ &ipc_queue_flush, hold_flush },
	{ &ipc_grant_delivery, answer_too_long },
};
static const struct ipc_service server = {
	.name = "smtpd",
	.permits = permits,
	.permits_n = ARRAY_LEN(permits),
	.gone = scene_gone_right,
};
static const struct ipc_service client = { .name = "rewrite", .gone = scene_gone_left };

static void
open_both(struct scene *s, fiber_fn *fn)
{
	s->left = ipc_open(s->ipc, s->fds[0], &client, s);
	s->right = ipc_open(s->ipc, s->fds[1], &server, s);
	s->fds[1] = -1;
	assert_non_null(fiber_spawn("client", fn, s));
}

SUSPENDS
static enum verdict
resolve(struct scene *s, const char *address, struct arena *arena, struct err *err)
{
	struct msg_resolve q = { .address = span_str(address) };
	struct msg_resolved r;
	enum verdict v =
	    ipc_call(s->left, 77, &ipc_resolve, &q, &ipc_resolved, &r, arena, SOON, err);

	if (v == VERDICT_OK) {
		assert_int_equal(r.class, ADDRESS_LOCAL);
		assert_int_equal(r.recipients.n, 1);
		expect_text("address", r.recipients.v[0].address, address);
		expect_text("nexthop", r.recipients.v[0].nexthop, "example.org");
	}
	return v;
}

FIBER_MAIN
static void
simple_main(void *arg)
{
	struct scene *s = arg;
	struct arena arena;
	struct err err;

	arena_init(&arena, 1 << 20);
	assert_int_equal(resolve(s, "anna@example.org", &arena, &err), VERDICT_OK);
	assert_int_equal(resolve(s, "nobody", &arena, &err), VERDICT_PERM);
	assert_int_equal(err.reply, 550);
	assert_int_equal(err.dsn.detail, 1);
	expect_text("failed", err_text(&err), "<nobody>: unknown");
	arena_free(&arena);
	arena_init(&arena, 16);
	assert_int_equal(resolve(s, "anna@example.org", &arena, &err), VERDICT_LIMIT);
	assert_int_equal(ipc_peer_pid(s->left), getpid());
	assert_int_equal(ipc_peer_generation(s->left), 3);
	assert_int_equal(ipc_peer_uid(s->left), getuid());
	ipc_close(s->left, false);
	assert_int_equal(resolve(s, "anna@example.org", &arena, &err), VERDICT_TEMP);
	expect_text("closed", err_text(&err), "rewrite went away");
	arena_free(&arena);
}

static void
start_simple(struct scene *s)
{
	open_both(s, simple_main);
}

static void
check_simple(struct scene *s)
{
	expect_text("left", str_span(&s->why), "rewrite was left");
	expect_text("right", str_span(&s->why_right), "smtpd went away");
}

static void
test_simple(void **state UNUSED)
{
	scene_run(start_simple, check_simple);
}

/* A message out of its bounds, on either side, is an error of that call alone. */
FIBER_MAIN
static void
bounds_main(void *arg)
{
	static const char text[LIMIT_ADDRESS + 1];
	struct scene *s = arg;
	struct msg_grant_delivery q = { .account = { text, sizeof(text) } };
	struct msg_granted r;
	struct arena arena;
	struct err err;

	arena_init(&arena, 1 << 20);
	assert_int_equal(
	    ipc_call(s->left, 77, &ipc_grant_delivery, &q, &ipc_granted, &r, &arena, SOON, &err),
	    VERDICT_PERM);
	expect_text(
	    "call", err_text(&err), "grant_delivery.account: 1025 bytes, at most 1024 are allowed");
	q.account = span_lit("anna");
	assert_int_equal(
	    ipc_call(s->left, 77, &ipc_grant_delivery, &q, &ipc_granted, &r, &arena, SOON, &err),
	    VERDICT_PERM);
	expect_text(
	    "reply", err_text(&err), "granted.account: 1025 bytes, at most 1024 are allowed");
	assert_int_equal(resolve(s, "anna@example.org", &arena, &err), VERDICT_OK);
	ipc_close(s->left, false);
	arena_free(&arena);
}

static void
start_bounds(struct scene *s)
{
	open_both(s, bounds_main);
}

static void
test_bounds(void **state UNUSED)
{
	scene_run(start_bounds, NULL);
}

/* The deadline passes; the reply comes late, is dropped, and the next call gets its own. */
FIBER_MAIN
static void
late_main(void *arg)
{
	struct scene *s = arg;
	struct msg_queue_flush q = { .site = SPAN("example.org") };
	struct msg_queue_flushed r, late = { .count = 1 };
	struct arena arena;
	struct err err;

	arena_init(&arena, 1 << 20);
	assert_int_equal(ipc_call(s->left, 1, &ipc_queue_flush, &q, &ipc_queue_flushed, &r, &arena,
			     deadline_after_ms(5), &err),
	    VERDICT_TIMEOUT);
	expect_text("timeout", err_text(&err), "rewrite did not answer in time");
	assert_int_equal(s->held_n, 1);
	ipc_reply(s->held[0], &ipc_queue_flushed, &late);
	assert_int_equal(resolve(s, "anna@example.org", &arena, &err), VERDICT_OK);
	assert_int_equal(s->left->calls, 0);
	ipc_close(s->left, false);
	arena_free(&arena);
}

static void
start_late(struct scene *s)
{
	open_both(s, late_main);
}

static void
test_late(void **state UNUSED)
{
	scene_run(start_late, NULL);
}

FIBER_MAIN
static void
cancelled_main(void *arg)
{
	struct scene *s = arg;
	struct msg_queue_flush q = { .site = SPAN("example.org") };
	struct msg_queue_flushed r;
	struct arena arena;
	struct err err;

	arena_init(&arena, 1 << 20);
	assert_int_equal(
	    ipc_call(s->left, 1, &ipc_queue_flush, &q, &ipc_queue_flushed, &r, &arena, SOON, &err),
	    VERDICT_CANCELLED);
	arena_free(&arena);
	s->taken = 100;
}

FIBER_MAIN
static void
canceller_main(void *arg)
{
	struct scene *s = arg;
	struct msg_queue_flushed late = { .count = 1 };
	struct arena arena;
	struct fiber *f = fiber_spawn("cancelled", cancelled_main, s);
	struct err err;

	arena_init(&arena, 1 << 20);
	while (s->held_n == 0)
		assert_int_equal(fiber_yield(), VERDICT_OK);
	fiber_cancel(f);
	while (s->taken != 100)
		assert_int_equal(fiber_yield(), VERDICT_OK);
	assert_int_equal(s->left->forgotten, 1);
	ipc_reply(s->held[0], &ipc_queue_flushed, &late);
	assert_int_equal(resolve(s, "anna@example.org", &arena, &err), VERDICT_OK);
	assert_int_equal(s->left->forgotten, 0);
	ipc_close(s->left, false);
	arena_free(&arena);
}

static void
start_cancel(struct scene *s)
{
	open_both(s, canceller_main);
}

static void
test_cancel(void **state UNUSED)
{
	scene_run(start_cancel, NULL);
}

/* The server goes while calls are open; its own handlers find their requests without a channel. */
FIBER_MAIN
static void
death_main(void *arg)
{
	struct scene *s = arg;
	struct msg_queue_flush q = { .site = SPAN("example.org") };
	struct msg_queue_flushed r;
	struct ipc_pending slots[3];
	struct arena arena;
	struct err err;

	arena_init(&arena, 1 << 20);
	for (size_t i = 0; i < ARRAY_LEN(slots); i++)
		ipc_send_call(s->left, 1, &ipc_queue_flush, &q, &ipc_queue_flushed, &slots[i]);
	while (s->held_n < ARRAY_LEN(slots))
		assert_int_equal(fiber_yield(), VERDICT_OK);
	ipc_reply(s->held[0], &ipc_queue_flushed, &(struct msg_queue_flushed){ .count = 9 });
	ipc_close(s->right, true);
	for (size_t i = 1; i < s->held_n; i++) {
		assert_null(ipc_request_channel(s->held[i]));
		ipc_reply(
		    s->held[i], &ipc_queue_flushed, &(struct msg_queue_flushed){ .count = 8 });
	}
	assert_int_equal(ipc_await(&slots[0], &r, &arena, SOON, &err), VERDICT_OK);
	assert_int_equal(r.count, 9);
	assert_int_equal(ipc_await(&slots[1], &r, &arena, SOON, &err), VERDICT_TEMP);
	expect_text("death", err_text(&err), "rewrite went away");
	ipc_forget(&slots[2]);
	arena_free(&arena);
}

static void
start_death(struct scene *s)
{
	open_both(s, death_main);
}

static void
test_death(void **state UNUSED)
{
	scene_run(start_death, NULL);
}

/* The peer has stopped reading, which only a write finds out; what it said before still counts. */
FIBER_MAIN
static void
last_words_main(void *arg)
{
	struct scene *s = arg;
	struct msg_queue_flush q = { .site = SPAN("example.org") };
	struct msg_queue_flushed r;
	struct ipc_pending slots[2];
	struct arena arena;
	struct err err;

	arena_init(&arena, 1 << 20);
	s->left = ipc_open(s->ipc, s->fds[0], &client, s);
	ipc_send_call(s->left, 1, &ipc_queue_flush, &q, &ipc_queue_flushed, &slots[0]);
	ipc_send_call(s->left, 1, &ipc_queue_flush, &q, &ipc_queue_flushed, &slots[1]);
	output_flush(s->left);
	assert_true(s->left->deaf);
	assert_int_equal(ipc_await(&slots[0], &r, &arena, SOON, &err), VERDICT_OK);
	assert_int_equal(r.count, 4);
	assert_int_equal(ipc_await(&slots[1], &r, &arena, SOON, &err), VERDICT_TEMP);
	arena_free(&arena);
}

static void
start_last_words(struct scene *s)
{
	struct str bytes = STR_INIT(4096);

	put_hello(&bytes);
	put_frame(&bytes, &ipc_queue_flushed, &(struct msg_queue_flushed){ .count = 4 }, 1);
	send_raw(s->fds[1], str_span(&bytes), NULL, 0);
	str_free(&bytes);
	shutdown(s->fds[1], SHUT_RD);
	assert_non_null(fiber_spawn("client", last_words_main, s));
}

static void
test_last_words(void **state UNUSED)
{
	scene_run(start_last_words, NULL);
}

static const struct {
	const char *name;
	const struct ipc_type *type;
	uint32_t id;
	const char *want;
	const char *why;
} bad_replies[] = {
	{ "another type", &ipc_queue_committed, 1, "rewrite went away",
	    "rewrite sent queue_committed that answers no call" },
	{ "another id", &ipc_queue_flushed, 2, "rewrite went away",
	    "rewrite sent queue_flushed that answers no call" },
	{ "malformed", &ipc_failed, 1, "rewrite sent a malformed failed",
	    "rewrite sent a malformed reply: " },
};

/* A peer that answers wrongly is not believed in anything. */
FIBER_MAIN
static void
bad_reply_main(void *arg)
{
	struct scene *s = arg;
	struct msg_queue_flush q = { .site = SPAN("example.org") };
	struct msg_queue_flushed r;
	struct arena arena;
	struct err err;

	arena_init(&arena, 1 << 20);
	s->left = ipc_open(s->ipc, s->fds[0], &client, s);
	assert_int_equal(
	    ipc_call(s->left, 1, &ipc_queue_flush, &q, &ipc_queue_flushed, &r, &arena, SOON, &err),
	    VERDICT_TEMP);
	expect_text("bad reply", err_text(&err), bad_replies[s->taken].want);
	arena_free(&arena);
}

static void
test_bad_replies(void **state UNUSED)
{
	for (unsigned i = 0; i < ARRAY_LEN(bad_replies); i++) {
		struct scene s = { .taken = i };
		struct str bytes = STR_INIT(4096);
		struct arena arena;

		arena_init(&arena, 4096);
		str_init(&s.why, LIMIT_ERR_TEXT);
		loop_init();
		s.ipc = ipc_new(3);
		assert_int_equal(ipc_pair(s.fds), 0);
		put_hello(&bytes);
		put_frame(&bytes, bad_replies[i].type,
		    arena_alloc(&arena, bad_replies[i].type->size), bad_replies[i].id);
		send_raw(s.fds[1], str_span(&bytes), NULL, 0);
		assert_non_null(fiber_spawn("client", bad_reply_main, &s));
		loop_run();
		loop_fini();
		ipc_free(s.ipc);
		close(s.fds[1]);
		expect_text(bad_replies[i].name, str_span(&s.why), bad_replies[i].why);
		str_free(&bytes);
		str_free(&s.why);
		arena_free(&arena);
	}
}

/* As many calls as may be open, then one more. */
FIBER_MAIN
static void
overload_main(void *arg)
{
	struct scene *s = arg;
	struct msg_resolve q = { .address = SPAN("anna@example.org") };
	struct msg_resolved r;
	struct ipc_pending *slots = mem_alloc_array(LIMIT_IPC_CALLS + 1, sizeof(*slots));
	struct arena arena;
	struct err err;

	arena_init(&arena, 64 << 20);
	for (size_t i = 0; i <= LIMIT_IPC_CALLS; i++)
		ipc_send_call(s->left, 77, &ipc_resolve, &q, &ipc_resolved, &slots[i]);
	assert_int_equal(ipc_await(&slots[LIMIT_IPC_CALLS], &r, &arena, SOON, &err), VERDICT_TEMP);
	expect_text("overload", err_text(&err), "rewrite is overloaded");
	for (size_t i = 0; i < LIMIT_IPC_CALLS; i++)
		assert_int_equal(ipc_await(&slots[i], &r, &arena, SOON, &err), VERDICT_OK);
	assert_int_equal(resolve(s, "anna@example.org", &arena, &err), VERDICT_OK);
	ipc_close(s->left, false);
	arena_free(&arena);
	mem_free(slots);
}

static void
start_overload(struct scene *s)
{
	open_both(s, overload_main);
}

static void
test_overload(void **state UNUSED)
{
	scene_run(start_overload, NULL);
}

FIBER_MAIN
static void
many_main(void *arg)
{
	struct scene *s = arg;
	struct ipc_pending *slots = mem_alloc_array(WAVE, sizeof(*slots));
	struct str address = STR_INIT(64);
	struct msg_resolved r;
	struct arena arena;
	struct err err;

	arena_init(&arena, 64 << 20);
	for (size_t sent = 0; sent < MANY; sent += WAVE) {
		for (size_t i = 0; i < WAVE; i++) {
			struct msg_resolve q;

			str_reset(&address);
			str_printf(&address, "user%zu@example.org", sent + i);
			q = (struct msg_resolve){ .address = str_span(&address) };
			ipc_send_call(s->left, 77, &ipc_resolve, &q, &ipc_resolved, &slots[i]);
		}
		for (size_t i = 0; i < WAVE; i++) {
			arena_reset(&arena);
			assert_int_equal(ipc_await(&slots[i], &r, &arena, SOON, &err), VERDICT_OK);
			str_reset(&address);
			str_printf(&address, "user%zu@example.org", sent + i);
			expect_span("many", r.recipients.v[0].address, str_span(&address));
		}
	}
	assert_int_equal(s->taken, MANY);
	ipc_close(s->left, false);
	str_free(&address);
	arena_free(&arena);
	mem_free(slots);
}

static void
start_many(struct scene *s)
{
	open_both(s, many_main);
}

static void
test_many(void **state UNUSED)
{
	scene_run(start_many, NULL);
}

/* A server that leaves: what has been asked is answered, then the client closes the channel. */
FIBER_MAIN
static void
retire_main(void *arg)
{
	struct scene *s = arg;
	struct msg_queue_flush q = { .site = SPAN("example.org") };
	struct msg_queue_flushed r;
	struct ipc_pending slots[2];
	struct arena arena;
	struct err err;

	arena_init(&arena, 1 << 20);
	for (size_t i = 0; i < ARRAY_LEN(slots); i++)
		ipc_send_call(s->left, 1, &ipc_queue_flush, &q, &ipc_queue_flushed, &slots[i]);
	while (s->held_n < ARRAY_LEN(slots))
		assert_int_equal(fiber_yield(), VERDICT_OK);
	ipc_retire(s->right);
	assert_true(ipc_is_open(s->right));
	while (ipc_is_open(s->left))
		assert_int_equal(fiber_yield(), VERDICT_OK);
	/* Who had the channel before it knew is answered too. */
	assert_int_equal(resolve(s, "anna@example.org", &arena, &err), VERDICT_OK);
	for (size_t i = 0; i < ARRAY_LEN(slots); i++) {
		r.count = i;
		ipc_reply(s->held[i], &ipc_queue_flushed, &r);
	}
	for (size_t i = 0; i < ARRAY_LEN(slots); i++) {
		assert_int_equal(ipc_await(&slots[i], &r, &arena, SOON, &err), VERDICT_OK);
		assert_int_equal(r.count, i);
	}
	arena_free(&arena);
}

static void
start_retire(struct scene *s)
{
	open_both(s, retire_main);
}

static void
check_retire(struct scene *s)
{
	expect_text("left", str_span(&s->why), "rewrite was left");
	expect_text("right", str_span(&s->why_right), "smtpd went away");
}

static void
test_retire(void **state UNUSED)
{
	scene_run(start_retire, check_retire);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_simple),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_late),
		cmocka_unit_test(test_cancel),
		cmocka_unit_test(test_death),
		cmocka_unit_test(test_last_words),
		cmocka_unit_test(test_bad_replies),
		cmocka_unit_test(test_overload),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_retire),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
