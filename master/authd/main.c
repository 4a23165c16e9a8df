/*
 * authd: knows the accounts, verifies who somebody is, and alone may grant a process for an
 * account. It reads the user database and nothing else; it faces no network.
 */
#include "authd/authd.h"

static const struct ipc_permit rewrite_permits[] = {
	{ &ipc_account_find, authd_account_find },
};
static const struct ipc_permit local_permits[] = {
	{ &ipc_grant_delivery, authd_grant_delivery },
};
static const struct ipc_service rewrite_asks = { "rewrite", rewrite_permits,
	ARRAY_LEN(rewrite_permits), NULL, NULL };
static const struct ipc_service local_asks = { "local", local_permits, ARRAY_LEN(local_permits),
	NULL, NULL };

static const struct service_role roles[] = {
	{ "rewrite", &rewrite_asks, NULL },
	{ "local", &local_asks, NULL },
};

static const struct service authd_service = {
	.kind = "authd",
	.prepare = authd_prepare,
	.roles = roles,
	.roles_n = ARRAY_LEN(roles),
};

int
main(int argc, char **argv)
{
	return service_main(&authd_service, argc, argv);
}
