/*
 * Birth: from root to the identity and the limits of a service, between fork and exec. Called by
 * master's child. Numbers come from the caller: looking names up loads code and asks the network.
 * Owns nothing, allocates nothing. Must never return VERDICT_OK before it has tried to become root
 * again and failed.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/sys.h"
#include "sandbox/walls.h"

#define CAP_BIT(cap) (UINT64_C(1) << (cap))

/* The hard limit is the soft one too: nobody raises it again. A lower one that stands is kept. */
static enum verdict
limit_set(int resource, uint64_t value, const char *name, struct err *err)
{
	struct rlimit now;

	if (value == SANDBOX_LIMIT_KEEP)
		return VERDICT_OK;
	if (getrlimit((__rlimit_resource_t)resource, &now) != 0)
		return err_sys(err, errno, "getrlimit %s", name);
	if (now.rlim_max != RLIM_INFINITY && now.rlim_max < value && geteuid() != 0)
		value = now.rlim_max;
	struct rlimit wanted = { value, value };
	if (setrlimit((__rlimit_resource_t)resource, &wanted) == 0)
		return VERDICT_OK;
	if (errno != EPERM)
		return err_sys(err, errno, "setrlimit %s", name);
	/* Root in a container without CAP_SYS_RESOURCE. */
	now.rlim_cur = now.rlim_max;
	if (setrlimit((__rlimit_resource_t)resource, &now) != 0)
		return err_sys(err, errno, "setrlimit %s", name);
	return VERDICT_OK;
}

enum verdict
sandbox_set_limits(const struct sandbox_profile *profile, struct err *err)
{
	enum verdict v = limit_set(RLIMIT_CORE, 0, "core", err);

	if (v == VERDICT_OK)
		v = limit_set(RLIMIT_NOFILE, profile->limits.nofile, "nofile", err);
	if (v == VERDICT_OK)
		v = limit_set(RLIMIT_FSIZE, profile->limits.fsize, "fsize", err);
#ifndef POSTERN_SANITIZED
	/* The sanitizer's shadow memory counts as data: terabytes of it. */
	if (v == VERDICT_OK)
		v = limit_set(RLIMIT_DATA, profile->limits.data, "data", err);
#endif
	return v;
}

/*
 * Before the uid changes, since it takes CAP_SETPCAP. The bounding set does not mask ambient
 * capabilities, so that even CAP_SYS_CHROOT leaves it; but it must become inheritable first.
 */
static enum verdict
bounding_clear(bool keep_chroot, struct err *err)
{
	struct caps caps;
	unsigned last = caps_last();

	if (caps_get(&caps) != 0)
		return err_sys(err, errno, "capget");
	caps.inheritable = keep_chroot ? CAP_BIT(CAP_SYS_CHROOT) : 0;
	if (caps_set(&caps) != 0)
		return err_sys(err, errno, "capset: inheritable");
	for (unsigned cap = 0; cap <= last; cap++) {
		if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) != 0)
			return err_sys(err, errno, "drop capability %u from the bounding set", cap);
	}
	return VERDICT_OK;
}

static enum verdict
ids_set(uid_t uid, gid_t gid, const gid_t *groups, size_t n_groups, struct err *err)
{
	if (setgroups(n_groups, groups) != 0)
		return err_sys(err, errno, "setgroups");
	if (setresgid(gid, gid, gid) != 0)
		return err_sys(err, errno, "setresgid %u", gid);
	if (setresuid(uid, uid, uid) != 0)
		return err_sys(err, errno, "setresuid %u", uid);
	return VERDICT_OK;
}

static enum verdict
caps_reduce(bool keep_chroot, struct err *err)
{
	uint64_t keep = keep_chroot ? CAP_BIT(CAP_SYS_CHROOT) : 0;
	struct caps caps = { keep, keep, keep };

	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0)
		return err_sys(err, errno, "clear the ambient capabilities");
	if (caps_set(&caps) != 0)
		return err_sys(err, errno, "capset");
	if (keep_chroot && prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_SYS_CHROOT, 0, 0) != 0)
		return err_sys(err, errno, "keep CAP_SYS_CHROOT");
	if (prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0) != 0)
		return err_sys(err, errno, "PR_SET_KEEPCAPS");
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return err_sys(err, errno, "PR_SET_NO_NEW_PRIVS");
	return VERDICT_OK;
}

static bool
groups_are(const gid_t *groups, size_t n_groups)
{
	gid_t now[LIMIT_SANDBOX_GROUPS];
	int n = getgroups(LIMIT_SANDBOX_GROUPS, now);

	if (n < 0)
		return false;
	/* The kernel sorts them, so each is looked for among the others. */
	for (int i = 0; i < n; i++) {
		size_t j = 0;

		while (j < n_groups && groups[j] != now[i])
			j++;
		if (j == n_groups)
			return false;
	}
	return true;
}

/* Looks, and then tries to be what it was. */
static const char *
identity_problem(uid_t uid, gid_t gid, bool keep_chroot)
{
	uint64_t keep = keep_chroot ? CAP_BIT(CAP_SYS_CHROOT) : 0;
	uid_t u[3];
	gid_t g[3];
	struct caps caps;

	if (getresuid(&u[0], &u[1], &u[2]) != 0 || u[0] != uid || u[1] != uid || u[2] != uid)
		return "the user is not the one asked for";
	if (getresgid(&g[0], &g[1], &g[2]) != 0 || g[0] != gid || g[1] != gid || g[2] != gid)
		return "the group is not the one asked for";
	if (caps_get(&caps) != 0 || caps.effective != keep || caps.permitted != keep ||
	    caps.inheritable != keep || caps_ambient() != keep)
		return "capabilities are left";
	if (caps_bounding() != 0)
		return "the bounding set is not empty";
	if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1)
		return "no_new_privs is not set";
	if (setresuid(0, 0, 0) == 0 || setresuid((uid_t)-1, 0, (uid_t)-1) == 0)
		return "it can become root again";
	if (setresgid(0, 0, 0) == 0 || setgroups(0, NULL) == 0)
		return "it can change its groups";
	return NULL;
}

enum verdict
sandbox_drop_identity(
    uid_t uid, gid_t gid, const gid_t *groups, size_t n_groups, bool keep_chroot, struct err *err)
{
	const char *problem;
	enum verdict v;

	if (uid == 0 || gid == 0 || n_groups > LIMIT_SANDBOX_GROUPS)
		return err_set(err, VERDICT_PERM, "identity %u:%u with %zu groups is refused", uid,
		    gid, n_groups);
	v = bounding_clear(keep_chroot, err);
	if (v == VERDICT_OK && prctl(PR_SET_KEEPCAPS, keep_chroot, 0, 0, 0) != 0)
		v = err_sys(err, errno, "PR_SET_KEEPCAPS");
	if (v == VERDICT_OK)
		v = ids_set(uid, gid, groups, n_groups, err);
	if (v == VERDICT_OK)
		v = caps_reduce(keep_chroot, err);
	if (v != VERDICT_OK)
		return v;
	problem = identity_problem(uid, gid, keep_chroot);
	if (!problem && !groups_are(groups, n_groups))
		problem = "supplementary groups are not those asked for";
	if (problem)
		return err_set(err, VERDICT_PERM, "identity %u:%u: %s", uid, gid, problem);
	return VERDICT_OK;
}
