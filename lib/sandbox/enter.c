/*
 * sandbox_enter: all walls of a process, in the order in which each needs the ones before. Called
 * once by every daemon after exec, when it holds its last descriptor; never by master. Owns
 * nothing. Limits: one thread. Must never go on when a wall that the profile wants cannot be put
 * up, other than those that rootless mode is known to lack.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/num.h"
#include "base/sys.h"
#include "sandbox/filter.h"
#include "sandbox/walls.h"

#define CAP_BIT(cap) (UINT64_C(1) << (cap))

static const struct {
	unsigned wall;
	const char *name;
} wall_names[] = {
	{ SANDBOX_WALL_IDENTITY, "own identity" },
	{ SANDBOX_WALL_ROOT, "own root" },
	{ SANDBOX_WALL_FILES, "Landlock on files" },
	{ SANDBOX_WALL_NET, "Landlock on ports" },
	{ SANDBOX_WALL_SCOPE, "Landlock on signals" },
};

void
sandbox_walls_text(unsigned walls, struct str *out)
{
	const char *between = "";

	for (size_t i = 0; i < ARRAY_LEN(wall_names); i++) {
		if (!(walls & wall_names[i].wall))
			continue;
		str_puts(out, between);
		str_puts(out, wall_names[i].name);
		between = ", ";
	}
	if (walls == 0)
		str_puts(out, "none");
}

/* An open directory that nobody declared: a way out of the root. */
struct stray {
	const struct sandbox_options *options;
	int self; /* the listing's own directory */
	int found;
};

static bool
stray_look(int dir, const char *name, void *arg)
{
	struct stray *stray = arg;
	struct stat st;
	struct stat self;
	uint64_t fd;

	if (!num_parse_u64(span_str(name), INT32_MAX, &fd) || (int)fd == dir)
		return true;
	if ((int)fd == stray->options->root_fd)
		return true;
	for (size_t i = 0; i < stray->options->n_dirs; i++) {
		if ((int)fd == stray->options->dirs[i].fd)
			return true;
	}
	if (fstat((int)fd, &st) != 0 || !S_ISDIR(st.st_mode))
		return true;
	/* The directory stream that reads this is one more descriptor of the same directory. */
	if (fstat(dir, &self) == 0 && self.st_dev == st.st_dev && self.st_ino == st.st_ino &&
	    stray->self < 0) {
		stray->self = (int)fd;
		return true;
	}
	stray->found = (int)fd;
	return false;
}

static enum verdict
check_descriptors(const struct sandbox_options *options, struct err *err)
{
	struct stray stray = { options, -1, -1 };
	int dir = sys_openat(AT_FDCWD, "/proc/self/fd", O_RDONLY | O_DIRECTORY, 0);
	int sys = errno;
	bool clean;

	if (dir < 0)
		return err_sys(err, sys, "/proc/self/fd");
	clean = dir_walk(dir, stray_look, &stray);
	sys = errno;
	sys_close(dir);
	if (stray.found >= 0)
		return err_set(
		    err, VERDICT_PERM, "descriptor %d is a directory nobody declared", stray.found);
	return clean ? VERDICT_OK : err_sys(err, sys, "/proc/self/fd");
}

static enum verdict
check_start(
    const struct sandbox_profile *profile, const struct sandbox_options *options, struct err *err)
{
	struct stat st;

	if (getuid() == 0 || geteuid() == 0)
		return err_set(err, VERDICT_PERM, "%s: runs as root", profile->name);
	/* "." and ".." and one per thread. */
	if (stat("/proc/self/task", &st) != 0)
		return err_sys(err, errno, "/proc/self/task");
	if (st.st_nlink != 3)
		return err_set(err, VERDICT_PERM, "%s: threads before the walls", profile->name);
	if (profile->root != SANDBOX_ROOT_NONE && options->root_fd < 0)
		return err_set(err, VERDICT_PERM, "%s: no root was given", profile->name);
	for (size_t i = 0; i < options->n_dirs; i++) {
		if (!sandbox_slot_find(profile, options->dirs[i].slot))
			return err_set(err, VERDICT_PERM, "%s has no slot %s", profile->name,
			    options->dirs[i].slot);
	}
	return check_descriptors(options, err);
}

/* "/" is the directory meant, and there is nothing above it. */
static enum verdict
check_root(int root_fd, struct err *err)
{
	struct stat want;
	struct stat root;
	struct stat above;

	if (fstat(root_fd, &want) != 0 || stat("/", &root) != 0 || stat("/..", &above) != 0)
		return err_sys(err, errno, "look at the new root");
	if (root.st_dev != want.st_dev || root.st_ino != want.st_ino ||
	    above.st_dev != want.st_dev || above.st_ino != want.st_ino)
		return err_set(err, VERDICT_PERM, "the root did not change");
	return VERDICT_OK;
}

static enum verdict
wall_root(const struct sandbox_profile *profile, const struct sandbox_options *options,
    struct sandbox_report *report, struct err *err)
{
	struct caps caps;

