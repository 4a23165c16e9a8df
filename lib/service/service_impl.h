/* What the files of lib/service share; no daemon includes it. */
#ifndef SERVICE_SERVICE_IMPL_H
#define SERVICE_SERVICE_IMPL_H

#include "base/map.h"
#include "event/listen.h"
#include "event/loop.h"
#include "sandbox/sandbox.h"
#include "service/service.h"

#define SERVICE_MAX_DIRS 8 /* directories a process keeps open behind its walls */

/* A server that we have, had or want a channel to. */
struct service_peer {
	struct list node;
	char name[LIMIT_SERVICE_NAME];
	struct ipc_channel *channel; /* NULL: none now */
	bool asked;		     /* CONNECT is on its way */
	struct waitq waiting;
	const struct ipc_service *asks; /* what it may ask of us */
	void *arg;
	struct service_ctx *ctx;
};

/* A CONNECT or REDEEM without its answer. */
struct service_request {
	struct list node;
	uint64_t id;
	bool done;
	bool ok;
	unsigned wanted; /* descriptors of a REDEEM's answer: a channel, or that and a stream */
	int fds[2];
	struct waitq wait;
	struct service_peer *peer; /* CONNECT; NULL: REDEEM, whose caller waits */
};

struct service_ctx {
	const struct service *service;
	void *state;
	struct conf conf;
	struct ipc *ipc;
	const struct sandbox_profile *profile;
	struct control_packet birth;
	struct fdwatch control;
	int proc_fd;
	uint64_t generation;
	uint64_t next_request;
	struct list peers;
	struct list requests;
	struct listener *listeners[CONTROL_MAX_FDS];
	unsigned listeners_n;
	unsigned busy;	     /* sessions and deliveries */
	unsigned inbound;    /* channels that clients have to us */
	struct list clients; /* struct service_client */
	uint32_t peers_seen; /* PEERs that master has sent, for LEAVING */
	struct sandbox_dir dirs[SERVICE_MAX_DIRS];
	unsigned dirs_n;
	bool stopping;
	bool shutdown; /* the whole suite stops: sessions are ended, not waited for */
	struct timer grace;
};

/* A channel that a client has to us. */
struct service_client {
	struct list node;
	struct service_ctx *ctx;
	struct ipc_channel *channel;
};

/* service.c: leaves the loop when stopping and drained. */
void service_maybe_exit(struct service_ctx *ctx);

/* channel.c: what master answered, what master brought. */
void service_on_connected(struct service_ctx *ctx, struct control_packet *p);
void service_on_peer(struct service_ctx *ctx, struct control_packet *p);
/* Waits while master is behind. */
SUSPENDS enum verdict service_tell_master(
    struct service_ctx *ctx, const struct control_msg *msg, const int *fds, unsigned fds_n);

#endif
