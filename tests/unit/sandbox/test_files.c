/*
 * Files behind the walls: what each slot lets a process do, and that nothing else can be reached,
 * by the root where there is one and by Landlock where the kernel has it.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/sys.h"
#include "tests/unit/sandbox/walled.h"
#include "tests/unit/unit.h"

static int
open_and_close(int dir, const char *path, int flags)
{
	int fd = sys_openat(dir, path, flags, 0600);

	if (fd < 0)
		return errno;
	sys_close(fd);
	return 0;
}

static int
failed(bool it_did)
{
	return it_did ? errno : 0;
}

static int
act_outside(struct walled_site *site)
{
	return open_and_close(site->outside, "etc/passwd", O_RDONLY);
}

static int
act_outside_list(struct walled_site *site)
{
	return open_and_close(site->outside, ".", O_RDONLY | O_DIRECTORY);
}

/* From the root, "..": the same directory where the root is its own, its parent elsewhere. */
static int
act_above(struct walled_site *site UNUSED)
{
	return open_and_close(AT_FDCWD, "../secret", O_RDONLY);
}

static int
act_absolute(struct walled_site *site UNUSED)
{
	return open_and_close(AT_FDCWD, "/etc/passwd", O_RDONLY);
}

static int
act_read(struct walled_site *site UNUSED)
{
	return open_and_close(AT_FDCWD, "a/file", O_RDONLY);
}

static int
act_list(struct walled_site *site UNUSED)
{
	return open_and_close(AT_FDCWD, "a", O_RDONLY | O_DIRECTORY);
}

static int
act_write(struct walled_site *site UNUSED)
{
	return open_and_close(AT_FDCWD, "a/file", O_WRONLY);
}

static int
act_truncate(struct walled_site *site UNUSED)
{
	return open_and_close(AT_FDCWD, "a/file", O_WRONLY | O_TRUNC);
}

static int
act_make(struct walled_site *site UNUSED)
{
	return open_and_close(AT_FDCWD, "made", O_WRONLY | O_CREAT | O_EXCL);
}

static int
act_make_dir(struct walled_site *site UNUSED)
{
	return failed(sys_mkdirat(AT_FDCWD, "made", 0700) != 0 ||
		      sys_unlinkat(AT_FDCWD, "made", AT_REMOVEDIR) != 0);
}

static int
act_remove(struct walled_site *site UNUSED)
{
	return failed(sys_unlinkat(AT_FDCWD, "a/file", 0) != 0);
}

static int
act_rename(struct walled_site *site UNUSED)
{
	return failed(sys_renameat(AT_FDCWD, "a/file", AT_FDCWD, "b/moved") != 0);
}

static int
act_link(struct walled_site *site UNUSED)
{
	return failed(sys_linkat(AT_FDCWD, "a/file", AT_FDCWD, "b/linked") != 0);
}

/* How a message comes into the queue: unnamed, synced, named, moved. */
static int
act_commit(struct walled_site *site)
{
	int dir = sys_openat(AT_FDCWD, "a", O_RDONLY | O_DIRECTORY, 0);
	int fd = sys_open_tmpfile(dir, O_RDWR, 0600);

	if (dir < 0 || fd < 0)
		return errno;
	if (sys_write_all(fd, "content", 7) != 0 || sys_pwrite_all(fd, "C", 1, 0) != 0 ||
	    sys_fdatasync(fd) != 0 || sys_link_tmpfile(site->procfd, fd, dir, "named") != 0)
		return errno;
	if (sys_syncfs(dir) != 0 || sys_fsync(dir) != 0 || sys_fchmod(fd, 0400) != 0)
		return errno;
	return failed(sys_renameat_new(dir, "named", AT_FDCWD, "b/named") != 0);
}

static int
act_link_elsewhere(struct walled_site *site)
{
	int fd = sys_open_tmpfile(AT_FDCWD, O_RDWR, 0600);

	return failed(fd < 0 || sys_link_tmpfile(site->procfd, fd, AT_FDCWD, "b/named") != 0);
}

static int
act_beneath(struct walled_site *site UNUSED)
{
	int fd = sys_open_beneath(AT_FDCWD, "a/file", O_RDONLY, 0);

	return failed(fd < 0 || sys_open_beneath(AT_FDCWD, "../secret", O_RDONLY, 0) >= 0);
}

static int
act_symlink(struct walled_site *site UNUSED)
{
	return failed(symlinkat("/etc/passwd", AT_FDCWD, "link") != 0);
}

static int
act_fifo(struct walled_site *site UNUSED)
{
	return failed(mknodat(AT_FDCWD, "fifo", S_IFIFO | 0600, 0) != 0);
}

static int
act_watch(struct walled_site *site UNUSED)
{
	int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);

	return failed(fd < 0 || inotify_add_watch(fd, "a", IN_CREATE) < 0);
}

static int
act_inner_read(struct walled_site *site)
{
	return open_and_close(site->inner, "file", O_RDONLY);
}

static int
act_inner_write(struct walled_site *site)
{
	return open_and_close(site->inner, "file", O_RDWR);
}

static int
act_inner_make(struct walled_site *site)
{
	return open_and_close(site->inner, "made", O_RDONLY | O_CREAT);
}

