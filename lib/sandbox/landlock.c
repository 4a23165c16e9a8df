/*
 * Landlock (landlock(7)) by raw system calls: everything the running ABI can forbid is forbidden,
 * and what the profile's slots grant is allowed below the directories given for them. Called by
 * sandbox_enter. Definitions are our own, since the headers of Debian 12 end at ABI 2. Limits: an
 * ABI below 2 cannot rename between directories and counts as none; Landlock never stops connect()
 * to a path socket, nor UDP. Must never let a directory in without a slot.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/num.h"
#include "base/sys.h"
#include "sandbox/walls.h"

#define LANDLOCK_KNOWN \
	7 /* the newest ABI this file was written for; what came with 7 is about logs */

#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#define SYS_landlock_add_rule	    445
#define SYS_landlock_restrict_self  446
#endif

#define CREATE_VERSION 1u
#define RULE_PATH      1
#define RULE_PORT      2

enum landlock_fs {
	FS_EXECUTE = 1 << 0,
	FS_WRITE_FILE = 1 << 1,
	FS_READ_FILE = 1 << 2,
	FS_READ_DIR = 1 << 3,
	FS_REMOVE_DIR = 1 << 4,
	FS_REMOVE_FILE = 1 << 5,
	FS_MAKE_DIR = 1 << 7,
	FS_MAKE_REG = 1 << 8,
	FS_REFER = 1 << 13,
	FS_TRUNCATE = 1 << 14,
	FS_IOCTL_DEV = 1 << 15,
};
/* The rights that a rule on a regular file may name. */
#define FS_OF_FILES (FS_EXECUTE | FS_WRITE_FILE | FS_READ_FILE | FS_TRUNCATE | FS_IOCTL_DEV)

#define NET_BIND       (1u << 0)
#define NET_CONNECT    (1u << 1)
#define SCOPE_ABSTRACT (1u << 0)
#define SCOPE_SIGNAL   (1u << 1)

struct landlock_ruleset {
	uint64_t fs;
	uint64_t net;	 /* ABI 4 */
	uint64_t scoped; /* ABI 6 */
};

struct landlock_path {
	uint64_t allowed;
	int32_t fd;
} __attribute__((packed));

struct landlock_port {
	uint64_t allowed;
	uint64_t port;
};

/* What an ABI can forbid, newest first: the first row whose ABI is not above the running one
 * counts. */
static const struct {
	unsigned abi;
	size_t size; /* bytes of the ruleset that it knows */
	uint64_t fs;
	uint64_t net;
	uint64_t scoped;
} landlock_abis[] = {
	{ 6, 24, 0xffff, NET_BIND | NET_CONNECT, SCOPE_ABSTRACT | SCOPE_SIGNAL },
	{ 5, 16, 0xffff, NET_BIND | NET_CONNECT, 0 },
	{ 4, 16, 0x7fff, NET_BIND | NET_CONNECT, 0 },
	{ 3, 8, 0x7fff, 0, 0 },
	{ 2, 8, 0x3fff, 0, 0 },
};

static const struct {
	unsigned right;
	uint64_t fs;
} landlock_rights[] = {
	{ SANDBOX_RIGHT_READ, FS_READ_FILE | FS_READ_DIR },
	{ SANDBOX_RIGHT_WRITE, FS_WRITE_FILE | FS_TRUNCATE },
	{ SANDBOX_RIGHT_MAKE, FS_MAKE_REG },
	{ SANDBOX_RIGHT_REMOVE, FS_REMOVE_FILE },
	{ SANDBOX_RIGHT_DIRS, FS_MAKE_DIR | FS_REMOVE_DIR },
	{ SANDBOX_RIGHT_REFER, FS_REFER },
};

unsigned
landlock_abi(void)
{
	long kernel = syscall(SYS_landlock_create_ruleset, NULL, (size_t)0, CREATE_VERSION);
	const char *lowered = getenv("POSTERN_LANDLOCK_ABI");
	uint64_t abi = kernel > 0 ? (uint64_t)kernel : 0;
	uint64_t wanted;

	if (lowered && num_parse_u64(span_str(lowered), LANDLOCK_KNOWN, &wanted) && wanted < abi)
		abi = wanted;
	if (abi > LANDLOCK_KNOWN)
		abi = LANDLOCK_KNOWN;
	return abi < 2 ? 0 : (unsigned)abi;
}

static enum verdict
landlock_add_dir(int ruleset, const struct landlock_ruleset *handled,
    const struct sandbox_slot *slot, int fd, struct err *err)
{
	struct landlock_path rule = { 0, fd };
	struct stat st;

	for (size_t i = 0; i < ARRAY_LEN(landlock_rights); i++) {
		if (slot->rights & landlock_rights[i].right)
			rule.allowed |= landlock_rights[i].fs;
	}
	if (fstat(fd, &st) != 0)
		return err_sys(err, errno, "%s: descriptor %d", slot->name, fd);
	rule.allowed &= handled->fs;
	if (!S_ISDIR(st.st_mode))
		rule.allowed &= FS_OF_FILES;
	/* A rule without rights is refused by the kernel. */
	if (rule.allowed == 0)
		return VERDICT_OK;
	if (syscall(SYS_landlock_add_rule, ruleset, RULE_PATH, &rule, 0) != 0)
		return err_sys(err, errno, "landlock rule for %s", slot->name);
	return VERDICT_OK;
}

static enum verdict
landlock_fill(int ruleset, const struct landlock_ruleset *handled,
    const struct sandbox_profile *profile, const struct sandbox_options *options, struct err *err)
{
	/* Port 0: the kernel's choice. The source address may be chosen, a service not be taken
	 * over. */
	struct landlock_port any_port = { NET_BIND, 0 };
	enum verdict v = VERDICT_OK;

	for (size_t i = 0; i < options->n_dirs && v == VERDICT_OK; i++) {
		const struct sandbox_dir *dir = &options->dirs[i];

		v = landlock_add_dir(
		    ruleset, handled, sandbox_slot_find(profile, dir->slot), dir->fd, err);
	}
	if (v == VERDICT_OK && (handled->net & NET_BIND) && (profile->groups & SANDBOX_BIND) &&
	    syscall(SYS_landlock_add_rule, ruleset, RULE_PORT, &any_port, 0) != 0)
		v = err_sys(err, errno, "landlock rule for bind");
	return v;
}

enum verdict
landlock_enter(unsigned abi, const struct sandbox_profile *profile,
    const struct sandbox_options *options, struct err *err)
{
	struct landlock_ruleset handled = { 0, 0, 0 };
	enum verdict v;
	size_t row = 0;
	int fd;

	while (row < ARRAY_LEN(landlock_abis) && landlock_abis[row].abi > abi)
		row++;
	if (row == ARRAY_LEN(landlock_abis))
		return VERDICT_OK;
	handled.fs = landlock_abis[row].fs;
	handled.net = landlock_abis[row].net;
	handled.scoped = landlock_abis[row].scoped;
	/* Where mail goes, and to which port, the configuration says. */
	if (profile->groups & SANDBOX_INET)
		handled.net &= ~(uint64_t)NET_CONNECT;
	fd = (int)syscall(SYS_landlock_create_ruleset, &handled, landlock_abis[row].size, 0);
	if (fd < 0)
		return err_sys(err, errno, "landlock ruleset, ABI %u", abi);
	v = landlock_fill(fd, &handled, profile, options, err);
	if (v == VERDICT_OK && syscall(SYS_landlock_restrict_self, fd, 0) != 0)
		v = err_sys(err, errno, "landlock");
	sys_close(fd);
	return v;
}
