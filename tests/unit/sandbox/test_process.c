/*
 * A process seen from outside: the walled one is as its profile says, each wrong one is found out.
 * Children wait behind their walls while the parent looks; an ordinary user sees less of them, and
 * tests less.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sandbox/process.h"
#include "sandbox/walls.h"
#include "tests/unit/sandbox/walled.h"
#include "tests/unit/unit.h"

/* Ready; stays until the other end is closed. */
static int
act_wait(struct walled_site *site)
{
	char byte = 'r';

	if (send(site->pair[1], &byte, 1, 0) != 1)
		return errno;
	return recv(site->pair[1], &byte, 1, 0) == 0 ? 0 : EIO;
}

static unsigned
compare(const char *profile, pid_t pid, bool rootless, struct str *problems)
{
	struct sandbox_process p;
	struct err err = ERR_NONE;
	unsigned n;

	str_reset(problems);
	if (sandbox_describe_process(pid, &p, &err) != VERDICT_OK)
		fail_msg("describe %d: %s", (int)pid, err.text);
	n = sandbox_compare(sandbox_profile_find(profile), &p, rootless, problems);
	sandbox_process_free(&p);
	return n;
}

/* WANT must be among the problems; "" is none at all. */
static void
expect_problems(const char *name, unsigned n, struct str *problems, const char *want)
{
	if (n == 0 && *want == '\0')
		return;
	if (span_find_span(str_span(problems), span_str(want)) == problems->n || *want == '\0')
		fail_msg("%s: %u problems: %s, want %s", name, n, str_cstr(problems), want);
}

/* The process of `is` held against the profile `as`. */
static const struct {
	const char *is;
	const char *as;
	const char *root; /* the problem to be found among others; "" is none at all */
	const char *rootless;
} cases[] = {
	{ "smtpd", "smtpd", "", "" },
	{ "anvil", "anvil", "", "" },
	{ "qmgr", "qmgr", "", "" },
	{ "rewrite", "rewrite", "", "" },
	{ "imapd_user", "imapd_user", "", "" },
	{ "qmgr", "smtpd", "root: not empty", "an open directory" },
	{ "rewrite", "qmgr", "root: the system's", "" },
	{ "rewrite", "anvil", "an open directory", "an open directory" },
};

static void
compare_case(size_t i, bool rootless)
{
	struct walled how = { cases[i].is, NULL, rootless, SPAN("") };
	struct str problems = STR_INIT(4096);
	struct walled_site site;
	struct walled_waiting waiting;
	unsigned n;

	walled_site_make(&site);
	waiting = walled_start(&site, &how, act_wait);
	assert_true(waiting.stands);
	n = compare(cases[i].as, waiting.pid, rootless, &problems);
	/* An ordinary user cannot look inside. */
	if (!rootless || walled_is_root())
		expect_problems(
		    cases[i].as, n, &problems, rootless ? cases[i].rootless : cases[i].root);
	expect_number(cases[i].is, walled_stop(&site, &waiting), 0);
	str_free(&problems);
	walled_site_free(&site);
}

static void
test_compare(void **state UNUSED)
{
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		compare_case(i, true);
		if (walled_is_root())
			compare_case(i, false);
	}
	if (!walled_is_root())
		print_message("# skipped - real walls from outside: not root\n");
}

static void
test_describe(void **state UNUSED)
{
	struct walled how = { "smtpd", NULL, !walled_is_root(), SPAN("") };
	struct sandbox_process p;
	struct walled_site site;
	struct walled_waiting waiting;
	struct err err = ERR_NONE;

	walled_site_make(&site);
	waiting = walled_start(&site, &how, act_wait);
	assert_true(waiting.stands);
	assert_int_equal(sandbox_describe_process(waiting.pid, &p, &err), VERDICT_OK);
	assert_int_equal(p.pid, waiting.pid);
	assert_int_equal(p.threads, 1);
	assert_int_equal(p.seccomp, 2);
	assert_int_equal(p.no_new_privs, 1);
	assert_int_equal(p.cap_effective | p.cap_permitted | p.cap_ambient, 0);
	if (walled_is_root()) {
		assert_int_equal(p.uids[0], WALLED_UID);
		assert_int_equal(p.uids[3], WALLED_UID);
		assert_int_equal(p.gids[2], WALLED_GID);
		assert_int_equal(p.n_groups, 0);
		assert_int_equal(p.cap_bounding, 0);
		assert_true(p.inside_known && p.root_empty && !p.root_is_ours);
		assert_true(span_ends(str_span(&p.root), span_lit("/empty")));
		assert_int_equal(p.fds[SANDBOX_FD_DIR], 0);
		assert_true(p.fds[SANDBOX_FD_SOCKET] >= 3 && p.fds[SANDBOX_FD_FILE] >= 2);
	}
	sandbox_process_free(&p);
	assert_int_equal(walled_stop(&site, &waiting), 0);
	walled_site_free(&site);
}

/* No walls at all: the test itself. */
static void
test_wrong(void **state UNUSED)
{
	struct str problems = STR_INIT(4096);
	unsigned n = compare("smtpd", getpid(), false, &problems);

	assert_true(n >= 3);
	expect_problems("no walls", n, &problems, "seccomp: no filter");
	expect_problems("no walls", n, &problems, "no_new_privs: not set");
	if (walled_is_root()) {
		expect_problems("no walls", n, &problems, "user ids: root's");
		expect_problems("no walls", n, &problems, "capabilities: not empty");
		expect_problems("no walls", n, &problems, "root: the system's");
	}
	str_free(&problems);
}

static void
test_absent(void **state UNUSED)
{
	struct sandbox_process p;
	struct err err = ERR_NONE;

	assert_int_equal(sandbox_describe_process(INT32_MAX, &p, &err), VERDICT_ABSENT);
	sandbox_process_free(&p);
}

static void
test_names(void **state UNUSED)
{
	for (enum sandbox_fd kind = 0; kind < SANDBOX_FD_KINDS; kind++)
		assert_non_null(sandbox_fd_name(kind));
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_compare),
		cmocka_unit_test(test_describe),
		cmocka_unit_test(test_wrong),
		cmocka_unit_test(test_absent),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
