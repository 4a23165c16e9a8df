/*
 * The n-th call that changes the disk fails, or is the last thing that the process ever does, for
 * every n of a run; then a new queue manager starts on what is left. Whoever was told that we have
 * a message gets it delivered, and nothing stays behind. Needs a build with --enable-proof.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "qmgr/active.h"
#include "tests/unit/qmgr/rig.h"

#ifdef POSTERN_PROOF

#define MESSAGES 3
#define CALLS	 16 /* about as many as a run makes of those that count */

/* What the two lives of one run tell of themselves. */
struct told {
	unsigned acknowledged[MESSAGES];
	unsigned delivered[MESSAGES];
	bool finished;
	bool clean;
};

static struct rig rig;
static struct told *told;
static const char *const ids[MESSAGES] = { "F1", "F2", "F3" };

static int
setup(void **state)
{
	(void)state;
	told = mmap(NULL, sizeof(*told), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_true(told != MAP_FAILED);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	munmap(told, sizeof(*told));
	return 0;
}

static unsigned
number_of(struct span id)
{
	return (unsigned)(id.p[1] - '1');
}

/* F1 waits, F2 goes, F3 goes for its second recipient alone. */
static void
agent_first_life(struct ipc_request *req, const struct msg_deliver *msg, void *arg)
{
	struct item_result results[2] = {
		{ .index = 0,
		    .status = DELIVERY_DEFERRED,
		    .dsn = span_lit("4.2.0"),
		    .text = span_lit("later") },
		{ .index = 1,
		    .status = DELIVERY_SENT,
		    .dsn = span_lit("2.0.0"),
		    .text = span_lit("ok") },
	};
	struct msg_deliver_results m = {
		.job = msg->job, .results = { results, msg->targets.n }, .last = true
	};
	unsigned n = number_of(msg->queue_id);

	(void)arg;
	if (n == 1) {
		told->delivered[n]++;
		rig_agent_sends(req, msg, NULL);
		return;
	}
	ipc_note(ipc_request_channel(req), 0, &ipc_deliver_results, &m);
}

static void
agent_second_life(struct ipc_request *req, const struct msg_deliver *msg, void *arg)
{
	for (uint32_t i = 0; i < msg->targets.n; i++)
		told->delivered[number_of(msg->queue_id)] += msg->targets.v[i].index == 0;
	rig_agent_sends(req, msg, arg);
}

SUSPENDS static void
let_run(unsigned ms)
{
	for (unsigned i = 0; i < ms; i++)
		(void)fiber_sleep_until(deadline_after_ms(1));
}

FIBER_MAIN static void
first_life(void *arg)
{
	(void)arg;
	rig_agent(&rig, "smtp", agent_first_life, NULL);
	for (unsigned i = 0; i < MESSAGES; i++) {
		struct rig_mail mail = { .id = ids[i], .recipients = i == 2 ? 2 : 1 };
		struct err err = ERR_NONE;

		told->acknowledged[i] = rig_post(&rig, &mail, &err) == VERDICT_OK;
	}
	let_run(15);
	told->finished = true;
	_exit(0);
}

FIBER_MAIN static void
second_life(void *arg)
{
	(void)arg;
	rig_agent(&rig, "smtp", agent_second_life, NULL);
	for (unsigned i = 0; i < 2000 && rig.q->recovery; i++)
		let_run(1);
	time_set_wall(time_wall() + 400 * NS_PER_S);
	active_tick(rig.q);
	for (unsigned i = 0; i < 2000 && rig.q->messages.count > 0; i++)
		let_run(1);
	told->clean = rig_files(&rig) == 0;
	_exit(0);
}

static int
live(fiber_fn *fn, const char *fault)
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		if (fault)
			setenv("POSTERN_FAULT", fault, 1);
		rig_run(&rig, fn);
		_exit(3);
	}
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void
check_run(const char *fault)
{
	*told = (struct told){ .finished = false };
	rig_init(&rig);
	live(first_life, fault);
	live(second_life, NULL);
	for (unsigned i = 0; i < MESSAGES; i++)
		if (told->acknowledged[i] && told->delivered[i] == 0)
			fail_msg("%s: %s was acknowledged and is lost", fault, ids[i]);
	if (!told->clean)
		fail_msg("%s: something is left behind", fault);
	rig_fini(&rig);
}

/* Returns how many runs did not end by themselves. */
static unsigned
check_all(const char *what)
{
	char fault[80];
	unsigned killed = 0;

	for (unsigned n = 1; n <= CALLS; n++) {
		snprintf(fault, sizeof(fault),
		    "%u:%s:pwrite,link,syncfs,fsync,fdatasync,unlink,rename", n, what);
		check_run(fault);
		killed += !told->finished;
	}
	return killed;
}

static void
test_kill(void **state)
{
	(void)state;
	/* Did the faults hit? */
	assert_true(check_all("kill") >= CALLS / 2);
}

static void
test_input_output_error(void **state)
{
	(void)state;
	assert_int_equal(check_all("EIO"), 0);
}

static void
test_disk_full(void **state)
{
	(void)state;
	assert_int_equal(check_all("ENOSPC"), 0);
}

/* Making files fails: mail is refused for as long as that lasts, then taken again. */
static void
test_no_new_files(void **state)
{
	(void)state;
	check_run("1:EMFILE:tmpfile");
	check_run("2:ENOSPC:open,tmpfile,ftruncate");
	check_run("3:EMFILE:open,tmpfile,ftruncate");
}

/* F1 is being written while the round of F2 fails; F3 comes after it. */
FIBER_MAIN static void
sync_fails(void *arg)
{
	struct rig_mail mails[MESSAGES] = { { .id = "F1" }, { .id = "F2" }, { .id = "F3" } };
	struct err err = ERR_NONE;
	uint64_t handle = 0;

	(void)arg;
	if (rig_open(&rig, &mails[0], &handle, &err) != VERDICT_OK)
		_exit(1);
	told->acknowledged[1] = rig_post(&rig, &mails[1], &err) == VERDICT_OK;
	told->acknowledged[0] = rig_commit(&rig, &mails[0], handle, &err) == VERDICT_OK;
	told->acknowledged[2] = rig_post(&rig, &mails[2], &err) == VERDICT_OK;
	told->finished = true;
	_exit(0);
}

/* What that sync could not write, the next one does not write either, and says nothing of it. */
static void
test_failed_sync_takes_open_files_along(void **state)
{
	(void)state;
	*told = (struct told){ .finished = false };
	rig_init(&rig);
	rig.mode = COMMIT_SYNCFS;
	live(sync_fails, "1:EIO:syncfs");
	rig.mode = COMMIT_AUTO;
	rig_fini(&rig);
	assert_true(told->finished);
	assert_false(told->acknowledged[1]);
	assert_false(told->acknowledged[0]);
	assert_true(told->acknowledged[2]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    test_failed_sync_takes_open_files_along, setup, teardown),
		cmocka_unit_test_setup_teardown(test_kill, setup, teardown),
		cmocka_unit_test_setup_teardown(test_input_output_error, setup, teardown),
		cmocka_unit_test_setup_teardown(test_disk_full, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_new_files, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

#else

static void
test_needs_proof(void **state)
{
	(void)state;
	skip();
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_needs_proof) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}

#endif
