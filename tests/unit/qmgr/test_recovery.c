/*
 * What a queue manager finds when it starts: messages in every state, files cut at every byte,
 * names it does not know, mail that comes while it reads.
 */
#include "config.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
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

static bool
is_recovered(void *arg)
{
	(void)arg;
	return rig.q->recovery == NULL && changes_idle(rig.q->changes);
}

SUSPENDS static void
wait_recovered(void)
{
	rig_wait(is_recovered, NULL, "the queue is read");
}

/* The first recipient is sent, the second deferred, the third bounced; of the fourth nothing is
 * said. */
static void
agent_mixed(struct ipc_request *req, const struct msg_deliver *msg, void *arg)
{
	struct item_result results[] = {
		{ .index = 0,
		    .status = DELIVERY_SENT,
		    .dsn = span_lit("2.0.0"),
		    .text = span_lit("ok") },
		{ .index = 1,
		    .status = DELIVERY_DEFERRED,
		    .dsn = span_lit("4.2.2"),
		    .text = span_lit("full") },
	};
	struct msg_deliver_results m = { .job = msg->job, .results = { results, 2 } };

	(void)arg;
	assert_int_equal(msg->targets.n, 3);
	ipc_note(ipc_request_channel(req), 0, &ipc_deliver_results, &m);
}

static bool
two_results(void *arg)
{
	struct message *m = message_find(rig.q, span_lit("MX"));

	(void)arg;
	return m && m->done == 1 && m->deferred == 1 && changes_idle(rig.q->changes);
}

FIBER_MAIN static void
leave_mixed(void *arg)
{
	(void)arg;
	rig_agent(&rig, "smtp", agent_mixed, NULL);
	post(&(struct rig_mail){ .id = "MX", .recipients = 3 });
	rig_wait(two_results, NULL, "two results");
}

FIBER_MAIN static void
find_mixed(void *arg)
{
	struct recipient *r;

	(void)arg;
	rig_agent(&rig, "smtp", rig_agent_silent, NULL);
	wait_recovered();
	struct message *m = message_find(rig.q, span_lit("MX"));
	assert_non_null(m);
	assert_int_equal(m->done, 1);
	assert_int_equal(m->deferred, 1);
	assert_int_equal(m->running + m->waiting, 1);
	assert_int_equal(m->flags, FILE_ACKNOWLEDGED);
	r = message_next(message_first(m));
	assert_int_equal(r->state, SLOT_DEFERRED);
	assert_int_equal(r->attempts, 1);
	expect_text("reason", intern_text(r->reason), "full");
	assert_int_equal(r->dsn.detail, 2);
	assert_true(r->next > time_wall() + 200 * NS_PER_S);
	assert_true(m->retry.place > 0);
}

static void
test_states_survive(void **state)
{
	(void)state;
	rig_run(&rig, leave_mixed);
	rig_run(&rig, find_mixed);
}

FIBER_MAIN static void
leave_fresh(void *arg)
{
	(void)arg;
	rig_agent(&rig, "smtp", rig_agent_silent, NULL);
	post(&(struct rig_mail){ .id = "FR" });
}

FIBER_MAIN static void
deliver_what_is_there(void *arg)
{
	(void)arg;
	rig_agent(&rig, "smtp", rig_agent_sends, NULL);
	wait_recovered();
	rig_wait_empty(&rig);
}

static void
test_fresh_is_delivered(void **state)
{
	(void)state;
	rig_run(&rig, leave_fresh);
	assert_true(rig_has_file(&rig, "FR"));
	rig_run(&rig, deliver_what_is_there);
	assert_int_equal(rig_files(&rig), 0);
	assert_int_equal(rig_logged("FR: removed"), 1);
}

/* A copy of the file FROM, SIZE bytes of it, with FLIP (if below SIZE) changed. */
static void
plant(const char *from, const char *name, size_t size, size_t flip)
{
	char *bytes = mem_alloc(size + 1);
	int fd = openat(rig.dir, from, O_RDONLY);

	assert_true(sys_pread_all(fd, bytes, size, 0) >= 0);
	close(fd);
	if (flip < size)
		bytes[flip] ^= 1;
	fd = openat(rig.dir, name, O_CREAT | O_WRONLY | O_TRUNC, 0600);
	assert_int_equal(sys_write_all(fd, bytes, size), 0);
	close(fd);
	mem_free(bytes);
}

static size_t
size_of(const char *name)
{
	struct stat st;

	assert_int_equal(fstatat(rig.dir, name, &st, 0), 0);
	return (size_t)st.st_size;
}

