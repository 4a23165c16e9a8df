/* What the files of the deliverer share. */
#ifndef LOCAL_DELIVERER_DELIVERER_H
#define LOCAL_DELIVERER_DELIVERER_H

#include "base/map.h"
#include "event/loop.h"
#include "event/pool.h"
#include "mailbox/maildir.h"
#include "service/service.h"

struct deliverer {
	struct service_ctx *ctx;
	struct maildir_place place;
	struct maildir *maildir; /* opened by the first delivery */
	struct pool *pool;
	struct map shelves; /* folders that were stored into, by name as it was asked for */
	unsigned busy;	    /* deliveries begun and not ended */
	uint64_t file_ns;   /* what a file takes to be written and synced: an average */
	uint64_t whole_ns;  /* what a sync of the file system takes: the same */
	uint64_t probe_at;  /* when that is tried again */
	struct timer linger;
};

/* store.c: handler of ipc_store; ARG is the service's context. */
void deliverer_store(struct ipc_request *req, const void *msg, void *arg);

/* Closes the folders that nothing is being stored into. */
void deliverer_close_shelves(struct deliverer *d);

#endif
