/*
 * smtp: sends mail to other hosts. Under the name lmtp it speaks LMTP. The skeleton is lib/service;
 * a delivery begins in request.c.
 */
#include <string.h>

#include "base/mem.h"
#include "service/service.h"
#include "smtp/connections.h"
#include "smtp/deliver.h"

static const struct ipc_permit qmgr_permits[] = {
	{ &ipc_deliver, deliver_on_note },
};
static const struct ipc_service qmgr_asks = { "qmgr", qmgr_permits, ARRAY_LEN(qmgr_permits), NULL,
	NULL };

static const struct service_role roles[] = {
	{ "qmgr", &qmgr_asks, NULL },
};

static enum verdict
client_prepare(struct service_ctx *ctx, bool lmtp, struct err *err)
{
	struct client *c = mem_alloc(sizeof(*c));
	struct span port;

	c->owner = ctx;
	c->conf = service_conf(ctx);
	c->lmtp = lmtp;
	list_init(&c->idle);
	deliver_connect(c);
	own_find(&c->own, c->conf);
	service_set_state(ctx, c);
	port = lmtp ? span_lit("lmtp") : c->conf->smtp_tcp_port;
	if (!port_parse(port, &c->port))
		return err_set(
		    err, VERDICT_PERM, "smtp_tcp_port: \"%.*s\" is no port", SPAN_ARG(port));
	return tls_prepare(c, service_fd(ctx, BIRTH_FD_CA, 0), err);
}

static enum verdict
smtp_prepare(struct service_ctx *ctx, struct err *err)
{
	return client_prepare(ctx, false, err);
}

static enum verdict
lmtp_prepare(struct service_ctx *ctx, struct err *err)
{
	return client_prepare(ctx, true, err);
}

static void
client_stop(struct service_ctx *ctx)
{
	connections_close(service_state(ctx));
}

#define SERVICE(name)                                                                          \
	{                                                                                      \
		.kind = #name, .prepare = name##_prepare, .stop = client_stop, .roles = roles, \
		.roles_n = ARRAY_LEN(roles),                                                   \
	}

static const struct service smtp_service = SERVICE(smtp);
static const struct service lmtp_service = SERVICE(lmtp);

int
main(int argc, char **argv)
{
	const char *slash = strrchr(argv[0], '/');
	const char *name = slash ? slash + 1 : argv[0];

	return service_main(strcmp(name, "lmtp") == 0 ? &lmtp_service : &smtp_service, argc, argv);
}
