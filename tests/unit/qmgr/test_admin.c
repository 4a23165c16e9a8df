/*
 * What the tools ask: lists of small and large messages, flushing, reading a file.
 */
#include "config.h"

#include <fcntl.h>
#include <unistd.h>

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

/* What came of a list. */
struct seen {
	unsigned notes;
	unsigned recipients;
	struct str text;
};

static void
see(struct ipc_request *req, const void *msg, void *arg)
{
	const struct msg_queue_entry *e = msg;
	struct seen *seen = arg;

	(void)req;
	seen->notes++;
	seen->recipients += e->recipients.n;
	str_printf(&seen->text, "%.*s %.*s <%.*s> %u;", SPAN_ARG(e->queue), SPAN_ARG(e->queue_id),
	    SPAN_ARG(e->sender), e->recipients.n);
	if (e->recipients.n > 0)
		str_printf(&seen->text, "%.*s (%.*s)\n", SPAN_ARG(e->recipients.v[0].address),
		    SPAN_ARG(e->recipients.v[0].reason));
}

SUSPENDS static uint64_t
list(struct seen *seen)
{
	struct msg_queue_list ask = { 0 };
	struct msg_queue_listed got;
	struct err err = ERR_NONE;
	struct arena arena;

	*seen = (struct seen){ .text = STR_INIT(1 << 20) };
	rig_tool_notes(&rig, see, seen);
	arena_init(&arena, 4096);
	assert_int_equal(ipc_call(rig.tool, 0, &ipc_queue_list, &ask, &ipc_queue_listed, &got,
			     &arena, RIG_WAIT, &err),
	    VERDICT_OK);
	arena_free(&arena);
	return got.count;
}

SUSPENDS static enum verdict
flush(const char *id, const char *site, uint64_t *count)
{
	struct msg_queue_flush ask = { .queue_id = span_str(id), .site = span_str(site) };
	struct msg_queue_flushed got = { 0 };
	struct err err = ERR_NONE;
	struct arena arena;
	enum verdict v;

	arena_init(&arena, 4096);
	v = ipc_call(
	    rig.tool, 0, &ipc_queue_flush, &ask, &ipc_queue_flushed, &got, &arena, RIG_WAIT, &err);
	arena_free(&arena);
	*count = got.count;
	return v;
}

FIBER_MAIN static void
lists(void *arg)
{
	struct seen seen;

	(void)arg;
	assert_int_equal(list(&seen), 0);
	assert_int_equal(seen.notes, 0);
	rig_agent(&rig, "smtp", rig_agent_defers, NULL);
	post(&(struct rig_mail){ .id = "L1", .recipients = 2 });
	rig_wait_place(&rig, "L1", MESSAGE_DEFERRED);
	rig_agent(&rig, "smtp", rig_agent_silent, NULL);
	post(&(struct rig_mail){ .id = "L2", .sender = "" });
	assert_int_equal(list(&seen), 2);
	assert_int_equal(seen.notes, 2);
	if (span_find_span(str_span(&seen.text),
		span_lit(
		    "deferred L1 <s@example.com> 2;r0@example.org (host said: 450 later)\n")) ==
	    seen.text.n)
		fail_msg("%s", str_cstr(&seen.text));
	if (span_find_span(str_span(&seen.text), span_lit("active L2 <> 1;r0@example.org ()\n")) ==
	    seen.text.n)
		fail_msg("%s", str_cstr(&seen.text));
	str_free(&seen.text);
}

static void
test_lists(void **state)
{
	(void)state;
	rig_run(&rig, lists);
}

/* The first thousand are in memory; what is on the disk alone is listed too. */
FIBER_MAIN static void
lists_large(void *arg)
{
	struct seen seen;

	(void)arg;
	rig_agent(&rig, "smtp", rig_agent_silent, NULL);
	post(&(struct rig_mail){ .id = "BG", .recipients = 3500 });
	rig_wait_place(&rig, "BG", MESSAGE_ACTIVE);
	assert_int_equal(list(&seen), 1);
	assert_int_equal(seen.notes, 4);
	assert_int_equal(seen.recipients, 3500);
	str_free(&seen.text);
}

static void
test_lists_large(void **state)
{
	(void)state;
	rig_run(&rig, lists_large);
}

