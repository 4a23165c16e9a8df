/*
 * Queue ids: the names of messages, made by whoever receives one, unique without asking anybody:
 * microseconds, never the same twice in a process, and the process's number. 14 bytes of digits and
 * consonants, which sort by time and spell no words; the shape of Postfix's long queue ids, so its
 * tools read them.
 */
#ifndef MESSAGE_QUEUE_ID_H
#define MESSAGE_QUEUE_ID_H

#include "base/arena.h"

struct queue_id_maker {
	uint64_t last; /* microseconds given out last */
	uint32_t worker;
};

/* WORKER: the pid. */
void queue_id_init(struct queue_id_maker *m, uint32_t worker);
/* .p is NULL when ARENA is full. */
struct span queue_id_make(struct queue_id_maker *m, uint64_t wall_ns, struct arena *arena);
/* Is it a name that a queue file may have? Checked wherever one comes in: it becomes a file's name.
 */
bool queue_id_valid(struct span id);

#endif
