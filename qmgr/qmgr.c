/*
 * The queue manager as a whole: made, stopped, and taken apart again. Called by main.c and by
 * tests, which give it a directory of their own. Owns struct qmgr. A stop starts nothing new and
 * waits for deliveries and commits that run; whatever is not delivered by then is on the disk
 * already, and is marked as acknowledged.
 */
#include "config.h"

#include "base/mem.h"
#include "base/sys.h"
#include "qmgr/active.h"
#include "qmgr/dispatch.h"
#include "qmgr/qmgr.h"
#include "qmgr/recover.h"
#include "qmgr/report.h"
#include "qmgr/space.h"

#define WATCH_S 30

static void
qmgr_watch(void *arg)
{
	struct qmgr *q = arg;

	dispatch_watch(q);
	scheduler_sweep(q);
	timer_set(&q->watch, deadline_after_s(WATCH_S));
}

struct qmgr *
qmgr_new(struct service_ctx *ctx, int dir, int proc_fd, bool named, enum commit_mode mode)
{
	struct qmgr *q = mem_alloc(sizeof(*q));

	q->ctx = ctx;
	q->dir = dir;
	map_init(&q->messages);
	map_init(&q->reasons);
	map_init(&q->transports);
	map_init(&q->deliveries);
	list_init(&q->incoming);
	list_init(&q->due);
	list_init(&q->deferred);
	list_init(&q->held);
	list_init(&q->damaged);
	heap_init(&q->retry);
	timer_init(&q->retry_timer, active_tick, q);
	timer_init(&q->watch, qmgr_watch, q);
	timer_set(&q->watch, deadline_after_s(WATCH_S));
	q->pool = pool_new(LIMIT_POOL_THREADS);
	q->store = store_new(q->pool, dir, proc_fd, named);
	q->commit = commit_new(q->pool, q->store, mode);
	q->changes = changes_new(q);
	q->reports = reports_new(q);
	q->space = space_new(q->pool, dir);
	space_set(q->space, qmgr_conf(q));
	return q;
}

void
qmgr_start(struct qmgr *q)
{
	recover_start(q);
	active_tick(q);
}

void
qmgr_maybe_stopped(struct qmgr *q)
{
	if (!q->stopping || q->stopped || !changes_idle(q->changes) || !reports_idle(q->reports))
		return;
	q->stopped = true;
	service_idle(q->ctx);
}

void
qmgr_stop(struct qmgr *q)
{
	if (q->stopping)
		return;
	q->stopping = true;
	timer_stop(&q->retry_timer);
	timer_stop(&q->watch);
	/* Given back by qmgr_maybe_stopped. */
	service_busy(q->ctx);
	change_mark_all(q);
	qmgr_maybe_stopped(q);
}

void
qmgr_free(struct qmgr *q)
{
	struct message *m;
	size_t pos = 0;

	timer_stop(&q->retry_timer);
	timer_stop(&q->watch);
	pool_free(q->pool);
	space_free(q->space);
	transports_free(q);
	while ((m = map_next(&q->messages, &pos)) != NULL) {
		message_free(q, m);
		pos = 0;
	}
	reports_free(q->reports);
	changes_free(q->changes);
	commit_free(q->commit);
	store_free(q->store);
	map_free(&q->messages);
	map_free(&q->reasons);
	map_free(&q->transports);
	map_free(&q->deliveries);
	heap_free(&q->retry);
	mem_free(q);
}
