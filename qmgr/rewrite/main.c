/*
 * rewrite: holds all lookup tables and says where an address goes. Asked by whoever takes mail in
 * or sends it; replaced, not reloaded, when the configuration or a table changes.
 */
#include "rewrite/rewrite.h"

static const struct ipc_permit door_permits[] = {
	{ &ipc_resolve, rewrite_resolve },
	{ &ipc_rewrite_sender, rewrite_sender },
	{ &ipc_lookup, rewrite_lookup },
};
static const struct ipc_permit inner_permits[] = {
	{ &ipc_resolve, rewrite_resolve },
};
static const struct ipc_permit smtp_permits[] = {
	{ &ipc_lookup, rewrite_lookup },
	{ &ipc_smtp_auth, rewrite_smtp_auth },
};

static const struct ipc_service door_asks = { "front door", door_permits, ARRAY_LEN(door_permits),
	NULL, NULL };
static const struct ipc_service inner_asks = { "client", inner_permits, ARRAY_LEN(inner_permits),
	NULL, NULL };
static const struct ipc_service smtp_asks = { "smtp", smtp_permits, ARRAY_LEN(smtp_permits), NULL,
	NULL };

static const struct service_role roles[] = {
	{ "smtpd", &door_asks, NULL },
	{ "pickup", &door_asks, NULL },
	{ "qmgr", &inner_asks, NULL },
	{ "bounce", &inner_asks, NULL },
	{ "local", &inner_asks, NULL },
	{ "smtp", &smtp_asks, NULL },
};

static const struct service rewrite_service = {
	.kind = "rewrite",
	.prepare = rewrite_prepare,
	.start = rewrite_watch,
	.roles = roles,
	.roles_n = ARRAY_LEN(roles),
	.stateless = true,
};

int
main(int argc, char **argv)
{
	return service_main(&rewrite_service, argc, argv);
}
