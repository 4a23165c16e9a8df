/*
 * Faults and records of file calls, in POSTERN_PROOF builds alone (base/sys.h tells of the
 * environment variables). sys.c and sys_path.c call this around each call. Owns the plan, read once
 * from the environment, and the count of calls; any thread may call. Must never change what a call
 * returned, nor be in a build for a real site. What is written to no file (a socket, a pool's
 * eventfd) is neither counted nor recorded.
 *
 * A record is one line, written by one write(2) or into the shared plan: the call's name, its
 * result (or the errno's name after "-"), then key=value words: ino and dir_ino and to_ino (inode
 * numbers, which stay the same when names change), name and to (in hexadecimal, as any byte may be
 * in them), flags, number, at (where a write began), data (hexadecimal), begun (of a sync, in the
 * shared plan: where its record would have stood when it began; what stands behind it need not be
 * on the disk). A note of sys_fault_note is "note" and its text.
 */
#include "config.h"

#include "base/sys_fault.h"

#ifdef POSTERN_PROOF

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/base64.h"
#include "base/num.h"
#include "base/sys_shared.h"

enum { SYS_RECORD_MAX = 64 << 20 }; /* bytes of one record; a longer one is left out */

struct sys_plan {
	uint64_t at;	/* the call that fails, from 1; 0: none */
	int error;	/* its errno; 0: SIGKILL */
	uint32_t kinds; /* the calls that count, a bit each */
	int record_fd;	/* or -1 */
};

struct sys_name {
	struct span name;
	bool changes; /* the file system, so that it counts when no names are given */
};

static const struct sys_name sys_names[SYS_KINDS] = {
	[SYS_OPENAT] = { SPAN("open"), true },
	[SYS_TMPFILE] = { SPAN("tmpfile"), true },
	[SYS_WRITE] = { SPAN("write"), true },
	[SYS_PWRITE] = { SPAN("pwrite"), true },
	[SYS_READ] = { SPAN("read"), false },
	[SYS_PREAD] = { SPAN("pread"), false },
	[SYS_FSYNC] = { SPAN("fsync"), true },
	[SYS_FDATASYNC] = { SPAN("fdatasync"), true },
	[SYS_SYNCFS] = { SPAN("syncfs"), true },
	[SYS_FTRUNCATE] = { SPAN("ftruncate"), true },
	[SYS_RENAMEAT] = { SPAN("rename"), true },
	[SYS_LINKAT] = { SPAN("link"), true },
	[SYS_UNLINKAT] = { SPAN("unlink"), true },
	[SYS_MKDIRAT] = { SPAN("mkdir"), true },
	[SYS_FCHMOD] = { SPAN("fchmod"), true },
	[SYS_FCHOWN] = { SPAN("fchown"), true },
	[SYS_FUTIMENS] = { SPAN("futimens"), true },
	[SYS_CLOSE] = { SPAN("close"), false },
};

static const struct {
	struct span name;
	int error;
} sys_errors[] = {
	{ SPAN("kill"), 0 },
	{ SPAN("EIO"), EIO },
	{ SPAN("ENOSPC"), ENOSPC },
	{ SPAN("EDQUOT"), EDQUOT },
	{ SPAN("EMFILE"), EMFILE },
	{ SPAN("ENFILE"), ENFILE },
	{ SPAN("EACCES"), EACCES },
	{ SPAN("EROFS"), EROFS },
	{ SPAN("ENOMEM"), ENOMEM },
};

/* Written once, under sys_plan_once. */
static struct sys_plan sys_plan = { .record_fd = -1 };
static pthread_once_t sys_plan_once = PTHREAD_ONCE_INIT;
static _Atomic uint64_t sys_count;
static _Thread_local uint64_t sys_begun; /* of the call that this thread makes */

/* A plan with a word nobody knows would test nothing and look as if it had. */
static uint32_t
plan_kinds(struct span list)
{
	uint32_t kinds = 0;
	struct span word;

	while (span_token(&list, span_lit(","), &word)) {
		size_t i = 0;

		while (i < SYS_KINDS && !span_eq(sys_names[i].name, word))
			i++;
		assert(i < SYS_KINDS);
		kinds |= UINT32_C(1) << i;
	}
	for (size_t i = 0; list.p == NULL && i < SYS_KINDS; i++)
		kinds |= (uint32_t)sys_names[i].changes << i;
	return kinds;
}

static void
plan_read_fault(struct span text)
{
	struct span at, what, calls;
	size_t i = 0;
	bool known;

	span_cut(text, ':', &at, &what);
	if (!span_cut(what, ':', &what, &calls))
		calls = span_of(NULL, 0);
	known = num_parse_u64(at, UINT64_MAX, &sys_plan.at);
	assert(known);
	while (i < ARRAY_LEN(sys_errors) && !span_eq(sys_errors[i].name, what))
		i++;
	assert(i < ARRAY_LEN(sys_errors));
	sys_plan.error = sys_errors[i].error;
	sys_plan.kinds = plan_kinds(calls);
}

