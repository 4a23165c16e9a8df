/*
 * deliverer: born as one account, in that account's home, it writes messages into its Maildir. The
 * router decides what and where; it gives a message, a recipient and a folder, never a path or a
 * command. A deliverer that has had nothing to do for mailbox_linger_time leaves.
 */
#include "base/mem.h"
#include "local/deliverer/deliverer.h"

#define DELIVERER_THREADS 8 /* files written and synced at one time */

static const struct ipc_permit router_permits[] = {
	{ &ipc_store, deliverer_store },
};
static const struct ipc_service router_asks = {
	.name = "local",
	.permits = router_permits,
	.permits_n = ARRAY_LEN(router_permits),
};

static const struct service_role roles[] = {
	{ "local", &router_asks, NULL },
};

static void
deliverer_lingered(void *arg)
{
	struct deliverer *d = arg;

	if (d->busy == 0) {
		deliverer_close_shelves(d);
		service_leave(d->ctx);
	}
	/* Master may know of work that is on its way. */
	timer_set(&d->linger, time_mono() + service_conf(d->ctx)->mailbox_linger_time + NS_PER_S);
}

static enum verdict
deliverer_prepare(struct service_ctx *ctx, struct err *err)
{
	struct deliverer *d = mem_alloc(sizeof(*d));
	const struct conf *conf = service_conf(ctx);

	d->ctx = ctx;
	d->place = (struct maildir_place){
		.home = service_fd(ctx, BIRTH_FD_ROOT, 0),
		.proc_fd = service_proc_fd(ctx),
		.path = conf->home_mailbox,
		.host = conf->myhostname,
	};
	if (d->place.home < 0)
		return err_set(err, VERDICT_PERM, "no home was given");
	service_allow_dir(ctx, "home", d->place.home);
	map_init(&d->shelves);
	timer_init(&d->linger, deliverer_lingered, d);
	service_set_state(ctx, d);
	return VERDICT_OK;
}

/* Threads need the walls around them too. */
static void
deliverer_start(struct service_ctx *ctx)
{
	struct deliverer *d = service_state(ctx);

	d->pool = pool_new(DELIVERER_THREADS);
	timer_set(&d->linger, time_mono() + service_conf(ctx)->mailbox_linger_time + NS_PER_S);
}

static void
deliverer_stop(struct service_ctx *ctx)
{
	deliverer_close_shelves(service_state(ctx));
}

static const struct service deliverer_service = {
	.kind = "deliverer",
	.prepare = deliverer_prepare,
	.start = deliverer_start,
	.stop = deliverer_stop,
	.roles = roles,
	.roles_n = ARRAY_LEN(roles),
};

int
main(int argc, char **argv)
{
	return service_main(&deliverer_service, argc, argv);
}
