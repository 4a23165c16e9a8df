/*
 * A message in memory: its envelope in the record's own form, its recipients in chunks. What is on
 * the disk is in file.h; who changes it, in change.h. Where a message is (active, deferred, held)
 * is a field and a list, never a directory.
 */
#ifndef QMGR_MESSAGE_H
#define QMGR_MESSAGE_H

#include "base/heap.h"
#include "base/list.h"
#include "qmgr/intern.h"
#include "queue/file.h"

struct qmgr;
struct chunk;

enum message_place {
	MESSAGE_NAMED,	  /* being committed or read: only its name is known */
	MESSAGE_INCOMING, /* waits until fewer messages are active */
	MESSAGE_ACTIVE,	  /* a recipient is to be delivered now */
	MESSAGE_DEFERRED, /* waits for the next try of a recipient */
	MESSAGE_HELD,	  /* by the postmaster */
	MESSAGE_DAMAGED,  /* acknowledged once, unreadable now */
	MESSAGE_LEAVING,  /* nothing is left to be done: the file is being removed */
};

enum recipient_stage {
	RECIPIENT_RESTING, /* done with, or deferred */
	RECIPIENT_WAITING, /* in a job of its destination */
	RECIPIENT_RUNNING, /* in a delivery */
};

struct recipient {
	struct list link; /* in a job or a delivery */
	struct chunk *chunk;
	struct intern *reason;
	uint64_t next; /* as in struct file_slot */
	uint64_t last;
	uint32_t at; /* its bytes in the chunk's */
	uint16_t attempts;
	uint8_t state; /* enum file_slot_state */
	uint8_t stage; /* enum recipient_stage */
	bool changed;  /* its slot is to be written */
	struct dsn_code dsn;
};

/*
 * Neighbouring recipients of one message, at most LIMIT_QUEUE_CHUNK. A message with one chunk has
 * it in memory; of larger ones those chunks are that have something to deliver, and the others are
 * on the disk alone (chunk.h).
 */
struct chunk {
	struct message *m;
	struct recipient *v; /* NULL: on the disk alone */
	char *bytes;	     /* their records; lie behind v */
	uint32_t first;	     /* index of its first recipient */
	uint32_t n;
	uint32_t at; /* its bytes in the record */
	uint32_t size;
	/* While it is on the disk alone: how many are what, and the earliest next try. */
	uint32_t done;
	uint32_t failed;
	uint32_t deferred;
	uint64_t next;
};

struct message {
	struct heap_node retry; /* wall clock, ns: the earliest next try */
	struct list link;	/* with others of its place */
	struct list changed;	/* change.c's */
	struct list report;	/* report.c's: something is to be told of it */
	struct file_head head;
	struct chunk *chunks; /* lie behind the struct, as does the envelope */
	uint32_t chunks_n;
	uint64_t trace;
	uint64_t arrived; /* wall clock, ns */
	uint64_t due;	  /* wall clock, ns: when it became active */
	uint64_t content_size;
	/* Recipients by what is with them; together head.recipients. */
	uint32_t done;	   /* sent or reported */
	uint32_t failed;   /* to be reported */
	uint32_t deferred; /* resting */
	uint32_t waiting;  /* for their turn */
	uint32_t running;
	uint32_t flags; /* enum file_flag */
	int read_fd;	/* kept from the commit for the first deliveries, or -1 */
	uint8_t place;	/* enum message_place */
	uint8_t id_n;
	bool flags_changed;
	bool writing;	/* change.c has a job for it */
	bool reporting; /* report.c has it on its list, or is at it: it cannot go */
	bool loading;	/* a chunk of it is being read */
	bool deleting;	/* by the postmaster's order: what becomes of its recipients is no matter */
	bool expiring;	/* its deferred recipients have failed, also those not in memory */
	char id[LIMIT_QUEUE_ID + 1];
	uint32_t envelope_n;
	char *envelope; /* the record's front; lies behind the struct, NULL while only the name is
			   known */
};

static inline struct span
message_id(const struct message *m)
{
	return span_of(m->id, m->id_n);
}

/* The message ID, or NULL. */
struct message *message_find(struct qmgr *q, struct span id);
/* A name is taken: nobody else can be ID now. NULL when somebody is. */
struct message *message_reserve(struct qmgr *q, struct span id);
/*
 * What was reserved gets its envelope and CHUNKS, which are on the disk alone so far. The struct
 * moves: the one returned is the message.
 */
struct message *message_fill(struct qmgr *q, struct message *m, const struct file_head *head,
    struct span envelope, const struct chunk *chunks, uint32_t chunks_n);
/* Forgets it; the file is somebody else's matter. No recipient is waiting or running. */
void message_free(struct qmgr *q, struct message *m);
void message_close_fd(struct qmgr *q, struct message *m);
/* Its descriptor, now the caller's, or -1. */
int message_take_fd(struct qmgr *q, struct message *m);

/* Texts point into the message. */
void message_envelope(const struct message *m, struct envelope *out);
void recipient_read(const struct recipient *r, struct item_recipient *out);
static inline uint32_t
recipient_index(const struct recipient *r)
{
	return r->chunk->first + (uint32_t)(r - r->chunk->v);
}

/* The first recipient in memory, and the next after R; NULL: no more. */
struct recipient *message_first(const struct message *m);
struct recipient *message_next(const struct recipient *r);

/* Those of which nothing is known yet, or that wait for their first try. */
static inline uint32_t
message_fresh(const struct message *m)
{
	return m->head.recipients - m->done - m->failed - m->deferred - m->waiting - m->running;
}

/* R, wherever it was, is RESTING in STATE from here on: the counts are kept right, its slot is to
 * be written. */
void recipient_rest(struct recipient *r, enum file_slot_state state);
/* R rests no more: STAGE is WAITING or RUNNING. */
void recipient_move(struct recipient *r, enum recipient_stage stage);
void recipient_set_reason(
    struct qmgr *q, struct recipient *r, struct dsn_code dsn, struct span text);

#endif
