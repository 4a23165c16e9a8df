/*
 * Accepting connections. Called by the main functions of servers. One fiber accepts until the queue
 * is empty or the bound is reached; the descriptor it listens on is its caller's and is shared with
 * other processes, so what this one does not take, another does. It holds one spare descriptor:
 * when descriptors run out the spare goes to the sessions, which may need one to get done, and
 * nothing is accepted until it is back.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>

#include "base/mem.h"
#include "base/sys.h"
#include "event/listen.h"
#include "event/loop.h"

#define ACCEPT_PAUSE NS_PER_S /* when descriptors have run out and no session ends */
#define ACCEPT_BURST 16 /* connections taken before others run: other processes get their share */

struct listener {
	struct fdwatch watch;
	struct waitq ended; /* wakes the fiber when a connection has */
	struct fiber *fiber;
	accept_fn *fn;
	void *arg;
	unsigned max;
	unsigned open;
	int spare; /* -1: given up */
	bool freed;
};

static void
spare_close(struct listener *l)
{
	if (l->spare >= 0)
		sys_close(l->spare);
	l->spare = -1;
}

/* A duplicate of the socket will do: nothing has to be opened, which a caged process could not. */
static bool
spare_hold(struct listener *l)
{
	if (l->spare < 0)
		l->spare = fcntl(l->watch.fd, F_DUPFD_CLOEXEC, 3);
	return l->spare >= 0;
}

/* Errors of the connection and not of ours: the next one may be good (accept(2)). */
static bool
is_of_peer(int sys)
{
	static const int errors[] = { EINTR, ECONNABORTED, EPROTO, ENETDOWN, EHOSTDOWN, ENONET,
		ENOPROTOOPT, EHOSTUNREACH, ENETUNREACH, EOPNOTSUPP, ETIMEDOUT };

	for (size_t i = 0; i < ARRAY_LEN(errors); i++) {
		if (sys == errors[i])
			return true;
	}
	return false;
}

SUSPENDS
static enum verdict
accept_one(struct listener *l)
{
	int fd = accept4(l->watch.fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd >= 0) {
		l->open++;
		l->fn(fd, l->arg);
		return VERDICT_OK;
	}
	if (errno == EAGAIN) {
		l->watch.readable = false;
		return fdwatch_wait_readable(&l->watch, DEADLINE_NEVER);
	}
	if (!is_of_peer(errno))
		spare_close(l);
	return VERDICT_OK;
}

/* One step: VERDICT_CANCELLED ends the fiber, nothing else does. */
SUSPENDS
static enum verdict
accept_step(struct listener *l)
{
	enum verdict v = VERDICT_OK;

	if (l->open == l->max)
		return waitq_wait(&l->ended, DEADLINE_NEVER);
	if (l->spare < 0) {
		v = waitq_wait(&l->ended, loop_now() + ACCEPT_PAUSE);
		if (!spare_hold(l) || v == VERDICT_CANCELLED)
			return v;
	}
	for (int left = ACCEPT_BURST; left && l->spare >= 0; left--) {
		if (l->open == l->max)
			return VERDICT_OK;
		v = accept_one(l);
		if (v == VERDICT_CANCELLED)
			return v;
	}
	return l->spare >= 0 ? fiber_yield() : VERDICT_OK;
}

FIBER_MAIN
static void
accept_all(void *arg)
{
	struct listener *l = arg;

	while (accept_step(l) != VERDICT_CANCELLED)
		continue;
	fdwatch_fini(&l->watch);
	spare_close(l);
	l->fiber = NULL;
	if (l->freed)
		mem_free(l);
}

struct listener *
listener_start(int fd, unsigned max, accept_fn *fn, void *arg)
{
	struct listener *l = mem_alloc(sizeof(*l));
	int flags = fcntl(fd, F_GETFL);

	assert(flags >= 0 && max > 0);
	if (!(flags & O_NONBLOCK))
		(void)fcntl(fd, F_SETFL, flags | O_NONBLOCK);
	l->fn = fn;
	l->arg = arg;
	l->max = max;
	l->spare = -1;
	waitq_init(&l->ended);
	fdwatch_init(&l->watch, fd);
	spare_hold(l);
	l->fiber = fiber_spawn("accept", accept_all, l);
	assert(l->fiber && "a process starts listening before it is full");
	return l;
}

void
listener_done(struct listener *l)
{
	assert(l->open > 0);
	l->open--;
	waitq_wake(&l->ended);
}

unsigned
listener_open(const struct listener *l)
{
	return l->open;
}

void
listener_stop(struct listener *l)
{
	if (l->fiber)
		fiber_cancel(l->fiber);
}

void
listener_free(struct listener *l)
{
	assert(l->open == 0);
	listener_stop(l);
	/* The fiber sees its cancellation in the next turn and still needs the struct for that. */
	if (l->fiber)
		l->freed = true;
	else
		mem_free(l);
}
