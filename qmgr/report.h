/* What the sender is told: of recipients that cannot be reached, of mail that waits long, of
 * success where that was asked for. */
#ifndef QMGR_REPORT_H
#define QMGR_REPORT_H

#include "qmgr/message.h"

struct reports;

struct reports *reports_new(struct qmgr *q);
/* When idle. */
void reports_free(struct reports *reports);
/* None is being made. */
bool reports_idle(const struct reports *reports);

/*
 * M has recipients in SLOT_FAILED and none under way: the sender is told of them, and they become
 * SLOT_REPORTED, some now, the others when their report is a message of its own. Does nothing while
 * an earlier report of M is being made.
 */
void report_failures(struct qmgr *q, struct message *m);
/* M is deferred: once it is older than delay_warning_time, its sender is told, once. */
void report_delay(struct qmgr *q, struct message *m);
/* False: a report of M is being made now. Else none is wanted any more: M may go. */
bool report_cancel(struct message *m);
/*
 * R was delivered as RESULT says: is the sender to be told (RFC 3461 4.1)? Then it rests in
 * SLOT_FAILED, with a status of class 2, until it has been.
 */
bool report_wants_success(const struct recipient *r, const struct item_result *result);

#endif
