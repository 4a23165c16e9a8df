/*
 * Feeding: an active message gives its recipients to the scheduler; those of a large one come in
 * chunk by chunk, as the ones before them are delivered, and leave memory when they have been.
 * Called by active.c and result.c. While qmgr_message_recipient_limit recipients are in memory, a
 * message gets another chunk only when it has nothing left to deliver. Also finds, for a message
 * that has expired, the recipients that are still deferred.
 */
#include "config.h"

#include "base/log.h"
#include "base/mem.h"
#include "qmgr/active.h"
#include "qmgr/chunk.h"
#include "qmgr/feed.h"
#include "qmgr/qmgr.h"

#define RETRY_SLACK NS_PER_S		    /* recipients due within it are tried together */
#define FEW	    (LIMIT_QUEUE_CHUNK / 2) /* waiting: then the next chunk is read */
#define AGAIN_S	    10			    /* after a read error */

static uint32_t
chunk_fresh(const struct chunk *chunk)
{
	return chunk->n - chunk->done - chunk->failed - chunk->deferred;
}

/* On the disk alone, and wanted now? */
static bool
chunk_wanted(const struct chunk *chunk)
{
	const struct message *m = chunk->m;

	if (chunk->v)
		return false;
	if (m->expiring)
		return chunk->deferred > 0;
	return chunk_fresh(chunk) > 0 || chunk->failed > 0 ||
	       (chunk->deferred > 0 && chunk->next <= m->due + RETRY_SLACK);
}

static struct chunk *
next_wanted(const struct message *m)
{
	for (uint32_t i = 0; i < m->chunks_n; i++)
		if (chunk_wanted(&m->chunks[i]))
			return &m->chunks[i];
	return NULL;
}

bool
feed_pending(const struct message *m)
{
	return m->loading || (m->chunks_n > 1 && next_wanted(m));
}

static void
feed_chunk(struct qmgr *q, struct chunk *chunk)
{
	struct message *m = chunk->m;

	for (uint32_t i = 0; i < chunk->n; i++) {
		struct recipient *r = &chunk->v[i];

		if (r->stage != RECIPIENT_RESTING)
			continue;
		if (m->expiring && r->state == SLOT_DEFERRED) {
			recipient_rest(r, SLOT_FAILED);
			change_recipient(q, r);
		} else if (r->state == SLOT_FRESH ||
			   (r->state == SLOT_DEFERRED && r->next <= m->due + RETRY_SLACK)) {
			scheduler_add(q, r);
		} else if (r->state == SLOT_DEFERRED) {
			active_retry(q, m, r->next);
		}
	}
}

struct loading {
	struct qmgr *q;
	struct message *m;
	struct chunk *chunk;
};

/* The message cannot go: it is loading. */
static void
loading_done(struct loading *l, struct chunk_read *r)
{
	struct message *m = l->m;

	m->loading = false;
	if (m->place == MESSAGE_LEAVING)
		return;
	if (r->error != 0) {
		log_event(LOG_LEVEL_ERROR, "%s: its recipients cannot be read: %s", m->id,
		    strerrordesc_np(r->error));
		active_retry(l->q, m, time_wall() + AGAIN_S * NS_PER_S);
		return;
	}
	chunk_install(l->q, l->chunk, span_of(r->record, r->size), span_of(r->slots, r->slots_n));
	if (m->place == MESSAGE_ACTIVE)
		feed_chunk(l->q, l->chunk);
	feed_more(l->q, m);
	active_settle(l->q, m);
}

FIBER_MAIN
static void
loading_run(void *arg)
{
	struct loading *l = arg;
	struct chunk_read r;

	chunk_read_init(&r, l->q->store, l->chunk);
	(void)pool_run(l->q->pool, chunk_read_job, &r);
	loading_done(l, &r);
	chunk_read_free(&r);
	mem_free(l);
}

void
feed_more(struct qmgr *q, struct message *m)
{
	struct chunk *chunk;
	struct loading *l;
	bool full = q->recipients_n >= qmgr_conf(q)->qmgr_message_recipient_limit;

	if (m->chunks_n < 2 || m->loading || q->stopping || m->place != MESSAGE_ACTIVE)
		return;
	if (m->waiting > FEW || (full && m->waiting + m->running > 0))
		return;
	chunk = next_wanted(m);
	if (!chunk)
		return;
	l = mem_alloc(sizeof(*l));
	*l = (struct loading){ q, m, chunk };
	m->loading = fiber_spawn("recipients", loading_run, l) != NULL;
	if (m->loading)
		return;
	mem_free(l);
	active_retry(q, m, time_wall() + AGAIN_S * NS_PER_S);
}

void
feed_message(struct qmgr *q, struct message *m)
{
	for (uint32_t i = 0; i < m->chunks_n; i++) {
		struct chunk *chunk = &m->chunks[i];

		if (chunk->v)
			feed_chunk(q, chunk);
		else if (chunk->deferred > 0 && !chunk_wanted(chunk))
			active_retry(q, m, chunk->next);
	}
	feed_more(q, m);
}
