/*
 * The walls around a process. Master's forked child, still root, calls sandbox_set_limits and
 * sandbox_drop_identity and then runs the daemon's program; the daemon, when it holds the
 * descriptors it will ever be given, calls sandbox_enter. Nothing here can be undone.
 */
#ifndef SANDBOX_SANDBOX_H
#define SANDBOX_SANDBOX_H

#include <sys/types.h>

#include "base/err.h"
#include "base/str.h"
#include "sandbox/profile.h"

/*
 * In the forked child, as root: descriptors, memory, file size, no core files. Where a hard limit
 * is lower than the profile's it stays as it is. Allocates nothing.
 */
enum verdict sandbox_set_limits(const struct sandbox_profile *profile, struct err *err);

/*
 * In the forked child, as root: becomes UID and GID with exactly GROUPS, for good, with
 * no_new_privs and an empty bounding set; the one capability left, if KEEP_CHROOT, is
 * CAP_SYS_CHROOT (ambient, so that it survives exec until sandbox_enter). Proves each before it
 * returns. UID and GID 0 are refused. Allocates nothing. After an error the process must end: it is
 * half changed.
 */
enum verdict sandbox_drop_identity(
    uid_t uid, gid_t gid, const gid_t *groups, size_t n_groups, bool keep_chroot, struct err *err);

/* Does a process of PROFILE need CAP_SYS_CHROOT until it has entered? */
static inline bool
sandbox_needs_chroot(const struct sandbox_profile *profile)
{
	return profile->root != SANDBOX_ROOT_NONE;
}

/*
 * The empty directory at PATH: made if it is not there, and proven to be empty, of mode 0555 and of
 * the caller's (root's) own. The descriptor is for sandbox_options.root_fd.
 */
enum verdict sandbox_empty_root(const char *path, int *fd_out, struct err *err);

/* A directory (or a regular file) that the process may use, under the name of one of its profile's
 * slots. */
struct sandbox_dir {
	const char *slot;
	int fd;
};

struct sandbox_options {
	bool rootless; /* the whole suite runs as one ordinary user: own identity and root are not
			  to be had */
	int root_fd;   /* the new root, -1 for profiles of SANDBOX_ROOT_NONE */
	const struct sandbox_dir *dirs;
	size_t n_dirs; /* several may share a slot */
};

/* What may be weaker than the profile wants, by the mode or by the age of the kernel. */
enum sandbox_wall {
	SANDBOX_WALL_IDENTITY = 1 << 0, /* other processes run as the same user */
	SANDBOX_WALL_ROOT = 1 << 1,	/* the root is the system's */
	SANDBOX_WALL_FILES = 1 << 2,	/* no Landlock rules on files (ABI below 2) */
	SANDBOX_WALL_NET = 1 << 3,	/* none on TCP ports (ABI below 4) */
	SANDBOX_WALL_SCOPE = 1 << 4,	/* none on signals and abstract sockets (ABI below 6) */
};

struct sandbox_report {
	unsigned weak;	       /* enum sandbox_wall */
	unsigned landlock_abi; /* in force; 0: none */
};

/*
 * Puts up all walls and proves each. Before any thread is started; all descriptors stay the
 * caller's (one that reaches out of the root, root_fd and dirs, is best closed when not needed).
 * VERDICT_PERM when a directory is open that was not declared, a slot is not the profile's, a wall
 * cannot be put up or a proof fails: the process must end then. The environment variable
 * POSTERN_LANDLOCK_ABI lowers the Landlock ABI, for tests.
 */
enum verdict sandbox_enter(const struct sandbox_profile *profile,
    const struct sandbox_options *options, struct sandbox_report *report_out, struct err *err);

/*
 * Tries the walls from inside, after sandbox_enter: one line is added to PROBLEMS for each that
 * does not hold. Returns how many there were. May be called as often as one likes.
 */
unsigned sandbox_prove(const struct sandbox_profile *profile, struct str *problems);

/* "own identity, own root" for the log; "none" for 0. */
void sandbox_walls_text(unsigned walls, struct str *out);

#endif
