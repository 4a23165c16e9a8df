/*
 * What sys.c and sys_path.c tell of each call, before and after it. In POSTERN_PROOF builds a call
 * can be made to fail and is recorded; in all others both functions are nothing, and the compiler
 * leaves the description out.
 */
#ifndef BASE_SYS_FAULT_H
#define BASE_SYS_FAULT_H

#include <sys/types.h>
#include <sys/uio.h>

#include "base/defs.h"

enum sys_kind {
	SYS_OPENAT,
	SYS_TMPFILE,
	SYS_WRITE,
	SYS_PWRITE,
	SYS_READ,
	SYS_PREAD,
	SYS_FSYNC,
	SYS_FDATASYNC,
	SYS_SYNCFS,
	SYS_FTRUNCATE,
	SYS_RENAMEAT,
	SYS_LINKAT,
	SYS_UNLINKAT,
	SYS_MKDIRAT,
	SYS_FCHMOD,
	SYS_FCHOWN,
	SYS_FUTIMENS,
	SYS_CLOSE,
	SYS_KINDS,
};

struct sys_call {
	enum sys_kind kind;
	int fd;		  /* the file it is about, or -1 */
	int dir;	  /* the directory NAME is in */
	const char *name; /* NULL when it has none */
	int to_dir;	  /* of rename and link: the directory TO is in */
	const char *to;
	int flags;    /* of open and unlink */
	off_t number; /* of pwrite and pread: where; of ftruncate: the size; of mkdir and fchmod:
			 the mode */
	const void *data; /* of write and pwrite */
	size_t n;
	const struct iovec *v; /* of writev; N is then the number of these */
};

#ifdef POSTERN_PROOF
/* Reads the environment, and maps the shared plan: to be called before the walls. */
void sys_fault_start(void);
/* Says TEXT, one line, among the records. */
void sys_fault_note(const char *text);
/* False, with errno, when this call is the one that shall fail. */
bool sys_enter(const struct sys_call *call);
/* Records the call and returns its RESULT, errno as it was. */
ssize_t sys_leave(const struct sys_call *call, ssize_t result);
#else
static inline void
sys_fault_start(void)
{
}

static inline bool
sys_enter(UNUSED const struct sys_call *call)
{
	return true;
}

static inline ssize_t
sys_leave(UNUSED const struct sys_call *call, ssize_t result)
{
	return result;
}
#endif

#endif
