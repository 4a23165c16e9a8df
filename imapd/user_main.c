/*
 * imapuser: the user half, born as an account with the account's home as its root. It owns the
 * mailbox, links no TLS, and serves all sessions of the account. Sessions arrive from login halves
 * by way of master (lib/login/user.h).
 */
#include "imapd/session.h"

static enum verdict
imapuser_prepare(struct service_ctx *ctx, struct err *err)
{
	const struct conf *conf = service_conf(ctx);
	const struct maildir_place place = {
		.home = service_fd(ctx, BIRTH_FD_ROOT, 0),
		.proc_fd = service_proc_fd(ctx),
		.path = conf->home_mailbox,
		.host = conf->myhostname,
	};
	struct account *account;

	if (place.home < 0)
		return err_set(err, VERDICT_PERM, "no home was given");
	service_allow_dir(ctx, "home", place.home);
	account = account_new(ctx, &place);
	service_set_state(ctx, account);
	account_set_host(account, user_host_new(ctx, session_run, conf->process_session_limit));
	return VERDICT_OK;
}

/* Threads need the walls around them too. */
static void
imapuser_start(struct service_ctx *ctx)
{
	account_start(service_state(ctx));
}

static void
imapuser_arrived(struct service_ctx *ctx, struct ipc_channel *ch, int fd)
{
	user_arrived(account_host(service_state(ctx)), ch, fd);
}

static void
imapuser_stop(struct service_ctx *ctx)
{
	user_host_stop(account_host(service_state(ctx)));
}

static const struct service_role roles[] = {
	{ "imapd", &user_asks, imapuser_arrived },
};

static const struct service imapuser_service = {
	.kind = "imapuser",
	.prepare = imapuser_prepare,
	.start = imapuser_start,
	.stop = imapuser_stop,
	.roles = roles,
	.roles_n = ARRAY_LEN(roles),
};

int
main(int argc, char **argv)
{
	return service_main(&imapuser_service, argc, argv);
}