static void
plan_read(void)
{
	const char *fault = getenv("POSTERN_FAULT");
	const char *record = getenv("POSTERN_FAULT_FD");
	uint64_t fd;

	if (fault)
		plan_read_fault(span_str(fault));
	if (record && num_parse_u64(span_str(record), INT32_MAX, &fd))
		sys_plan.record_fd = (int)fd;
	sys_shared_open();
}

void
sys_fault_start(void)
{
	pthread_once(&sys_plan_once, plan_read);
}

static bool
call_writes(const struct sys_call *call)
{
	return call->kind == SYS_WRITE || call->kind == SYS_PWRITE;
}

static bool
call_is_of_file(const struct sys_call *call)
{
	struct stat st;

	return !call_writes(call) || (fstat(call->fd, &st) == 0 && S_ISREG(st.st_mode));
}

/* -1: it may be made; else its errno, 0 for the end of the process. */
static int
call_fault(const struct sys_call *call)
{
	if (!call_is_of_file(call))
		return -1;
	if (sys_plan.at && sys_plan.kinds >> call->kind & 1 &&
	    atomic_fetch_add(&sys_count, 1) + 1 == sys_plan.at)
		return sys_plan.error;
	return sys_shared_enter(call->kind);
}

bool
sys_enter(const struct sys_call *call)
{
	int error;

	sys_fault_start();
	sys_begun = sys_shared_place();
	error = call_fault(call);
	if (error < 0)
		return true;
	if (error == 0)
		kill(getpid(), SIGKILL); /* in a cage the filter ends it for the attempt */
	errno = error;
	sys_leave(call, -1);
	/* A descriptor whose close failed is gone all the same, as after a real EIO. */
	if (call->kind == SYS_CLOSE)
		close(call->fd);
	errno = error;
	return false;
}

static void
record_inode(struct str *line, const char *key, int fd)
{
	struct stat st;

	if (fd >= 0 && fstat(fd, &st) == 0)
		str_printf(line, " %s=%ju", key, (uintmax_t)st.st_ino);
}

/* A directory, and its time, which a change of names in it has set. */
static void
record_dir(struct str *line, const char *key, int fd)
{
	struct stat st;

	if (fd >= 0 && fstat(fd, &st) == 0)
		str_printf(line, " %s_ino=%ju %s_mtime=%jd", key, (uintmax_t)st.st_ino, key,
		    (intmax_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec);
}

static void
record_name(struct str *line, const char *key, const char *name)
{
	if (!name)
		return;
	str_printf(line, " %s=", key);
	hex_put(line, span_str(name));
}

/* The first WRITTEN bytes of what the call wrote. */
static void
record_data(struct str *line, const struct sys_call *call, size_t written)
{
	off_t end = lseek(call->fd, 0, SEEK_CUR);
	off_t at = call->kind == SYS_PWRITE ? call->number : end < 0 ? -1 : end - (off_t)written;

	str_printf(line, " at=%jd data=", (intmax_t)at);
	if (call->data)
		hex_put(line, span_of(call->data, written));
	for (size_t i = 0; call->v && i < call->n; i++) {
		struct span part = span_of(call->v[i].iov_base, call->v[i].iov_len);

		part = span_head(part, written);
		hex_put(line, part);
		written -= part.n;
	}
}

static void
record_call(struct str *line, const struct sys_call *call, ssize_t result, int error)
{
	const char *name = strerrorname_np(error);

	str_put(line, sys_names[call->kind].name);
	if (result < 0)
		str_printf(line, " -%s", name ? name : "?");
	else
		str_printf(line, " %zd", result);
	if (call->kind != SYS_CLOSE)
		record_inode(line, "ino", call->fd);
	if (call->name || call->kind == SYS_TMPFILE)
		record_dir(line, "dir", call->dir);
	record_name(line, "name", call->name);
	if (call->to)
		record_dir(line, "to", call->to_dir);
	record_name(line, "to", call->to);
	str_printf(line, " flags=%d number=%jd", call->flags, (intmax_t)call->number);
	if (call_writes(call) && result >= 0)
		record_data(line, call, (size_t)result);
	if (sys_begun &&
	    (call->kind == SYS_FSYNC || call->kind == SYS_FDATASYNC || call->kind == SYS_SYNCFS))
		str_printf(line, " begun=%ju", (uintmax_t)sys_begun);
	str_putc(line, '\n');
}

static void
record_put(const struct str *line)
{
	if (line->full)
		return;
	if (sys_plan.record_fd >= 0 && write(sys_plan.record_fd, line->p, line->n) < 0)
		sys_plan.record_fd = -1;
	sys_shared_record(str_span(line));
}

static bool
records_wanted(void)
{
	return sys_plan.record_fd >= 0 || sys_shared_place() > 0;
}

void
sys_fault_note(const char *text)
{
	struct str line = STR_INIT(SYS_RECORD_MAX);

	sys_fault_start();
	str_printf(&line, "note %s\n", text);
	record_put(&line);
	str_free(&line);
}

ssize_t
sys_leave(const struct sys_call *call, ssize_t result)
{
	struct str line = STR_INIT(SYS_RECORD_MAX);
	int saved = errno;

	if (!records_wanted() || !call_is_of_file(call))
		return result;
	record_call(&line, call, result, saved);
	record_put(&line);
	str_free(&line);
	errno = saved;
	return result;
}

#endif
