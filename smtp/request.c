/*
 * The client among the daemons: takes deliveries from qmgr, asks dns and rewrite, tells results.
 * Each delivery is a fiber that lives until qmgr has heard of every recipient. Should qmgr be gone
 * meanwhile, the log still has it all, and the next qmgr begins again (the window that DESIGN tells
 * of).
 */
#include "base/mem.h"
#include "service/dns.h"
#include "service/service.h"
#include "smtp/deliver.h"

struct job {
	struct delivery delivery; /* first: the report finds the job by it */
	struct service_ctx *ctx;
	struct ipc_request *req;
};

static void
job_report(struct delivery *d, const struct item_result *result, bool last)
{
	struct job *job = CONTAINER_OF(d, struct job, delivery);
	struct ipc_channel *qmgr = ipc_request_channel(job->req);
	struct item_result copy = *result;
	struct msg_deliver_results results = {
		.job = d->msg->job, .results = { &copy, 1 }, .last = last
	};

	if (qmgr)
		ipc_note(qmgr, d->trace, &ipc_deliver_results, &results);
}

SUSPENDS
static enum verdict
job_find_mx(struct client *c, uint64_t trace, const struct msg_dns_mx *ask,
    struct msg_dns_mx_answer *out, struct arena *arena, uint64_t deadline, struct err *err)
{
	uint64_t until = time_mono() + 2 * c->conf->dns_query_timeout + 5 * NS_PER_S;
	enum verdict v =
	    dns_mx(c->owner, trace, ask, out, arena, until < deadline ? until : deadline, err);

	if ((v != VERDICT_OK && err->reply == 0) || v == VERDICT_TIMEOUT)
		return err_mail(err, 451, "4.4.3",
		    "Host or domain name not found. Name service error for name=%.*s type=MX: %s",
		    SPAN_ARG(ask->domain), "the dns service does not answer");
	return v;
}

SUSPENDS
static enum verdict
job_find_login(struct client *c, uint64_t trace, const struct msg_smtp_auth *ask,
    struct msg_smtp_auth_found *out, struct arena *arena, uint64_t deadline, struct err *err)
{
	return service_call(c->owner, "rewrite", trace, &ipc_smtp_auth, ask, &ipc_smtp_auth_found,
	    out, arena, deadline, err);
}

void
deliver_connect(struct client *c)
{
	c->find_mx = job_find_mx;
	c->find_login = job_find_login;
	c->report = job_report;
}

static void
job_end(struct job *job)
{
	delivery_end(&job->delivery);
	ipc_done(job->req);
	mem_free(job);
}

FIBER_MAIN
static void
job_run(void *arg)
{
	struct job *job = arg;
	struct service_ctx *ctx = job->ctx;

	deliver_run(&job->delivery);
	job_end(job);
	service_idle(ctx);
}

void
deliver_on_note(struct ipc_request *req, const void *msg, void *arg)
{
	struct job *job = mem_alloc(sizeof(*job));
	struct delivery *d = &job->delivery;

	job->ctx = arg;
	job->req = req;
	d->client = service_state(arg);
	d->msg = msg;
	d->trace = ipc_request_trace(req);
	delivery_begin(d);
	if (fiber_spawn("delivery", job_run, job)) {
		service_busy(arg);
		return;
	}
	/* Without an answer qmgr counts the job as lost with its channel: it has to get one. */
	err_mail(&d->err, 451, "4.3.2", "too many deliveries at one time");
	delivery_give_up(d);
	job_end(job);
}
