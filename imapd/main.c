/*
 * imapd: the login half. It faces the network, knows TLS and passwords on their way to authd, and
 * no mailbox. All but the dialogue (front.c) is lib/login's.
 */
#include "imapd/front.h"

static enum verdict
imapd_prepare(struct service_ctx *ctx, struct err *err)
{
	const struct conf *conf = service_conf(ctx);
	const struct login_settings settings = {
		.service = "imap",
		.tls_offered = conf->imapd_tls_security_level != CONF_TLS_SERVER_NONE,
		.tls_wrapper = conf->imapd_tls_wrappermode,
		.tls_needed = conf->imapd_tls_auth_only ||
			      conf->imapd_tls_security_level == CONF_TLS_SERVER_ENCRYPT,
		.timeout = conf->imapd_login_timeout,
		.parked_max = conf->imapd_idle_timeout,
		.errors_max = conf->imapd_hard_error_limit,
		.client_max = conf->imapd_client_connection_count_limit,
		.dialogue = front_dialogue,
		.refuse = front_refuse,
	};
	struct login_front *front = NULL;
	enum verdict v = login_front_new(ctx, &settings, &front, err);

	service_set_state(ctx, front);
	return v;
}

static void
imapd_accept(struct service_ctx *ctx, int fd, unsigned listener)
{
	login_accept(service_state(ctx), fd, listener);
}

static void
imapd_stop(struct service_ctx *ctx)
{
	login_front_stop(service_state(ctx));
}

static const struct service imapd_service = {
	.kind = "imapd",
	.prepare = imapd_prepare,
	.accept = imapd_accept,
	.stop = imapd_stop,
};

int
main(int argc, char **argv)
{
	return service_main(&imapd_service, argc, argv);
}
