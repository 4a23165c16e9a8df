/*
 * A queue file read and judged by its descriptor (queue/verify.h). Called by qmgr's recovery, in
 * threads, and by `postern fsck`. Owns nothing but what the caller frees. Reads at most what the
 * head claims, within LIMIT_QUEUE_RECORD; must believe nothing that a check value does not cover.
 */
#include "config.h"

#include "queue/verify.h"

#include <errno.h>

#include "base/crc32c.h"
#include "base/mem.h"
#include "base/sys.h"

#define READ_BYTES 65536

void
file_parts_init(struct file_parts *p)
{
	*p = (struct file_parts){ .flags = 0 };
	str_init(&p->record, LIMIT_QUEUE_RECORD);
}

void
file_parts_free(struct file_parts *p)
{
	str_free(&p->record);
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
parts_read(int fd, struct file_parts *p, struct err *err)
{
	struct str area = STR_INIT(FILE_CONTENT_AT + 1);
	struct span head, state;
	enum verdict v = read_into(fd, &area, FILE_CONTENT_AT, 0, err);

	if (v == VERDICT_OK) {
		head = span_head(str_span(&area), FILE_HEAD_SIZE);
		state = span_head(span_from(str_span(&area), FILE_STATE_AT), FILE_STATE_SIZE);
		v = file_head_get(head, &p->head, err);
		p->flags = v == VERDICT_OK ? file_state_get(&p->head, state)
					   : guess_flags(str_span(&area));
	}
	if (v == VERDICT_OK && p->head.record_at == FILE_RECORD_AT)
		str_put(&p->record,
		    span_head(span_from(str_span(&area), FILE_RECORD_AT), p->head.record_size));
	else if (v == VERDICT_OK)
		v = read_into(fd, &p->record, p->head.record_size, p->head.record_at, err);
	str_free(&area);
	return v;
}

enum verdict
file_verify_parts(int fd, struct span id, struct file_parts *out, struct err *err)
{
	enum verdict v = parts_read(fd, out, err);

	if (v == VERDICT_OK)
		v = record_check(str_span(&out->record), &out->head, &out->env, err);
	if (v == VERDICT_OK)
		v = record_envelope(str_span(&out->record), &out->env, &out->envelope_size, err);
	/* It was held from the beginning, and nothing has been written since. */
	if (v == VERDICT_OK && out->flags == 0 && out->env.flags & MESSAGE_HOLD)
		out->flags = FILE_HELD;
	if (v == VERDICT_OK && !span_eq(out->env.queue_id, id))
		return err_set(err, VERDICT_PERM, "it is %.*s under another name",
		    SPAN_ARG(out->env.queue_id));
	return v;
}

enum verdict
file_read_slots(
    int fd, const struct file_head *head, uint32_t i, uint32_t n, struct str *out, struct err *err)
{
	return read_into(fd, out, (size_t)n * FILE_SLOT_SIZE, file_slot_at(head, i), err);
}

static enum verdict
extent_read(int fd, const struct item_extent *e, uint32_t *crc, char *buffer, struct err *err)
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

enum verdict
file_verify_content(int fd, const struct envelope *env, struct err *err)
{
	char *buffer = mem_alloc(READ_BYTES);
	enum verdict v = VERDICT_OK;
	uint32_t crc = 0;

	for (uint32_t i = 0; i < env->extents_n && v == VERDICT_OK; i++)
		v = extent_read(fd, &env->extents[i], &crc, buffer, err);
	mem_free(buffer);
	if (v == VERDICT_OK && crc != env->crc)
		return err_set(err, VERDICT_PERM, "its content is damaged");
	return v;
}
