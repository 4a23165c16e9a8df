/*
 * The queue manager's state: one struct, the service's. The files of this folder share it; each
 * says in its header what of it is its own.
 */
#ifndef QMGR_QMGR_H
#define QMGR_QMGR_H

#include "event/loop.h"
#include "qmgr/change.h"
#include "qmgr/commit.h"
#include "qmgr/message.h"
#include "qmgr/scheduler.h"
#include "service/service.h"

struct recovery;
struct reports;
struct space;

struct qmgr {
	struct service_ctx *ctx;
	int dir; /* the queue, locked */
	struct pool *pool;
	struct store *store;
	struct commit *commit;
	struct changes *changes;
	struct reports *reports;
	struct recovery *recovery; /* NULL: it is over */
	struct space *space;

	/* message.c */
	struct map messages; /* by queue id */
	struct map reasons;  /* interned */
	unsigned held_fds;   /* descriptors of messages */
	size_t recipients_n; /* in memory */

	/* active.c */
	struct list incoming; /* new, in the order in which they came */
	struct list due;      /* their next try has come */
	struct list deferred;
	struct list held;
	struct list damaged;
	struct heap retry; /* messages with deferred recipients, by wall clock */
	struct timer retry_timer;
	size_t active_n;
	bool due_next; /* whose turn it is when both wait */

	/* scheduler.c and dispatch.c */
	struct map transports; /* by name */
	struct map deliveries; /* by job number */
	uint64_t last_job;
	size_t deliveries_n;
	struct timer
	    watch; /* of deliveries that take too long, of destinations that are not used */

	/* door.c */
	uint64_t last_handle;
	unsigned lent_n; /* files that clients have */

	bool stopping;
	bool stopped;
};

/* DIR: the queue directory, locked; PROC_FD: /proc/self/fd. NAMED, MODE: what store_new and
 * commit_new make of them. */
struct qmgr *qmgr_new(
    struct service_ctx *ctx, int dir, int proc_fd, bool named, enum commit_mode mode);
/* On the first fiber: what is in the directory is read in, while new mail comes and goes. */
void qmgr_start(struct qmgr *q);
/* When no fiber is left, before the loop is taken down. */
void qmgr_free(struct qmgr *q);
/* No new work; the service is told (service_idle) when the last is done. */
void qmgr_stop(struct qmgr *q);
/* Something has ended that a stop may wait for. */
void qmgr_maybe_stopped(struct qmgr *q);

static inline const struct conf *
qmgr_conf(const struct qmgr *q)
{
	return service_conf(q->ctx);
}

#endif
