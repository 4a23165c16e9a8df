/*
 * The start of authd: the passwd file's directory is opened before the walls, threads start behind
 * them. A file that is not there or is wrong stops nothing: it is logged, and looked at again.
 */
#include "authd/authd.h"

#include <sched.h>

#include "authd/password.h"
#include "base/log.h"
#include "base/mem.h"
#include "login/passwd.h"

#define THREADS_MAX 8 /* a yescrypt takes 16 MB for a while */

/* Without uid or gid anywhere the account has 0, for which master starts no process. */
static struct account_defaults
account_defaults_of(const struct conf *conf)
{
	struct account_defaults d = { .base = conf->virtual_mailbox_base };

	if (!passwd_static_id(conf->virtual_uid_maps, &d.uid) && conf->virtual_uid_maps.n > 0)
		log_event(LOG_LEVEL_WARNING, "virtual_uid_maps: of tables only static:uid is used");
	if (!passwd_static_id(conf->virtual_gid_maps, &d.gid) && conf->virtual_gid_maps.n > 0)
		log_event(LOG_LEVEL_WARNING, "virtual_gid_maps: of tables only static:gid is used");
	return d;
}

enum verdict
authd_prepare(struct service_ctx *ctx, struct err *err)
{
	const struct conf *conf = service_conf(ctx);
	const struct account_defaults defaults = account_defaults_of(conf);
	struct authd *a = mem_alloc(sizeof(*a));
	struct span file = conf->auth_passwd_file;
	int dir = service_fd(ctx, BIRTH_FD_USERS, 0);

	a->ctx = ctx;
	service_set_state(ctx, a);
	if (dir < 0)
		return err_set(err, VERDICT_PERM,
		    "auth_passwd_file is not set, or its directory is not there");
	service_allow_dir(ctx, "users", dir);
	digest_key_make(&a->key);
	if (!password_dummy(a->dummy, sizeof(a->dummy)))
		return err_set(err, VERDICT_PERM, "libcrypt knows no yescrypt");
	memo_init(&a->verified, LIMIT_AUTH_CACHE);
	memo_init(&a->familiar, LIMIT_AUTH_GUESSES);
	guesses_init(&a->by_client, LIMIT_AUTH_GUESSES);
	guesses_init(&a->by_account, LIMIT_AUTH_GUESSES);
	list_init(&a->verifying);
	/* A text field of the configuration ends in NUL, so its tail is the file's name. */
	a->accounts = accounts_new(dir, file.p + span_rfind(file, '/') + 1, &defaults);
	if (accounts_refresh(a->accounts, NULL, err) != VERDICT_OK) {
		log_event(LOG_LEVEL_ERROR, "auth_passwd_file: %s", err->text);
		err_clear(err);
	}
	return VERDICT_OK;
}

/* One for each processor: hashes use nothing else. */
static unsigned
threads_wanted(void)
{
	cpu_set_t set;
	int n = sched_getaffinity(0, sizeof(set), &set) == 0 ? CPU_COUNT(&set) : 1;

	return n < 2 ? 2 : n > THREADS_MAX ? THREADS_MAX : (unsigned)n;
}

void
authd_start(struct service_ctx *ctx)
{
	struct authd *a = service_state(ctx);
	unsigned threads = threads_wanted();

	a->pool = pool_new(threads);
	desk_init(&a->desk, threads, LIMIT_AUTH_QUEUE, LIMIT_AUTH_CLIENT);
}

void
authd_stop(struct service_ctx *ctx)
{
	if (service_shutdown(ctx))
		verify_stop(service_state(ctx));
}