enum { NOWHERE = WALLED_KILLED };

/* Expected with the root of its own (whatever the ABI), then rootless without Landlock and with it.
 */
static const struct {
	const char *profile;
	const char *name;
	act_fn *act;
	int root_plain;
	int root_landlock;
	int plain;
	int landlock;
} cases[] = {
	{ "qmgr", "read", act_read, 0, 0, 0, 0 },
	{ "qmgr", "commit", act_commit, 0, 0, 0, 0 },
	{ "qmgr", "link elsewhere", act_link_elsewhere, 0, 0, 0, 0 },
	{ "qmgr", "rename", act_rename, 0, 0, 0, 0 },
	{ "qmgr", "link", act_link, 0, 0, 0, 0 },
	{ "qmgr", "truncate", act_truncate, 0, 0, 0, 0 },
	{ "qmgr", "directories", act_make_dir, 0, 0, 0, 0 },
	{ "qmgr", "beneath", act_beneath, 0, 0, 0, 0 },
	{ "qmgr", "absolute", act_absolute, ENOENT, ENOENT, 0, EACCES },
	{ "qmgr", "above", act_above, ENOENT, ENOENT, 0, EACCES },
	{ "qmgr", "outside", act_outside, 0, EACCES, 0, EACCES },
	{ "qmgr", "outside list", act_outside_list, 0, EACCES, 0, EACCES },
	{ "qmgr", "symlink", act_symlink, NOWHERE, NOWHERE, NOWHERE, NOWHERE },
	{ "qmgr", "fifo", act_fifo, NOWHERE, NOWHERE, NOWHERE, NOWHERE },
	{ "qmgr", "watch", act_watch, NOWHERE, NOWHERE, NOWHERE, NOWHERE },
	{ "deliverer", "make", act_make, 0, 0, 0, 0 },
	{ "deliverer", "above", act_above, ENOENT, ENOENT, 0, EACCES },
	{ "deliverer", "absolute", act_absolute, ENOENT, ENOENT, 0, EACCES },
	{ "imapd_user", "watch", act_watch, 0, 0, 0, 0 },
	{ "imapd_user", "outside", act_outside, 0, EACCES, 0, EACCES },
	{ "pop3d_user", "remove", act_remove, 0, 0, 0, 0 },
	{ "pickup", "read", act_read, 0, 0, 0, 0 },
	{ "pickup", "list", act_list, 0, 0, 0, 0 },
	{ "pickup", "remove", act_remove, 0, 0, 0, 0 },
	{ "pickup", "watch", act_watch, 0, 0, 0, 0 },
	{ "pickup", "write", act_write, EACCES, EACCES, EACCES, EACCES },
	{ "pickup", "make", act_make, EACCES, EACCES, EACCES, EACCES },
	{ "pickup", "rename", act_rename, NOWHERE, NOWHERE, NOWHERE, NOWHERE },
	{ "log", "make", act_make, 0, 0, 0, 0 },
	{ "log", "remove", act_remove, 0, EACCES, 0, EACCES },
	{ "log", "rename", act_rename, 0, EACCES, 0, EACCES },
	{ "rewrite", "tables", act_inner_read, 0, 0, 0, 0 },
	{ "rewrite", "write", act_inner_write, EACCES, EACCES, EACCES, EACCES },
	{ "rewrite", "make", act_inner_make, EACCES, EACCES, EACCES, EACCES },
	{ "rewrite", "absolute", act_absolute, 0, EACCES, 0, EACCES },
	{ "authd", "users", act_inner_read, 0, 0, 0, 0 },
	{ "authd", "absolute", act_absolute, 0, EACCES, 0, EACCES },
	{ "smtpd", "absolute", act_absolute, EACCES, EACCES, EACCES, EACCES },
	{ "smtp", "above", act_above, EACCES, EACCES, EACCES, EACCES },
};

static void
expect_end(size_t i, const char *abi, bool rootless, int want)
{
	struct walled how = { cases[i].profile, abi, rootless, SPAN("") };
	int got = walled_run(&how, cases[i].act);

	if (got != want)
		fail_msg("%s %s, ABI %s, %s: got %d, want %d", cases[i].profile, cases[i].name,
		    abi ? abi : "newest", rootless ? "rootless" : "root", got, want);
}

static void
test_rootless(void **state UNUSED)
{
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		expect_end(i, "0", true, cases[i].plain);
		expect_end(i, "2", true, walled_abi("2") ? cases[i].landlock : cases[i].plain);
		expect_end(i, NULL, true, walled_abi(NULL) ? cases[i].landlock : cases[i].plain);
	}
}

static void
test_root(void **state UNUSED)
{
	if (!walled_is_root()) {
		print_message("# skipped - real roots: not root\n");
		skip();
	}
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int landlock = cases[i].root_landlock;

		expect_end(i, "0", false, cases[i].root_plain);
		expect_end(i, "2", false, walled_abi("2") ? landlock : cases[i].root_plain);
		expect_end(i, NULL, false, walled_abi(NULL) ? landlock : cases[i].root_plain);
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rootless),
		cmocka_unit_test(test_root),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
