/*
 * Chunks of recipients. Called by door.c and recover.c, which make messages, by feed.c, which
 * brings in what is to be delivered, and by change.c, when slots have been written. A message with
 * fifty thousand recipients has a few thousand of them in memory; of the rest only counts are
 * known. Owns the arrays it installs.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>

#include "base/mem.h"
#include "base/sys.h"
#include "qmgr/chunk.h"
#include "qmgr/qmgr.h"

uint32_t
chunks_divide(struct span record, size_t envelope_size, uint32_t recipients, struct chunk *out)
{
	struct cursor c = cursor_of(span_from(record, envelope_size));
	struct item_recipient item;
	uint32_t n = 0;

	for (uint32_t i = 0; i < recipients; i++) {
		uint32_t at = (uint32_t)(record.n - cursor_left(&c));
		bool holds = record_recipient(&c, &item);

		assert(holds);
		if (i % LIMIT_QUEUE_CHUNK == 0)
			out[n++] = (struct chunk){ .first = i, .at = at };
		out[n - 1].n++;
		out[n - 1].size = (uint32_t)(record.n - cursor_left(&c)) - out[n - 1].at;
	}
	return n;
}

static void
slot_get(const struct chunk *chunk, const struct file_head *head, uint32_t i, struct span slots,
    struct file_slot *out)
{
	struct span bytes = span_head(span_from(slots, (size_t)i * FILE_SLOT_SIZE), FILE_SLOT_SIZE);

	file_slot_get(head, chunk->first + i, bytes, out);
}

static void
count_one(struct chunk *chunk, enum file_slot_state state, uint64_t next)
{
	if (state == SLOT_DEFERRED) {
		chunk->next = chunk->deferred == 0 || next < chunk->next ? next : chunk->next;
		chunk->deferred++;
	} else if (state == SLOT_FAILED) {
		chunk->failed++;
	} else if (state != SLOT_FRESH) {
		chunk->done++;
	}
}

static void
count_none(struct chunk *chunk)
{
	chunk->done = chunk->failed = chunk->deferred = 0;
	chunk->next = 0;
}

void
chunk_count(struct chunk *chunk, const struct file_head *head, struct span slots)
{
	struct file_slot slot;

	count_none(chunk);
	for (uint32_t i = 0; i < chunk->n; i++) {
		slot_get(chunk, head, i, slots, &slot);
		count_one(chunk, slot.state, slot.next);
	}
}

void
chunk_install(struct qmgr *q, struct chunk *chunk, struct span record, struct span slots)
{
	size_t fixed = chunk->n * sizeof(struct recipient);
	struct item_recipient item;
	struct file_slot slot;
	struct cursor c;

	assert(!chunk->v && record.n == chunk->size);
	chunk->v = mem_alloc(fixed + chunk->size);
	chunk->bytes = (char *)chunk->v + fixed;
	memcpy(chunk->bytes, record.p, record.n);
	c = cursor_of(span_of(chunk->bytes, chunk->size));
	for (uint32_t i = 0; i < chunk->n; i++) {
		struct recipient *r = &chunk->v[i];
		bool holds;

		list_init(&r->link);
		r->chunk = chunk;
		r->at = (uint32_t)(c.p - chunk->bytes);
		holds = record_recipient(&c, &item);
		assert(holds);
		slot_get(chunk, &chunk->m->head, i, slots, &slot);
		r->state = (uint8_t)slot.state;
		r->attempts = slot.attempts;
		r->next = slot.next;
		r->last = slot.last;
		recipient_set_reason(q, r, slot.dsn, slot.reason);
	}
	q->recipients_n += chunk->n;
}

void
chunk_drop(struct qmgr *q, struct chunk *chunk)
{
	if (!chunk->v)
		return;
	for (uint32_t i = 0; i < chunk->n; i++) {
		assert(chunk->v[i].stage == RECIPIENT_RESTING);
		intern_put(&q->reasons, chunk->v[i].reason);
	}
	q->recipients_n -= chunk->n;
	mem_free(chunk->v);
	chunk->v = NULL;
	chunk->bytes = NULL;
}

void
chunk_unload(struct qmgr *q, struct chunk *chunk)
{
	count_none(chunk);
	for (uint32_t i = 0; i < chunk->n; i++)
		count_one(chunk, chunk->v[i].state, chunk->v[i].next);
	chunk_drop(q, chunk);
}

static bool
chunk_is_idle(const struct chunk *chunk)
{
	if (!chunk->v)
		return false;
	for (uint32_t i = 0; i < chunk->n; i++) {
		const struct recipient *r = &chunk->v[i];

		if (r->stage != RECIPIENT_RESTING || r->state == SLOT_FRESH ||
		    r->state == SLOT_FAILED || r->changed)
			return false;
	}
	return true;
}

void
chunks_unload_idle(struct qmgr *q, struct message *m)
{
	if (m->chunks_n < 2 || m->writing)
		return;
	for (uint32_t i = 0; i < m->chunks_n; i++)
		if (chunk_is_idle(&m->chunks[i]))
			chunk_unload(q, &m->chunks[i]);
}

void
chunk_read_init(struct chunk_read *r, const struct store *store, const struct chunk *chunk)
{
	const struct message *m = chunk->m;

	*r = (struct chunk_read){
		.store = store,
		.head = m->head,
		.first = chunk->first,
		.n = chunk->n,
		.at = chunk->at,
		.size = chunk->size,
	};
	memcpy(r->id, m->id, sizeof(r->id));
}

void
chunk_read_job(void *arg)
{
	struct chunk_read *r = arg;
	size_t slots = (size_t)r->n * FILE_SLOT_SIZE;
	ssize_t got = -1, got_slots = -1;
	int fd = store_open(r->store, r->id, O_RDONLY);

	r->record = mem_alloc(r->size);
	r->slots = mem_alloc(slots);
	if (fd >= 0)
		got = sys_pread_all(fd, r->record, r->size, (off_t)(r->head.record_at + r->at));
	if (got >= 0)
		got_slots =
		    sys_pread_all(fd, r->slots, slots, (off_t)file_slot_at(&r->head, r->first));
	r->error = got_slots < 0 ? errno : (size_t)got < r->size ? ENODATA : 0;
	r->slots_n = got_slots > 0 ? (size_t)got_slots : 0;
	if (fd >= 0)
		sys_close(fd);
}

void
chunk_read_free(struct chunk_read *r)
{
	mem_free(r->record);
	mem_free(r->slots);
}
