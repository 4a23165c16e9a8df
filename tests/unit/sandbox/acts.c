/*
 * The acts of acts.h: first what no daemon, or no daemon of that kind, may do; then what they live
 * by. Run in a child behind walls; nothing here asserts, since how the child ends is the result.
 */
#include "config.h"

#include "tests/unit/sandbox/acts.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "sandbox/walls.h"

static int
failed(bool it_did)
{
	return it_did ? errno : 0;
}

static int
act_exec(struct walled_site *site UNUSED)
{
	char name[] = "true";
	char *argv[] = { name, NULL };

	execve("/bin/true", argv, NULL);
	return errno;
}

static int
act_fork(struct walled_site *site UNUSED)
{
	pid_t pid = (pid_t)syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);

	if (pid == 0)
		_exit(0);
	return failed(pid < 0);
}

static int
act_vfork(struct walled_site *site UNUSED)
{
	pid_t pid = (pid_t)syscall(SYS_clone, SIGCHLD | CLONE_NEWUSER, NULL, NULL, NULL, NULL);

	if (pid == 0)
		_exit(0);
	return failed(pid < 0);
}

static void *
thread_count(void *arg)
{
	void *memory = mem_alloc(1 << 20);

	__atomic_fetch_add((int *)arg, 1, __ATOMIC_SEQ_CST);
	mem_free(memory);
	return NULL;
}

static int
act_thread(struct walled_site *site UNUSED)
{
	pthread_t thread;
	int count = 0;
	int sys = pthread_create(&thread, NULL, thread_count, &count);

	if (sys != 0)
		return sys;
	pthread_join(thread, NULL);
	return count == 1 ? 0 : EIO;
}

static int
act_threads(struct walled_site *site UNUSED)
{
	pthread_t threads[4];
	int count = 0;
	int sys = 0;

	for (size_t i = 0; i < ARRAY_LEN(threads) && sys == 0; i++)
		sys = pthread_create(&threads[i], NULL, thread_count, &count);
	if (sys != 0)
		return sys;
	for (size_t i = 0; i < ARRAY_LEN(threads); i++)
		pthread_join(threads[i], NULL);
	return count == 4 ? 0 : EIO;
}

static int
act_raise_limit(struct walled_site *site UNUSED)
{
	struct rlimit limit = { 10, 10 };

	return failed(setrlimit(RLIMIT_NOFILE, &limit) != 0);
}

static int
act_open_passwd(struct walled_site *site UNUSED)
{
	return failed(open("/etc/passwd", O_RDONLY | O_CLOEXEC) < 0);
}

static int
act_stat_passwd(struct walled_site *site UNUSED)
{
	struct stat st;

	return failed(stat("/etc/passwd", &st) != 0);
}

/* Linux 6.9: RWF_NOAPPEND writes where it likes in spite of O_APPEND. */
static int
act_pwritev2(struct walled_site *site)
{
	char byte = 'x';
	struct iovec v = { &byte, 1 };

	return failed(pwritev2(site->append, &v, 1, 0, 0x20) < 0);
}

static int
act_map_code(struct walled_site *site UNUSED)
{
	return failed(mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED);
}

static int
act_make_code(struct walled_site *site UNUSED)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return failed(p == MAP_FAILED || mprotect(p, 4096, PROT_READ | PROT_EXEC) != 0);
}

static int
act_map_shared(struct walled_site *site)
{
	return failed(mmap(NULL, 4096, PROT_READ, MAP_SHARED, site->readable, 0) == MAP_FAILED);
}

static int
act_socketpair(struct walled_site *site UNUSED)
{
	int fds[2];

	return failed(socketpair(AF_UNIX, SOCK_STREAM, 0, fds) != 0);
}

static int
act_attach_filter(struct walled_site *site)
{
	struct sock_filter op = BPF_STMT(BPF_RET | BPF_K, 0);
	struct sock_fprog program = { 1, &op };

	return failed(
	    setsockopt(site->client, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) != 0);
}

static int
act_prove(struct walled_site *site)
{
	struct str problems = STR_INIT(4096);
	unsigned n = sandbox_prove(site->profile, &problems);

	if (n != 0)
		dprintf(2, "%s", str_cstr(&problems));
	str_free(&problems);
	return (int)n;
}

