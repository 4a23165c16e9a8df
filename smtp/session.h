/*
 * A connection to a server that has been greeted, secured and logged in to: ready for mail. It
 * outlives the delivery that made it (connections.c).
 */
#ifndef SMTP_SESSION_H
#define SMTP_SESSION_H

#include "event/loop.h"
#include "smtp/client.h"
#include "smtp/ehlo.h"
#include "smtp/reply.h"
#include "smtp/route.h"
#include "smtp/tls.h"

struct session {
	struct client *client;
	struct stream *io;
	struct str key;	  /* who may use it again: connections.c */
	struct str host;  /* the server's name */
	struct str peer;  /* "mx.example.org[192.0.2.1]" */
	struct str relay; /* the same with the port */
	struct ehlo ehlo;
	struct reply reply; /* the last one */
	const char *stage;  /* what it is about: "sending MAIL FROM" */
	uint64_t deadline;  /* of the delivery */
	uint64_t born;
	unsigned uses; /* messages */
	bool broken;   /* nothing more can be said */
	bool unclean;  /* a transaction has begun that the server may not have ended */
	struct list node;
	struct timer idle;
};

/* What a session is wanted for. */
struct session_plan {
	const struct hop *hop;
	const struct tls_policy *tls;
	struct span nexthop; /* text, for the login */
	struct span sender;
	uint64_t trace;
	uint64_t deadline;
};

/*
 * Connects and prepares; at level may a failed handshake is followed by another try without TLS.
 * Any verdict but VERDICT_OK is about the host: ERR is fit for a delivery report. *ANSWERED_OUT:
 * somebody was there.
 */
SUSPENDS enum verdict session_open(struct client *c, const struct session_plan *plan,
    struct session **out, bool *answered_out, struct err *err);
/* Closes; says nothing to the server. */
void session_free(struct session *s);
/* QUIT, whose reply nobody waits for; then closes. */
SUSPENDS void session_quit(struct session *s);

/*
 * A line to the server: gathered, sent before the next reply is waited for. VERDICT_TEMP: lost (see
 * session_lost).
 */
SUSPENDS enum verdict session_say(
    struct session *s, const char *stage, struct span line, struct err *err);
/* The next reply, into s->reply, within TIMEOUT (ns). VERDICT_TEMP: none came, or a 421. */
SUSPENDS enum verdict session_hear(
    struct session *s, const char *stage, uint64_t timeout, struct err *err);

/* The verdict V of a stream, as mail sees it: "lost connection with H while S". The session is
 * broken. */
enum verdict session_lost(struct session *s, enum verdict v, struct err *err);
/* s->reply as a verdict: "host H said: ... (in reply to COMMAND)". */
enum verdict session_said(const struct session *s, const char *command, struct err *err);

#endif
