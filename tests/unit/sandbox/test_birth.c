/*
 * Birth: dropping an identity, limits, the empty root, and all that sandbox_enter refuses. With
 * root the whole way is gone: fork, drop, exec of this program again, walls.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/num.h"
#include "sandbox/walls.h"
#include "tests/unit/sandbox/walled.h"
#include "tests/unit/unit.h"

#define CHROOT_BIT (UINT64_C(1) << CAP_SYS_CHROOT)

static bool
needs_root(const char *what)
{
	if (walled_is_root())
		return true;
	print_message("# skipped - %s: not root\n", what);
	return false;
}

/* FN in a child; its result is the exit status. */
static int
in_child(int (*fn)(void *arg), void *arg)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0)
		_exit(fn(arg));
	return walled_wait(pid);
}

static int
drop_plain(void *arg UNUSED)
{
	static const gid_t groups[] = { 64010, 64003 };
	struct err err = ERR_NONE;
	gid_t now[8];
	struct caps caps;

	if (sandbox_drop_identity(WALLED_UID, WALLED_GID, groups, 2, false, &err) != VERDICT_OK)
		return 1;
	if (getuid() != WALLED_UID || getegid() != WALLED_GID || getgroups(8, now) != 2)
		return 2;
	if (caps_get(&caps) != 0 || (caps.effective | caps.permitted | caps.inheritable) != 0)
		return 3;
	return setuid(0) == 0 || open("/etc/shadow", O_RDONLY | O_CLOEXEC) >= 0 ? 4 : 0;
}

static int
drop_keep(void *arg UNUSED)
{
	struct err err = ERR_NONE;
	struct caps caps;

	if (sandbox_drop_identity(WALLED_UID, WALLED_GID, NULL, 0, true, &err) != VERDICT_OK)
		return 1;
	if (caps_get(&caps) != 0 || caps.effective != CHROOT_BIT || caps_ambient() != CHROOT_BIT)
		return 2;
	return caps_bounding() == 0 && chroot("/") == 0 ? 0 : 3;
}

static int
drop_refused(void *arg)
{
	const uint32_t *ids = arg;
	gid_t groups[LIMIT_SANDBOX_GROUPS + 1] = { 0 };
	struct err err = ERR_NONE;

	return sandbox_drop_identity(ids[0], ids[1], groups, ids[2], false, &err) == VERDICT_PERM
		   ? getuid() != 0
		   : 2;
}

static void
test_drop(void **state UNUSED)
{
	uint32_t refused[][3] = { { 0, 1, 0 }, { 1, 0, 0 }, { 1, 1, LIMIT_SANDBOX_GROUPS + 1 } };

	if (!needs_root("identities"))
		skip();
	expect_number("plain", in_child(drop_plain, NULL), 0);
	expect_number("keep chroot", in_child(drop_keep, NULL), 0);
	for (size_t i = 0; i < ARRAY_LEN(refused); i++)
		expect_number("refused", in_child(drop_refused, refused[i]), 0);
}

/* An ordinary user has nothing to drop, and is told so. */
static int
drop_unprivileged(void *arg UNUSED)
{
	struct err err = ERR_NONE;

	if (walled_is_root() && setresuid(WALLED_UID, WALLED_UID, WALLED_UID) != 0)
		return 1;
	return sandbox_drop_identity(1, 1, NULL, 0, false, &err) == VERDICT_OK ? 2 : 0;
}

static void
test_drop_unprivileged(void **state UNUSED)
{
	expect_number("unprivileged", in_child(drop_unprivileged, NULL), 0);
}

static int
limits_set(void *arg UNUSED)
{
	const struct sandbox_profile *p = sandbox_profile_find("deliverer");
	struct err err = ERR_NONE;
	struct rlimit limit;

	if (sandbox_set_limits(p, &err) != VERDICT_OK)
		return 1;
	if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur > p->limits.nofile ||
	    limit.rlim_cur != limit.rlim_max)
		return 2;
	if (getrlimit(RLIMIT_CORE, &limit) != 0 || limit.rlim_max != 0)
		return 3;
	return 0;
}

static void
test_limits(void **state UNUSED)
{
	expect_number("limits", in_child(limits_set, NULL), 0);
}

