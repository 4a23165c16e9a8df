/*
 * A user half that dies, or meets a broken or full disk, at each call that changes a file: for N =
 * 1, 2, ... the same session is run by a child whose N-th call is the last one or fails, until one
 * gets through. Then no message is gone but those that were to go, and all of them when QUIT was
 * answered with +OK. The child is this program, run again.
 */
#include "config.h"

#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/sys.h"
#include "tests/unit/pop3d/rig.h"
#include "tests/unit/unit.h"

#define MOST_CALLS 200 /* more than a session makes */
#define ACT_DONE   10  /* of the child: QUIT had its +OK */
#define ACT_ERROR  11  /* it had -ERR, or the session was refused, or ended early */

extern char **environ;

static const char session[] = "RETR 2\nDELE 1\nDELE 3\nQUIT\n";

static int
act(char *path)
{
	struct place place = { .home = sys_openat(AT_FDCWD, path, O_PATH | O_DIRECTORY, 0),
		.proc_fd = sys_openat(AT_FDCWD, "/proc/self/fd", O_PATH | O_DIRECTORY, 0) };
	struct rig rig;
	bool done;

	rig_open(&rig, &place);
	rig_talk(&rig, "", session);
	done = span_find_span(str_span(&rig.said), span_lit("+OK good-bye, 2 messages removed")) <
	       rig.said.n;
	rig_close(&rig);
	return done ? ACT_DONE : ACT_ERROR;
}

/* What the child ended with; -1: it was killed. */
static int
act_apart(struct place *p, unsigned n, const char *what)
{
	struct str fault = STR_INIT(64);
	char program[] = "/proc/self/exe", verb[] = "act";
	char *argv[] = { program, verb, p->path.p, NULL };
	pid_t pid;
	int status;

	str_printf(&fault, "%u:%s", n, what);
	assert_int_equal(setenv("POSTERN_FAULT", str_cstr(&fault), 1), 0);
	assert_int_equal(posix_spawn(&pid, program, NULL, NULL, argv, environ), 0);
	unsetenv("POSTERN_FAULT");
	str_free(&fault);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* One run; returns what the child ended with. */
static int
run(unsigned n, const char *what)
{
	void *state = NULL;
	struct str said = STR_INIT(4096);
	struct mailbox *mb;
	struct place *p;
	int ended;

	assert_int_equal(place_make(&state), 0);
	p = state;
	foreign_file(p, "cur/1.a:2,", "S: one\n\n1\n", 1);
	foreign_file(p, "cur/2.b:2,", "S: two\n\n2\n", 2);
	foreign_file(p, "new/3.c", "S: three\n\n3\n", 3);
	foreign_file(p, "new/4.d", "S: four\n\n4\n", 4);
	str_cstr(&p->path);
	ended = act_apart(p, n, what);
	mb = must_open(p->md, "INBOX");
	mailbox_say(mb, &said);
	for (const char *keep = "24"; *keep; keep++) {
		bool found = false;

		for (size_t i = 0; i < mailbox_count(mb); i++) {
			struct str name = STR_INIT(256);

			assert_int_equal(
			    mailbox_base_name(mb, mailbox_at(mb, i)->uid, &name, NULL), VERDICT_OK);
			found = found || name.p[0] == *keep;
			if (ended == ACT_DONE)
				assert_true(name.p[0] == '2' || name.p[0] == '4');
			str_free(&name);
		}
		if (!found)
			fail_msg("%s at call %u: message %c is gone; %.*s", what, n, *keep,
			    SPAN_ARG(str_span(&said)));
	}
	mailbox_close(mb);
	str_free(&said);
	place_remove(&state);
	return ended;
}

static void
test_killed(void **state)
{
	unsigned n = 1;

	(void)state;
	while (run(n, "kill") == -1)
		assert_true(++n < MOST_CALLS);
	/* Fewer would mean that faults do not count what QUIT does. */
	assert_true(n > 5);
}

static void
test_failed(void **state)
{
	static const char *const whats[] = { "EIO", "ENOSPC" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(whats); i++) {
		unsigned errors = 0, n = 1, well = 0;

		/* Some calls may fail without harm: enough in a row that did not means the end. */
		for (; well < 12 && n < MOST_CALLS; n++) {
			int ended = run(n, whats[i]);

			assert_true(ended == ACT_DONE || ended == ACT_ERROR);
			errors += ended == ACT_ERROR;
			well = ended == ACT_DONE ? well + 1 : 0;
		}
		assert_true(errors > 2);
		assert_true(n < MOST_CALLS);
	}
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_killed),
		cmocka_unit_test(test_failed),
	};

	if (argc == 3)
		return act(argv[2]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
