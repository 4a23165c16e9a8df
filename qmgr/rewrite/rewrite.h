/* What the files of rewrite share. */
#ifndef REWRITE_REWRITE_H
#define REWRITE_REWRITE_H

#include "service/service.h"

/* Handler of ipc_resolve; ARG is the service's context. */
void rewrite_resolve(struct ipc_request *req, const void *msg, void *arg);

#endif
