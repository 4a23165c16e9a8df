/*
 * A process seen from outside, through /proc: for tests. What it is, and how
 * that differs from what its profile says.
 */
#ifndef SANDBOX_PROCESS_H
#define SANDBOX_PROCESS_H

#include <sys/types.h>

#include "base/err.h"
#include "base/str.h"
#include "sandbox/profile.h"

enum sandbox_fd {
	SANDBOX_FD_FILE,
	SANDBOX_FD_DIR,
	SANDBOX_FD_SOCKET,
	SANDBOX_FD_PIPE,
	SANDBOX_FD_DEVICE,
	SANDBOX_FD_MEMFD,
	SANDBOX_FD_EPOLL,
	SANDBOX_FD_EVENTFD,
	SANDBOX_FD_INOTIFY,
	SANDBOX_FD_OTHER,
	SANDBOX_FD_KINDS,
};

struct sandbox_process {
	pid_t pid;
	uint32_t uids[4]; /* real, effective, saved, file system */
	uint32_t gids[4];
	uint32_t groups[LIMIT_SANDBOX_GROUPS];
	unsigned n_groups;
	unsigned threads;
	uint64_t cap_inheritable;
	uint64_t cap_permitted;
	uint64_t cap_effective;
	uint64_t cap_bounding;
	uint64_t cap_ambient;
	unsigned no_new_privs;
	unsigned seccomp;	  /* mode: 0 none, 2 filter */
	unsigned seccomp_filters; /* 0 on kernels before 5.9 as well */
	/* Only root may look at these in a process that walls are around; false: they are not
	 * known. */
	bool inside_known;
	bool root_is_ours; /* the same root directory as the caller's */
	bool root_empty;
	struct str root; /* its path, seen from here */
	unsigned fds[SANDBOX_FD_KINDS];
};

/* VERDICT_ABSENT when there is no such process. *OUT is to be freed whatever is returned. */
enum verdict sandbox_describe_process(pid_t pid, struct sandbox_process *out, struct err *err);
void sandbox_process_free(struct sandbox_process *process);

/* "file", "directory", "socket" ... */
const char *sandbox_fd_name(enum sandbox_fd kind);

/*
 * One line is added to PROBLEMS for each thing that is not as PROFILE says; returns how many there
 * were. ROOTLESS leaves out what an ordinary user cannot have: the root, the bounding set.
 */
unsigned sandbox_compare(const struct sandbox_profile *profile,
    const struct sandbox_process *process, bool rootless, struct str *problems);

#endif
