/*
 * The accounts of a passwd file in Dovecot's form:
 * "user:{SCHEME}hash:uid:gid:gecos:home:shell:extra". Read whole, again whenever the file changes;
 * a file that cannot be read or has a line that cannot be understood leaves the accounts that were
 * known before.
 */
#ifndef AUTHD_ACCOUNTS_H
#define AUTHD_ACCOUNTS_H

#include <sys/types.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/span.h"
#include "event/pool.h"

struct accounts;

struct account {
	struct span user;     /* its one canonical name */
	struct span password; /* "{SCHEME}hash", or empty: it cannot log in */
	uid_t uid;
	gid_t gid;
	struct span home;
	struct span allow_nets; /* extra field: logins from there alone; empty: from anywhere */
	bool nologin;		/* extra field: mail, but no logins */
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
/*
 * Looks whether the file changed, and reads it if so: in a thread of POOL, or at once when POOL is
 * NULL. VERDICT_TEMP: it cannot be read; VERDICT_PERM: line N is wrong.
 */
SUSPENDS enum verdict accounts_refresh(struct accounts *a, struct pool *pool, struct err *err);
/* TEXT as if it were the file. */
enum verdict accounts_parse(struct accounts *a, struct span text, struct err *err);
/* NULL when there is none; valid until the caller suspends. ASCII case does not matter. */
const struct account *accounts_find(const struct accounts *a, struct span user);
/* A copy that lives as long as ARENA; false when that is full. */
bool account_copy(const struct account *account, struct arena *arena, struct account *out);
/*
 * A password field that somebody has, always the same one for the same DRAW: what a login of nobody
 * is computed with. Empty when nobody has any. Valid until the caller suspends.
 */
struct span accounts_sample(const struct accounts *a, uint64_t draw);
size_t accounts_count(const struct accounts *a);

#endif
