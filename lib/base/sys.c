/*
 * File calls on a descriptor: read, write, sync, truncate, close. All of Postern that touches files
 * calls these and those of sys_path.c. Each is the plain call between sys_enter and sys_leave
 * (sys_fault.h), EINTR retried. Owns nothing. Must never hide an error of fsync: what it did not
 * write is lost, and the caller must not say 250.
 */
#include "config.h"

#include <errno.h>
#include <unistd.h>

#include "base/sys.h"
#include "base/sys_fault.h"

/* Whether a call that returned R is to be made again. */
static bool
was_interrupted(ssize_t r)
{
	return r < 0 && errno == EINTR;
}

ssize_t
sys_write(int fd, const void *p, size_t n)
{
	const struct sys_call call = { SYS_WRITE, .fd = fd, .data = p, .n = n };
	ssize_t r;

	if (!sys_enter(&call))
		return -1;
	do
		r = write(fd, p, n);
	while (was_interrupted(r));
	return sys_leave(&call, r);
}

ssize_t
sys_writev(int fd, const struct iovec *v, int n)
{
	const struct sys_call call = { SYS_WRITE, .fd = fd, .v = v, .n = (size_t)n };
	ssize_t r;

	if (!sys_enter(&call))
		return -1;
	do
		r = writev(fd, v, n);
	while (was_interrupted(r));
	return sys_leave(&call, r);
}

ssize_t
sys_pwrite(int fd, const void *p, size_t n, off_t at)
{
	const struct sys_call call = { SYS_PWRITE, .fd = fd, .data = p, .n = n, .number = at };
	ssize_t r;

	if (!sys_enter(&call))
		return -1;
	do
		r = pwrite(fd, p, n, at);
	while (was_interrupted(r));
	return sys_leave(&call, r);
}

ssize_t
sys_read(int fd, void *p, size_t n)
{
	const struct sys_call call = { SYS_READ, .fd = fd, .n = n };
	ssize_t r;

	if (!sys_enter(&call))
		return -1;
	do
		r = read(fd, p, n);
	while (was_interrupted(r));
	return sys_leave(&call, r);
}

ssize_t
sys_pread(int fd, void *p, size_t n, off_t at)
{
	const struct sys_call call = { SYS_PREAD, .fd = fd, .n = n, .number = at };
	ssize_t r;

	if (!sys_enter(&call))
		return -1;
	do
		r = pread(fd, p, n, at);
	while (was_interrupted(r));
	return sys_leave(&call, r);
}

int
sys_write_all(int fd, const void *p, size_t n)
{
	for (const char *at = p; n;) {
		ssize_t r = sys_write(fd, at, n);

		if (r < 0)
			return -1;
		at += r;
		n -= (size_t)r;
	}
	return 0;
}

int
sys_pwrite_all(int fd, const void *p, size_t n, off_t at)
{
	for (const char *from = p; n;) {
		ssize_t r = sys_pwrite(fd, from, n, at);

		if (r < 0)
			return -1;
		from += r;
		n -= (size_t)r;
		at += r;
	}
	return 0;
}

ssize_t
sys_pread_all(int fd, void *p, size_t n, off_t at)
{
	size_t got = 0;

	while (got < n) {
		ssize_t r = sys_pread(fd, (char *)p + got, n - got, at + (off_t)got);

		if (r < 0)
			return -1;
		if (r == 0)
			break;
		got += (size_t)r;
	}
	return (ssize_t)got;
}

int
sys_fsync(int fd)
{
	const struct sys_call call = { SYS_FSYNC, .fd = fd };
	int r;

	if (!sys_enter(&call))
		return -1;
	do
		r = fsync(fd);
	while (was_interrupted(r));
	return (int)sys_leave(&call, r);
}

int
sys_fdatasync(int fd)
{
	const struct sys_call call = { SYS_FDATASYNC, .fd = fd };
	int r;

	if (!sys_enter(&call))
		return -1;
	do
		r = fdatasync(fd);
	while (was_interrupted(r));
	return (int)sys_leave(&call, r);
}

int
sys_syncfs(int fd)
{
	const struct sys_call call = { SYS_SYNCFS, .fd = fd };

	if (!sys_enter(&call))
		return -1;
	return (int)sys_leave(&call, syncfs(fd));
}

int
sys_ftruncate(int fd, off_t size)
{
	const struct sys_call call = { SYS_FTRUNCATE, .fd = fd, .number = size };
	int r;

	if (!sys_enter(&call))
		return -1;
	do
		r = ftruncate(fd, size);
	while (was_interrupted(r));
	return (int)sys_leave(&call, r);
}

int
sys_fchmod(int fd, mode_t mode)
{
	const struct sys_call call = { SYS_FCHMOD, .fd = fd, .number = mode };

	if (!sys_enter(&call))
		return -1;
	return (int)sys_leave(&call, fchmod(fd, mode));
}

int
sys_fchown(int fd, uid_t uid, gid_t gid)
{
	const struct sys_call call = { SYS_FCHOWN, .fd = fd, .number = uid };

	if (!sys_enter(&call))
		return -1;
	return (int)sys_leave(&call, fchown(fd, uid, gid));
}

int
sys_futimens(int fd, const struct timespec times[2])
{
	const struct sys_call call = { SYS_FUTIMENS, .fd = fd };

	if (!sys_enter(&call))
		return -1;
	return (int)sys_leave(&call, futimens(fd, times));
}

/* Not retried: on Linux the descriptor is gone even after EINTR, and another thread may have its
 * number by now. */
int
sys_close(int fd)
{
	const struct sys_call call = { SYS_CLOSE, .fd = fd };

	if (!sys_enter(&call))
		return -1;
	return (int)sys_leave(&call, close(fd));
}
