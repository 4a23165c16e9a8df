/*
 * local: the router half of local delivery. It decides which mailbox a message goes into; a
 * deliverer, born as the account that owns it, writes it.
 */
#include "base/mem.h"
#include "local/router.h"

static const struct ipc_permit qmgr_permits[] = {
	{ &ipc_deliver, router_deliver },
};
static const struct ipc_service qmgr_asks = { "qmgr", qmgr_permits, ARRAY_LEN(qmgr_permits), NULL,
	NULL };

static const struct service_role roles[] = {
	{ "qmgr", &qmgr_asks, NULL },
};

static enum verdict
local_prepare(struct service_ctx *ctx, struct err *err)
{
	struct router *r = mem_alloc(sizeof(*r));

	(void)err;
	r->ctx = ctx;
	map_init(&r->rooms);
	service_set_state(ctx, r);
	return VERDICT_OK;
}

static const struct service local_service = {
	.kind = "local",
	.prepare = local_prepare,
	.roles = roles,
	.roles_n = ARRAY_LEN(roles),
};

int
main(int argc, char **argv)
{
	return service_main(&local_service, argc, argv);
}
