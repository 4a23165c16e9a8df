/* What the files of pickup share: the maildrop, and one submission on its way into the queue. */
#ifndef PICKUP_PICKUP_H
#define PICKUP_PICKUP_H

#include "base/map.h"
#include "event/loop.h"
#include "message/queue_id.h"
#include "message/submission.h"
#include "service/posting.h"

struct pickup {
	struct service_ctx *ctx;
	struct queue_id_maker ids;
	int dir;		/* the maildrop */
	struct fdwatch changes; /* inotify of it */
	struct semaphore jobs;
	struct map taken; /* files that are being brought in, by name */
	struct map known; /* files that are no submissions and were logged, by name and inode */
	struct waitq wake;
	struct timer again;
	bool due; /* something has come since the last scan began */
};

/* A file of the maildrop. */
struct drop {
	struct pickup *pickup;
	struct span name; /* key in taken; owned */
	int fd;
	uid_t uid; /* of who sent it */
	uint64_t size;
	uint64_t arrived; /* wall clock, ns */
	struct str head;  /* its begin: the envelope, and what follows it */
	struct submission envelope;
	uint32_t crc;  /* that the end tells */
	unsigned hops; /* Received: fields that it has come with */
	struct span queue_id;
	struct span sender; /* canonical */
	struct posting posting;
	struct arena arena;
};

/* scan.c: a fiber that looks through the maildrop, again and again. */
FIBER_MAIN void pickup_run(void *arg);
void pickup_stop(struct pickup *p);
/* The file is no submission: says so, once. */
void pickup_complain(struct pickup *p, const struct drop *d, const char *why);

/*
 * drop.c. VERDICT_OK: it is a whole submission, its envelope is known; VERDICT_ABSENT: it is still
 * being written, or is gone; VERDICT_PERM: it is none, and stays where it is.
 */
enum verdict drop_open(struct drop *d, struct err *err);
/* The fiber of one: into the queue, then out of the maildrop. */
FIBER_MAIN void drop_run(void *arg);
void drop_free(struct drop *d);

/* compose.c: what the message is given, and the message. VERDICT_TEMP: the file cannot be read, or
 * is not what it was. */
SUSPENDS enum verdict drop_compose(struct drop *d, struct err *err);

#endif
