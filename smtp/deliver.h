/* A delivery from its first host to its last result. */
#ifndef SMTP_DELIVER_H
#define SMTP_DELIVER_H

#include "ipc/ipc.h"
#include "smtp/delivery.h"

/* After delivery_begin; returns when each target has been told. */
SUSPENDS void deliver_run(struct delivery *d);

/* Handler of ipc_deliver; ARG is the struct service_ctx, whose state is the struct client. */
void deliver_on_note(struct ipc_request *req, const void *msg, void *arg);
/* The client's ways to ask dns and rewrite and to tell qmgr. */
void deliver_connect(struct client *c);

#endif
