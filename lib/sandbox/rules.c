/*
 * Which system calls each group of profile.h means. Read by genfilter alone, at build. Whatever is
 * not named here ends the process by SIGSYS and leaves a line in the kernel's log: execve, fork,
 * ptrace, process_vm_*, mount, bpf, io_uring, userfaultfd, keyctl, memory that is both written and
 * run, signals to others. A few calls that libc tries without need are answered with an error
 * instead. Limits: a filter sees numbers, never what a pointer points to, so that paths are
 * Landlock's and the root's matter. Must never allow a base call that could change a queue file
 * other than by appending: smtpd holds one.
 */
#include "config.h"

#include "sandbox/rules.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/prctl.h>
#include <linux/sched.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "sandbox/filter.h"

#ifndef MAP_DROPPABLE
#define MAP_DROPPABLE 0x08 /* Linux 6.11; glibc's getrandom keeps its state in it */
#endif
#ifndef PR_SET_VMA
#define PR_SET_VMA 0x53564d41 /* Linux 5.17; names of memory, tried by newer libc */
#endif
#define KERNEL_TMPFILE 020000000 /* O_TMPFILE without O_DIRECTORY */

#define ALL_BITS 0xffffffffu /* arguments of this size: what is above them the kernel ignores */
#define IS(i, v)                   \
	{                          \
		(i), ALL_BITS, (v) \
	}
#define BITS(i, mask, v)         \
	{                        \
		(i), (mask), (v) \
	}

#define FILES	(SANDBOX_FILE_READ | SANDBOX_FILE_WRITE)
#define SOCKETS (SANDBOX_ACCEPT | SANDBOX_ACCEPT_LOCAL | SANDBOX_INET)

static const struct rule_calls calls[] = {
	{ RULE_BASE, "read readv pread64 preadv write writev lseek close fstat" },
	{ RULE_BASE,
	    "recvmsg recvfrom sendmsg sendto shutdown getsockopt getpeername getsockname" },
	{ RULE_BASE, "epoll_create1 epoll_ctl epoll_wait epoll_pwait epoll_pwait2 poll ppoll "
		     "select pselect6" },
	{ RULE_BASE,
	    "futex clock_gettime clock_getres clock_nanosleep nanosleep gettimeofday time" },
	{ RULE_BASE, "brk munmap mremap madvise getrandom sched_yield sched_getaffinity getcpu" },
	{ RULE_BASE, "exit exit_group rt_sigreturn rt_sigaction rt_sigprocmask sigaltstack" },
	{ RULE_BASE, "restart_syscall getpid gettid getppid getuid geteuid getgid getegid" },
	{ RULE_BASE, "getresuid getresgid getgroups capget uname sysinfo getrusage" },
	{ SANDBOX_THREADS, "set_robust_list rseq eventfd2" },
	{ SANDBOX_ACCEPT | SANDBOX_ACCEPT_LOCAL, "accept4" },
	{ SANDBOX_INET | SANDBOX_DGRAM | SANDBOX_UNIX, "connect" },
	{ SANDBOX_DGRAM, "sendmmsg recvmmsg" },
	{ SANDBOX_BIND, "bind" },
	{ FILES, "openat2 newfstatat statx stat lstat access" },
	{ FILES, "faccessat faccessat2 readlink readlinkat" },
	{ FILES, "getdents64 getcwd statfs fstatfs fadvise64" },
	{ FILES, "flock readahead" },
	{ SANDBOX_FILE_WRITE, "openat linkat unlinkat renameat renameat2 mkdirat fsync fdatasync" },
	{ SANDBOX_FILE_WRITE,
	    "syncfs ftruncate fallocate fchmod utimensat pwrite64 pwritev umask" },
	{ SANDBOX_FILE_REMOVE, "unlinkat" },
	{ SANDBOX_FILE_WATCH, "inotify_init1 inotify_add_watch inotify_rm_watch" },
	{ SANDBOX_SENDFILE, "sendfile" },
};

