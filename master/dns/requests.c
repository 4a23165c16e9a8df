/*
 * Answers dns_query and dns_mx: each request runs on a fiber of its own until the resolver has
 * answered or its time is over, so that a slow domain holds up nobody else. Called by the channels'
 * dispatch (main.c). Owns nothing beyond the request.
 */
#include "dns/requests.h"

#include "base/mem.h"
#include "dns/mx.h"
#include "service/service.h"

#define MX_ARENA (256u << 10) /* bytes: 50 hosts with 64 addresses take 100 KiB */

struct asking {
	struct service_ctx *ctx;
	struct ipc_request *req;
	const void *msg;
};

FIBER_MAIN
static void
query_run(void *arg)
{
	struct asking *a = arg;
	const struct msg_dns_query *m = a->msg;
	struct lookup *l = lookup_start(service_state(a->ctx), m->name, m->type);

	ipc_reply(a->req, &ipc_dns_answer, lookup_wait(l));
	lookup_drop(l);
	service_idle(a->ctx);
	mem_free(a);
}

FIBER_MAIN
static void
mx_run(void *arg)
{
	struct asking *a = arg;
	struct msg_dns_mx_answer answer;
	struct arena arena;

	arena_init(&arena, MX_ARENA);
	mx_find(service_state(a->ctx), a->msg, &arena, &answer);
	ipc_reply(a->req, &ipc_dns_mx_answer, &answer);
	arena_free(&arena);
	service_idle(a->ctx);
	mem_free(a);
}

static void
ask_begin(struct ipc_request *req, const void *msg, void *ctx, const char *name, fiber_fn *fn)
{
	struct asking *a = mem_alloc(sizeof(*a));
	struct err err = ERR_NONE;

	*a = (struct asking){ ctx, req, msg };
	if (fiber_spawn(name, fn, a)) {
		service_busy(ctx);
		return;
	}
	mem_free(a);
	err_mail(&err, 451, "4.4.3", "too many lookups at one time");
	ipc_fail(req, &err);
}

void
dns_on_query(struct ipc_request *req, const void *msg, void *arg)
{
	ask_begin(req, msg, arg, "dns query", query_run);
}

void
dns_on_mx(struct ipc_request *req, const void *msg, void *arg)
{
	ask_begin(req, msg, arg, "dns mx", mx_run);
}
