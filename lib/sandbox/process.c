/*
 * What /proc says about a process, as data: /proc/PID/status by a table of fields, /proc/PID/root,
 * /proc/PID/fd. Called by tests, never by a daemon. Owns the descriptor of
 * /proc/PID while it reads, so that all it reads is of one process. Limits: LIMIT_SANDBOX_STATUS
 * bytes of status. Must never trust the command name, which the process chooses: "Name:" has no
 * row, and lines are taken by their start.
 */
#include "config.h"

#include "sandbox/process.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/num.h"
#include "base/sys.h"
#include "sandbox/walls.h"

typedef void status_fn(struct sandbox_process *p, void *field, struct span value);

static bool
status_number(struct span *value, uint64_t *out)
{
	struct span token;

	return span_token(value, span_lit(" \t"), &token) && num_parse_u64(token, UINT32_MAX, out);
}

static void
status_ids(struct sandbox_process *p UNUSED, void *field, struct span value)
{
	uint32_t *ids = field;
	uint64_t n;

	for (unsigned i = 0; i < 4 && status_number(&value, &n); i++)
		ids[i] = (uint32_t)n;
}

static void
status_groups(struct sandbox_process *p, void *field, struct span value)
{
	uint32_t *groups = field;
	uint64_t n;

	while (p->n_groups < LIMIT_SANDBOX_GROUPS && status_number(&value, &n))
		groups[p->n_groups++] = (uint32_t)n;
}

static void
status_unsigned(struct sandbox_process *p UNUSED, void *field, struct span value)
{
	uint64_t n;

	if (status_number(&value, &n))
		*(unsigned *)field = (unsigned)n;
}

static void
status_hex(struct sandbox_process *p UNUSED, void *field, struct span value)
{
	num_parse_hex(span_trim(value), field);
}

#define FIELD(member) offsetof(struct sandbox_process, member)

static const struct {
	struct span name;
	status_fn *fn;
	size_t field;
} status_fields[] = {
	{ SPAN("Uid"), status_ids, FIELD(uids) },
	{ SPAN("Gid"), status_ids, FIELD(gids) },
	{ SPAN("Groups"), status_groups, FIELD(groups) },
	{ SPAN("Threads"), status_unsigned, FIELD(threads) },
	{ SPAN("CapInh"), status_hex, FIELD(cap_inheritable) },
	{ SPAN("CapPrm"), status_hex, FIELD(cap_permitted) },
	{ SPAN("CapEff"), status_hex, FIELD(cap_effective) },
	{ SPAN("CapBnd"), status_hex, FIELD(cap_bounding) },
	{ SPAN("CapAmb"), status_hex, FIELD(cap_ambient) },
	{ SPAN("NoNewPrivs"), status_unsigned, FIELD(no_new_privs) },
	{ SPAN("Seccomp"), status_unsigned, FIELD(seccomp) },
	{ SPAN("Seccomp_filters"), status_unsigned, FIELD(seccomp_filters) },
};

static void
status_line(struct sandbox_process *p, struct span line)
{
	struct span name;
	struct span value;

	if (!span_cut(line, ':', &name, &value))
		return;
	for (size_t i = 0; i < ARRAY_LEN(status_fields); i++) {
		if (span_eq(name, status_fields[i].name))
			status_fields[i].fn(p, (char *)p + status_fields[i].field, value);
	}
}

static enum verdict
status_read(int proc, struct sandbox_process *p, struct err *err)
{
	struct str text = STR_INIT(LIMIT_SANDBOX_STATUS);
	int fd = sys_openat(proc, "status", O_RDONLY, 0);
	ssize_t n = -1;
	struct span rest;
	struct span line;

	if (fd >= 0) {
		n = sys_pread_all(
		    fd, str_reserve(&text, LIMIT_SANDBOX_STATUS - 1), LIMIT_SANDBOX_STATUS - 1, 0);
		sys_close(fd);
	}
	if (n <= 0) {
		str_free(&text);
		return err_set(err, VERDICT_ABSENT, "process %d has ended", (int)p->pid);
	}
	str_grew(&text, (size_t)n);
	rest = str_span(&text);
	while (span_token(&rest, span_lit("\n"), &line))
		status_line(p, line);
	str_free(&text);
	return VERDICT_OK;
}

/* Where the link of a descriptor leads, for those that are no files. */
static const struct {
	struct span prefix;
	enum sandbox_fd kind;
} fd_links[] = {
	{ SPAN("socket:"), SANDBOX_FD_SOCKET },
	{ SPAN("pipe:"), SANDBOX_FD_PIPE },
	{ SPAN("/memfd:"), SANDBOX_FD_MEMFD },
	{ SPAN("anon_inode:[eventpoll]"), SANDBOX_FD_EPOLL },
	{ SPAN("anon_inode:[eventfd]"), SANDBOX_FD_EVENTFD },
	{ SPAN("anon_inode:inotify"), SANDBOX_FD_INOTIFY },
	{ SPAN("anon_inode:[inotify]"), SANDBOX_FD_INOTIFY },
	{ SPAN("anon_inode:"), SANDBOX_FD_OTHER },
};

