/*
 * bounce: writes delivery reports as new messages, when qmgr asks, through the same door as smtpd.
 * Reads the messages that it is handed; opens nothing.
 */
#include "config.h"

#include <unistd.h>

#include "base/mem.h"
#include "qmgr/bounce/bounce.h"

static enum verdict
bounce_prepare(struct service_ctx *ctx, struct err *err)
{
	struct bounce *bounce = mem_alloc(sizeof(*bounce));

	(void)err;
	bounce->ctx = ctx;
	queue_id_init(&bounce->ids, (uint32_t)getpid());
	service_set_state(ctx, bounce);
	return VERDICT_OK;
}

static const struct ipc_permit permits[] = {
	{ &ipc_bounce_report, bounce_report },
};
static const struct ipc_service asks = {
	.name = "qmgr", .permits = permits, .permits_n = ARRAY_LEN(permits)
};
static const struct service_role roles[] = {
	{ "qmgr", &asks, NULL },
};

static const struct service bounce_service = {
	.kind = "bounce",
	.prepare = bounce_prepare,
	.roles = roles,
	.roles_n = ARRAY_LEN(roles),
};

int
main(int argc, char **argv)
{
	return service_main(&bounce_service, argc, argv);
}
