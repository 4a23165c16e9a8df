/*
 * pop3user: the user half of POP3, born as one account, with that account's home as its root. Login
 * halves bring it sessions of clients that authd has let in. It speaks no TLS and knows no
 * password. It leaves when there has been no session for mailbox_linger_time.
 */
#include "base/mem.h"
#include "pop3d/user/popuser.h"

#define POPUSER_THREADS	 2  /* that wait for the disk */
#define POPUSER_SESSIONS 16 /* of one account, those that are told [IN-USE] counted too */

static void
popuser_arrived(struct service_ctx *ctx, struct ipc_channel *ch, int fd)
{
	struct popuser *user = service_state(ctx);

	user_arrived(user->host, ch, fd);
}

static const struct service_role roles[] = {
	{ "pop3d", &user_asks, popuser_arrived },
};

static enum verdict
popuser_prepare(struct service_ctx *ctx, struct err *err)
{
	struct popuser *user = mem_alloc(sizeof(*user));
	const struct conf *conf = service_conf(ctx);

	user->ctx = ctx;
	user->place = (struct maildir_place){
		.home = service_fd(ctx, BIRTH_FD_ROOT, 0),
		.proc_fd = service_proc_fd(ctx),
		.path = conf->home_mailbox,
		.host = conf->myhostname,
	};
	if (user->place.home < 0)
		return err_set(err, VERDICT_PERM, "no home was given");
	service_allow_dir(ctx, "home", user->place.home);
	user->host = user_host_new(ctx, session_run, POPUSER_SESSIONS);
	service_set_state(ctx, user);
	return VERDICT_OK;
}

/* Threads need the walls around them too. */
static void
popuser_start(struct service_ctx *ctx)
{
	struct popuser *user = service_state(ctx);

	user->pool = pool_new(POPUSER_THREADS);
}

static void
popuser_stop(struct service_ctx *ctx)
{
	struct popuser *user = service_state(ctx);

	user_host_stop(user->host);
}

static const struct service popuser_service = {
	.kind = "pop3user",
	.prepare = popuser_prepare,
	.start = popuser_start,
	.stop = popuser_stop,
	.roles = roles,
	.roles_n = ARRAY_LEN(roles),
};

int
main(int argc, char **argv)
{
	return service_main(&popuser_service, argc, argv);
}
