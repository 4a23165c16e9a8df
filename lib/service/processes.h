/* The table of processes.def as data: for master and tests. */
#ifndef SERVICE_PROCESSES_H
#define SERVICE_PROCESSES_H

#include "base/span.h"

enum process_count {
	PROCESS_ONE,	 /* a single process */
	PROCESS_FRONT,	 /* workers that share listening sockets */
	PROCESS_ACCOUNT, /* one per account, born by grant */
};

enum birth_needs {
	BIRTH_LOGFILE = 1,	/* the log file, opened for appending */
	BIRTH_QUEUE_SOCKET = 2, /* the public socket of the postmaster's tools */
	BIRTH_SERVER_TLS = 4,	/* smtpd_tls_chain_files and ticket keys */
	BIRTH_CLIENT_TLS = 8,	/* smtp_tls_CAfile */
	BIRTH_ROOT_QUEUE = 16,	/* its root is queue_directory/queue */
	BIRTH_ROOT_MAILDROP = 32,
	BIRTH_USERS = 64, /* the directory of auth_passwd_file */
};

struct process_kind {
	const char *name;
	const char *program;
	const char *profile;
	const char *user; /* "": the account's */
	enum process_count count;
	unsigned stop; /* processes of a lower number are gone before this one is told to stop */
	unsigned needs;
};

#define PROCESS_STOP_LAST 6

/* NULL when there is none of that name. */
const struct process_kind *process_kind_find(struct span name);
/* May a client of kind CLIENT have a channel to one of kind SERVER? */
bool process_may_connect(const struct process_kind *client, const struct process_kind *server);
/* The I-th row, NULL past the end. */
const struct process_kind *process_kind_at(size_t i);

#endif
