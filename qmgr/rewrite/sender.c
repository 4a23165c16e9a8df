/*
 * ipc_rewrite_sender: what sender_canonical_maps and canonical_maps make of a sender, whose it is,
 * and, when asked, whether somebody would get mail there. On a fiber of its own, since authd may
 * have to be asked. Called for each MAIL.
 */
#include "base/mem.h"
#include "rewrite/aliases.h"
#include "rewrite/classes.h"
#include "rewrite/expand.h"

#define SENDER_ARENA (64u << 20) /* bytes: as for a recipient */

struct rewriting {
	struct rewrite *rw;
	struct ipc_request *req;
	const struct msg_rewrite_sender *ask;
};

SUSPENDS static enum verdict
sender_run(
    struct rewriting *r, struct arena *arena, struct msg_sender_rewritten *out, struct err *err)
{
	struct rewrite *rw = r->rw;
	enum address_class class = ADDRESS_DEFAULT;
	struct named sender;
	enum verdict v;

	/* The null sender is nobody's, and stays so. */
	if (r->ask->address.n == 0) {
		*out = (struct msg_sender_rewritten){ .class = ADDRESS_DEFAULT };
		return VERDICT_OK;
	}
	v = named_parse(rw, r->ask->address, arena, &sender, err);
	if (v == VERDICT_OK)
		v = class_of_domain(rw, sender.a.domain, &class, err);
	if (v == VERDICT_OK && r->ask->check) {
		struct expansion e = {
			.rw = rw, .trace = ipc_request_trace(r->req), .arena = arena
		};
		v = expand_recipient(&e, r->ask->address, err);
		out->unknown = v == VERDICT_PERM;
		v = v == VERDICT_PERM ? VERDICT_OK : v;
	}
	if (v == VERDICT_OK)
		v = canonical_apply(rw, LIST_CANONICAL_SENDER, &sender, arena, err);
	out->class = (uint8_t) class;
	out->address = sender.text;
	return v;
}

FIBER_MAIN static void
sender_fiber(void *arg)
{
	struct rewriting *r = arg;
	struct msg_sender_rewritten reply = { .class = ADDRESS_DEFAULT };
	struct arena arena;
	struct err err = ERR_NONE;

	arena_init(&arena, SENDER_ARENA);
	if (sender_run(r, &arena, &reply, &err) == VERDICT_OK)
		ipc_reply(r->req, &ipc_sender_rewritten, &reply);
	else
		ipc_fail(r->req, &err);
	arena_free(&arena);
	service_idle(r->rw->ctx);
	mem_free(r);
}

void
rewrite_sender(struct ipc_request *req, const void *msg, void *arg)
{
	struct rewriting *r = mem_alloc(sizeof(*r));
	struct err err = ERR_NONE;

	*r = (struct rewriting){ service_state(arg), req, msg };
	service_busy(arg);
	if (fiber_spawn("sender", sender_fiber, r))
		return;
	service_idle(arg);
	err_mail(&err, 451, "4.3.2", "too many lookups at one time");
	ipc_fail(req, &err);
	mem_free(r);
}
