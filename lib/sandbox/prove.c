/*
 * sandbox_prove: tries the walls from inside. Called by sandbox_enter as its last act, and by the
 * probes of tests/cage. Owns nothing. Limits: it uses only what the filter answers with an error;
 * what the filter punishes by death was tried before it was installed, by enter.c. Must never
 * change anything.
 */
#include "config.h"

#include <fcntl.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/sys.h"
#include "sandbox/filter.h"
#include "sandbox/walls.h"

void
prove_that(struct prove *prove, bool holds, const char *problem)
{
	if (holds)
		return;
	prove->n++;
	str_puts(prove->problems, problem);
	str_putc(prove->problems, '\n');
}

static bool
prove_closed(const char *path)
{
	int fd = sys_openat(AT_FDCWD, path, O_RDONLY, 0);

	if (fd >= 0)
		sys_close(fd);
	return fd < 0;
}

static void
prove_identity(struct prove *prove)
{
	uid_t u[3] = { 0, 0, 0 };
	gid_t g[3] = { 0, 0, 0 };
	struct caps caps = { 1, 1, 1 };

	prove_that(prove,
	    getresuid(&u[0], &u[1], &u[2]) == 0 && u[0] != 0 && u[0] == u[1] && u[1] == u[2],
	    "a user id is root's or differs");
	prove_that(prove, getresgid(&g[0], &g[1], &g[2]) == 0 && g[0] == g[1] && g[1] == g[2],
	    "the group ids differ");
	prove_that(prove,
	    caps_get(&caps) == 0 && (caps.effective | caps.permitted | caps.inheritable) == 0,
	    "capabilities are left");
	prove_that(prove, caps_ambient() == 0, "ambient capabilities are left");
	prove_that(prove, prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1, "no_new_privs is not set");
#ifndef POSTERN_SANITIZED
	prove_that(prove, prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0, "the process can be traced");
#endif
}

unsigned
sandbox_prove(const struct sandbox_profile *profile, struct str *problems)
{
	struct prove prove = { problems, 0 };

	prove_identity(&prove);
	prove_that(&prove, prctl(PR_GET_SECCOMP, 0, 0, 0, 0) == SECCOMP_MODE_FILTER,
	    "no seccomp filter is in force");
	prove_that(&prove, filter_current() == (int)sandbox_profile_index(profile),
	    "the seccomp filter is not the profile's");
	if (profile->root == SANDBOX_ROOT_EMPTY) {
		prove_that(&prove, prove_closed("/"), "the root can be opened");
		prove_that(&prove, prove_closed("."), "the working directory can be opened");
		prove_that(&prove, prove_closed("/etc/passwd"), "/etc/passwd can be opened");
	}
	return prove.n;
}