static const char *const fd_names[SANDBOX_FD_KINDS] = {
	[SANDBOX_FD_FILE] = "file",
	[SANDBOX_FD_DIR] = "directory",
	[SANDBOX_FD_SOCKET] = "socket",
	[SANDBOX_FD_PIPE] = "pipe",
	[SANDBOX_FD_DEVICE] = "device",
	[SANDBOX_FD_MEMFD] = "memfd",
	[SANDBOX_FD_EPOLL] = "epoll",
	[SANDBOX_FD_EVENTFD] = "eventfd",
	[SANDBOX_FD_INOTIFY] = "inotify",
	[SANDBOX_FD_OTHER] = "other",
};

const char *
sandbox_fd_name(enum sandbox_fd kind)
{
	return fd_names[kind];
}

static enum sandbox_fd
fd_kind_of_file(int dir, const char *name)
{
	struct stat st;

	if (fstatat(dir, name, &st, 0) != 0)
		return SANDBOX_FD_OTHER;
	if (S_ISDIR(st.st_mode))
		return SANDBOX_FD_DIR;
	if (S_ISCHR(st.st_mode) || S_ISBLK(st.st_mode))
		return SANDBOX_FD_DEVICE;
	if (S_ISFIFO(st.st_mode))
		return SANDBOX_FD_PIPE;
	return S_ISREG(st.st_mode) ? SANDBOX_FD_FILE : SANDBOX_FD_OTHER;
}

static bool
fd_count(int dir, const char *name, void *arg)
{
	struct sandbox_process *p = arg;
	struct str link = STR_INIT(LIMIT_SANDBOX_PATH);
	ssize_t n = readlinkat(
	    dir, name, str_reserve(&link, LIMIT_SANDBOX_PATH - 1), LIMIT_SANDBOX_PATH - 1);
	size_t i = 0;

	str_grew(&link, n > 0 ? (size_t)n : 0);
	while (i < ARRAY_LEN(fd_links) && !span_starts(str_span(&link), fd_links[i].prefix))
		i++;
	p->fds[i < ARRAY_LEN(fd_links) ? fd_links[i].kind : fd_kind_of_file(dir, name)]++;
	str_free(&link);
	return true;
}

static bool
root_look(int proc, struct sandbox_process *p)
{
	ssize_t n = readlinkat(
	    proc, "root", str_reserve(&p->root, LIMIT_SANDBOX_PATH - 1), LIMIT_SANDBOX_PATH - 1);
	int fd = sys_openat(proc, "root", O_RDONLY | O_DIRECTORY, 0);
	struct stat theirs;
	struct stat ours;
	bool known;

	str_grew(&p->root, n > 0 ? (size_t)n : 0);
	known = n > 0 && fd >= 0 && fstat(fd, &theirs) == 0 && stat("/", &ours) == 0;
	if (known) {
		p->root_is_ours = theirs.st_dev == ours.st_dev && theirs.st_ino == ours.st_ino;
		p->root_empty = dir_is_empty(fd);
	}
	if (fd >= 0)
		sys_close(fd);
	return known;
}

static bool
fds_look(int proc, struct sandbox_process *p)
{
	int dir = sys_openat(proc, "fd", O_RDONLY | O_DIRECTORY, 0);
	bool known = dir >= 0 && dir_walk(dir, fd_count, p);

	if (dir >= 0)
		sys_close(dir);
	return known;
}

enum verdict
sandbox_describe_process(pid_t pid, struct sandbox_process *out, struct err *err)
{
	struct str path = STR_INIT(LIMIT_SANDBOX_PATH);
	enum verdict v;
	int proc;

	memset(out, 0, sizeof(*out));
	out->pid = pid;
	str_init(&out->root, LIMIT_SANDBOX_PATH);
	str_printf(&path, "/proc/%d", (int)pid);
	proc = sys_openat(AT_FDCWD, str_cstr(&path), O_RDONLY | O_DIRECTORY, 0);
	str_free(&path);
	if (proc < 0)
		return err_set(err, VERDICT_ABSENT, "there is no process %d", (int)pid);
	v = status_read(proc, out, err);
	if (v == VERDICT_OK)
		out->inside_known = root_look(proc, out) && fds_look(proc, out);
	sys_close(proc);
	return v;
}

void
sandbox_process_free(struct sandbox_process *process)
{
	str_free(&process->root);
}
