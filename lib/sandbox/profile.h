/*
 * Who may do what: one row per kind of process. From this table come the seccomp filters (at build,
 * by genfilter), the resource limits and the Landlock rules; tests/walls holds every running
 * process against it.
 */
#ifndef SANDBOX_PROFILE_H
#define SANDBOX_PROFILE_H

#include "base/defs.h"

/* What the file system looks like from inside. */
enum sandbox_root {
	SANDBOX_ROOT_EMPTY, /* an empty directory that belongs to root */
	SANDBOX_ROOT_GIVEN, /* a directory that master opened: the queue, an account's mail */
	SANDBOX_ROOT_NONE,  /* all of it, less what Landlock takes away */
};

/* Groups of system calls; rules.c says which calls each holds. The base set belongs to every
 * profile. */
enum sandbox_group {
	SANDBOX_THREADS = 1 << 0, /* start threads; never processes */
	SANDBOX_ACCEPT = 1 << 1,  /* take connections from sockets that master bound */
	SANDBOX_INET = 1 << 2,	  /* make TCP sockets and connect them */
	SANDBOX_BIND = 1 << 3,	  /* choose the source address of an outbound socket */
	SANDBOX_DGRAM = 1 << 4,	  /* make UDP sockets */
	SANDBOX_UNIX = 1 << 5,	  /* make and connect local sockets (PAM and NSS modules) */
	SANDBOX_SETFL =
	    1 << 6, /* F_SETFL: could clear O_APPEND, so never where a queue file is lent */
	SANDBOX_FILE_READ = 1 << 7,	/* open and list what exists */
	SANDBOX_FILE_WRITE = 1 << 8,	/* make, change, rename and remove files and directories */
	SANDBOX_FILE_REMOVE = 1 << 9,	/* remove files */
	SANDBOX_FILE_WATCH = 1 << 10,	/* inotify, F_NOTIFY */
	SANDBOX_SENDFILE = 1 << 11,	/* file to socket without a copy */
	SANDBOX_ACCEPT_LOCAL = 1 << 13, /* take connections of tools on this host: Unix sockets */
	SANDBOX_CODE_LOAD = 1 << 12,	/* map code: modules that libc or PAM load late */
};

/* What may be done below a directory (Landlock); a descriptor given at birth needs none of these.
 */
enum sandbox_right {
	SANDBOX_RIGHT_READ = 1 << 0,   /* open files for reading, list directories */
	SANDBOX_RIGHT_WRITE = 1 << 1,  /* open files for writing, truncate them */
	SANDBOX_RIGHT_MAKE = 1 << 2,   /* make regular files, or give them names */
	SANDBOX_RIGHT_REMOVE = 1 << 3, /* remove files */
	SANDBOX_RIGHT_DIRS = 1 << 4,   /* make and remove directories */
	SANDBOX_RIGHT_REFER = 1 << 5,  /* link and rename between directories */
};

#define SANDBOX_SLOTS \
	4 /* kinds of directories a profile may be given; more is a design gone wrong */

/* A directory (or file) that the process is told of at birth. No rights: it may stay open, nothing
 * more. */
struct sandbox_slot {
	const char *name; /* NULL ends the list */
	unsigned rights;  /* enum sandbox_right */
};

#define SANDBOX_LIMIT_KEEP UINT64_MAX /* the limit the process was started with */

struct sandbox_limits {
	uint64_t nofile; /* descriptors */
	uint64_t data;	 /* bytes of private writable memory, the stacks of fibers included */
	uint64_t fsize;	 /* bytes that a file may grow to */
	uint64_t nproc;	 /* 0: no thread and no process can be started; set after exec, which counts
			    too */
};

struct sandbox_profile {
	const char *name;
	enum sandbox_root root;
	unsigned groups; /* enum sandbox_group */
	struct sandbox_slot slots[SANDBOX_SLOTS];
	struct sandbox_limits limits;
};

/* NULL when there is none of that NAME. */
const struct sandbox_profile *sandbox_profile_find(const char *name);
/* The I-th row, NULL behind the last. */
const struct sandbox_profile *sandbox_profile_at(unsigned i);
/* Its row number: the filter of that number is its own. */
unsigned sandbox_profile_index(const struct sandbox_profile *profile);
/* NULL when the profile has no such slot. */
const struct sandbox_slot *sandbox_slot_find(
    const struct sandbox_profile *profile, const char *name);

#endif
