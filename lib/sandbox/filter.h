/* The seccomp filters: what genfilter, which makes them, and filter.c, which installs them, agree
 * on. */
#ifndef SANDBOX_FILTER_H
#define SANDBOX_FILTER_H

#include "base/err.h"
#include "sandbox/profile.h"

/* Stands in a generated filter where the pid of the process belongs. */
#define FILTER_PID_MARK 0x50696421u
/*
 * prctl(FILTER_ASK) is answered with the error FILTER_ANSWER + the number of the profile: a process
 * can prove that its own filter is in force, where "seccomp mode 2" may be a container's doing.
 */
#define FILTER_ASK    0x50737472
#define FILTER_ANSWER 1000

/* From here on the process may only call what PROFILE allows. It has one thread, and no_new_privs
 * set. */
enum verdict filter_install(const struct sandbox_profile *profile, struct err *err);
/* The number of the profile whose filter is in force, -1 when there is none of ours. */
int filter_current(void);

#endif
