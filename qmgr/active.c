/*
 * The life of a message between its commit and its end: incoming, active, deferred, and again.
 * Called by door.c and recover.c (a message comes in), result.c and report.c (something has become
 * of it), admin.c and the retry timer. Owns the lists of places and the heap of next tries, which
 * are exact to a second; nothing is scanned. The wall clock may be set: the timer looks again every
 * minute at least.
 */
#include "config.h"

#include "base/log.h"
#include "qmgr/active.h"
#include "qmgr/feed.h"
#include "qmgr/qmgr.h"
#include "qmgr/report.h"
#include "qmgr/result.h"

#define RETRY_SLACK  NS_PER_S /* recipients due within it are tried together */
#define RETRY_LOOK_S 60	      /* how long the timer sleeps at most: the wall clock may jump */

static void
active_log(const struct message *m)
{
	struct envelope env;

	message_envelope(m, &env);
	log_event(LOG_LEVEL_INFO, "%s: from=<%s>, size=%llu, nrcpt=%u (queue active)", m->id,
	    log_escape(env.sender), (unsigned long long)m->content_size, m->head.recipients);
}

static void
retry_arm(struct qmgr *q)
{
	struct heap_node *first = heap_first(&q->retry);
	uint64_t now = time_wall(), wait = RETRY_LOOK_S * NS_PER_S;

	if (!first || q->stopping)
		return;
	if (first->key <= now)
		wait = 0;
	else if (first->key - now < wait)
		wait = first->key - now;
	timer_set(&q->retry_timer, time_mono() + wait);
}

void
active_retry(struct qmgr *q, struct message *m, uint64_t at)
{
	if (m->retry.place == 0)
		heap_add(&q->retry, &m->retry, at);
	else if (at < m->retry.key)
		heap_move(&q->retry, &m->retry, at);
	else
		return;
	if (heap_first(&q->retry) == &m->retry)
		retry_arm(q);
}

static void
place_set(struct qmgr *q, struct message *m, enum message_place place, struct list *list)
{
	if (m->place == MESSAGE_ACTIVE)
		q->active_n--;
	list_remove(&m->link);
	m->place = (uint8_t)place;
	if (place == MESSAGE_ACTIVE)
		q->active_n++;
	if (list)
		list_push(list, &m->link);
}

void
active_leave(struct qmgr *q, struct message *m)
{
	scheduler_withdraw(m);
	heap_remove(&q->retry, &m->retry);
	list_remove(&m->link);
	if (m->place == MESSAGE_ACTIVE)
		q->active_n--;
}

static void
message_start(struct qmgr *q, struct message *m)
{
	m->due = time_wall();
	place_set(q, m, MESSAGE_ACTIVE, NULL);
	active_log(m);
	heap_remove(&q->retry, &m->retry);
	feed_message(q, m);
	active_settle(q, m);
}

void
active_fill(struct qmgr *q)
{
	while (!q->stopping && q->active_n < qmgr_conf(q)->qmgr_message_active_limit) {
		struct list *from = q->due_next ? &q->due : &q->incoming;
		struct list *node;

		/* In turn, so that neither new mail nor old keeps the other out. */
		q->due_next = !q->due_next;
		if (list_empty(from))
			from = from == &q->due ? &q->incoming : &q->due;
		node = list_first(from);
		if (!node)
			return;
		message_start(q, LIST_ITEM(node, struct message, link));
	}
}

static void
chunk_retry(struct qmgr *q, const struct chunk *chunk)
{
	if (!chunk->v && chunk->deferred > 0)
		active_retry(q, chunk->m, chunk->next);
	for (uint32_t i = 0; chunk->v && i < chunk->n; i++)
		if (chunk->v[i].state == SLOT_DEFERRED)
			active_retry(q, chunk->m, chunk->v[i].next);
}

void
active_enter(struct qmgr *q, struct message *m)
{
	if (m->flags & FILE_HELD) {
		place_set(q, m, MESSAGE_HELD, &q->held);
		return;
	}
	if (message_fresh(m) > 0 || (m->failed > 0 && feed_pending(m))) {
		place_set(q, m, MESSAGE_INCOMING, &q->incoming);
		active_fill(q);
		return;
	}
	/* Without a try now, nothing expires: the host may have been off for a week. */
	if (m->deferred > 0)
		place_set(q, m, MESSAGE_DEFERRED, &q->deferred);
	else
		active_settle(q, m);
	for (uint32_t i = 0; i < m->chunks_n && m->deferred > 0; i++)
		chunk_retry(q, &m->chunks[i]);
}

