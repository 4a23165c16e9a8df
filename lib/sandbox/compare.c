/*
 * Does a process stand behind the walls that its profile promises? Called by tests
 * with what sandbox_describe_process read. Owns nothing. Limits: Landlock leaves
 * no trace in /proc, so that its walls are proven from inside only. Must never take "not known" for
 * "as it should be".
 */
#include "config.h"

#include "sandbox/process.h"
#include "sandbox/walls.h"

static bool
ids_are_one(const uint32_t ids[4])
{
	return ids[0] != 0 && ids[0] == ids[1] && ids[1] == ids[2] && ids[2] == ids[3];
}

static bool
in_group_root(const struct sandbox_process *p)
{
	for (unsigned i = 0; i < p->n_groups; i++) {
		if (p->groups[i] == 0)
			return true;
	}
	return false;
}

static void
compare_privileges(struct prove *prove, const struct sandbox_profile *profile,
    const struct sandbox_process *p, bool rootless)
{
	prove_that(prove, ids_are_one(p->uids), "user ids: root's, or not all the same");
	prove_that(
	    prove, rootless || ids_are_one(p->gids), "group ids: root's, or not all the same");
	prove_that(prove, rootless || !in_group_root(p), "groups: root's among them");
	prove_that(prove,
	    (p->cap_effective | p->cap_permitted | p->cap_inheritable | p->cap_ambient) == 0,
	    "capabilities: not empty");
	prove_that(prove, rootless || p->cap_bounding == 0, "bounding set: not empty");
	prove_that(prove, p->no_new_privs == 1, "no_new_privs: not set");
	prove_that(prove, p->seccomp == 2, "seccomp: no filter");
	prove_that(prove, (profile->groups & SANDBOX_THREADS) || p->threads == 1,
	    "threads: more than one");
}

static bool
has_file_slots(const struct sandbox_profile *profile)
{
	return profile->slots[0].name != NULL;
}

static void
compare_inside(struct prove *prove, const struct sandbox_profile *profile,
    const struct sandbox_process *p, bool rootless)
{
	prove_that(prove, p->inside_known || rootless, "root and descriptors: not known");
	if (!p->inside_known)
		return;
	if (!rootless && profile->root != SANDBOX_ROOT_NONE)
		prove_that(prove, !p->root_is_ours, "root: the system's");
	if (!rootless && profile->root == SANDBOX_ROOT_EMPTY)
		prove_that(prove, p->root_empty, "root: not empty");
	prove_that(prove, has_file_slots(profile) || p->fds[SANDBOX_FD_DIR] == 0,
	    "descriptors: an open directory");
	prove_that(prove, (profile->groups & SANDBOX_FILE_WATCH) || p->fds[SANDBOX_FD_INOTIFY] == 0,
	    "descriptors: inotify");
}

unsigned
sandbox_compare(const struct sandbox_profile *profile, const struct sandbox_process *process,
    bool rootless, struct str *problems)
{
	struct prove prove = { problems, 0 };

	compare_privileges(&prove, profile, process, rootless);
	compare_inside(&prove, profile, process, rootless);
	return prove.n;
}
