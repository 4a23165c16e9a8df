/* What is in the queue's directory at start. */
#ifndef QMGR_RECOVER_H
#define QMGR_RECOVER_H

#include "qmgr/message.h"

/* Reads it in on a fiber of its own, while mail is taken and delivered. */
void recover_start(struct qmgr *q);

#endif
