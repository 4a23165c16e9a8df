/*
 * The writer: a fiber, a few milliseconds after something has changed. It takes what has changed by
 * then, a batch of messages at a time, writes their slots in the pool, removes the files of those
 * that are done, and has all of it synced within a second, by a commit's round or one of its own.
 * Called by result.c, active.c, report.c and admin.c. Owns the lists of messages that have changed.
 * What is not yet written when the process is killed, or not yet synced at a power cut, is
 * delivered again: qmgr/README has the table.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/sys.h"
#include "event/loop.h"
#include "qmgr/chunk.h"
#include "qmgr/fan.h"
#include "qmgr/qmgr.h"

#define BATCH	  256  /* messages at a time */
#define MARK_S	  5    /* what goes within this time need not be marked as acknowledged */
#define MARK_MOST 1000 /* messages marked at a time */
#define RETRY_S	  10   /* after an error */
#define GATHER_MS 2    /* for which changes wait for others: much cheaper than one by one */

struct changes {
	struct qmgr *q;
	struct list young; /* messages not marked yet, oldest first */
	struct list dirty; /* something of them is to be written */
	struct list leaving;
	struct list unsynced; /* written since the last sync began */
	struct list syncing;  /* written before it did */
	bool running;
	uint64_t not_before; /* monotonic: after an error */
	struct timer timer;
	struct timer gather;
};

/* One message's changes, for a thread. */
struct write {
	const struct store *store;
	struct message *m; /* not for the thread */
	char id[LIMIT_QUEUE_ID + 1];
	char state[FILE_STATE_SIZE];
	bool with_state;
	uint64_t *offsets;
	char *slots;
	size_t n;
	int error;
};

struct removal {
	const struct store *store;
	struct message *m;
	int fd; /* the message's, or -1 */
	char id[LIMIT_QUEUE_ID + 1];
	int error;
};

FIBER_MAIN static void changes_run(void *arg);

static void
changes_start(struct changes *c)
{
	if (c->running || loop_now() < c->not_before || c->gather.node.place != 0)
		return;
	timer_set(&c->gather, deadline_after_ms(GATHER_MS));
}

static void
changes_gathered(void *arg)
{
	struct changes *c = arg;

	c->running = fiber_spawn("changes", changes_run, c) != NULL;
	if (!c->running)
		c->not_before = deadline_after_s(1);
}

static void
changes_tick(void *arg)
{
	struct changes *c = arg;
	uint64_t old = time_wall() - MARK_S * NS_PER_S;
	struct list *node;

	for (unsigned i = 0; i < MARK_MOST && (node = list_first(&c->young)) != NULL; i++) {
		struct message *m = LIST_ITEM(node, struct message, changed);

		if (m->due > old)
			break;
		change_flags(c->q, m, m->flags | FILE_ACKNOWLEDGED);
	}
	if (!list_empty(&c->dirty) || !list_empty(&c->leaving))
		changes_start(c);
	timer_set(&c->timer, deadline_after_s(1));
}

/*
 * Slots that may not be on the disk are written anew, as no second sync would bring them there; so
 * are those that were written while the sync that failed was under way.
 */
static void
changes_synced(void *arg, bool begun, int error)
{
	struct changes *c = arg;
	struct list *node;

	if (begun) {
		while ((node = list_pop(&c->unsynced)) != NULL)
			list_push(&c->syncing, node);
		return;
	}
	while (
	    (node = list_pop(&c->syncing)) != NULL || (error && (node = list_pop(&c->unsynced)))) {
		struct message *m = LIST_ITEM(node, struct message, changed);

		if (error == 0)
			continue;
		for (struct recipient *r = message_first(m); r; r = message_next(r))
			r->changed = r->state != SLOT_FRESH;
		m->flags_changed = true;
		list_push(&c->dirty, &m->changed);
	}
	if (error != 0) {
		log_event(
		    LOG_LEVEL_ERROR, "the queue cannot be synced: %s", strerrordesc_np(error));
		changes_start(c);
	}
}

