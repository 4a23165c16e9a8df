/*
 * The router half of local delivery: takes a delivery from qmgr, has each recipient's copy stored
 * by the deliverer of its account, and tells qmgr and the log how it went, each as soon as it is
 * known. It decides; it writes nothing.
 */
#include "base/log.h"
#include "base/mem.h"
#include "base/time.h"
#include "local/router.h"
#include "service/delivery_log.h"

#define STORE_WAIT_S 600 /* a 50 MB message to a slow disk */

struct job {
	struct service_ctx *ctx;
	struct ipc_request *req;
	const struct msg_deliver *msg;
	uint64_t started;
	uint64_t connected;
};

/* One result to qmgr; the last one ends the job. */
static void
job_report(struct job *job, const struct item_target *target, enum verdict v, const struct err *err,
    struct span text, bool last)
{
	char dsn[12];
	struct item_result result = {
		.index = target->index,
		.status = v == VERDICT_OK     ? DELIVERY_SENT
			  : v == VERDICT_PERM ? DELIVERY_BOUNCED
					      : DELIVERY_DEFERRED,
		.dsn = span_lit("2.0.0"),
		.text = text,
	};
	struct msg_deliver_results results = {
		.job = job->msg->job, .results = { &result, 1 }, .last = last
	};
	struct ipc_channel *qmgr = ipc_request_channel(job->req);

	if (v != VERDICT_OK) {
		struct dsn_code code = err->dsn;
		if (code.class == 0)
			code = (struct dsn_code){ v == VERDICT_PERM ? 5 : 4, 3, 0 };
		result.dsn = span_str(dsn_code_text(code, dsn));
		result.text = err_text(err);
	}
	delivery_log(&(struct delivery_line){ .queue_id = job->msg->queue_id,
	    .recipient = target->address,
	    .original = target->original,
	    .relay = span_lit("local"),
	    .arrived = job->msg->arrived,
	    .active = job->msg->active,
	    .connecting = job->started,
	    .sending = job->connected,
	    .dsn = result.dsn,
	    .status = result.status,
	    .text = result.text });
	if (qmgr)
		ipc_note(qmgr, ipc_request_trace(job->req), &ipc_deliver_results, &results);
}

SUSPENDS static enum verdict
job_store(struct job *job, const struct item_target *t, struct msg_stored *stored,
    struct arena *arena, struct err *err)
{
	const struct msg_deliver *m = job->msg;
	struct router *router = service_state(job->ctx);
	struct mailroom *room;
	struct msg_store ask = { .queue_id = m->queue_id,
		.sender = m->sender,
		.recipient = t->address,
		.original = span_eq(t->original, t->address) ? span_lit("") : t->original,
		.flags = m->flags,
		.extents = m->extents,
		.content = m->content };
	enum verdict v;

	if (t->account.n == 0)
		return err_mail(err, 550, "5.1.1", "unknown user: \"%.*s\"", SPAN_ARG(t->address));
	v = room_enter(router, t->account, ipc_request_trace(job->req),
	    deadline_after_s(STORE_WAIT_S), &room, err);
	job->connected = time_wall();
	if (v != VERDICT_OK)
		return v == VERDICT_ABSENT ? err_mail(err, 550, "5.1.1", "unknown user: \"%.*s\"",
						 SPAN_ARG(t->account))
					   : v;
	v = ipc_call(room->channel, ipc_request_trace(job->req), &ipc_store, &ask, &ipc_stored,
	    stored, arena, deadline_after_s(STORE_WAIT_S), err);
	room_leave(room);
	return v;
}

FIBER_MAIN static void
job_run(void *arg)
{
	struct job *job = arg;
	struct arena arena;

	arena_init(&arena, 16384);
	service_busy(job->ctx);
	for (uint32_t i = 0; i < job->msg->targets.n; i++) {
		const struct item_target *t = &job->msg->targets.v[i];
		struct msg_stored stored = { { NULL, 0 } };
		struct err err = ERR_NONE;
		job->started = job->connected = time_wall();
		enum verdict v = job_store(job, t, &stored, &arena, &err);
		job_report(job, t, v, &err, stored.text, i + 1 == job->msg->targets.n);
		arena_reset(&arena);
	}
	arena_free(&arena);
	service_idle(job->ctx);
	ipc_done(job->req);
	mem_free(job);
}

void
router_deliver(struct ipc_request *req, const void *msg, void *arg)
{
	struct job *job = mem_alloc(sizeof(*job));

	job->ctx = arg;
	job->req = req;
	job->msg = msg;
	if (fiber_spawn("delivery", job_run, job))
		return;
	/* Without an answer qmgr counts the job as lost with its channel: it has to get one. */
	struct err err = ERR_NONE;
	err_mail(&err, 451, "4.3.2", "too many deliveries at one time");
	for (uint32_t i = 0; i < job->msg->targets.n; i++)
		job_report(job, &job->msg->targets.v[i], VERDICT_TEMP, &err, span_lit(""),
		    i + 1 == job->msg->targets.n);
	ipc_done(req);
	mem_free(job);
}
