/*
 * smtpd: receives mail over SMTP. The skeleton is lib/service; what is made at start is in
 * prepare.c, a session in session.c, its commands are the table in commands.c.
 */
#include "smtpd/smtpd.h"

static const struct service smtpd_service = {
	.kind = "smtpd",
	.prepare = smtpd_prepare,
	.accept = smtpd_accept,
	.stop = smtpd_stop,
};

int
main(int argc, char **argv)
{
	return service_main(&smtpd_service, argc, argv);
}
