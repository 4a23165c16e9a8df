/* Where a message is: incoming, active, deferred, held; and when it moves. */
#ifndef QMGR_ACTIVE_H
#define QMGR_ACTIVE_H

#include "qmgr/message.h"

/* M is in the queue and complete: it becomes active as soon as it may, or waits for its recipients'
 * next try. */
void active_enter(struct qmgr *q, struct message *m);
/* Starts what may start, up to qmgr_message_active_limit. */
void active_fill(struct qmgr *q);
/* Something has become of recipients of M: it is done, reported, deferred or goes on. M may be
 * leaving afterwards. */
void active_settle(struct qmgr *q, struct message *m);
/* Something of M is to be looked at again at this time (wall clock, ns). */
void active_retry(struct qmgr *q, struct message *m, uint64_t at);
/* Deferred recipients of M are due now, whatever they wait for. */
void active_flush(struct qmgr *q, struct message *m);
/* The postmaster's orders. M is held from now on, or no more; goes, as soon as nothing of it runs;
 * is returned. */
void active_hold(struct qmgr *q, struct message *m);
void active_release(struct qmgr *q, struct message *m);
void active_delete(struct qmgr *q, struct message *m);
void active_expire(struct qmgr *q, struct message *m);
/* Takes M off the list of its place; what waits of it waits no more. */
void active_leave(struct qmgr *q, struct message *m);
/* For timer_init: ARG is the queue manager. */
void active_tick(void *arg);

#endif
