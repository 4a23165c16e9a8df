/*
 * A public socket: each connection that the listener accepts becomes a channel of one service. Used
 * by daemons that tools and peers without a channel of their own talk to. Owns the listener; the
 * listening descriptor is the caller's. Accepting stops at the bound of open channels and goes on
 * when one is gone. Who connects is known by ipc_peer_uid alone.
 */
#include "config.h"

#include "base/mem.h"
#include "event/listen.h"
#include "ipc/channel.h"

struct ipc_acceptor {
	struct ipc *ipc;
	struct listener *listener;
	const struct ipc_service *service;
	void *arg;
};

static void
acceptor_accept(int fd, void *arg)
{
	struct ipc_acceptor *a = arg;

	if (!channel_open(a->ipc, fd, a->service, a, a->arg))
		listener_done(a->listener);
}

void
acceptor_gone(struct ipc_acceptor *a)
{
	listener_done(a->listener);
}

struct ipc_acceptor *
ipc_acceptor_start(
    struct ipc *ipc, int fd, unsigned max, const struct ipc_service *service, void *arg)
{
	struct ipc_acceptor *a = mem_alloc(sizeof(*a));

	*a = (struct ipc_acceptor){ .ipc = ipc, .service = service, .arg = arg };
	a->listener = listener_start(fd, max, acceptor_accept, a);
	return a;
}

unsigned
ipc_acceptor_open(const struct ipc_acceptor *a)
{
	return listener_open(a->listener);
}

void
ipc_acceptor_stop(struct ipc_acceptor *a)
{
	listener_stop(a->listener);
}

void
ipc_acceptor_free(struct ipc_acceptor *a)
{
	listener_free(a->listener);
	mem_free(a);
}