static int
act_epoll(struct walled_site *site)
{
	struct epoll_event want = { .events = EPOLLIN | EPOLLET };
	struct epoll_event got;
	int ep = epoll_create1(EPOLL_CLOEXEC);

	if (ep < 0 || epoll_ctl(ep, EPOLL_CTL_ADD, site->pair[0], &want) != 0)
		return errno;
	if (send(site->pair[1], "x", 1, 0) != 1)
		return errno;
	return epoll_wait(ep, &got, 1, 1000) == 1 ? 0 : EIO;
}

static int
act_accept(struct walled_site *site)
{
	struct sockaddr_storage peer;
	socklen_t n = sizeof(peer);
	int fd = accept4(site->listening, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd < 0 || getpeername(fd, (struct sockaddr *)&peer, &n) != 0 ||
	    write(fd, "220\r\n", 5) != 5)
		return errno;
	return failed(shutdown(fd, SHUT_RDWR) != 0 || close(fd) != 0);
}

static int
act_memory(struct walled_site *site UNUSED)
{
	size_t n = (size_t)16 << 20;

	for (int i = 0; i < 3; i++, n /= 256) {
		char *p = mem_alloc(n);

		memset(p, 'x', n);
		p = mem_resize(p, n * 2);
		mem_free(p);
	}
	return 0;
}

static int
act_clocks(struct walled_site *site UNUSED)
{
	struct timespec ts = { 0, 1 };
	struct tm tm;
	time_t now = time(NULL);
	char byte;

	if (clock_gettime(CLOCK_MONOTONIC, &ts) != 0 || !localtime_r(&now, &tm))
		return errno;
	ts = (struct timespec){ 0, 1 };
	return failed(nanosleep(&ts, NULL) != 0 || getrandom(&byte, 1, 0) != 1);
}

static int
int_order(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

static int
act_libc(struct walled_site *site UNUSED)
{
	struct sigaction ignore = { .sa_handler = SIG_IGN };
	int *many = mem_alloc_array(100000, sizeof(int));
	char text[64];

	for (int i = 0; i < 100000; i++)
		many[i] = 100000 - i;
	qsort(many, 100000, sizeof(int), int_order);
	mem_free(many);
	snprintf(text, sizeof(text), "%.3f %s", 1.5, strerror(EIO));
	printf("#\r");
	fflush(stdout);
	if (sysconf(_SC_NPROCESSORS_ONLN) < 1 || sysconf(_SC_OPEN_MAX) < 1)
		return EIO;
	return failed(sigaction(SIGPIPE, &ignore, NULL) != 0);
}

static int
act_fstat(struct walled_site *site)
{
	struct stat st;

	if (fstat(site->readable, &st) != 0)
		return errno;
	return st.st_size == 6 ? 0 : EIO;
}

static int
act_append(struct walled_site *site)
{
	struct iovec v[2] = { { (char[]){ "a" }, 1 }, { (char[]){ "b" }, 1 } };

	if (lseek(site->append, 0, SEEK_SET) != 0 || write(site->append, "c", 1) != 1)
		return errno;
	return writev(site->append, v, 2) == 2 ? 0 : errno;
}

static int
act_read_lent(struct walled_site *site)
{
	char got[6];

	if (pread(site->readable, got, 6, 0) != 6)
		return errno;
	return memcmp(got, "hello\n", 6) == 0 ? 0 : EIO;
}

static int
act_pass_descriptor(struct walled_site *site)
{
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int))];
	} control = { { .cmsg_len = CMSG_LEN(sizeof(int)),
	    .cmsg_level = SOL_SOCKET,
	    .cmsg_type = SCM_RIGHTS } };
	char byte = 'x';
	struct iovec v = { &byte, 1 };
	struct msghdr m = { .msg_iov = &v,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control.room) };

	memcpy(CMSG_DATA(&control.head), &site->readable, sizeof(int));
	if (sendmsg(site->pair[0], &m, 0) != 1)
		return errno;
	return failed(recvmsg(site->pair[1], &m, MSG_CMSG_CLOEXEC) != 1);
}

static int
act_flags(struct walled_site *site)
{
	int fd = fcntl(site->pair[0], F_DUPFD_CLOEXEC, 3);

	if (fd < 0 || fcntl(fd, F_GETFL) < 0)
		return errno;
	return failed(fcntl(fd, F_SETFD, FD_CLOEXEC) != 0);
}

static int
act_nonblock(struct walled_site *site)
{
	int on = 1;

	return failed(ioctl(site->pair[0], FIONBIO, &on) != 0);
}