	if (profile->root == SANDBOX_ROOT_NONE)
		return VERDICT_OK;
	if (caps_get(&caps) != 0)
		return err_sys(err, errno, "capget");
	if (fchdir(options->root_fd) != 0)
		return err_sys(err, errno, "fchdir to the new root");
	if (!(caps.effective & CAP_BIT(CAP_SYS_CHROOT)) && options->rootless) {
		report->weak |= SANDBOX_WALL_ROOT;
		return VERDICT_OK;
	}
	if (profile->root == SANDBOX_ROOT_EMPTY && !dir_is_empty(options->root_fd))
		return err_set(err, VERDICT_PERM, "%s: the root is not empty", profile->name);
	if (chroot(".") != 0)
		return err_sys(err, errno, "chroot");
	return check_root(options->root_fd, err);
}

/* The bounding set can be emptied by root alone, and was, by sandbox_drop_identity. */
static enum verdict
wall_privileges(const struct sandbox_profile *profile, struct err *err)
{
	static const struct caps none = { 0, 0, 0 };
	struct rlimit nproc = { profile->limits.nproc, profile->limits.nproc };

	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0)
		return err_sys(err, errno, "clear the ambient capabilities");
	if (caps_set(&none) != 0)
		return err_sys(err, errno, "capset");
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return err_sys(err, errno, "PR_SET_NO_NEW_PRIVS");
#ifndef POSTERN_SANITIZED
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
		return err_sys(err, errno, "PR_SET_DUMPABLE");
#endif
	if (profile->limits.nproc != SANDBOX_LIMIT_KEEP && setrlimit(RLIMIT_NPROC, &nproc) != 0)
		return err_sys(err, errno, "setrlimit nproc");
	return VERDICT_OK;
}

static bool
dir_is_granted(const struct sandbox_options *options, const struct stat *st)
{
	struct stat granted;

	for (size_t i = 0; i < options->n_dirs; i++) {
		if (fstat(options->dirs[i].fd, &granted) == 0 && granted.st_dev == st->st_dev &&
		    granted.st_ino == st->st_ino)
			return true;
	}
	return false;
}

/* OUTSIDE leads past the root, so that only Landlock can say no. */
static enum verdict
wall_landlock(const struct sandbox_profile *profile, const struct sandbox_options *options,
    int outside, struct sandbox_report *report, struct err *err)
{
	struct stat st;
	enum verdict v;
	int fd;

	report->landlock_abi = landlock_abi();
	v = landlock_enter(report->landlock_abi, profile, options, err);
	if (v != VERDICT_OK)
		return v;
	report->weak |= report->landlock_abi < 2 ? SANDBOX_WALL_FILES : 0;
	report->weak |= report->landlock_abi < 4 ? SANDBOX_WALL_NET : 0;
	report->weak |= report->landlock_abi < 6 ? SANDBOX_WALL_SCOPE : 0;
	if (report->landlock_abi == 0 || fstat(outside, &st) != 0 || dir_is_granted(options, &st))
		return VERDICT_OK;
	fd = sys_openat(outside, ".", O_RDONLY | O_DIRECTORY, 0);
	if (fd >= 0) {
		sys_close(fd);
		return err_set(err, VERDICT_PERM, "Landlock lets the root directory be opened");
	}
	return VERDICT_OK;
}

/* These would end the process once the filter is in force. */
static enum verdict
check_no_return(const struct sandbox_profile *profile, struct err *err)
{
	if (setresuid(0, 0, 0) == 0 || setresuid((uid_t)-1, 0, (uid_t)-1) == 0)
		return err_set(err, VERDICT_PERM, "%s: can become root", profile->name);
	if (setresgid(0, 0, 0) == 0)
		return err_set(err, VERDICT_PERM, "%s: can become group root", profile->name);
	if (chroot("/") == 0)
		return err_set(err, VERDICT_PERM, "%s: can change its root", profile->name);
	return VERDICT_OK;
}

enum verdict
sandbox_enter(const struct sandbox_profile *profile, const struct sandbox_options *options,
    struct sandbox_report *report_out, struct err *err)
{
	struct sandbox_report report = { options->rootless ? SANDBOX_WALL_IDENTITY : 0, 0 };
	struct str problems = STR_INIT(LIMIT_ERR_TEXT);
	enum verdict v = check_start(profile, options, err);
	int outside;

	if (v != VERDICT_OK)
		return v;
	outside = sys_openat(AT_FDCWD, "/", O_PATH | O_DIRECTORY, 0);
	v = wall_root(profile, options, &report, err);
	if (v == VERDICT_OK)
		v = wall_privileges(profile, err);
	if (v == VERDICT_OK)
		v = wall_landlock(profile, options, outside, &report, err);
	if (outside >= 0)
		sys_close(outside);
	if (v == VERDICT_OK)
		v = check_no_return(profile, err);
	if (v == VERDICT_OK)
		v = filter_install(profile, err);
	if (v == VERDICT_OK && sandbox_prove(profile, &problems) != 0)
		v = err_set(err, VERDICT_PERM, "%s", str_cstr(&problems));
	str_free(&problems);
	*report_out = report;
	return v;
}