/* The second half of test_exec, in the program that exec started. */
static int
born(const char *root)
{
	const struct sandbox_profile *p = sandbox_profile_find("smtpd");
	struct sandbox_options options = { false, -1, NULL, 0 };
	struct sandbox_report report;
	struct str problems = STR_INIT(4096);
	struct err err = ERR_NONE;
	uint64_t fd;
	struct caps caps;

	if (!num_parse_u64(span_str(root), INT32_MAX, &fd) || getuid() != WALLED_UID)
		return 1;
	if (caps_get(&caps) != 0 || caps.effective != CHROOT_BIT || caps_bounding() != 0)
		return 2;
	options.root_fd = (int)fd;
	if (sandbox_enter(p, &options, &report, &err) != VERDICT_OK) {
		dprintf(2, "%s\n", err.text);
		return 3;
	}
	return report.weak & SANDBOX_WALL_ROOT || sandbox_prove(p, &problems) != 0 ? 4 : 0;
}

static int
birth(void *arg)
{
	int self = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	struct str fd = STR_INIT(16);
	struct err err = ERR_NONE;
	char name[] = "test_birth";
	char born_word[] = "born";

	str_printf(&fd, "%d", *(int *)arg);
	fcntl(*(int *)arg, F_SETFD, 0);
	if (sandbox_set_limits(sandbox_profile_find("smtpd"), &err) != VERDICT_OK ||
	    sandbox_drop_identity(WALLED_UID, WALLED_GID, NULL, 0, true, &err) != VERDICT_OK)
		return 10;
	str_cstr(&fd);
	fexecve(self, (char *[]){ name, born_word, fd.p, NULL }, (char *[]){ NULL });
	return 11;
}

static void
test_exec(void **state UNUSED)
{
	struct walled_site site;

	if (!needs_root("birth by exec"))
		skip();
	walled_site_make(&site);
	expect_number("birth", in_child(birth, &site.empty), 0);
	walled_site_free(&site);
}

/* What sandbox_enter must not accept. Each spoils one thing; 0 is returned when it was refused for
 * that. */
struct spoilt {
	const char *name;
	const char *profile;
	const char *why; /* part of the error's text */
	void (*spoil)(struct walled_site *site, struct sandbox_options *options);
	bool keep_chroot;
};

static void
spoil_stray(struct walled_site *site UNUSED, struct sandbox_options *options UNUSED)
{
	if (open("/", O_PATH | O_DIRECTORY | O_CLOEXEC) < 0)
		abort();
}

static void *
thread_wait(void *arg UNUSED)
{
	for (;;)
		pause();
	return NULL;
}

static void
spoil_thread(struct walled_site *site UNUSED, struct sandbox_options *options UNUSED)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, thread_wait, NULL) != 0)
		abort();
}

static void
spoil_slot(struct walled_site *site, struct sandbox_options *options)
{
	static struct sandbox_dir dir = { "queue", -1 };

	dir.fd = site->readable;
	options->dirs = &dir;
	options->n_dirs = 1;
}

static void
spoil_no_root(struct walled_site *site UNUSED, struct sandbox_options *options)
{
	options->root_fd = -1;
}

static void
spoil_not_empty(struct walled_site *site, struct sandbox_options *options)
{
	options->root_fd = site->home;
}

static void
spoil_nothing(struct walled_site *site UNUSED, struct sandbox_options *options UNUSED)
{
}

static const struct spoilt rootless_spoilt[] = {
	{ "stray directory", "smtpd", "nobody declared", spoil_stray, false },
	{ "thread", "smtpd", "threads", spoil_thread, false },
	{ "slot", "smtpd", "no slot queue", spoil_slot, false },
	{ "no root", "smtpd", "no root", spoil_no_root, false },
};

static const struct spoilt root_spoilt[] = {
	{ "not empty", "smtpd", "not empty", spoil_not_empty, true },
	{ "no capability", "smtpd", "chroot", spoil_nothing, false },
};

struct spoilt_run {
	const struct spoilt *spoilt;
	bool rootless;
	bool keep_chroot;
	struct walled_site site;
};

static int
enter_spoilt(void *arg)
{
	struct spoilt_run *run = arg;
	struct walled_site *site = &run->site;
	struct sandbox_options options = { run->rootless, site->empty, NULL, 0 };
	struct sandbox_report report;
	struct err err = ERR_NONE;

	run->spoilt->spoil(site, &options);
	close(site->base);
	close(site->inner);
	if (options.root_fd != site->home)
		close(site->home);
	if (options.root_fd != site->empty)
		close(site->empty);
	if (walled_is_root() &&
	    sandbox_drop_identity(WALLED_UID, WALLED_GID, NULL, 0, run->keep_chroot, &err))
		return 1;
	if (sandbox_enter(sandbox_profile_find(run->spoilt->profile), &options, &report, &err) ==
	    VERDICT_OK)
		return 2;
	if (span_find_span(err_text(&err), span_str(run->spoilt->why)) < err_text(&err).n)
		return 0;
	dprintf(2, "%s\n", err.text);
	return 3;
}