static int
act_setfl(struct walled_site *site)
{
	return failed(fcntl(site->pair[0], F_SETFL, O_NONBLOCK) != 0);
}

static int
act_socket_options(struct walled_site *site)
{
	int on = 1;
	socklen_t n = sizeof(on);

	if (getsockopt(site->client, SOL_SOCKET, SO_ERROR, &on, &n) != 0)
		return errno;
	on = 1;
	if (setsockopt(site->client, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on)) != 0)
		return errno;
	return failed(setsockopt(site->client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) != 0);
}

static int
act_abort(struct walled_site *site UNUSED)
{
	signal(SIGABRT, SIG_DFL);
	abort();
}

static struct sockaddr_in
loopback(uint16_t port)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(port) };

	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return at;
}

static int
bind_and_connect(struct walled_site *site, int port, bool connects)
{
	struct sockaddr_in from = loopback((uint16_t)port);
	struct sockaddr_in to = loopback(site->port);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return errno;
	if (port >= 0 && bind(fd, (struct sockaddr *)&from, sizeof(from)) != 0)
		return errno;
	return failed(connects && connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0);
}

static int
act_tcp_connect(struct walled_site *site)
{
	return bind_and_connect(site, -1, true);
}

static int
act_bind_source(struct walled_site *site)
{
	return bind_and_connect(site, 0, true);
}

/* The port is taken, so that it fails either way: by Landlock with EACCES. */
static int
act_bind_service(struct walled_site *site)
{
	return bind_and_connect(site, site->port, false);
}

static int
act_udp(struct walled_site *site)
{
	struct sockaddr_in to = loopback(site->port);
	struct sockaddr_in from = loopback(0);
	int size = 1 << 16;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&from, sizeof(from)) != 0)
		return errno;
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) == 0)
		return EIO;
	return sendto(fd, "x", 1, 0, (struct sockaddr *)&to, sizeof(to)) == 1 ? 0 : errno;
}

static int
act_sendfile(struct walled_site *site)
{
	off_t at = 0;

	return sendfile(site->pair[0], site->readable, &at, 6) == 6 ? 0 : errno;
}

/* What the first argument is; the others stand in the row. */
enum raw_first { RAW_PLAIN, RAW_PARENT, RAW_SELF, RAW_APPEND, RAW_LISTENING, RAW_CLIENT };

/* System calls that need no useful arguments: the filter looks at the number. */
static const struct {
	const char *name;
	long call;
	enum raw_first first;
	long args[5];
} raw_acts[] = {
	{ "mount", SYS_mount, RAW_PLAIN, { (long)"none", (long)"/", (long)"tmpfs" } },
	{ "unshare", SYS_unshare, RAW_PLAIN, { CLONE_NEWUSER } },
	{ "setns", SYS_setns, RAW_PLAIN, { 0 } },
	{ "bpf", SYS_bpf, RAW_PLAIN, { 0 } },
	{ "io_uring", SYS_io_uring_setup, RAW_PLAIN, { 1 } },
	{ "userfaultfd", SYS_userfaultfd, RAW_PLAIN, { 0 } },
	{ "keyctl", SYS_keyctl, RAW_PLAIN, { 0 } },
	{ "perf", SYS_perf_event_open, RAW_PLAIN, { 0, 0, 0, -1 } },
	{ "pidfd", SYS_pidfd_open, RAW_PARENT, { 0 } },
	{ "signal_parent", SYS_kill, RAW_PARENT, { 0 } },
	{ "signal_self", SYS_kill, RAW_SELF, { SIGTERM } },
	{ "read_parent", SYS_process_vm_readv, RAW_PARENT, { 0 } },
	{ "setuid", SYS_setuid, RAW_PLAIN, { 0 } },
	{ "setgid", SYS_setresgid, RAW_PLAIN, { 0 } },
	{ "setgroups", SYS_setgroups, RAW_PLAIN, { 0 } },
	{ "chroot", SYS_chroot, RAW_PLAIN, { (long)"/" } },
	{ "capset", SYS_capset, RAW_PLAIN, { 0 } },
	{ "dumpable", SYS_prctl, RAW_PLAIN, { PR_SET_DUMPABLE, 1 } },
	{ "memfd", SYS_memfd_create, RAW_PLAIN, { (long)"x" } },
	{ "pwrite", SYS_pwrite64, RAW_APPEND, { (long)"x", 1 } },
	{ "truncate", SYS_ftruncate, RAW_APPEND, { 0 } },
	{ "fallocate", SYS_fallocate, RAW_APPEND, { 0, 0, 100 } },
	{ "fchmod", SYS_fchmod, RAW_APPEND, { 0777 } },
	{ "chmod", SYS_fchmodat, RAW_PLAIN, { AT_FDCWD, (long)"a/file", 0777 } },
	{ "mkdir", SYS_mkdirat, RAW_PLAIN, { AT_FDCWD, (long)"made", 0777 } },
	{ "unlink", SYS_unlinkat, RAW_PLAIN, { AT_FDCWD, (long)"a/file" } },
	{ "openat2", SYS_openat2, RAW_PLAIN, { AT_FDCWD, (long)"/etc/passwd" } },
	{ "listen", SYS_listen, RAW_LISTENING, { 1 } },
	{ "connect", SYS_connect, RAW_CLIENT, { 0 } },
	{ "bind", SYS_bind, RAW_LISTENING, { 0 } },
	{ "tcp_socket", SYS_socket, RAW_PLAIN, { AF_INET, SOCK_STREAM } },
	{ "udp_socket", SYS_socket, RAW_PLAIN, { AF_INET, SOCK_DGRAM } },
	{ "unix_socket", SYS_socket, RAW_PLAIN, { AF_UNIX, SOCK_STREAM } },
	{ "raw_socket", SYS_socket, RAW_PLAIN, { AF_PACKET, SOCK_RAW } },
	{ "clear_append", SYS_fcntl, RAW_APPEND, { F_SETFL } },
	{ "ptrace", SYS_ptrace, RAW_PLAIN, { PTRACE_TRACEME } },
};

