/* How messages come in: OPEN, COMMIT and ABORT of smtpd, pickup and bounce. */
#ifndef QMGR_DOOR_H
#define QMGR_DOOR_H

#include "service/service.h"

/* What those who bring mail may ask; each channel has a state of its own, from door_arrived on. */
extern const struct ipc_service door_asks;
/* For struct service_role. */
void door_arrived(struct service_ctx *ctx, struct ipc_channel *ch, int fd);

#endif
