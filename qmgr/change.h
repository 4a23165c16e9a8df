/*
 * What changes of a message on the disk after its commit: slots, flags, and in the end its file.
 * Batched, in the pool; durable within a second or so.
 */
#ifndef QMGR_CHANGE_H
#define QMGR_CHANGE_H

#include "qmgr/message.h"

struct changes;

struct changes *changes_new(struct qmgr *q);
/* When idle. */
void changes_free(struct changes *c);
/* Nothing is to be written or removed. */
bool changes_idle(const struct changes *c);

/* A new message: it is marked as acknowledged unless it has gone in a few seconds. */
void change_new(struct qmgr *q, struct message *m);
/* R's slot is to be written. */
void change_recipient(struct qmgr *q, struct recipient *r);
/* M's flags are. */
void change_flags(struct qmgr *q, struct message *m, uint32_t flags);
/* M goes, file and all; what was still to be written is not. It is freed when that is done. */
void change_remove(struct qmgr *q, struct message *m);
/* Marks all that is not yet: before the end. */
void change_mark_all(struct qmgr *q);

#endif
