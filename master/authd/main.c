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
static const struct ipc_permit smtpd_permits[] = {
	{ &ipc_auth_verify, verify_asked },
};
static const struct ipc_permit login_permits[] = {
	{ &ipc_auth_verify, verify_asked },
	{ &ipc_auth_again, door_again },
	{ &ipc_auth_over, door_over },
};

static const struct ipc_service rewrite_asks = { "rewrite", rewrite_permits,
	ARRAY_LEN(rewrite_permits), NULL, NULL };
static const struct ipc_service local_asks = { "local", local_permits, ARRAY_LEN(local_permits),
	NULL, NULL };
static const struct ipc_service smtpd_asks = { "smtpd", smtpd_permits, ARRAY_LEN(smtpd_permits),
	NULL, door_gone };
static const struct ipc_service imapd_asks = { "imapd", login_permits, ARRAY_LEN(login_permits),
	NULL, door_gone };
static const struct ipc_service pop3d_asks = { "pop3d", login_permits, ARRAY_LEN(login_permits),
	NULL, door_gone };

static const struct service_role roles[] = {
	{ "rewrite", &rewrite_asks, NULL },
	{ "local", &local_asks, NULL },
	{ "smtpd", &smtpd_asks, door_opened },
	{ "imapd", &imapd_asks, door_opened_imap },
	{ "pop3d", &pop3d_asks, door_opened_pop3 },
};

static const struct service authd_service = {
	.kind = "authd",
	.prepare = authd_prepare,
	.start = authd_start,
	.stop = authd_stop,
	.roles = roles,
	.roles_n = ARRAY_LEN(roles),
};

int
main(int argc, char **argv)
{
	return service_main(&authd_service, argc, argv);
}
