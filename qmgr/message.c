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
#include "qmgr/chunk.h"
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
	list_init(&m->report);
	m->read_fd = -1;
	m->place = MESSAGE_NAMED;
	m->id_n = (uint8_t)id.n;
	memcpy(m->id, id.p, id.n);
	map_put(&q->messages, message_id(m), m);
	return m;
}

struct message *
message_fill(struct qmgr *q, struct message *m, const struct file_head *head, struct span envelope,
    const struct chunk *chunks, uint32_t chunks_n)
{
	size_t chunks_size = chunks_n * sizeof(*chunks);
	struct message *full = mem_alloc(sizeof(*full) + chunks_size + envelope.n);
	struct envelope env;

	assert(m->place == MESSAGE_NAMED && !m->envelope);
	*full = *m;
	list_init(&full->link);
	list_init(&full->changed);
	list_init(&full->report);
	map_put(&q->messages, message_id(full), full);
	mem_free(m);
	full->head = *head;
	full->chunks = (struct chunk *)(full + 1);
	full->chunks_n = chunks_n;
	memcpy(full->chunks, chunks, chunks_size);
	for (uint32_t i = 0; i < chunks_n; i++) {
		full->chunks[i].m = full;
		full->done += chunks[i].done;
		full->failed += chunks[i].failed;
		full->deferred += chunks[i].deferred;
	}
	full->envelope = (char *)(full + 1) + chunks_size;
	full->envelope_n = (uint32_t)envelope.n;
	memcpy(full->envelope, envelope.p, envelope.n);
	message_envelope(full, &env);
	full->arrived = env.arrived;
	full->content_size = env.content_size;
	return full;
}

int
message_take_fd(struct qmgr *q, struct message *m)
{
	int fd = m->read_fd;

	q->held_fds -= fd >= 0;
	m->read_fd = -1;
	return fd;
}

void
message_close_fd(struct qmgr *q, struct message *m)
{
	int fd = message_take_fd(q, m);

	if (fd >= 0)
		sys_close(fd);
}

void
message_free(struct qmgr *q, struct message *m)
{
	assert(m->waiting == 0 && m->running == 0 && !m->writing && !m->loading);
	for (uint32_t i = 0; i < m->chunks_n; i++)
		chunk_drop(q, &m->chunks[i]);
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
	struct cursor c = cursor_of(span_of(chunk->bytes + r->at, chunk->size - r->at));
	bool holds = record_recipient(&c, out);

	assert(holds);
}

static struct recipient *
first_from(const struct message *m, uint32_t i)
{
	while (i < m->chunks_n && !m->chunks[i].v)
		i++;
	return i < m->chunks_n ? m->chunks[i].v : NULL;
}

struct recipient *
message_first(const struct message *m)
{
	return first_from(m, 0);
}

struct recipient *
message_next(const struct recipient *r)
{
	const struct chunk *chunk = r->chunk;
	size_t i = (size_t)(r - chunk->v) + 1;

	if (i < chunk->n)
		return &chunk->v[i];
	return first_from(chunk->m, (uint32_t)(chunk - chunk->m->chunks) + 1);
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
