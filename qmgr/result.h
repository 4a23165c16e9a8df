/* What became of recipients: by an agent's word, or by ours. */
#ifndef QMGR_RESULT_H
#define QMGR_RESULT_H

#include "qmgr/scheduler.h"

/* The results of a running delivery that its agent has sent; ends it with the last of them. */
void result_take(struct qmgr *q, struct delivery *d, const struct msg_deliver_results *msg);
/* R (resting or waiting) is deferred without a try, for this reason; said in the log. The caller
 * settles its message. */
void result_defer_here(struct qmgr *q, struct recipient *r, const char *dsn, struct span reason);
/* R, resting, fails without a try: its transport is "error", and NEXTHOP says why ("5.1.1 text").
 * The caller settles its message. */
void result_fail_here(struct qmgr *q, struct recipient *r, struct span nexthop);

#endif
