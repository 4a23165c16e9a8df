/* What the files of the router share. */
#ifndef LOCAL_ROUTER_H
#define LOCAL_ROUTER_H

#include "base/map.h"
#include "event/loop.h"
#include "service/service.h"

/* A channel to the deliverer of one account, kept while it is used and a little longer. */
struct mailroom {
	struct span account; /* key, owned */
	struct ipc_channel *channel;
	bool asking; /* a fiber is getting the channel; others wait */
	unsigned users;
	struct waitq waiting;
	struct timer idle; /* closes the channel, so that the deliverer may leave */
	struct router *router;
};

struct router {
	struct service_ctx *ctx;
	struct map rooms; /* by account */
};

/* deliver.c: handler of ipc_deliver; ARG is the service's context. */
void router_deliver(struct ipc_request *req, const void *msg, void *arg);

/*
 * rooms.c: the channel to ACCOUNT's deliverer, born by grant if there is none. The room must be
 * given back; its channel may be used until then.
 */
SUSPENDS enum verdict room_enter(struct router *r, struct span account, uint64_t trace,
    uint64_t deadline, struct mailroom **out, struct err *err);
void room_leave(struct mailroom *room);

#endif
