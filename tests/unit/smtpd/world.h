/*
 * A world for smtpd's sessions: a service without master, whose servers (rewrite, qmgr, dns, authd,
 * anvil) are channels to handlers in the same process, and a client on loopback. What the servers
 * know is in world.c: domains example.test (local) and relay.test (relayed); users unknown*@ are
 * not there, temp*@ cannot be told, team@ becomes two.
 */
#ifndef UNIT_SMTPD_WORLD_H
#define UNIT_SMTPD_WORLD_H

#include "service/service_impl.h"
#include "smtpd/session.h"

#define WORLD_SERVERS 5

/* A value in a table of rewrite's. */
struct world_entry {
	const char *table, *key, *value; /* value "!": the lookup fails */
};

/* A record of the DNS; what is not here is NXDOMAIN. */
struct world_record {
	const char *name;
	enum dns_type type;
	const char *data; /* "192.0.2.1", a name, a text; "!": SERVFAIL */
};

/* What a test is about; zero values are good. */
struct world_plan {
	const char *main_cf;
	const char *service; /* "smtp" */
	const struct world_entry *entries;
	size_t entries_n;
	const struct world_record *records;
	size_t records_n;
	int chain_fd;	     /* PEM; 0: none */
	unsigned open_limit; /* anvil says that so many connections are open */
	bool no_anvil, no_dns;
	bool commit_fails, open_fails;
};

struct world {
	const struct world_plan *plan;
	struct service_ctx ctx;
	struct smtpd *smtpd;
	struct err err; /* of prepare */
	int conf_fd;
	struct ipc_channel *client_end[WORLD_SERVERS];
	struct ipc_channel *server_end[WORLD_SERVERS];
	int listen_fd;
	unsigned sessions; /* accepted so far */
	int content_fd;	   /* of the message that is open */
	uint64_t next_handle;
	unsigned commits, aborts, lookups, dns_queries;
	uint64_t anvil[ANVIL_KINDS];
	struct str committed; /* a line per message: queue data, then its content */
	struct str asked;     /* what authd was asked, a line each */
	int log_fd;
	struct str log;
};

/* False: prepare refused the configuration; ERR says why. */
bool world_begin(struct world *w, const struct world_plan *plan);
void world_end(struct world *w);
/* A connection from 127.0.0.2; its session begins when the loop runs. */
int world_connect(struct world *w);
/* The same from another address of loopback's net; -1: the kernel has no port left for it. */
int world_connect_from(struct world *w, uint32_t address);

/*
 * A dialogue, line by line: "C: text" is sent with CR LF (consecutive ones in one segment), "R:
 * text" as it is, with \r \n \0 \\ and \xNN; "S: text" is a reply line that begins with text; "S*
 * text" reads on to the line that begins so; "TLS" makes a handshake; "EOF" expects the end.
 * Returns when the dialogue and the session are over.
 */
void world_talk(struct world *w, const char *name, const char *dialogue);
/* The same before a TLS handshake is through at once: for services with wrapper mode. */
void world_talk_tls(struct world *w, const char *name, const char *dialogue);

/* The log, from the beginning of the world on, holds TEXT / does not. */
void expect_logged(struct world *w, const char *name, const char *text);
void expect_not_logged(struct world *w, const char *name, const char *text);

#endif
