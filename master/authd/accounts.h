/*
 * The accounts of a passwd file in Dovecot's form:
 * "user:{SCHEME}hash:uid:gid:gecos:home:shell:extra". Read whole, again whenever the file changes;
 * a file that cannot be read or has a line that cannot be understood leaves the accounts that were
 * known before.
 */
#ifndef AUTHD_ACCOUNTS_H
#define AUTHD_ACCOUNTS_H

#include <sys/types.h>

#include "base/err.h"
#include "base/span.h"

struct accounts;

struct account {
	struct span user;     /* its one canonical name */
	struct span password; /* "{SCHEME}hash", or empty: it cannot log in */
	uid_t uid;
	gid_t gid;
	struct span home;
};

/* What an entry without uid, gid or home gets. */
struct account_defaults {
	uid_t uid;
	gid_t gid;
	struct span base; /* home is base/domain/user, or base/user */
};

/* DIR and NAME: the file, opened anew for each reading. DEFAULTS is copied. */
struct accounts *accounts_new(int dir, const char *name, const struct account_defaults *defaults);
void accounts_free(struct accounts *a);
/* Looks whether the file changed, and reads it if so. VERDICT_TEMP: it cannot be read;
 * VERDICT_PERM: line N is wrong. */
enum verdict accounts_refresh(struct accounts *a, struct err *err);
/* NULL when there is none; valid until the next refresh. ASCII case does not matter. */
const struct account *accounts_find(const struct accounts *a, struct span user);
size_t accounts_count(const struct accounts *a);

#endif
