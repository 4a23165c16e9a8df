/* Recipients that are to be delivered come into memory, and go to the scheduler. */
#ifndef QMGR_FEED_H
#define QMGR_FEED_H

#include "qmgr/message.h"

/* All of M that is fresh or due (at m->due) goes to its destinations, as far as memory allows; the
 * rest follows. */
void feed_message(struct qmgr *q, struct message *m);
/* Recipients of M have left: is it time for the next chunk? */
void feed_more(struct qmgr *q, struct message *m);
/* Something of M that is to be delivered now is on the disk alone. */
bool feed_pending(const struct message *m);

#endif
