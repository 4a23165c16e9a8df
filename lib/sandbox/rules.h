/* The system calls of each group, as data for genfilter. No daemon links this. */
#ifndef SANDBOX_RULES_H
#define SANDBOX_RULES_H

#include "sandbox/profile.h"

#define RULE_BASE 0 /* for `groups`: every profile */
#define RULE_ARGS 2

/* Calls allowed whatever their arguments, separated by blanks. */
struct rule_calls {
	unsigned groups; /* any of these brings the calls in */
	const char *calls;
};

/* Holds when (argument & mask) == value for all of them; a mask of 0 ends the list. */
struct rule_arg {
	unsigned index;
	uint64_t mask;
	uint64_t value;
};

/* A call that is answered by `error`, or allowed when that is 0, if its arguments are so. */
struct rule_condition {
	unsigned groups;
	const char *call;
	int error;
	struct rule_arg args[RULE_ARGS];
};

/* NULL behind the last. */
const struct rule_calls *rule_calls_at(unsigned i);
const struct rule_condition *rule_condition_at(unsigned i);

/* Does a rule of GROUPS belong to PROFILE? */
static inline bool
rule_applies(unsigned groups, const struct sandbox_profile *profile)
{
	return groups == RULE_BASE || (groups & profile->groups) != 0;
}

#endif
