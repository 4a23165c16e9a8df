/* One file of the queue's directory, read and judged by a thread: at start. */
#ifndef QMGR_LOAD_H
#define QMGR_LOAD_H

#include "qmgr/chunk.h"
#include "queue/verify.h"

enum load_verdict {
	LOAD_GOOD,
	LOAD_ABSENT,   /* it is not there any more */
	LOAD_LEFTOVER, /* of a message that nobody was told we have */
	LOAD_DAMAGED,  /* a message that we have, and cannot read */
	LOAD_FAILED,   /* the disk did not let us see */
};

struct load {
	const struct store *store;
	char id[LIMIT_QUEUE_ID + 1];
	struct message *m; /* the caller's */
	enum load_verdict verdict;
	struct err err;
	struct file_parts parts;
	struct chunk *chunks;
	uint32_t chunks_n;
	struct str slots; /* of a message with one chunk */
};

void load_init(struct load *l, const struct store *store, const char *id);
/* For fan_run. */
void load_job(void *arg);
void load_free(struct load *l);

#endif
