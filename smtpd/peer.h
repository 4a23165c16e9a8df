/*
 * Who the client is: its address, what that is to us, and its name, which is only believed when it
 * leads back to the address.
 */
#ifndef SMTPD_PEER_H
#define SMTPD_PEER_H

#include <netinet/in.h>

#include "ipc/ipc.h"

struct session;

enum peer_name_status {
	PEER_NAME_UNASKED,
	PEER_NAME_OK,
	PEER_NAME_TEMP, /* the DNS did not say */
	PEER_NAME_PERM, /* there is none, or it does not lead back */
};

struct peer {
	struct sockaddr_storage addr; /* AF_UNSPEC: a Unix socket, or gone already */
	char ip[INET6_ADDRSTRLEN];    /* "unknown" when there is none */
	struct span name;	      /* verified, or "unknown" */
	struct span reverse;	      /* what its PTR record says, or "unknown" */
	struct span label;	      /* "name[ip]", for logs */
	enum peer_name_status status;
	enum peer_name_status reverse_status;
	bool local;	 /* in mynetworks */
	bool self;	 /* this host */
	bool unlimited;	 /* in smtpd_client_event_limit_exceptions */
	bool counted;	 /* anvil has its connection */
	bool bare_lf_ok; /* smtpd_forbid_bare_newline is not for it */
	bool asked;	 /* PTR is on its way */
	bool named;	 /* peer_await_name is done */
	struct ipc_pending ptr;
};

/* The address and what follows from it; asks nobody. */
void peer_learn(struct session *s);
/* Sends the question for its name. */
SUSPENDS void peer_ask_name(struct session *s);
/* Waits for the answer, verifies it, logs the connection. Once: later calls return at once. */
SUSPENDS void peer_await_name(struct session *s);
/* The name was never waited for. */
void peer_forget(struct session *s);

/* The address as the front of a reverse name: "4.3.2.1.", or nibbles for IPv6. */
void peer_put_reversed(const struct peer *peer, struct str *out);
/* The address cut to so many bits, with "/bits" when it was cut: who is one client for limits. */
void peer_put_network(const struct peer *peer, unsigned prefix4, unsigned prefix6, struct str *out);

#endif