static const struct {
	const char *name;
	act_fn *fn;
} acts[] = {
	{ "exec", act_exec },
	{ "fork", act_fork },
	{ "vfork", act_vfork },
	{ "thread", act_thread },
	{ "threads", act_threads },
	{ "raise_limit", act_raise_limit },
	{ "open_passwd", act_open_passwd },
	{ "stat_passwd", act_stat_passwd },
	{ "pwritev2", act_pwritev2 },
	{ "map_code", act_map_code },
	{ "make_code", act_make_code },
	{ "map_shared", act_map_shared },
	{ "socketpair", act_socketpair },
	{ "attach_filter", act_attach_filter },
	{ "prove", act_prove },
	{ "epoll", act_epoll },
	{ "accept", act_accept },
	{ "memory", act_memory },
	{ "clocks", act_clocks },
	{ "libc", act_libc },
	{ "fstat", act_fstat },
	{ "append", act_append },
	{ "read_lent", act_read_lent },
	{ "pass_descriptor", act_pass_descriptor },
	{ "flags", act_flags },
	{ "nonblock", act_nonblock },
	{ "setfl", act_setfl },
	{ "socket_options", act_socket_options },
	{ "abort", act_abort },
	{ "tcp_connect", act_tcp_connect },
	{ "bind_source", act_bind_source },
	{ "bind_service", act_bind_service },
	{ "udp", act_udp },
	{ "sendfile", act_sendfile },
};

static long
raw_value(const struct walled_site *site, enum raw_first first)
{
	const long values[] = {
		[RAW_PLAIN] = 0,
		[RAW_PARENT] = site->parent,
		[RAW_SELF] = getpid(),
		[RAW_APPEND] = site->append,
		[RAW_LISTENING] = site->listening,
		[RAW_CLIENT] = site->client,
	};

	return values[first];
}

static int
raw_run(struct walled_site *site, size_t i)
{
	const long *a = raw_acts[i].args;
	long rc;

	if (raw_acts[i].first == RAW_PLAIN)
		rc = syscall(raw_acts[i].call, a[0], a[1], a[2], a[3], a[4]);
	else
		rc = syscall(
		    raw_acts[i].call, raw_value(site, raw_acts[i].first), a[0], a[1], a[2], a[3]);
	return failed(rc < 0);
}

int
act_run(struct walled_site *site)
{
	for (size_t i = 0; i < ARRAY_LEN(acts); i++) {
		if (span_eq(span_str(acts[i].name), site->act))
			return acts[i].fn(site);
	}
	for (size_t i = 0; i < ARRAY_LEN(raw_acts); i++) {
		if (span_eq(span_str(raw_acts[i].name), site->act))
			return raw_run(site, i);
	}
	dprintf(2, "there is no act %.*s\n", SPAN_ARG(site->act));
	return ACT_UNKNOWN;
}
