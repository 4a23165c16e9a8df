/*
 * ipc_resolve: one recipient, on a fiber of its own, since authd may have to be asked. One
 * question, one answer, for each RCPT. Owns the request until it is answered.
 */
#include "base/mem.h"
#include "rewrite/expand.h"

#define RESOLVE_ARENA (64u << 20) /* bytes: the largest alias that the limits allow, on its way */

struct resolving {
	struct rewrite *rw;
	struct ipc_request *req;
	const struct msg_resolve *ask;
};

static void
resolve_reply(struct resolving *r, const struct expansion *e)
{
	struct msg_resolved reply = { .class = (uint8_t)e->class,
		.recipients = { e->recipients, e->recipients_n } };

	for (uint32_t i = 0; i < e->recipients_n; i++)
		if (r->rw->conf->enable_original_recipient)
			e->recipients[i].original = r->ask->address;
	ipc_reply(r->req, &ipc_resolved, &reply);
}

FIBER_MAIN static void
resolve_fiber(void *arg)
{
	struct resolving *r = arg;
	struct arena arena;
	struct expansion e = { .rw = r->rw,
		.trace = ipc_request_trace(r->req),
		.sender = r->ask->sender,
		.arena = &arena };
	struct err err = ERR_NONE;

	arena_init(&arena, RESOLVE_ARENA);
	if (expand_recipient(&e, r->ask->address, &err) == VERDICT_OK)
		resolve_reply(r, &e);
	else
		ipc_fail(r->req, &err);
	arena_free(&arena);
	service_idle(r->rw->ctx);
	mem_free(r);
}

void
rewrite_resolve(struct ipc_request *req, const void *msg, void *arg)
{
	struct resolving *r = mem_alloc(sizeof(*r));
	struct err err = ERR_NONE;

	*r = (struct resolving){ service_state(arg), req, msg };
	service_busy(arg);
	if (fiber_spawn("resolve", resolve_fiber, r))
		return;
	service_idle(arg);
	err_mail(&err, 451, "4.3.2", "too many lookups at one time");
	ipc_fail(req, &err);
	mem_free(r);
}
