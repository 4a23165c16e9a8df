/*
 * qmgr: the only owner of the queue. Takes messages from those who bring mail, keeps them, has them
 * delivered. One process, live through a reload; it waits at start until an older one, of a master
 * that died, has let go of the queue.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>

#include "base/log.h"
#include "base/sys.h"
#include "qmgr/admin.h"
#include "qmgr/door.h"
#include "qmgr/qmgr.h"
#include "qmgr/space.h"

static enum verdict
queue_lock(int dir, struct err *err)
{
	if (flock(dir, LOCK_EX | LOCK_NB) == 0)
		return VERDICT_OK;
	log_event(
	    LOG_LEVEL_WARNING, "another qmgr still has the queue: waiting until it has finished");
	log_flush();
	while (flock(dir, LOCK_EX) < 0)
		if (errno != EINTR)
			return err_sys(err, errno, "locking the queue");
	return VERDICT_OK;
}

/* The directory is master's gift: its path may lead through one that is closed to all but root. */
static enum verdict
main_prepare(struct service_ctx *ctx, struct err *err)
{
	enum verdict v;
	int root = service_fd(ctx, BIRTH_FD_ROOT, 0);
	int dir = root < 0 ? -1 : sys_openat(root, ".", O_RDONLY | O_DIRECTORY, 0);

	if (root < 0)
		return err_set(err, VERDICT_PERM, "no queue was given");
	v = dir < 0 ? err_sys(err, errno, "open the queue") : queue_lock(dir, err);
	if (v != VERDICT_OK)
		return v;
	service_allow_dir(ctx, "queue", dir);
	service_set_state(ctx, qmgr_new(ctx, dir, service_proc_fd(ctx), false, COMMIT_AUTO));
	return VERDICT_OK;
}

static void
main_start(struct service_ctx *ctx)
{
	qmgr_start(service_state(ctx));
}

static void
main_stop(struct service_ctx *ctx)
{
	qmgr_stop(service_state(ctx));
}

static void
main_reload(struct service_ctx *ctx)
{
	struct qmgr *q = service_state(ctx);

	space_set(q->space, service_conf(ctx));
	transports_reload(q);
}

static const struct service_role roles[] = {
	{ "smtpd", &door_asks, door_arrived },
	{ "pickup", &door_asks, door_arrived },
	{ "bounce", &door_asks, door_arrived },
};

static const struct service qmgr_service = {
	.kind = "qmgr",
	.prepare = main_prepare,
	.start = main_start,
	.stop = main_stop,
	.reload = main_reload,
	.public_asks = &admin_asks,
	.roles = roles,
	.roles_n = ARRAY_LEN(roles),
};

int
main(int argc, char **argv)
{
	return service_main(&qmgr_service, argc, argv);
}