/* What a crash in the middle of a sync round may leave: any prefix. None of it was acknowledged. */
static void
test_leftovers_are_dropped(void **state)
{
	size_t size, n = 0;
	unsigned before;

	(void)state;
	rig_run(&rig, leave_fresh);
	/* Whether its first life gave it to the agent depends on which fiber ran first. */
	before = rig_delivered();
	renameat(rig.dir, "FR", rig.dir, ".FR");
	size = size_of(".FR");
	for (size_t cut = 0; cut < size; cut += 13) {
		plant(".FR", "FR", cut, SIZE_MAX);
		rig_run(&rig, deliver_what_is_there);
		if (rig_has_file(&rig, "FR"))
			fail_msg("a file of %zu bytes is still there", cut);
		n++;
	}
	assert_int_equal(rig_logged("FR: dropped, as it was never acknowledged"), n);
	assert_int_equal(rig_delivered(), before);
	plant(".FR", "FR", size, SIZE_MAX);
	rig_run(&rig, deliver_what_is_there);
	assert_int_equal(rig_delivered(), before + 1);
	unlinkat(rig.dir, ".FR", 0);
}

FIBER_MAIN static void
leave_deferred(void *arg)
{
	(void)arg;
	rig_agent(&rig, "smtp", rig_agent_defers, NULL);
	post(&(struct rig_mail){ .id = "DF" });
	rig_wait_place(&rig, "DF", MESSAGE_DEFERRED);
}

FIBER_MAIN static void
find_damaged(void *arg)
{
	(void)arg;
	wait_recovered();
	struct message *m = message_find(rig.q, span_lit("DF"));
	assert_non_null(m);
	assert_int_equal(m->place, MESSAGE_DAMAGED);
}

/* Every byte of head and record of an acknowledged message: it is never deleted. */
static void
test_acknowledged_is_kept(void **state)
{
	size_t size;

	(void)state;
	rig_run(&rig, leave_deferred);
	renameat(rig.dir, "DF", rig.dir, ".DF");
	size = size_of(".DF");
	for (size_t at = 0; at < 220; at += at == FILE_HEAD_SIZE - 16 ? 80 : 16) {
		plant(".DF", "DF", size, at);
		rig_run(&rig, find_damaged);
		if (!rig_has_file(&rig, "DF"))
			fail_msg("byte %zu was changed: the file is gone", at);
	}
	assert_true(rig_logged("DF: damaged, and kept as it is") >= 10);
	unlinkat(rig.dir, ".DF", 0);
}

FIBER_MAIN static void
strange_names(void *arg)
{
	(void)arg;
	wait_recovered();
	assert_int_equal(rig.q->messages.count, 0);
}

static void
test_strange_names(void **state)
{
	static const char *const names[] = { "README", "tmp.12", "tmp.x", "aeiou", "Q1.bak" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		close(openat(rig.dir, names[i], O_CREAT | O_WRONLY, 0600));
	rig_run(&rig, strange_names);
	assert_false(rig_has_file(&rig, "tmp.12"));
	assert_true(rig_has_file(&rig, "README"));
	assert_int_equal(rig_logged("3 files in the queue's directory are not ours"), 1);
}

static void
many_id(char *out, unsigned i)
{
	static const char digits[] = "0123456789";

	for (unsigned k = 6; k > 0; k--, i /= 10)
		out[k] = digits[i % 10];
	out[0] = 'M';
	out[7] = '\0';
}

FIBER_MAIN static void
leave_many(void *arg)
{
	char id[8];

	(void)arg;
	rig_agent(&rig, "smtp", rig_agent_defers, NULL);
	rig.q->stopping = true; /* nothing is delivered */
	for (unsigned i = 0; i < 64; i++) {
		many_id(id, i);
		rig.q->stopping = false;
		uint64_t handle;
		struct err err = ERR_NONE;
		struct rig_mail mail = { .id = id };
		assert_int_equal(rig_open(&rig, &mail, &handle, &err), VERDICT_OK);
		rig.q->stopping = true;
		assert_int_equal(rig_commit(&rig, &mail, handle, &err), VERDICT_OK);
	}
}

FIBER_MAIN static void
read_many(void *arg)
{
	(void)arg;
	rig_agent(&rig, "smtp", rig_agent_silent, NULL);
	/* New mail comes in at once. */
	post(&(struct rig_mail){ .id = "NW" });
	wait_recovered();
	assert_int_equal(rig.q->messages.count, 65);
}

static void
test_mail_comes_while_reading(void **state)
{
	(void)state;
	rig_run(&rig, leave_many);
	assert_int_equal(rig_files(&rig), 64);
	rig_run(&rig, read_many);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_states_survive, setup, teardown),
		cmocka_unit_test_setup_teardown(test_fresh_is_delivered, setup, teardown),
		cmocka_unit_test_setup_teardown(test_leftovers_are_dropped, setup, teardown),
		cmocka_unit_test_setup_teardown(test_acknowledged_is_kept, setup, teardown),
		cmocka_unit_test_setup_teardown(test_strange_names, setup, teardown),
		cmocka_unit_test_setup_teardown(test_mail_comes_while_reading, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
