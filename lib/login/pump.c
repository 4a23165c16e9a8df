/*
 * The pump of a session whose bytes pass through its login half: from the client to the user half
 * on a fiber of its own, the other way on the session's. Called by carry.c. LIMIT_LOGIN_CHUNK at a
 * time, and the next is read when the last is gone, so that neither side can fill us; memory is
 * held only while bytes are here. The user half ends the session by closing its end.
 */
#include "config.h"

#include <sys/socket.h>

#include "login/login_impl.h"

/*
 * Waiting leaves the bytes where they are: who stops this fiber while it waits loses none. A parked
 * session's bytes wait for its revival.
 */
SUSPENDS
static enum verdict
inbound_step(struct login *l)
{
	struct span chunk;
	enum verdict v = stream_wait_input(l->io, DEADLINE_NEVER);

	if (v == VERDICT_OK && l->parked)
		return VERDICT_ABSENT;
	if (v == VERDICT_OK)
		v = stream_read_some(l->io, LIMIT_LOGIN_CHUNK, DEADLINE_NEVER, &chunk);
	if (v != VERDICT_OK)
		return v;
	l->pumped += chunk.n;
	v = stream_write(l->inner, chunk);
	return v == VERDICT_OK ? stream_flush(l->inner, deadline_after_s(LIMIT_LOGIN_STALL)) : v;
}

FIBER_MAIN
static void
inbound_run(void *arg)
{
	struct login *l = arg;
	enum verdict v = VERDICT_OK;

	while (v == VERDICT_OK)
		v = inbound_step(l);
	/* The user half reads what is left, sees the end, and closes. */
	if (v != VERDICT_ABSENT && v != VERDICT_CANCELLED)
		shutdown(stream_fd(l->inner), SHUT_WR);
	l->inbound = NULL;
	waitq_wake_all(&l->changed);
	login_release(l);
}

SUSPENDS
static enum verdict
outbound_step(struct login *l)
{
	struct span chunk;
	enum verdict v = stream_read_some(l->inner, LIMIT_LOGIN_CHUNK, DEADLINE_NEVER, &chunk);

	if (v == VERDICT_OK)
		v = stream_write(l->io, chunk);
	return v == VERDICT_OK ? stream_flush(l->io, deadline_after_s(LIMIT_LOGIN_STALL)) : v;
}

/* A wait that was cancelled may be cut short: the fiber itself ends only later. */
SUSPENDS
static void
inbound_stop(struct login *l)
{
	if (l->inbound)
		fiber_cancel(l->inbound);
	while (l->inbound && waitq_wait(&l->changed, DEADLINE_NEVER) == VERDICT_OK)
		;
}

SUSPENDS
void
pump_run(struct login *l)
{
	login_hold(l);
	l->inbound = fiber_spawn("login pump", inbound_run, l);
	if (!l->inbound) {
		login_release(l);
		return;
	}
	while (outbound_step(l) == VERDICT_OK)
		;
	/* Its end or the client's: either way the user half need not go on. */
	shutdown(stream_fd(l->inner), SHUT_RDWR);
	inbound_stop(l);
}
