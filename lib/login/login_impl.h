/*
 * What the files of the login half share; no daemon includes it. A struct login is held by its
 * session fiber, by the pumping fiber while there is one, and by the channel to the user half until
 * that is gone; who lets go last frees it and closes the connection.
 */
#ifndef LOGIN_LOGIN_IMPL_H
#define LOGIN_LOGIN_IMPL_H

#include "event/tls.h"
#include "login/login.h"

struct login_front {
	struct service_ctx *ctx;
	struct login_settings settings;
	struct tls_context *tls; /* NULL: no certificate */
	struct list logins;
};

struct login {
	struct list node;
	struct login_front *front;
	unsigned listener;
	unsigned holders;
	struct fiber *fiber;
	struct stream *io; /* the client; NULL once its descriptor went to the user half */
	int fd;		   /* that descriptor, kept for parking, or -1 */
	char client[46];
	bool loopback;
	bool tls;
	bool counted; /* with anvil */
	uint64_t trace;
	void *state;
	size_t state_n;

	/* the dialogue */
	uint64_t until; /* it must have logged in */
	size_t bytes;
	unsigned lines;
	unsigned errors;

	/* what authd said */
	struct str name;
	uint64_t grant;
	uint64_t ticket;

	/* the session in its user's process */
	struct ipc_channel *channel;
	struct stream *inner;  /* what is pumped to and from; NULL when it needs no pump */
	struct fiber *inbound; /* client to user half */
	struct waitq changed;  /* channel, inbound or parked has */
	struct str record;     /* of a parked session */
	uint64_t pumped;       /* bytes given to the user half since the session's last start */
	bool parked;
};

/* front.c */
void login_hold(struct login *l);
void login_release(struct login *l);
/* "unknown[192.0.2.1]", as log lines name a client; valid for a few calls. */
const char *login_peer(const struct login *l);

/* login.c: forgets the login, and tells authd that the ticket is void. */
void login_forget(struct login *l);

/* pump.c: bytes both ways until the user half has closed its end, or the client is gone. */
SUSPENDS void pump_run(struct login *l);

/* carry.c */
void carry_end(struct login *l);

#endif
