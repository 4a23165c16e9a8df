/* What became of each recipient of one delivery, told as soon as it is known. */
#ifndef SMTP_DELIVERY_H
#define SMTP_DELIVERY_H

#include "smtp/session.h"

enum target_state {
	TARGET_LEFT,  /* nothing is known yet */
	TARGET_LATER, /* this server takes it in its next transaction */
	TARGET_SOFT,  /* this server does not take it now, the next one may */
	TARGET_DONE,  /* told */
};

struct delivery {
	struct client *client;
	void *request; /* of client->report */
	const struct msg_deliver *msg;
	uint64_t trace;
	struct arena arena;
	uint8_t *states; /* enum target_state, as msg->targets */
	uint32_t left;	 /* not told */
	uint64_t size;	 /* bytes of the content */
	uint64_t deadline;
	bool stop; /* no other host: this one may have taken it */
	/* Why those that are left are left. */
	bool noted;
	struct err err;
	bool no_host;	 /* it is about the destination, not about the mail */
	bool dsn_passed; /* the server was told NOTIFY: it reports success (RFC 3461 5.2.2) */
	/* For the log's lines: wall clock, ns. */
	uint64_t started;
	uint64_t ready;
	struct span relay; /* "mx.example.org[192.0.2.1]:25", or "none" */
	struct span remote;
	unsigned conn_use;
};

/* After it is zeroed and client, request, msg and trace are set. */
void delivery_begin(struct delivery *d);
void delivery_end(struct delivery *d);

/* Target I (an index of msg->targets) was taken, with the server's REPLY. */
void delivery_sent(struct delivery *d, uint32_t i, const struct reply *reply);
/* Target I was not: bounced for VERDICT_PERM in ERR, deferred for all else. */
void delivery_failed(struct delivery *d, uint32_t i, const struct err *err);
/* The same for all that are left, with d->err. */
void delivery_give_up(struct delivery *d);

/* Notes why, if it outweighs what is noted: what may change outweighs what will not. */
void delivery_note(struct delivery *d, const struct err *err, bool no_host);
/* Log lines and reports speak of S from here on; NULL: of no host. */
void delivery_at(struct delivery *d, struct session *s);

#endif