struct changes *
changes_new(struct qmgr *q)
{
	struct changes *c = mem_alloc(sizeof(*c));

	c->q = q;
	list_init(&c->young);
	list_init(&c->dirty);
	list_init(&c->leaving);
	list_init(&c->unsynced);
	list_init(&c->syncing);
	timer_init(&c->gather, changes_gathered, c);
	timer_init(&c->timer, changes_tick, c);
	timer_set(&c->timer, deadline_after_s(1));
	commit_on_sync(q->commit, changes_synced, c);
	return c;
}

void
changes_free(struct changes *c)
{
	assert(!c->running);
	timer_stop(&c->timer);
	timer_stop(&c->gather);
	commit_on_sync(c->q->commit, NULL, NULL);
	mem_free(c);
}

bool
changes_idle(const struct changes *c)
{
	return !c->running && list_empty(&c->dirty) && list_empty(&c->leaving);
}

void
change_new(struct qmgr *q, struct message *m)
{
	list_push(&q->changes->young, &m->changed);
}

static void
change_message(struct qmgr *q, struct message *m)
{
	if (m->place == MESSAGE_LEAVING)
		return;
	/* Whatever is written, the mark goes with it. */
	if (!(m->flags & FILE_ACKNOWLEDGED)) {
		m->flags |= FILE_ACKNOWLEDGED;
		m->flags_changed = true;
	}
	list_remove(&m->changed);
	list_push(&q->changes->dirty, &m->changed);
	changes_start(q->changes);
}

void
change_recipient(struct qmgr *q, struct recipient *r)
{
	r->changed = true;
	change_message(q, r->chunk->m);
}

void
change_flags(struct qmgr *q, struct message *m, uint32_t flags)
{
	m->flags = flags;
	m->flags_changed = true;
	change_message(q, m);
}

void
change_remove(struct qmgr *q, struct message *m)
{
	assert(m->place != MESSAGE_LEAVING);
	m->place = MESSAGE_LEAVING;
	list_remove(&m->link);
	heap_remove(&q->retry, &m->retry);
	list_remove(&m->changed);
	list_push(&q->changes->leaving, &m->changed);
	changes_start(q->changes);
}

void
change_mark_all(struct qmgr *q)
{
	struct list *node;

	while ((node = list_first(&q->changes->young)) != NULL) {
		struct message *m = LIST_ITEM(node, struct message, changed);

		change_flags(q, m, m->flags | FILE_ACKNOWLEDGED);
	}
}

static void
write_slot(struct write *w, struct recipient *r)
{
	struct file_slot slot = {
		.state = r->state,
		.attempts = r->attempts,
		.dsn = r->dsn,
		.next = r->next,
		.last = r->last,
		.reason = intern_text(r->reason),
	};
	uint32_t index = recipient_index(r);
	const struct file_head *head = &r->chunk->m->head;

	file_slot_put(head, index, &slot, w->slots + w->n * FILE_SLOT_SIZE);
	w->offsets[w->n++] = file_slot_at(head, index);
	r->changed = false;
}

static void
write_plan(struct changes *c, struct write *w, struct message *m)
{
	size_t n = 0;

	*w = (struct write){ .store = c->q->store, .m = m, .with_state = m->flags_changed };
	memcpy(w->id, m->id, sizeof(w->id));
	if (m->flags_changed)
		file_state_put(&m->head, m->flags, w->state);
	m->flags_changed = false;
	m->writing = true;
	for (struct recipient *r = message_first(m); r; r = message_next(r))
		n += r->changed;
	if (n == 0)
		return;
	w->offsets = mem_alloc_array(n, sizeof(*w->offsets));
	w->slots = mem_alloc_array(n, FILE_SLOT_SIZE);
	for (struct recipient *r = message_first(m); r; r = message_next(r))
		if (r->changed)
			write_slot(w, r);
}

/* In a thread. Neighbours go in one call. */
static int
write_slots(const struct write *w, int fd)
{
	size_t from = 0;

	for (size_t i = 1; i <= w->n; i++) {
		if (i < w->n && w->offsets[i] == w->offsets[i - 1] + FILE_SLOT_SIZE)
			continue;
		if (sys_pwrite_all(fd, w->slots + from * FILE_SLOT_SIZE,
			(i - from) * FILE_SLOT_SIZE, (off_t)w->offsets[from]) < 0)
			return errno;
		from = i;
	}
	return 0;
}

