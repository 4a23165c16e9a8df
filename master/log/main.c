/*
 * The log daemon: takes lines from all others, each over a socket of its own that master made, so
 * that nobody can write in another's name, and puts them into the file, standard output or syslog
 * as Postfix's tools expect them: "Nov 23 08:00:00 host postern/smtpd[9]: text". It blocks nobody:
 * a sender whose socket is full counts what it drops.
 */
#include "log/log.h"

static const struct service log_service = {
	.kind = "log",
	.prepare = logd_prepare,
	.logger = logd_add_source,
};

int
main(int argc, char **argv)
{
	return service_main(&log_service, argc, argv);
}