static const struct rule_condition conditions[] = {
	/* Memory: never to be run. Shared mappings of files only for who has files of its own. */
	{ RULE_BASE, "mmap", 0, { BITS(2, PROT_EXEC, 0), BITS(3, MAP_TYPE, MAP_PRIVATE) } },
	{ RULE_BASE, "mmap", 0, { BITS(2, PROT_EXEC, 0), BITS(3, MAP_TYPE, MAP_DROPPABLE) } },
	{ RULE_BASE, "mprotect", 0, { BITS(2, PROT_EXEC, 0) } },
	{ FILES, "mmap", 0, { BITS(2, PROT_EXEC, 0), BITS(3, MAP_TYPE, MAP_SHARED) } },
	{ SANDBOX_CODE_LOAD, "mmap", 0,
	    { BITS(2, PROT_WRITE | PROT_EXEC, PROT_EXEC), BITS(3, MAP_TYPE, MAP_PRIVATE) } },
	{ SANDBOX_CODE_LOAD, "mprotect", 0, { BITS(2, PROT_WRITE | PROT_EXEC, PROT_EXEC) } },

	/* abort() sends SIGABRT to its own process; the filter gets the pid when it is installed.
	 */
	{ RULE_BASE, "tgkill", 0, { IS(0, FILTER_PID_MARK), IS(2, SIGABRT) } },

	/* fstat() of glibc 2.33 to 2.38; without the flag it is a path that is asked for. */
	{ RULE_BASE, "newfstatat", 0, { BITS(3, AT_EMPTY_PATH, AT_EMPTY_PATH) } },
	{ RULE_BASE, "newfstatat", EACCES, { BITS(3, AT_EMPTY_PATH, 0) } },
	{ RULE_BASE, "statx", 0, { BITS(2, AT_EMPTY_PATH, AT_EMPTY_PATH) } },
	{ RULE_BASE, "statx", EACCES, { BITS(2, AT_EMPTY_PATH, 0) } },

	{ RULE_BASE, "fcntl", 0, { IS(1, F_GETFL) } },
	{ RULE_BASE, "fcntl", 0, { IS(1, F_GETFD) } },
	{ RULE_BASE, "fcntl", 0, { IS(1, F_SETFD) } },
	{ RULE_BASE, "fcntl", 0, { IS(1, F_DUPFD_CLOEXEC) } },
	{ RULE_BASE, "ioctl", 0, { IS(1, FIONBIO) } },
	{ RULE_BASE, "ioctl", 0, { IS(1, FIONREAD) } },
	{ RULE_BASE, "ioctl", ENOTTY, { IS(1, TCGETS) } },
	{ SANDBOX_SETFL, "fcntl", 0, { IS(1, F_SETFL) } },
	{ FILES, "fcntl", 0, { IS(1, F_SETLK) } },
	{ FILES, "fcntl", 0, { IS(1, F_SETLKW) } },
	{ FILES, "fcntl", 0, { IS(1, F_GETLK) } },
	{ SANDBOX_FILE_WRITE, "fcntl", 0, { IS(1, F_OFD_SETLK) } },
	{ SANDBOX_FILE_WRITE, "fcntl", 0, { IS(1, F_OFD_SETLKW) } },
	{ SANDBOX_FILE_WRITE, "fcntl", 0, { IS(1, F_OFD_GETLK) } },

	{ SANDBOX_FILE_WATCH, "fcntl", 0, { IS(1, F_NOTIFY) } },

	/* Asking is harmless, and sandbox_prove asks. */
	{ RULE_BASE, "prctl", 0, { IS(0, PR_GET_SECCOMP) } },
	{ RULE_BASE, "prctl", 0, { IS(0, PR_GET_NO_NEW_PRIVS) } },
	{ RULE_BASE, "prctl", 0, { IS(0, PR_GET_DUMPABLE) } },
	{ RULE_BASE, "prctl", 0, { IS(0, PR_CAPBSET_READ) } },
	{ RULE_BASE, "prctl", 0, { IS(0, PR_CAP_AMBIENT), IS(1, PR_CAP_AMBIENT_IS_SET) } },
	{ RULE_BASE, "prctl", 0, { IS(0, PR_SET_NAME) } },
	{ RULE_BASE, "prctl", EINVAL, { IS(0, PR_SET_VMA) } },
	{ RULE_BASE, "prlimit64", 0, { IS(0, 0), BITS(2, UINT64_MAX, 0) } },

	/* Files that libc looks for (locale, time zone, number of processors) are not there. */
	{ RULE_BASE, "open", EACCES, { { 0, 0, 0 } } },
	{ RULE_BASE, "openat", EACCES, { { 0, 0, 0 } } },
	{ RULE_BASE, "stat", EACCES, { { 0, 0, 0 } } },
	{ RULE_BASE, "lstat", EACCES, { { 0, 0, 0 } } },
	{ RULE_BASE, "access", EACCES, { { 0, 0, 0 } } },
	{ RULE_BASE, "faccessat", EACCES, { { 0, 0, 0 } } },
	{ RULE_BASE, "faccessat2", EACCES, { { 0, 0, 0 } } },
	{ RULE_BASE, "readlink", EACCES, { { 0, 0, 0 } } },
	{ RULE_BASE, "readlinkat", EACCES, { { 0, 0, 0 } } },

	{ SANDBOX_FILE_READ, "openat", 0,
	    { BITS(2, O_ACCMODE | O_CREAT | O_TRUNC | KERNEL_TMPFILE, 0) } },
	{ SANDBOX_FILE_READ, "openat", EACCES, { BITS(2, O_ACCMODE, O_WRONLY) } },
	{ SANDBOX_FILE_READ, "openat", EACCES, { BITS(2, O_ACCMODE, O_RDWR) } },
	{ SANDBOX_FILE_READ, "openat", EACCES, { BITS(2, O_ACCMODE | O_CREAT, O_CREAT) } },

	/* Threads only. clone3's flags lie behind a pointer: told that it is missing, libc takes
	   clone. */
	{ SANDBOX_THREADS, "clone", 0,
	    { BITS(0,
		CLONE_THREAD | CLONE_VM | CLONE_SIGHAND | CLONE_NEWNS | CLONE_NEWCGROUP |
		    CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET,
		CLONE_THREAD | CLONE_VM | CLONE_SIGHAND) } },
	{ SANDBOX_THREADS, "clone3", ENOSYS, { { 0, 0, 0 } } },

	/* The low four bits are the type, above them SOCK_CLOEXEC and SOCK_NONBLOCK. */
	{ SANDBOX_INET, "socket", 0, { IS(0, AF_INET), BITS(1, 0xf, SOCK_STREAM) } },
	{ SANDBOX_INET, "socket", 0, { IS(0, AF_INET6), BITS(1, 0xf, SOCK_STREAM) } },
	{ SANDBOX_DGRAM, "socket", 0, { IS(0, AF_INET), BITS(1, 0xf, SOCK_DGRAM) } },
	{ SANDBOX_DGRAM, "socket", 0, { IS(0, AF_INET6), BITS(1, 0xf, SOCK_DGRAM) } },
	{ SANDBOX_UNIX, "socket", 0, { IS(0, AF_UNIX) } },
	/* libaudit, which PAM loads, takes this for a kernel without audit and goes on. */
	{ SANDBOX_UNIX, "socket", EAFNOSUPPORT, { IS(0, AF_NETLINK) } },

	/*
	 * No SO_ATTACH_FILTER, no TCP_ULP: they hand programs and keys to the kernel. Streams set
	 * TCP_NODELAY on whatever they carry, local sockets too.
	 */
	{ RULE_BASE, "setsockopt", 0, { IS(1, IPPROTO_TCP), IS(2, TCP_NODELAY) } },
	{ RULE_BASE, "setsockopt", 0, { IS(1, SOL_SOCKET), IS(2, SO_RCVBUF) } },
	{ RULE_BASE, "setsockopt", 0, { IS(1, SOL_SOCKET), IS(2, SO_SNDBUF) } },
	{ SOCKETS, "setsockopt", 0, { IS(1, SOL_SOCKET), IS(2, SO_KEEPALIVE) } },
	{ SOCKETS, "setsockopt", 0, { IS(1, SOL_SOCKET), IS(2, SO_LINGER) } },
	{ SOCKETS, "setsockopt", 0, { IS(1, IPPROTO_TCP), IS(2, TCP_CORK) } },
	{ SOCKETS, "setsockopt", 0, { IS(1, IPPROTO_TCP), IS(2, TCP_QUICKACK) } },
	{ SOCKETS, "setsockopt", 0, { IS(1, IPPROTO_TCP), IS(2, TCP_KEEPIDLE) } },
	{ SOCKETS, "setsockopt", 0, { IS(1, IPPROTO_TCP), IS(2, TCP_KEEPINTVL) } },
	{ SOCKETS, "setsockopt", 0, { IS(1, IPPROTO_TCP), IS(2, TCP_KEEPCNT) } },
	{ SOCKETS, "setsockopt", 0, { IS(1, IPPROTO_TCP), IS(2, TCP_USER_TIMEOUT) } },
	{ SANDBOX_INET, "setsockopt", 0, { IS(1, IPPROTO_TCP), IS(2, TCP_MAXSEG) } },
	{ SANDBOX_BIND, "setsockopt", 0, { IS(1, SOL_SOCKET), IS(2, SO_REUSEADDR) } },
	{ SANDBOX_BIND, "setsockopt", 0, { IS(1, IPPROTO_IP), IS(2, IP_BIND_ADDRESS_NO_PORT) } },
	{ SANDBOX_BIND, "setsockopt", 0, { IS(1, IPPROTO_IPV6), IS(2, IPV6_V6ONLY) } },
	/* libunbound sets what it likes on its UDP sockets, and tries for larger buffers than it
	   may have. */
	{ SANDBOX_DGRAM, "setsockopt", 0, { IS(1, IPPROTO_IP) } },
	{ SANDBOX_DGRAM, "setsockopt", 0, { IS(1, IPPROTO_IPV6) } },
	{ SANDBOX_DGRAM, "setsockopt", 0, { IS(1, SOL_SOCKET), IS(2, SO_REUSEPORT) } },
	{ SANDBOX_DGRAM, "setsockopt", 0, { IS(1, SOL_SOCKET), IS(2, SO_RCVBUFFORCE) } },
	{ SANDBOX_DGRAM, "setsockopt", 0, { IS(1, SOL_SOCKET), IS(2, SO_SNDBUFFORCE) } },
	{ SANDBOX_UNIX, "setsockopt", 0, { IS(1, SOL_SOCKET) } },

#ifdef POSTERN_SANITIZED
	/* The runtime looks for its symbolizer and at its own limits; told no, it prints addresses.
	 */
	{ RULE_BASE, "personality", EPERM, { { 0, 0, 0 } } },
	{ RULE_BASE, "pipe2", EPERM, { { 0, 0, 0 } } },
	{ RULE_BASE, "pipe", EPERM, { { 0, 0, 0 } } },
	{ RULE_BASE, "socketpair", EPERM, { { 0, 0, 0 } } },
	{ RULE_BASE, "getcwd", EACCES, { { 0, 0, 0 } } },
#endif
};

const struct rule_calls *
rule_calls_at(unsigned i)
{
	return i < ARRAY_LEN(calls) ? &calls[i] : NULL;
}

const struct rule_condition *
rule_condition_at(unsigned i)
{
	return i < ARRAY_LEN(conditions) ? &conditions[i] : NULL;
}
