/*
 * rewrite: holds all lookup tables and says where an address goes. Asked by whoever takes mail in;
 * replaced, not reloaded, when the configuration or a table changes.
 */
#include "rewrite/rewrite.h"

static const struct ipc_permit permits[] = {
	{ &ipc_resolve, rewrite_resolve },
};
static const struct ipc_service asks = { "client", permits, ARRAY_LEN(permits), NULL, NULL };

static const struct service_role roles[] = {
	{ "smtpd", &asks, NULL },
	{ "qmgr", &asks, NULL },
	{ "pickup", &asks, NULL },
	{ "bounce", &asks, NULL },
	{ "local", &asks, NULL },
};

static const struct service rewrite_service = {
	.kind = "rewrite",
	.roles = roles,
	.roles_n = ARRAY_LEN(roles),
};

int
main(int argc, char **argv)
{
	return service_main(&rewrite_service, argc, argv);
}