FIBER_MAIN static void
flushes(void *arg)
{
	uint64_t n;

	(void)arg;
	rig_agent(&rig, "smtp", rig_agent_defers, NULL);
	post(&(struct rig_mail){ .id = "F1" });
	post(&(struct rig_mail){ .id = "F2", .nexthop = "other.example" });
	post(&(struct rig_mail){ .id = "F3" });
	rig_wait_place(&rig, "F1", MESSAGE_DEFERRED);
	rig_wait_place(&rig, "F2", MESSAGE_DEFERRED);
	rig_wait_place(&rig, "F3", MESSAGE_DEFERRED);
	rig_agent(&rig, "smtp", rig_agent_sends, NULL);
	assert_int_equal(flush("ZZ", "", &n), VERDICT_ABSENT);
	assert_int_equal(flush("F3", "", &n), VERDICT_OK);
	rig_wait_log(&rig, "F3: removed");
	assert_int_equal(rig.q->messages.count, 2);
	assert_int_equal(flush("", "OTHER.example", &n), VERDICT_OK);
	assert_int_equal(n, 1);
	rig_wait_log(&rig, "F2: removed");
	assert_int_equal(rig.q->messages.count, 1);
	assert_int_equal(flush("", "", &n), VERDICT_OK);
	assert_int_equal(n, 1);
	rig_wait_empty(&rig);
}

static void
test_flushes(void **state)
{
	(void)state;
	rig_run(&rig, flushes);
}

FIBER_MAIN static void
reads(void *arg)
{
	struct msg_queue_read ask = { .queue_id = span_lit("RR") };
	struct msg_queue_file got;
	struct err err = ERR_NONE;
	struct arena arena;

	(void)arg;
	arena_init(&arena, 4096);
	rig_agent(&rig, "smtp", rig_agent_silent, NULL);
	post(&(struct rig_mail){ .id = "RR" });
	assert_int_equal(ipc_call(rig.tool, 0, &ipc_queue_read, &ask, &ipc_queue_file, &got, &arena,
			     RIG_WAIT, &err),
	    VERDICT_OK);
	assert_int_equal(fcntl(got.file, F_GETFL) & O_ACCMODE, O_RDONLY);
	close(got.file);
	ask.queue_id = span_lit("R0");
	assert_int_not_equal(ipc_call(rig.tool, 0, &ipc_queue_read, &ask, &ipc_queue_file, &got,
				 &arena, RIG_WAIT, &err),
	    VERDICT_OK);
	arena_free(&arena);
}

static void
test_reads(void **state)
{
	(void)state;
	rig_run(&rig, reads);
}

SUSPENDS static uint64_t
order(enum queue_order what, const char *id)
{
	struct msg_queue_order ask = { .order = (uint8_t)what, .queue_id = span_str(id) };
	struct msg_queue_ordered got = { 0 };
	struct err err = ERR_NONE;
	struct arena arena;

	arena_init(&arena, 4096);
	if (ipc_call(rig.tool, 0, &ipc_queue_order, &ask, &ipc_queue_ordered, &got, &arena,
		RIG_WAIT, &err) != VERDICT_OK)
		fail_msg("order %d: %s", what, err.text);
	arena_free(&arena);
	return got.count;
}

FIBER_MAIN static void
deletes(void *arg)
{
	(void)arg;
	rig_agent(&rig, "smtp", rig_agent_defers, NULL);
	post(&(struct rig_mail){ .id = "X1" });
	post(&(struct rig_mail){ .id = "X2", .recipients = 3000 });
	rig_wait_place(&rig, "X1", MESSAGE_DEFERRED);
	rig_wait_place(&rig, "X2", MESSAGE_DEFERRED);
	assert_int_equal(order(QUEUE_DELETE, "ZZ"), 0);
	assert_int_equal(order(QUEUE_DELETE, "X1"), 1);
	rig_wait_log(&rig, "X1: removed");
	assert_int_equal(rig.q->messages.count, 1);
	assert_int_equal(order(QUEUE_DELETE, ""), 1);
	rig_wait_empty(&rig);
	assert_int_equal(rig_files(&rig), 0);
}

static void
test_deletes(void **state)
{
	(void)state;
	rig_run(&rig, deletes);
}

