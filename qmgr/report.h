/* What the sender is told: of recipients that cannot be reached, and of mail that waits long. */
#ifndef QMGR_REPORT_H
#define QMGR_REPORT_H

#include "qmgr/message.h"

/*
 * M has recipients in SLOT_FAILED and none under way: the sender is told of them, and they become
 * SLOT_REPORTED. Does nothing while an earlier report of M is being made.
 */
void report_failures(struct qmgr *q, struct message *m);
/* M is deferred: once it is older than delay_warning_time, its sender is told, once. */
void report_delay(struct qmgr *q, struct message *m);

#endif
