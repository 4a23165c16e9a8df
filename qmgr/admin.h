/* The public socket: what the postmaster's tools ask. */
#ifndef QMGR_ADMIN_H
#define QMGR_ADMIN_H

#include "ipc/ipc.h"

/* For struct service; the handlers' argument is the service's context. */
extern const struct ipc_service admin_asks;

#endif
