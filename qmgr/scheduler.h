/*
 * Who is delivered next. Recipients wait in jobs (one message's recipients for one destination),
 * jobs in destinations, destinations in transports; each list is served in turn, a delivery at a
 * time, so that neither a message with ten thousand recipients nor a slow destination keeps others
 * waiting.
 */
#ifndef QMGR_SCHEDULER_H
#define QMGR_SCHEDULER_H

#include "event/loop.h"
#include "qmgr/destination.h"
#include "qmgr/message.h"

struct transport {
	struct qmgr *q;
	char *name; /* of the service in master.cf */
	struct map destinations;
	struct list ready; /* destinations with something to deliver and room in their window */
	struct list deliveries; /* under way */
	unsigned running;	/* how many */
	bool dispatching;	/* dispatch.c has a fiber for it */
	unsigned losses;	/* of the agent, since it last delivered something */
	uint64_t not_before;	/* monotonic: no delivery starts before */
	struct timer timer;	/* when that has come */
	struct transport_limits limits;
};

/* Recipients of one message for one destination. */
struct job {
	struct list link; /* in the destination */
	struct message *m;
	struct list recipients;
};

/* One `deliver` under way. */
struct delivery {
	struct list link; /* in the transport */
	uint64_t number;
	struct transport *transport;
	struct destination *destination;
	struct message *m;
	struct list recipients; /* those without a result */
	unsigned n;		/* how many they were */
	unsigned no_host;	/* results that say the destination cannot be reached */
	unsigned reached;	/* others */
	struct ipc_channel *channel;
	uint64_t heard; /* monotonic: when it began, or last gave a result */
	int content;	/* descriptor that was opened for it, or -1: the message's own */
};

/* Made when first asked for. */
struct transport *transport_get(struct qmgr *q, struct span name);
/* New limits, after a reload. */
void transports_reload(struct qmgr *q);
void transports_free(struct qmgr *q);

/* R, resting, is to be delivered: it waits for its turn, or is deferred at once when its
 * destination is dead. */
void scheduler_add(struct qmgr *q, struct recipient *r);
/* The next delivery of T, NULL when there is none now. Its recipients are RUNNING. */
struct delivery *scheduler_pick(struct transport *t);
/* D ends; recipients without a result wait again, in front. */
void scheduler_end(struct delivery *d);
/* Defers all that waits for T, or for DEST alone, with this reason. */
void scheduler_defer(
    struct transport *t, struct destination *dest, const char *dsn, struct span reason);
/* M's waiting recipients wait no more. */
void scheduler_withdraw(struct message *m);
/* No destination is dead any more, no transport pauses after a loss: the postmaster wants a try. */
void scheduler_revive(struct qmgr *q);
/* Destinations that nobody needs go. */
void scheduler_sweep(struct qmgr *q);
/* May T start one more? */
bool scheduler_has_room(const struct transport *t);

#endif