static void
write_job(void *arg)
{
	struct write *w = arg;
	int fd = store_open(w->store, w->id, O_WRONLY);

	if (fd < 0) {
		w->error = errno;
		return;
	}
	/* The mark first: a slot is never there without it. */
	if (w->with_state && sys_pwrite_all(fd, w->state, FILE_STATE_SIZE, FILE_STATE_AT) < 0)
		w->error = errno;
	else
		w->error = write_slots(w, fd);
	sys_close(fd);
}

static void
write_done(struct changes *c, struct write *w)
{
	struct message *m = w->m;

	m->writing = false;
	mem_free(w->offsets);
	mem_free(w->slots);
	if (m->place == MESSAGE_LEAVING)
		return;
	if (w->error == 0) {
		/* Changed again meanwhile: it is on the list of those already. */
		if (list_empty(&m->changed))
			list_push(&c->unsynced, &m->changed);
		chunks_unload_idle(c->q, m);
		return;
	}
	log_event(LOG_LEVEL_ERROR, "%s: its state cannot be written: %s", w->id,
	    strerrordesc_np(w->error));
	for (struct recipient *r = message_first(m); r; r = message_next(r))
		r->changed = r->state != SLOT_FRESH;
	m->flags_changed = true;
	list_remove(&m->changed);
	list_push(&c->dirty, &m->changed);
	c->not_before = deadline_after_s(RETRY_S);
}

SUSPENDS
static void
changes_write(struct changes *c)
{
	struct write *batch = mem_alloc_array(BATCH, sizeof(*batch));
	struct list *node;
	size_t n = 0;

	while (n < BATCH && (node = list_pop(&c->dirty)) != NULL)
		write_plan(c, &batch[n++], LIST_ITEM(node, struct message, changed));
	fan_run(c->q->pool, write_job, batch, n, sizeof(*batch), FAN_QUICK);
	for (size_t i = 0; i < n; i++)
		write_done(c, &batch[i]);
	mem_free(batch);
}

static void
removal_job(void *arg)
{
	struct removal *r = arg;

	r->error = store_unlink(r->store, r->id);
	/* The last descriptor frees the file's blocks. */
	if (r->fd >= 0)
		sys_close(r->fd);
}

static void
removal_done(struct changes *c, struct removal *r)
{
	if (r->error != 0 && r->error != ENOENT) {
		log_event(LOG_LEVEL_ERROR, "%s: it cannot be removed: %s", r->id,
		    strerrordesc_np(r->error));
		list_push(&c->leaving, &r->m->changed);
		c->not_before = deadline_after_s(RETRY_S);
		return;
	}
	/* Of a leftover nobody has heard. */
	if (r->m->envelope || r->m->deleting)
		log_event(LOG_LEVEL_INFO, "%s: removed", r->id);
	message_free(c->q, r->m);
}

SUSPENDS
static void
changes_remove(struct changes *c)
{
	struct removal *batch = mem_alloc_array(BATCH, sizeof(*batch));
	struct list *node;
	size_t n = 0;

	while (n < BATCH && (node = list_pop(&c->leaving)) != NULL) {
		struct removal *r = &batch[n++];

		r->store = c->q->store;
		r->m = LIST_ITEM(node, struct message, changed);
		r->fd = message_take_fd(c->q, r->m);
		memcpy(r->id, r->m->id, sizeof(r->id));
	}
	fan_run(c->q->pool, removal_job, batch, n, sizeof(*batch), FAN_QUICK);
	for (size_t i = 0; i < n; i++)
		removal_done(c, &batch[i]);
	mem_free(batch);
}

FIBER_MAIN
static void
changes_run(void *arg)
{
	struct changes *c = arg;

	if (!list_empty(&c->dirty))
		changes_write(c);
	if (!list_empty(&c->leaving))
		changes_remove(c);
	commit_sync_soon(c->q->commit);
	c->running = false;
	if (!list_empty(&c->dirty) || !list_empty(&c->leaving))
		changes_start(c);
	qmgr_maybe_stopped(c->q);
}
