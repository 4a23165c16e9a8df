/*
 * anvil: counts what clients do, for all front doors, and so knows who does too much. It decides
 * nothing: limits are the front doors' parameters. Its counts are in memory and begin anew with it.
 */
#include "anvil/anvil.h"

static const struct ipc_permit permits[] = {
	{ &ipc_anvil_count, anvil_take_count },
	{ &ipc_anvil_note, anvil_take_note },
};
static const struct ipc_service asks = { "client", permits, ARRAY_LEN(permits), NULL, anvil_gone };

static const struct service_role roles[] = {
	{ "smtpd", &asks, anvil_arrived },
	{ "imapd", &asks, anvil_arrived },
	{ "pop3d", &asks, anvil_arrived },
};

static const struct service anvil_service = {
	.kind = "anvil",
	.prepare = anvil_prepare,
	.start = anvil_start,
	.stop = anvil_stop,
	.roles = roles,
	.roles_n = ARRAY_LEN(roles),
};

int
main(int argc, char **argv)
{
	return service_main(&anvil_service, argc, argv);
}
