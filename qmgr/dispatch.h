/* From the scheduler to the agents: one fiber for each transport that has something to deliver. */
#ifndef QMGR_DISPATCH_H
#define QMGR_DISPATCH_H

#include "qmgr/scheduler.h"

/* What T's agent may ask of us is set up: before its first channel. */
void dispatch_serve(struct transport *t);
/* T may have something to deliver. */
void dispatch_start(struct transport *t);
void dispatch_start_all(struct qmgr *q);
/* Ends the channels of agents that have said nothing of a delivery for too long. */
void dispatch_watch(struct qmgr *q);

#endif
