/*
 * Reading a queue file at start. Called by recover.c, in threads: nothing here touches the
 * process's state. lib/queue/verify judges its parts, and says what may be deleted; here is added
 * what the slots say. A file without a mark whose parts all match is a message, whether or not its
 * sender knows.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/mem.h"
#include "base/sys.h"
#include "qmgr/load.h"

void
load_init(struct load *l, const struct store *store, const char *id)
{
	*l = (struct load){ .store = store };
	memcpy(l->id, id, size_min(strlen(id), LIMIT_QUEUE_ID));
	file_parts_init(&l->parts);
	str_init(&l->slots, (size_t)LIMIT_QUEUE_CHUNK * FILE_SLOT_SIZE);
}

void
load_free(struct load *l)
{
	file_parts_free(&l->parts);
	str_free(&l->slots);
	mem_free(l->chunks);
	l->chunks = NULL;
}

/* Counts what the slots say; of a message with one chunk they are kept. */
static enum verdict
load_slots(struct load *l, int fd)
{
	const struct file_head *head = &l->parts.head;
	enum verdict v = VERDICT_OK;

	l->chunks = mem_alloc_array(CHUNKS_MOST, sizeof(*l->chunks));
	l->chunks_n = chunks_divide(
	    str_span(&l->parts.record), l->parts.envelope_size, head->recipients, l->chunks);
	for (uint32_t i = 0; i < l->chunks_n && v == VERDICT_OK; i++) {
		struct chunk *chunk = &l->chunks[i];

		str_reset(&l->slots);
		str_init(&l->slots, (size_t)chunk->n * FILE_SLOT_SIZE + 1);
		v = file_read_slots(fd, head, chunk->first, chunk->n, &l->slots, &l->err);
		chunk_count(chunk, head, str_span(&l->slots));
		if (chunk->done + chunk->failed + chunk->deferred > 0)
			l->parts.flags |= FILE_ACKNOWLEDGED;
		if (l->chunks_n > 1)
			str_free(&l->slots);
	}
	return v;
}

void
load_job(void *arg)
{
	struct load *l = arg;
	enum verdict v;
	int fd = store_open(l->store, l->id, O_RDONLY);

	if (fd < 0) {
		l->verdict = errno == ENOENT ? LOAD_ABSENT : LOAD_FAILED;
		err_sys(&l->err, errno, "opening it");
		return;
	}
	v = file_verify_parts(fd, span_str(l->id), &l->parts, &l->err);
	if (v == VERDICT_OK)
		v = load_slots(l, fd);
	/* An acknowledged message's content was durable: reading all of a large queue again would
	 * take hours. */
	if (v == VERDICT_OK && !(l->parts.flags & FILE_ACKNOWLEDGED))
		v = file_verify_content(fd, &l->parts.env, &l->err);
	sys_close(fd);
	if (v == VERDICT_OK)
		l->verdict = LOAD_GOOD;
	else if (v == VERDICT_TEMP)
		l->verdict = LOAD_FAILED;
	else
		l->verdict = l->parts.flags & FILE_ACKNOWLEDGED ? LOAD_DAMAGED : LOAD_LEFTOVER;
}