static void
expect_refused(const struct spoilt *spoilt, bool rootless, bool keep_chroot)
{
	struct spoilt_run run = {
		.spoilt = spoilt, .rootless = rootless, .keep_chroot = keep_chroot
	};

	walled_site_make(&run.site);
	expect_number(spoilt->name, in_child(enter_spoilt, &run), 0);
	walled_site_free(&run.site);
}

static void
test_refused(void **state UNUSED)
{
	for (size_t i = 0; i < ARRAY_LEN(rootless_spoilt); i++)
		expect_refused(&rootless_spoilt[i], true, false);
	if (!needs_root("roots that are refused"))
		return;
	for (size_t i = 0; i < ARRAY_LEN(root_spoilt); i++)
		expect_refused(&root_spoilt[i], false, root_spoilt[i].keep_chroot);
}

static int
enter_as_root(void *arg UNUSED)
{
	struct sandbox_options options = { true, -1, NULL, 0 };
	struct sandbox_report report;
	struct err err = ERR_NONE;

	return sandbox_enter(sandbox_profile_find("rewrite"), &options, &report, &err) ==
		       VERDICT_PERM
		   ? 0
		   : 1;
}

static void
test_as_root(void **state UNUSED)
{
	if (!needs_root("walls around root"))
		skip();
	expect_number("as root", in_child(enter_as_root, NULL), 0);
}

/* Landlock alone, since the filter would let nothing through to it. */
static int
scope_holds(void *arg UNUSED)
{
	struct sandbox_options options = { true, -1, NULL, 0 };
	struct err err = ERR_NONE;
	unsigned abi = landlock_abi();

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
	    landlock_enter(abi, sandbox_profile_find("anvil"), &options, &err) != VERDICT_OK)
		return 1;
	if (kill(getpid(), 0) != 0)
		return 2;
	return (kill(getppid(), 0) != 0) == (abi >= 6) ? 0 : 3;
}

static void
test_scope(void **state UNUSED)
{
	expect_number("signals", in_child(scope_holds, NULL), 0);
}

static void
expect_empty_root(const char *name, struct str *path, enum verdict want)
{
	struct err err = ERR_NONE;
	struct stat st;
	int fd = -1;

	expect_number(name, sandbox_empty_root(str_cstr(path), &fd, &err), want);
	if (want != VERDICT_OK)
		return;
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0555);
	close(fd);
}

static void
test_empty_root(void **state UNUSED)
{
	struct str path = STR_INIT(4096);
	struct walled_site site;

	walled_site_make(&site);
	str_printf(&path, "/proc/self/fd/%d/root", site.base);
	expect_empty_root("made", &path, VERDICT_OK);
	expect_empty_root("found", &path, VERDICT_OK);
	str_cut(&path, path.n - 4);
	str_puts(&path, "home");
	expect_empty_root("not empty", &path, VERDICT_PERM);
	str_cut(&path, path.n - 4);
	str_puts(&path, "secret");
	expect_empty_root("a file", &path, VERDICT_TEMP);
	str_puts(&path, "/none/below");
	expect_empty_root("no parent", &path, VERDICT_TEMP);
	if (walled_is_root() && fchownat(site.base, "empty", WALLED_UID, WALLED_GID, 0) == 0) {
		str_reset(&path);
		str_printf(&path, "/proc/self/fd/%d/empty", site.base);
		expect_empty_root("somebody else's", &path, VERDICT_PERM);
	}
	str_free(&path);
	walled_site_free(&site);
}

static void
test_walls_text(void **state UNUSED)
{
	struct str text = STR_INIT(256);

	sandbox_walls_text(0, &text);
	expect_text("none", str_span(&text), "none");
	str_reset(&text);
	sandbox_walls_text(SANDBOX_WALL_IDENTITY | SANDBOX_WALL_ROOT, &text);
	expect_text("two", str_span(&text), "own identity, own root");
	str_free(&text);
}

int
main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_drop),
		cmocka_unit_test(test_drop_unprivileged),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_exec),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_as_root),
		cmocka_unit_test(test_scope),
		cmocka_unit_test(test_empty_root),
		cmocka_unit_test(test_walls_text),
	};

	if (argc == 3 && strcmp(argv[1], "born") == 0)
		_exit(born(argv[2]));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
