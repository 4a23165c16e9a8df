/* What the files of authd share. */
#ifndef AUTHD_AUTHD_H
#define AUTHD_AUTHD_H

#include "authd/accounts.h"
#include "service/service.h"

struct authd {
	struct service_ctx *ctx;
	struct accounts *accounts;
	uint64_t looked; /* when the passwd file was last looked at, monotonic */
};

enum verdict authd_prepare(struct service_ctx *ctx, struct err *err);

/* grants.c: what the others may ask. ARG is the service's context. */
void authd_account_find(struct ipc_request *req, const void *msg, void *arg);
void authd_grant_delivery(struct ipc_request *req, const void *msg, void *arg);

/* The account, or VERDICT_ABSENT, or VERDICT_TEMP while the passwd file cannot be read and never
 * was. */
enum verdict authd_lookup(
    struct authd *a, struct span user, const struct account **out, struct err *err);

#endif
