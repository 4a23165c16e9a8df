/* What the files of lib/sandbox, and their tests, share: capabilities, Landlock, directory
 * listings, proofs. */
#ifndef SANDBOX_WALLS_H
#define SANDBOX_WALLS_H

#include "sandbox/sandbox.h"

struct caps {
	uint64_t effective;
	uint64_t permitted;
	uint64_t inheritable;
};

/* Of this process; -1 with errno. */
int caps_get(struct caps *out);
int caps_set(const struct caps *caps);
/* The highest capability that the running kernel knows. */
unsigned caps_last(void);
/* The bounding and the ambient set of this process as bits. */
uint64_t caps_bounding(void);
uint64_t caps_ambient(void);

/* The kernel's Landlock ABI, lowered by POSTERN_LANDLOCK_ABI and to what this code knows; 0
 * below 2. */
unsigned landlock_abi(void);
/* Needs no_new_privs. ABI 0 does nothing. */
enum verdict landlock_enter(unsigned abi, const struct sandbox_profile *profile,
    const struct sandbox_options *options, struct err *err);

/* For each entry of the directory but "." and "..". Stops when FN returns false; so does this. */
typedef bool dir_walk_fn(int dir, const char *name, void *arg);
/* DIR stays the caller's and is read from its start. False with errno when it cannot be read; errno
 * is 0 when FN stopped. */
bool dir_walk(int dir, dir_walk_fn *fn, void *arg);
/* False with errno 0 when there is an entry. */
bool dir_is_empty(int dir);

/* Adds a line to PROBLEMS and counts it. */
struct prove {
	struct str *problems;
	unsigned n;
};
void prove_that(struct prove *prove, bool holds, const char *problem);

#endif
