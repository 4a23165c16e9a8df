/* Recipients between memory and disk, a chunk at a time. */
#ifndef QMGR_CHUNK_H
#define QMGR_CHUNK_H

#include "qmgr/message.h"
#include "qmgr/store.h"

#define CHUNKS_MOST ((LIMIT_RECIPIENTS + LIMIT_QUEUE_CHUNK - 1) / LIMIT_QUEUE_CHUNK)

/*
 * Divides the RECIPIENTS in RECORD, which holds, behind its envelope: fills in first, n, at and
 * size of each of the CHUNKS_MOST in OUT and returns how many there are. Any thread.
 */
uint32_t chunks_divide(
    struct span record, size_t envelope_size, uint32_t recipients, struct chunk *out);
/* Counts what the slots in BYTES (from the chunk's first on; shorter at the end of the file) say.
 * Any thread. */
void chunk_count(struct chunk *chunk, const struct file_head *head, struct span slots);

/* CHUNK, on the disk alone, is in memory from here on: RECORD its bytes of the record, SLOTS as
 * above. */
void chunk_install(struct qmgr *q, struct chunk *chunk, struct span record, struct span slots);
/* It is not any more: nothing of it waits, runs or is to be written. Its counts are taken first. */
void chunk_unload(struct qmgr *q, struct chunk *chunk);
/* The same, whatever becomes of the message. */
void chunk_drop(struct qmgr *q, struct chunk *chunk);
/* Those of M that rest and are written leave memory, if M has several. */
void chunks_unload_idle(struct qmgr *q, struct message *m);

/* Bytes of a chunk, read by a thread. */
struct chunk_read {
	const struct store *store;
	char id[LIMIT_QUEUE_ID + 1];
	struct file_head head;
	uint32_t first;
	uint32_t n;
	uint32_t at;
	uint32_t size;
	char *record;
	char *slots;
	size_t slots_n;
	int error; /* errno */
};
void chunk_read_init(struct chunk_read *r, const struct store *store, const struct chunk *chunk);
/* For pool_run. */
void chunk_read_job(void *arg);
void chunk_read_free(struct chunk_read *r);

#endif