/* Wanted no longer than this; 0: one try. */
static bool
message_expired(const struct qmgr *q, const struct message *m)
{
	const struct conf *conf = qmgr_conf(q);
	struct envelope env;
	uint64_t life, now = time_wall();

	if (m->flags & FILE_EXPIRE)
		return true;
	message_envelope(m, &env);
	life = env.sender.n > 0 ? conf->maximal_queue_lifetime : conf->bounce_queue_lifetime;
	return now >= m->arrived && now - m->arrived >= life;
}

static void
message_expire(struct qmgr *q, struct message *m)
{
	struct envelope env;

	message_envelope(m, &env);
	log_event(LOG_LEVEL_INFO, "%s: from=<%s>, status=%s, returned to sender", m->id,
	    log_escape(env.sender), m->flags & FILE_EXPIRE ? "force-expired" : "expired");
	m->expiring = true;
	heap_remove(&q->retry, &m->retry);
	feed_message(q, m);
}

static void
message_hold(struct qmgr *q, struct message *m)
{
	message_close_fd(q, m);
	heap_remove(&q->retry, &m->retry);
	if (m->place != MESSAGE_HELD)
		place_set(q, m, MESSAGE_HELD, &q->held);
}

static void
message_defer(struct qmgr *q, struct message *m)
{
	message_close_fd(q, m);
	if (m->place != MESSAGE_DEFERRED)
		place_set(q, m, MESSAGE_DEFERRED, &q->deferred);
	report_delay(q, m);
}

static void
message_remove(struct qmgr *q, struct message *m)
{
	active_leave(q, m);
	change_remove(q, m);
}

/* Nothing of it waits, runs or is on its way into memory. */
static void
message_rests(struct qmgr *q, struct message *m)
{
	if (m->deferred > 0 && !m->expiring && message_expired(q, m))
		message_expire(q, m);
	if (m->failed > 0)
		report_failures(q, m);
	if (m->done == m->head.recipients)
		message_remove(q, m);
	else if (m->deferred > 0 ? !m->expiring : m->reporting)
		message_defer(q, m);
}

void
active_settle(struct qmgr *q, struct message *m)
{
	if (m->place == MESSAGE_LEAVING || m->waiting > 0 || m->running > 0 || m->loading)
		return;
	if (m->deleting) {
		if (report_cancel(m))
			message_remove(q, m);
	} else if (m->flags & FILE_HELD && m->done < m->head.recipients) {
		message_hold(q, m);
	} else if (!feed_pending(m)) {
		message_rests(q, m);
	}
}

void
active_hold(struct qmgr *q, struct message *m)
{
	change_flags(q, m, m->flags | FILE_HELD);
	scheduler_withdraw(m);
	active_settle(q, m);
	active_fill(q);
}

void
active_release(struct qmgr *q, struct message *m)
{
	change_flags(q, m, m->flags & ~(uint32_t)FILE_HELD);
	/* One that still runs is active, and goes on as if nothing had been. */
	if (m->place == MESSAGE_HELD)
		active_enter(q, m);
	else if (m->place == MESSAGE_ACTIVE)
		active_retry(q, m, 0);
}

void
active_delete(struct qmgr *q, struct message *m)
{
	m->deleting = true;
	scheduler_withdraw(m);
	active_settle(q, m);
	active_fill(q);
}

void
active_expire(struct qmgr *q, struct message *m)
{
	change_flags(q, m, m->flags | FILE_EXPIRE);
	if (!(m->flags & FILE_HELD))
		active_flush(q, m);
}

void
active_flush(struct qmgr *q, struct message *m)
{
	if (m->deferred == 0)
		return;
	for (uint32_t i = 0; i < m->chunks_n; i++)
		m->chunks[i].next = 0;
	for (struct recipient *r = message_first(m); r; r = message_next(r))
		if (r->state == SLOT_DEFERRED && r->stage == RECIPIENT_RESTING)
			r->next = 0;
	heap_remove(&q->retry, &m->retry);
	if (m->place == MESSAGE_DEFERRED) {
		place_set(q, m, MESSAGE_INCOMING, &q->due);
		active_fill(q);
	} else if (m->place == MESSAGE_ACTIVE) {
		active_retry(q, m, 0);
	}
}

static void
message_due(struct qmgr *q, struct message *m)
{
	heap_remove(&q->retry, &m->retry);
	if (m->place == MESSAGE_DEFERRED) {
		place_set(q, m, MESSAGE_INCOMING, &q->due);
		return;
	}
	if (m->place != MESSAGE_ACTIVE)
		return;
	m->due = time_wall();
	feed_message(q, m);
	active_settle(q, m);
}

void
active_tick(void *arg)
{
	struct qmgr *q = arg;
	uint64_t now = time_wall();
	struct heap_node *first;

	while (!q->stopping && (first = heap_first(&q->retry)) != NULL && first->key <= now)
		message_due(q, CONTAINER_OF(first, struct message, retry));
	active_fill(q);
	retry_arm(q);
}
