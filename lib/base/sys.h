/*
 * Every call that changes or reads the file system, under one name each, so that tests can make the
 * n-th one fail or be the last thing that ever happens, and record them for power-cut replays
 * (POSTERN_PROOF builds only; elsewhere these are the plain calls). EINTR is retried where that is
 * right; results and errno are the plain calls' own.
 *
 * POSTERN_PROOF: the environment variable POSTERN_FAULT="N:what[:calls]" makes the N-th of the
 * calls named (all that change something when none are named, e.g. "write,fsync,rename") fail with
 * errno `what` (EIO, ENOSPC, EDQUOT, EMFILE) or, for "kill", end the process at once by SIGKILL
 * before the call. Counts are per process, of all its threads. Names: open tmpfile write pwrite
 * fsync fdatasync syncfs ftruncate rename link unlink mkdir fchmod futimens; and, which change
 * nothing, read pread close. POSTERN_FAULT_FD=n: a descriptor to which each call is written as a
 * line (its form: sys_fault.c), for counting and for power-cut replays. POSTERN_FAULT_MAP=path: a
 * plan that a test and all processes of a suite share (sys_shared.h).
 */
#ifndef BASE_SYS_H
#define BASE_SYS_H

#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "base/defs.h"

/* All open with O_CLOEXEC added. */
int sys_openat(int dir, const char *path, int flags, mode_t mode);
/*
 * openat2(RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS): PATH cannot leave DIR, whatever somebody planted
 * there. Where the kernel has no openat2, ".." is EXDEV even where it would stay beneath.
 */
int sys_open_beneath(int dir, const char *path, int flags, mode_t mode);
/* An unnamed file in DIR (O_TMPFILE). */
int sys_open_tmpfile(int dir, int flags, mode_t mode);
/* Gives an unnamed file a name; PROC_FD is of /proc/self/fd, opened after fork, before the walls.
 */
int sys_link_tmpfile(int proc_fd, int fd, int dir, const char *name);

ssize_t sys_write(int fd, const void *p, size_t n);
ssize_t sys_writev(int fd, const struct iovec *v, int n);
ssize_t sys_pwrite(int fd, const void *p, size_t n, off_t at);
ssize_t sys_read(int fd, void *p, size_t n);
ssize_t sys_pread(int fd, void *p, size_t n, off_t at);
/* All of it, or -1 with errno: short writes are gone on with. */
int sys_write_all(int fd, const void *p, size_t n);
int sys_pwrite_all(int fd, const void *p, size_t n, off_t at);
/* The number read, less than N at the end of the file only; -1 with errno. */
ssize_t sys_pread_all(int fd, void *p, size_t n, off_t at);

int sys_fsync(int fd);
int sys_fdatasync(int fd);
int sys_syncfs(int fd);
int sys_ftruncate(int fd, off_t size);
int sys_renameat(int from_dir, const char *from, int to_dir, const char *to);
/* Fails with EEXIST when TO is there. */
int sys_renameat_new(int from_dir, const char *from, int to_dir, const char *to);
int sys_linkat(int from_dir, const char *from, int to_dir, const char *to);
int sys_unlinkat(int dir, const char *name, int flags);
int sys_mkdirat(int dir, const char *name, mode_t mode);
int sys_fchmod(int fd, mode_t mode);
int sys_fchown(int fd, uid_t uid, gid_t gid);
int sys_futimens(int fd, const struct timespec times[2]);
int sys_close(int fd);

#endif
