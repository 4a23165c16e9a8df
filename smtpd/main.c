/*
 * smtpd: receives mail over SMTP. The skeleton is lib/service; a session is smtpd/session.c, its
 * commands the table in smtpd/commands.c.
 */
#include <unistd.h>

#include "base/mem.h"
#include "message/queue_id.h"
#include "smtpd/session.h"

static void
smtpd_accept(struct service_ctx *ctx, int fd, unsigned listener)
{
	struct session *s = mem_alloc(sizeof(*s));

	s->ctx = ctx;
	s->listener = listener;
	s->io = stream_new(fd);
	if (fiber_spawn("smtp session", session_run, s))
		return;
	stream_free(s->io);
	mem_free(s);
	service_session_over(ctx, listener);
}

static enum verdict
smtpd_prepare(struct service_ctx *ctx, struct err *err)
{
	struct queue_id_maker *ids = mem_alloc(sizeof(*ids));

	(void)err;
	queue_id_init(ids, (uint32_t)getpid());
	service_set_state(ctx, ids);
	return VERDICT_OK;
}

static const struct service smtpd_service = {
	.kind = "smtpd",
	.prepare = smtpd_prepare,
	.accept = smtpd_accept,
};

int
main(int argc, char **argv)
{
	return service_main(&smtpd_service, argc, argv);
}
