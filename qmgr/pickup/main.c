/*
 * pickup: brings mail that sendmail left in the maildrop into the queue, through the same door as
 * smtpd. Owns the maildrop, reads and removes its files, and believes nothing that stands in them.
 */
#include "config.h"

#include <sys/inotify.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/sys.h"
#include "qmgr/pickup/pickup.h"

/* So that a file is seen as soon as it is closed; without it a minute later. */
static int
changes_watch(int dir)
{
	struct str path = STR_INIT(64);
	int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);

	str_printf(&path, "/proc/self/fd/%d", dir);
	if (fd >= 0 && inotify_add_watch(fd, str_cstr(&path), IN_CLOSE_WRITE | IN_MOVED_TO) < 0) {
		sys_close(fd);
		fd = -1;
	}
	str_free(&path);
	return fd;
}

static enum verdict
pickup_prepare(struct service_ctx *ctx, struct err *err)
{
	struct pickup *p = mem_alloc(sizeof(*p));

	p->ctx = ctx;
	p->dir = service_fd(ctx, BIRTH_FD_ROOT, 0);
	if (p->dir < 0)
		return err_set(err, VERDICT_PERM, "no maildrop was given");
	service_allow_dir(ctx, "maildrop", p->dir);
	queue_id_init(&p->ids, (uint32_t)getpid());
	p->changes.fd = changes_watch(p->dir);
	map_init(&p->taken);
	map_init(&p->known);
	waitq_init(&p->wake);
	semaphore_init(&p->jobs, LIMIT_PICKUP_JOBS);
	service_set_state(ctx, p);
	return VERDICT_OK;
}

static void
pickup_start(struct service_ctx *ctx)
{
	fiber_spawn("maildrop", pickup_run, service_state(ctx));
}

static void
stop(struct service_ctx *ctx)
{
	pickup_stop(service_state(ctx));
}

static const struct service pickup_service = {
	.kind = "pickup",
	.prepare = pickup_prepare,
	.start = pickup_start,
	.stop = stop,
};

int
main(int argc, char **argv)
{
	return service_main(&pickup_service, argc, argv);
}
