/*
 * Messages in memory. Called by everybody in this folder, on the loop's thread alone. Owns the
 * structs and the index by queue id; the lists a message is on belong to others. A waiting message
 * with one recipient takes two allocations of together under 1 KiB: the record's bytes are its only
 * copy of the envelope, and recipients point into theirs.
 *
 * Invariant: done + failed + deferred + waiting + running + (fresh and resting) is the number of
 * recipients.
 */
#include "config.h"

#include "base/mem.h"
#include "base/sys.h"
#include "qmgr/qmgr.h"

struct message *
message_find(struct qmgr *q, struct span id)
{
	return map_get(&q->messages, id);
}

struct message *
message_reserve(struct qmgr *q, struct span id)
{
	struct message *m;

	assert(id.n <= LIMIT_QUEUE_ID);
	if (message_find(q, id))
		return NULL;
	m = mem_alloc(sizeof(*m));
	list_init(&m->link);
	list_init(&m->changed);
	list_init(&m->chunks);
	m->read_fd = -1;
	m->place = MESSAGE_NAMED;
	m->id_n = (uint8_t)id.n;
	memcpy(m->id, id.p, id.n);
	map_put(&q->messages, message_id(m), m);
	return m;
}

static struct chunk *
chunk_new(struct message *m, uint32_t first, uint32_t n, struct span bytes)
{
	size_t fixed = sizeof(struct chunk) + n * sizeof(struct recipient);
	struct chunk *chunk = mem_alloc(fixed + bytes.n);
	struct item_recipient item;
	struct cursor c;

	chunk->m = m;
	chunk->first = first;
	chunk->n = n;
	chunk->bytes = (char *)chunk + fixed;
	memcpy(chunk->bytes, bytes.p, bytes.n);
	c = cursor_of(span_of(chunk->bytes, bytes.n));
	for (uint32_t i = 0; i < n; i++) {
		struct recipient *r = &chunk->v[i];
		bool holds;

		list_init(&r->link);
		r->chunk = chunk;
		r->at = (uint32_t)(c.p - chunk->bytes);
		holds = record_recipient(&c, &item);
		assert(holds);
	}
	return chunk;
}

struct message *
message_fill(struct qmgr *q, struct message *m, const struct file_head *head, struct span record,
    size_t envelope_size)
{
	struct message *full = mem_alloc(sizeof(*full) + envelope_size);
	struct envelope env;

	assert(m->place == MESSAGE_NAMED && !m->envelope);
	*full = *m;
	list_init(&full->link);
	list_init(&full->changed);
	list_init(&full->chunks);
	map_put(&q->messages, message_id(full), full);
	mem_free(m);
	full->head = *head;
	full->envelope = (char *)(full + 1);
	full->envelope_n = (uint32_t)envelope_size;
	memcpy(full->envelope, record.p, envelope_size);
	message_envelope(full, &env);
	full->arrived = env.arrived;
	full->content_size = env.content_size;
	list_push(&full->chunks,
	    &chunk_new(full, 0, head->recipients, span_from(record, envelope_size))->link);
	return full;
}

void
message_close_fd(struct qmgr *q, struct message *m)
{
	if (m->read_fd < 0)
		return;
	sys_close(m->read_fd);
	m->read_fd = -1;
	q->held_fds--;
}

static void
chunk_free(struct qmgr *q, struct chunk *chunk)
{
	for (uint32_t i = 0; i < chunk->n; i++) {
		assert(chunk->v[i].stage == RECIPIENT_RESTING);
		intern_put(&q->reasons, chunk->v[i].reason);
	}
	list_remove(&chunk->link);
	mem_free(chunk);
}

void
message_free(struct qmgr *q, struct message *m)
{
	struct list *node;

	assert(m->waiting == 0 && m->running == 0 && !m->writing);
	while ((node = list_first(&m->chunks)) != NULL)
		chunk_free(q, LIST_ITEM(node, struct chunk, link));
	message_close_fd(q, m);
	heap_remove(&q->retry, &m->retry);
	list_remove(&m->link);
	list_remove(&m->changed);
	map_remove(&q->messages, message_id(m));
	mem_free(m);
}

void
message_envelope(const struct message *m, struct envelope *out)
{
	size_t size;
	enum verdict v = record_envelope(span_of(m->envelope, m->envelope_n), out, &size, NULL);

	assert(v == VERDICT_OK);
}

void
recipient_read(const struct recipient *r, struct item_recipient *out)
{
	const struct chunk *chunk = r->chunk;
	struct cursor c = cursor_of(span_of(chunk->bytes + r->at, LIMIT_QUEUE_RECORD));
	/* chunk_new went over these bytes: the recipient ends before they do. */
	bool holds = record_recipient(&c, out);

	assert(holds);
}

struct recipient *
message_first(const struct message *m)
{
	return list_empty(&m->chunks) ? NULL : LIST_ITEM(m->chunks.next, struct chunk, link)->v;
}

struct recipient *
message_next(const struct recipient *r)
{
	struct chunk *chunk = r->chunk;
	size_t i = (size_t)(r - chunk->v) + 1;

	if (i < chunk->n)
		return &chunk->v[i];
	if (chunk->link.next == &chunk->m->chunks)
		return NULL;
	return LIST_ITEM(chunk->link.next, struct chunk, link)->v;
}

/* The count that R is part of; NULL: none, as it is fresh. */
static uint32_t *
recipient_count(const struct recipient *r)
{
	struct message *m = r->chunk->m;

	if (r->stage == RECIPIENT_WAITING)
		return &m->waiting;
	if (r->stage == RECIPIENT_RUNNING)
		return &m->running;
	if (r->state == SLOT_DEFERRED)
		return &m->deferred;
	if (r->state == SLOT_FAILED)
		return &m->failed;
	return r->state == SLOT_FRESH ? NULL : &m->done;
}

static void
recipient_set(struct recipient *r, enum file_slot_state state, enum recipient_stage stage)
{
	uint32_t *count = recipient_count(r);

	if (count)
		(*count)--;
	r->state = (uint8_t)state;
	r->stage = (uint8_t)stage;
	count = recipient_count(r);
	if (count)
		(*count)++;
}

void
recipient_rest(struct recipient *r, enum file_slot_state state)
{
	list_remove(&r->link);
	recipient_set(r, state, RECIPIENT_RESTING);
}

void
recipient_move(struct recipient *r, enum recipient_stage stage)
{
	recipient_set(r, r->state, stage);
}

void
recipient_set_reason(struct qmgr *q, struct recipient *r, struct dsn_code dsn, struct span text)
{
	/* Before the old one goes: it may be the same. */
	struct intern *reason = intern_get(&q->reasons, span_head(text, FILE_REASON));

	intern_put(&q->reasons, r->reason);
	r->reason = reason;
	r->dsn = dsn;
}

void
recipient_restore(struct qmgr *q, struct recipient *r, const struct file_slot *slot)
{
	recipient_set(r, slot->state, RECIPIENT_RESTING);
	recipient_set_reason(q, r, slot->dsn, slot->reason);
	r->attempts = slot->attempts;
	r->next = slot->next;
	r->last = slot->last;
}
