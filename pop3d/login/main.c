/*
 * pop3d: the login half of POP3. Clients connect to it, may go over to TLS, and log in; then the
 * session is their own process's (pop3user), and this one carries bytes at most. It opens no
 * mailbox and sees no mail but what passes by in TLS.
 */
#include "base/mem.h"
#include "pop3d/login/pop3d.h"

static enum verdict
pop3d_prepare(struct service_ctx *ctx, struct err *err)
{
	struct login_settings settings;
	struct login_front *front = NULL;
	enum verdict v;

	pop3d_settings(service_conf(ctx), &settings);
	v = login_front_new(ctx, &settings, &front, err);
	service_set_state(ctx, front);
	return v;
}

static void
pop3d_accept(struct service_ctx *ctx, int fd, unsigned listener)
{
	login_accept(service_state(ctx), fd, listener);
}

static void
pop3d_stop(struct service_ctx *ctx)
{
	login_front_stop(service_state(ctx));
}

static const struct service pop3d_service = {
	.kind = "pop3d",
	.prepare = pop3d_prepare,
	.accept = pop3d_accept,
	.stop = pop3d_stop,
};

int
main(int argc, char **argv)
{
	return service_main(&pop3d_service, argc, argv);
}
