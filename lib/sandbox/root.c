/*
 * The empty directory that processes which own nothing get as their root. Called by master at
 * start. Owns nothing. Limits: it looks once; who can write to the directory's parent is trusted.
 * Must never accept one that somebody else may write to.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/sys.h"
#include "sandbox/walls.h"

#define EMPTY_MODE 0555

static enum verdict
root_check(int fd, const char *path, struct err *err)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return err_sys(err, errno, "%s", path);
	if (st.st_uid != geteuid())
		return err_set(err, VERDICT_PERM, "%s: belongs to user %u", path, st.st_uid);
	/* Before the mode is touched: a wrong path may name a directory that others live in. */
	if (!dir_is_empty(fd))
		return errno ? err_sys(err, errno, "%s", path)
			     : err_set(err, VERDICT_PERM, "%s: is not empty", path);
	if ((st.st_mode & 07777) != EMPTY_MODE && sys_fchmod(fd, EMPTY_MODE) != 0)
		return err_sys(err, errno, "%s: chmod", path);
	return VERDICT_OK;
}

enum verdict
sandbox_empty_root(const char *path, int *fd_out, struct err *err)
{
	enum verdict v;
	int fd;

	if (sys_mkdirat(AT_FDCWD, path, EMPTY_MODE) != 0 && errno != EEXIST)
		return err_sys(err, errno, "%s: mkdir", path);
	fd = sys_openat(AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
	if (fd < 0)
		return err_sys(err, errno, "%s", path);
	v = root_check(fd, path, err);
	if (v != VERDICT_OK) {
		sys_close(fd);
		return v;
	}
	*fd_out = fd;
	return VERDICT_OK;
}
