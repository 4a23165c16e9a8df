/*
 * anvil's messages: counts with an answer, notes without one. A channel is one front-door process;
 * its open connections end with it, however it ends. Nothing here suspends: an answer leaves in the
 * turn its question came in.
 */
#include "anvil/anvil.h"

#include <unistd.h>

#include "base/mem.h"

static void
report(void *arg)
{
	struct anvil *a = arg;

	peaks_log(&a->peaks, a->unit);
	timer_set(&a->report, time_mono() + a->report_every);
}

enum verdict
anvil_prepare(struct service_ctx *ctx, struct err *err)
{
	const struct conf *conf = service_conf(ctx);
	struct anvil *a = mem_alloc(sizeof(*a));

	(void)err;
	anvil_init(a, conf->anvil_rate_time_unit, LIMIT_ANVIL_CLIENTS);
	a->ctx = ctx;
	a->report_every = conf->anvil_status_update_time;
	service_set_state(ctx, a);
	return VERDICT_OK;
}

void
anvil_start(struct service_ctx *ctx)
{
	struct anvil *a = service_state(ctx);

	timer_init(&a->report, report, a);
	timer_set(&a->report, time_mono() + a->report_every);
}

void
anvil_stop(struct service_ctx *ctx)
{
	struct anvil *a = service_state(ctx);

	timer_stop(&a->report);
	peaks_log(&a->peaks, a->unit);
}

void
anvil_arrived(struct service_ctx *ctx, struct ipc_channel *ch, int fd)
{
	if (fd >= 0)
		close(fd);
	ipc_set_arg(ch, reporter_new(service_state(ctx)));
}

void
anvil_gone(struct ipc_channel *ch, const char *why, void *arg)
{
	(void)ch;
	(void)why;
	reporter_free(arg);
}

void
anvil_take_count(struct ipc_request *req, const void *msg, void *arg)
{
	const struct msg_anvil_count *ask = msg;
	struct msg_anvil_counted counted;
	struct err err = ERR_NONE;

	if (anvil_count(arg, ask->service, ask->key, ask->kind, ask->n, time_mono(), &counted)) {
		ipc_reply(req, &ipc_anvil_counted, &counted);
		return;
	}
	err_set(&err, VERDICT_LIMIT, "it cannot be counted");
	ipc_fail(req, &err);
}

void
anvil_take_note(struct ipc_request *req, const void *msg, void *arg)
{
	const struct msg_anvil_note *note = msg;
	struct msg_anvil_counted counted;

	anvil_count(arg, note->service, note->key, note->kind, note->n, time_mono(), &counted);
	ipc_done(req);
}
