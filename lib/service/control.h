/*
 * What master and a child say to each other: fixed-size packets with descriptors over a
 * SOCK_SEQPACKET pair, descriptor 3 of every child. Master trusts nothing in them but the channel
 * they came on: it checks each against the tables of processes.def and against grants that it
 * holds.
 */
#ifndef SERVICE_CONTROL_H
#define SERVICE_CONTROL_H

#include "base/err.h"
#include "base/limits.h"

#define CONTROL_FD	3
#define CONTROL_VERSION 1
#define CONTROL_MAX_FDS 32

enum control_type {
	/* master -> child */
	CONTROL_BIRTH = 1, /* first: who you are; descriptors as fd_kinds says */
	CONTROL_PEER, /* a client's channel: name = its kind, arg = its serial; a second descriptor:
			 what it redeemed with */
	CONTROL_LOGGER, /* to the log daemon: account = name on the lines, arg = pid; one descriptor
			 */
	CONTROL_CONNECTED, /* answer to CONNECT and REDEEM: id, ok; the channel when ok, and for a
			      session without a descriptor of its own one for its bytes */
	CONTROL_CONFIG, /* a new snapshot: id = generation; one descriptor (live services alone) */
	CONTROL_KEYS,	/* new TLS ticket keys: one descriptor */
	CONTROL_STOP, /* accept nothing more, finish, exit; ok: the whole suite stops, end sessions
			 now */
	CONTROL_LEAVE_OK, /* answer to LEAVING: nothing more will come */
	/* child -> master */
	CONTROL_READY,	 /* walls are up */
	CONTROL_CONNECT, /* name = kind of server; id comes back */
	CONTROL_GRANT, /* authd: name = kind of user process, id = grant, arg = the client's serial;
			  uid gid home account */
	CONTROL_REDEEM,	 /* id = grant, arg = its own number for the answer; zero or one descriptor
			  */
	CONTROL_LEAVING, /* a user process without work; ok: another process is to be started in its
			    place */
};

/* What the descriptors of a BIRTH are, in their order. */
enum birth_fd {
	BIRTH_FD_LOG = 1, /* socket to the log daemon */
	BIRTH_FD_CONFIG,  /* sealed snapshot */
	BIRTH_FD_LISTEN,  /* listening socket, accepts clients */
	BIRTH_FD_PUBLIC,  /* listening Unix socket for the postmaster's tools */
	BIRTH_FD_ROOT,	  /* directory that becomes its root */
	BIRTH_FD_LOGFILE, /* the log daemon's file */
	BIRTH_FD_CHAIN,	  /* TLS key and certificates, PEM */
	BIRTH_FD_CA,	  /* trusted CAs, PEM */
	BIRTH_FD_USERS,	  /* directory of the user database */
	BIRTH_FD_KEYS,	  /* TLS ticket keys: struct tls_ticket_key[3] */
};

struct control_msg {
	uint16_t type; /* enum control_type */
	uint16_t ok;
	uint32_t arg;
	uint64_t id;
	char name[LIMIT_SERVICE_NAME]; /* NUL padded, NUL terminated */
	/* BIRTH: uid and gid to be; GRANT: of the account */
	uint32_t uid, gid;
	uint8_t fd_kinds[CONTROL_MAX_FDS];
	char account[256]; /* BIRTH of a user process, GRANT */
	char path[1024];   /* GRANT: home; BIRTH: name of its profile */
};

/* A packet as it came; descriptors are the caller's, -1 where none. */
struct control_packet {
	struct control_msg msg;
	int fds[CONTROL_MAX_FDS];
	unsigned fds_n;
};

/* FD's of the other two: pairs[0] for master, pairs[1] for the child. 0 or errno. */
int control_pair(int pair_out[2]);
/* Never waits: VERDICT_TEMP when the child does not read (its queue is full), VERDICT_EOF when it
 * is gone. */
enum verdict control_send(int fd, const struct control_msg *msg, const int *fds, unsigned fds_n);
/*
 * VERDICT_OK, VERDICT_ABSENT when nothing is there now (non-blocking sockets), VERDICT_EOF,
 * VERDICT_PERM for a packet of another size or without NULs where they belong (its descriptors are
 * closed).
 */
enum verdict control_recv(int fd, struct control_packet *out);
void control_close_fds(struct control_packet *p);
/* Fills name, cut to fit. */
void control_set_name(struct control_msg *msg, const char *name);

#endif
