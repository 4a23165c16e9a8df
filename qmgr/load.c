/*
 * Reading a queue file at start. Called by recover.c, in threads: nothing here touches the
 * process's state.
 *
 * What may be deleted: a file whose sync round did not end before the crash, whose sender was told
 * nothing. Its head, its record or its content then do not match their check values, and it bears
 * no mark of acknowledgement and no slot. Whatever bears one was acknowledged; when it is
 * unreadable it was damaged later, and is kept for the postmaster. A file without a mark whose
 * parts all match is a message, whether or not its sender knows.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/crc32c.h"
#include "base/mem.h"
#include "base/sys.h"
#include "qmgr/load.h"

#define READ_BYTES 65536

void
load_init(struct load *l, const struct store *store, const char *id)
{
	*l = (struct load){ .store = store };
	memcpy(l->id, id, size_min(strlen(id), LIMIT_QUEUE_ID));
	str_init(&l->record, LIMIT_QUEUE_RECORD);
	str_init(&l->slots, (size_t)LIMIT_QUEUE_CHUNK * FILE_SLOT_SIZE);
}

void
load_free(struct load *l)
{
	str_free(&l->record);
	str_free(&l->slots);
	mem_free(l->chunks);
	l->chunks = NULL;
}

/* All N bytes at AT behind what OUT holds; at the end of the file, fewer. */
static enum verdict
read_into(int fd, struct str *out, size_t n, uint64_t at, struct err *err)
{
	char *p = str_reserve(out, n + 1);
	ssize_t got;

	if (!p)
		return err_set(err, VERDICT_PERM, "a part of it is too large");
	got = sys_pread_all(fd, p, n, (off_t)at);
	if (got < 0)
		return err_sys(err, errno, "reading it");
	str_grew(out, (size_t)got);
	return VERDICT_OK;
}

/* Any byte where the mark lies that is not zero: a head that is damaged does not tell whether the
 * mark holds. */
static uint32_t
guess_flags(struct span area)
{
	struct span state = span_head(span_from(area, FILE_STATE_AT), FILE_STATE_SIZE);

	for (size_t i = 0; i < state.n; i++)
		if (state.p[i] != 0)
			return FILE_ACKNOWLEDGED;
	return 0;
}

static enum verdict
load_envelope(struct load *l, int fd, struct envelope *env)
{
	struct str area = STR_INIT(FILE_CONTENT_AT + 1);
	struct span head;
	size_t size = 0;
	enum verdict v = read_into(fd, &area, FILE_CONTENT_AT, 0, &l->err);

	if (v == VERDICT_OK) {
		head = span_head(str_span(&area), FILE_HEAD_SIZE);
		v = file_head_get(head, &l->head, &l->err);
		l->flags =
		    v == VERDICT_OK
			? file_state_get(&l->head,
			      span_head(span_from(str_span(&area), FILE_STATE_AT), FILE_STATE_SIZE))
			: guess_flags(str_span(&area));
	}
	if (v == VERDICT_OK && l->head.record_at == FILE_RECORD_AT)
		str_put(&l->record,
		    span_head(span_from(str_span(&area), FILE_RECORD_AT), l->head.record_size));
	else if (v == VERDICT_OK)
		v = read_into(fd, &l->record, l->head.record_size, l->head.record_at, &l->err);
	str_free(&area);
	if (v == VERDICT_OK)
		v = record_check(str_span(&l->record), &l->head, env, &l->err);
	if (v == VERDICT_OK)
		v = record_envelope(str_span(&l->record), env, &size, &l->err);
	l->envelope_size = size;
	/* It was held from the beginning, and nothing has been written since. */
	if (v == VERDICT_OK && l->flags == 0 && env->flags & MESSAGE_HOLD)
		l->flags = FILE_HELD;
	if (v == VERDICT_OK && !span_eq(env->queue_id, span_str(l->id)))
		return err_set(&l->err, VERDICT_PERM, "it is %.*s under another name",
		    SPAN_ARG(env->queue_id));
	return v;
}

/* Counts what the slots say; of a message with one chunk they are kept. */
static enum verdict
load_slots(struct load *l, int fd)
{
	enum verdict v = VERDICT_OK;

	l->chunks = mem_alloc_array(CHUNKS_MOST, sizeof(*l->chunks));
	l->chunks_n =
	    chunks_divide(str_span(&l->record), l->envelope_size, l->head.recipients, l->chunks);
	for (uint32_t i = 0; i < l->chunks_n && v == VERDICT_OK; i++) {
		struct chunk *chunk = &l->chunks[i];

		str_reset(&l->slots);
		str_init(&l->slots, (size_t)chunk->n * FILE_SLOT_SIZE + 1);
		v = read_into(fd, &l->slots, (size_t)chunk->n * FILE_SLOT_SIZE,
		    file_slot_at(&l->head, chunk->first), &l->err);
		chunk_count(chunk, &l->head, str_span(&l->slots));
		if (chunk->done + chunk->failed + chunk->deferred > 0)
			l->flags |= FILE_ACKNOWLEDGED;
		if (l->chunks_n > 1)
			str_free(&l->slots);
	}
	return v;
}

static enum verdict
load_extent(int fd, const struct item_extent *e, uint32_t *crc, char *buffer, struct err *err)
{
	uint64_t left = e->size, at = e->at;

	while (left > 0) {
		ssize_t got = sys_pread(fd, buffer, size_min(left, READ_BYTES), (off_t)at);

		if (got < 0)
			return err_sys(err, errno, "reading its content");
		if (got == 0)
			return err_set(err, VERDICT_PERM, "its content is incomplete");
		*crc = crc32c(*crc, span_of(buffer, (size_t)got));
		left -= (uint64_t)got;
		at += (uint64_t)got;
	}
	return VERDICT_OK;
}

static enum verdict
load_content(int fd, const struct envelope *env, struct err *err)
{
	char *buffer = mem_alloc(READ_BYTES);
	enum verdict v = VERDICT_OK;
	uint32_t crc = 0;

	for (uint32_t i = 0; i < env->extents_n && v == VERDICT_OK; i++)
		v = load_extent(fd, &env->extents[i], &crc, buffer, err);
	mem_free(buffer);
	if (v == VERDICT_OK && crc != env->crc)
		return err_set(err, VERDICT_PERM, "its content is damaged");
	return v;
}

void
load_job(void *arg)
{
	struct load *l = arg;
	struct envelope env;
	enum verdict v;
	int fd = store_open(l->store, l->id, O_RDONLY);

	if (fd < 0) {
		l->verdict = errno == ENOENT ? LOAD_ABSENT : LOAD_FAILED;
		err_sys(&l->err, errno, "opening it");
		return;
	}
	v = load_envelope(l, fd, &env);
	if (v == VERDICT_OK)
		v = load_slots(l, fd);
	/* An acknowledged message's content was durable: reading all of a large queue again would
	 * take hours. */
	if (v == VERDICT_OK && !(l->flags & FILE_ACKNOWLEDGED))
		v = load_content(fd, &env, &l->err);
	sys_close(fd);
	if (v == VERDICT_OK)
		l->verdict = LOAD_GOOD;
	else if (v == VERDICT_TEMP)
		l->verdict = LOAD_FAILED;
	else
		l->verdict = l->flags & FILE_ACKNOWLEDGED ? LOAD_DAMAGED : LOAD_LEFTOVER;
}
