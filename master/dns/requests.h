/* The calls that peers make. */
#ifndef DNS_REQUESTS_H
#define DNS_REQUESTS_H

#include "ipc/ipc.h"

/* Handlers; ARG is the struct service_ctx, whose state is the struct resolver. */
void dns_on_query(struct ipc_request *req, const void *msg, void *arg);
void dns_on_mx(struct ipc_request *req, const void *msg, void *arg);

#endif