/* What an agent has is waited for; its word counts no more. */
FIBER_MAIN static void
deletes_running(void *arg)
{
	(void)arg;
	rig_agent(&rig, "smtp", rig_agent_silent, NULL);
	post(&(struct rig_mail){ .id = "X3", .recipients = 2000 });
	while (rig_delivered() < 5)
		fiber_sleep_until(deadline_after_ms(1));
	assert_int_equal(order(QUEUE_DELETE, "X3"), 1);
	assert_non_null(message_find(rig.q, span_lit("X3")));
	rig_agent_dies(&rig, "smtp");
	rig_wait_empty(&rig);
	assert_int_equal(rig_delivered(), 5);
}

static void
test_deletes_running(void **state)
{
	(void)state;
	rig_run(&rig, deletes_running);
}

FIBER_MAIN static void
holds(void *arg)
{
	(void)arg;
	rig_agent(&rig, "smtp", rig_agent_defers, NULL);
	post(&(struct rig_mail){ .id = "H1" });
	rig_wait_place(&rig, "H1", MESSAGE_DEFERRED);
	assert_int_equal(order(QUEUE_HOLD, "H1"), 1);
	assert_int_equal(order(QUEUE_HOLD, "H1"), 0);
	rig_wait_place(&rig, "H1", MESSAGE_HELD);
	assert_int_equal(rig.q->retry.n, 0);
	assert_int_equal(rig_logged("H1: placed on hold"), 1);
	/* From the beginning. */
	post(&(struct rig_mail){ .id = "H2", .flags = MESSAGE_HOLD });
	rig_wait_place(&rig, "H2", MESSAGE_HELD);
	assert_int_equal(rig_logged("H2: from="), 0);
}

FIBER_MAIN static void
holds_on(void *arg)
{
	uint64_t n;

	(void)arg;
	rig_agent(&rig, "smtp", rig_agent_sends, NULL);
	rig_wait_place(&rig, "H1", MESSAGE_HELD);
	rig_wait_place(&rig, "H2", MESSAGE_HELD);
	assert_int_equal(flush("", "", &n), VERDICT_OK);
	assert_int_equal(n, 0);
	assert_int_equal(order(QUEUE_RELEASE, "H2"), 1);
	rig_wait_log(&rig, "H2: removed");
	assert_int_equal(order(QUEUE_RELEASE, ""), 1);
	rig_wait_place(&rig, "H1", MESSAGE_DEFERRED);
	assert_int_equal(flush("", "", &n), VERDICT_OK);
	rig_wait_empty(&rig);
}

static void
test_holds(void **state)
{
	(void)state;
	rig_run(&rig, holds);
	rig_run(&rig, holds_on);
}

FIBER_MAIN static void
holds_running(void *arg)
{
	(void)arg;
	rig_agent(&rig, "smtp", rig_agent_silent, NULL);
	post(&(struct rig_mail){ .id = "H3", .recipients = 1500 });
	while (rig_delivered() < 5)
		fiber_sleep_until(deadline_after_ms(1));
	assert_int_equal(order(QUEUE_HOLD, "H3"), 1);
	rig_agent_dies(&rig, "smtp");
	rig_wait_place(&rig, "H3", MESSAGE_HELD);
	rig_agent(&rig, "smtp", rig_agent_sends, NULL);
	assert_int_equal(order(QUEUE_RELEASE, "H3"), 1);
	rig_wait_empty(&rig);
}

static void
test_holds_running(void **state)
{
	(void)state;
	rig_run(&rig, holds_running);
}

FIBER_MAIN static void
expires(void *arg)
{
	(void)arg;
	rig_agent(&rig, "smtp", rig_agent_defers, NULL);
	post(&(struct rig_mail){ .id = "P1" });
	rig_wait_place(&rig, "P1", MESSAGE_DEFERRED);
	assert_int_equal(order(QUEUE_EXPIRE, "P1"), 1);
	rig_wait_empty(&rig);
	assert_int_equal(
	    rig_logged("P1: from=<s@example.com>, status=force-expired, returned to sender"), 1);
}

static void
test_expires(void **state)
{
	(void)state;
	rig_run(&rig, expires);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_lists, setup, teardown),
		cmocka_unit_test_setup_teardown(test_lists_large, setup, teardown),
		cmocka_unit_test_setup_teardown(test_flushes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_reads, setup, teardown),
		cmocka_unit_test_setup_teardown(test_deletes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_deletes_running, setup, teardown),
		cmocka_unit_test_setup_teardown(test_holds, setup, teardown),
		cmocka_unit_test_setup_teardown(test_holds_running, setup, teardown),
		cmocka_unit_test_setup_teardown(test_expires, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
