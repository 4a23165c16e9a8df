/*
 * File calls on a name in a directory: open, link, rename, unlink, mkdir. Called as those of sys.c
 * are. Where the directory belongs to somebody who may plant links in it (a user's Maildir),
 * sys_open_beneath is the one to open with. Owns nothing. Must never follow a symbolic link there,
 * whatever the kernel lacks.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cursor.h"
#include "base/mem.h"
#include "base/sys.h"
#include "base/sys_fault.h"

enum {
	BENEATH_TRIES = 16, /* openat2 says EAGAIN when a rename elsewhere crossed its path */
	FD_DIGITS = 12,	    /* bytes of a descriptor's number with its NUL */
};

int
sys_openat(int dir, const char *path, int flags, mode_t mode)
{
	struct sys_call call = { SYS_OPENAT, .fd = -1, .dir = dir, .name = path, .flags = flags };
	int r;

	if (!sys_enter(&call))
		return -1;
	do
		r = openat(dir, path, flags | O_CLOEXEC, mode);
	while (r < 0 && errno == EINTR);
	call.fd = r;
	return (int)sys_leave(&call, r);
}

/*
 * The way of kernels before 5.6 and of cages that do not know openat2: one component at a time. It
 * is stricter: ".." is refused even where it would stay beneath.
 */
static int
open_by_steps(int dir, const char *path, int flags, mode_t mode)
{
	struct cursor c = cursor_of(span_str(path));
	int at = dir, r = -1;
	struct span part;

	if (cursor_peek(&c) == '/') {
		errno = EXDEV;
		return -1;
	}
	while (cursor_until(&c, '/', &part)) {
		char *name = mem_strdup(part.n ? part : span_lit("."));

		errno = EXDEV;
		r = span_eq(part, span_lit(".."))
			? -1
			: openat(at, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		mem_free(name);
		if (at != dir)
			close(at);
		at = r;
		if (r < 0)
			return -1;
	}
	errno = EXDEV;
	if (span_eq(cursor_rest(&c), span_lit("..")))
		r = -1;
	else
		r = openat(at, cursor_done(&c) ? "." : c.p, flags | O_NOFOLLOW | O_CLOEXEC, mode);
	if (at != dir)
		close(at);
	return r;
}

static int
open_beneath(int dir, const char *path, int flags, mode_t mode)
{
	struct open_how how = { .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS };
	long r = -1;

	how.flags = (uint64_t)(flags | O_CLOEXEC);
	how.mode = flags & (O_CREAT | __O_TMPFILE) ? mode : 0;
	for (int i = 0; i < BENEATH_TRIES; i++) {
		r = syscall(SYS_openat2, dir, path, &how, sizeof(how));
		if (r >= 0 || (errno != EAGAIN && errno != EINTR))
			break;
	}
	if (r < 0 && errno == ENOSYS)
		return open_by_steps(dir, path, flags, mode);
	return (int)r;
}

int
sys_open_beneath(int dir, const char *path, int flags, mode_t mode)
{
	struct sys_call call = { SYS_OPENAT, .fd = -1, .dir = dir, .name = path, .flags = flags };

	if (!sys_enter(&call))
		return -1;
	call.fd = open_beneath(dir, path, flags, mode);
	return (int)sys_leave(&call, call.fd);
}

int
sys_open_tmpfile(int dir, int flags, mode_t mode)
{
	struct sys_call call = { SYS_TMPFILE, .fd = -1, .dir = dir, .flags = flags };

	if (!sys_enter(&call))
		return -1;
	call.fd = openat(dir, ".", flags | O_TMPFILE | O_CLOEXEC, mode);
	return (int)sys_leave(&call, call.fd);
}

int
sys_link_tmpfile(int proc_fd, int fd, int dir, const char *name)
{
	const struct sys_call call = { SYS_LINKAT, .fd = fd, .to_dir = dir, .to = name };
	char number[FD_DIGITS];

	if (!sys_enter(&call))
		return -1;
	snprintf(number, sizeof(number), "%d", fd);
	return (int)sys_leave(&call, linkat(proc_fd, number, dir, name, AT_SYMLINK_FOLLOW));
}

static struct sys_call
call_between(enum sys_kind kind, int from_dir, const char *from, int to_dir, const char *to)
{
	return (struct sys_call){
		kind,
		.fd = -1,
		.dir = from_dir,
		.name = from,
		.to_dir = to_dir,
		.to = to,
	};
}

int
sys_renameat(int from_dir, const char *from, int to_dir, const char *to)
{
	const struct sys_call call = call_between(SYS_RENAMEAT, from_dir, from, to_dir, to);

	if (!sys_enter(&call))
		return -1;
	return (int)sys_leave(&call, renameat(from_dir, from, to_dir, to));
}

int
sys_renameat_new(int from_dir, const char *from, int to_dir, const char *to)
{
	const struct sys_call call = call_between(SYS_RENAMEAT, from_dir, from, to_dir, to);
	int r;

	if (!sys_enter(&call))
		return -1;
	r = renameat2(from_dir, from, to_dir, to, RENAME_NOREPLACE);
	/* Some file systems cannot (NFS): a link fails on what is there just the same. */
	if (r < 0 && (errno == EINVAL || errno == ENOSYS)) {
		r = linkat(from_dir, from, to_dir, to, 0);
		if (r == 0)
			r = unlinkat(from_dir, from, 0);
	}
	return (int)sys_leave(&call, r);
}

int
sys_linkat(int from_dir, const char *from, int to_dir, const char *to)
{
	const struct sys_call call = call_between(SYS_LINKAT, from_dir, from, to_dir, to);

	if (!sys_enter(&call))
		return -1;
	return (int)sys_leave(&call, linkat(from_dir, from, to_dir, to, 0));
}

int
sys_unlinkat(int dir, const char *name, int flags)
{
	const struct sys_call call = {
		SYS_UNLINKAT,
		.fd = -1,
		.dir = dir,
		.name = name,
		.flags = flags,
	};

	if (!sys_enter(&call))
		return -1;
	return (int)sys_leave(&call, unlinkat(dir, name, flags));
}

int
sys_mkdirat(int dir, const char *name, mode_t mode)
{
	const struct sys_call call = {
		SYS_MKDIRAT,
		.fd = -1,
		.dir = dir,
		.name = name,
		.number = mode,
	};

	if (!sys_enter(&call))
		return -1;
	return (int)sys_leave(&call, mkdirat(dir, name, mode));
}
