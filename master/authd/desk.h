/*
 * The queue for the threads that compute hashes, fair between clients: those who wait get their
 * turn client by client, so that one with many logins delays itself.
 */
#ifndef AUTHD_DESK_H
#define AUTHD_DESK_H

#include "base/map.h"
#include "event/fiber.h"

struct desk {
	unsigned free;	   /* threads without a job */
	unsigned waiting;  /* logins of all clients */
	unsigned max;	   /* of them */
	unsigned max_each; /* of one client */
	struct map queues; /* by client, those that have some */
	struct list turns; /* the same, whose turn is next first */
};

void desk_init(struct desk *d, unsigned threads, unsigned max, unsigned max_each);
void desk_fini(struct desk *d);
/*
 * A thread for CLIENT. VERDICT_LIMIT: too many wait, of all or of this client. After VERDICT_OK
 * desk_give follows.
 */
SUSPENDS enum verdict desk_take(struct desk *d, struct span client, uint64_t deadline);
void desk_give(struct desk *d);

#endif
