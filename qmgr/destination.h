/*
 * One destination of a transport: its jobs, and how many deliveries it is trusted with. The window
 * begins small, grows by one with each delivery that reaches the host while it is used up, and
 * shrinks by one with each that does not. When as many as run at a time have failed in a row, the
 * destination is dead for a while: its mail is deferred without a try.
 */
#ifndef QMGR_DESTINATION_H
#define QMGR_DESTINATION_H

#include "base/list.h"
#include "base/map.h"
#include "base/time.h"

struct transport;

/* What main.cf says of a transport. */
struct transport_limits {
	uint64_t initial; /* deliveries to a destination at first */
	uint64_t most;	  /* at any time */
	uint64_t cohorts; /* of failures until it is dead; 0: never */
	uint64_t recipients;
	uint64_t rate_delay;	       /* ns between two deliveries to a destination */
	uint64_t transport_rate_delay; /* ns between two of the transport */
	uint64_t dead_time;	       /* ns */
};

struct destination {
	struct list link; /* in the transport's list of those that are ready, or nowhere */
	struct transport *t;
	struct list jobs;
	unsigned busy; /* deliveries under way */
	unsigned window;
	double failures;     /* in cohorts */
	uint64_t dead_until; /* monotonic; 0: alive */
	uint64_t not_before; /* monotonic: the rate delay's */
	struct timer *timer; /* for that; NULL until one is needed */
	char *reason;	     /* why it is dead */
	uint32_t key_n;
	char key[];
};

void destination_init(struct destination *d, const struct transport_limits *limits);
/* Has it work that may start now? */
bool destination_is_ready(const struct destination *d);
bool destination_is_dead(const struct destination *d, uint64_t now);
/* Nothing of it is worth keeping. */
bool destination_is_idle(const struct destination *d, uint64_t now);
/* A delivery reached it. */
void destination_reached(struct destination *d, const struct transport_limits *limits);
/* One did not. True: it is dead now. */
bool destination_failed(
    struct destination *d, const struct transport_limits *limits, uint64_t now, struct span reason);

#endif
