/*
 * The user half: sessions of one account, from the channel that brings one to its end. Called by
 * imapuser and pop3user. Each session is held by its fiber and by its channel; who lets go last
 * frees it. Its fiber is cancelled in user_session_wait alone, so that a command which has begun is
 * finished. When there has been nothing to do for mailbox_linger_time the process asks to leave.
 */
#include "config.h"

#include <unistd.h>

#include "base/mem.h"
#include "event/loop.h"
#include "login/user.h"

#define SESSION_ARENA 8192 /* names, an address, the state */
#define PARK_S	      10   /* for the login half's answer */

struct user_host {
	struct service_ctx *ctx;
	user_run_fn *run;
	unsigned sessions_max;
	unsigned sessions_n;
	unsigned busy; /* sessions and other work */
	struct list sessions;
	struct timer linger;
};

/* A session, or the channel of one that has not begun. */
struct sitting {
	struct user_session session; /* what the daemon sees */
	struct list node;
	struct ipc_channel *channel; /* NULL once it is gone */
	struct ipc_request *start;   /* not yet answered */
	struct fiber *fiber;
	struct arena arena;
	unsigned holders;
	int fd; /* of the stream, until the session begins */
	bool waiting;
	bool ending;
};

static struct sitting *
sitting_of(struct user_session *s)
{
	return CONTAINER_OF(s, struct sitting, session);
}

static void
host_lingered(void *arg)
{
	struct user_host *host = arg;
	uint64_t linger = service_conf(host->ctx)->mailbox_linger_time;

	if (host->busy > 0)
		return;
	service_leave(host->ctx);
	/* Master may know of a session that is on its way: then this is asked again. */
	timer_set(&host->linger, time_mono() + linger + NS_PER_S);
}

static void
host_linger(struct user_host *host)
{
	timer_set(
	    &host->linger, time_mono() + service_conf(host->ctx)->mailbox_linger_time + NS_PER_MS);
}

struct user_host *
user_host_new(struct service_ctx *ctx, user_run_fn *run, unsigned sessions_max)
{
	struct user_host *host = mem_alloc(sizeof(*host));

	host->ctx = ctx;
	host->run = run;
	host->sessions_max = sessions_max;
	list_init(&host->sessions);
	timer_init(&host->linger, host_lingered, host);
	host_linger(host);
	return host;
}

void
user_host_free(struct user_host *host)
{
	assert(list_empty(&host->sessions));
	timer_stop(&host->linger);
	mem_free(host);
}

struct service_ctx *
user_host_service(const struct user_host *host)
{
	return host->ctx;
}

void
user_host_busy(struct user_host *host)
{
	host->busy++;
	service_busy(host->ctx);
}

void
user_host_idle(struct user_host *host)
{
	if (--host->busy == 0)
		host_linger(host);
	service_idle(host->ctx);
}

static void
sitting_release(struct sitting *s)
{
	if (--s->holders > 0)
		return;
	assert(!s->start && !s->session.io);
	if (s->fd >= 0)
		close(s->fd);
	arena_free(&s->arena);
	mem_free(s);
}

/* Its next wait, or the one it is in, is its last. */
static void
sitting_end(struct sitting *s)
{
	s->ending = true;
	if (s->waiting)
		fiber_cancel(s->fiber);
}

void
user_host_stop(struct user_host *host)
{
	if (!service_shutdown(host->ctx))
		return;
	list_foreach (node, after, &host->sessions)
		sitting_end(LIST_ITEM(node, struct sitting, node));
}

void
user_session_accept(struct user_session *session)
{
	const struct msg_session_started started = { 0 };
	struct sitting *s = sitting_of(session);

	assert(s->start);
	ipc_reply(s->start, &ipc_session_started, &started);
	s->start = NULL;
}

void
user_session_refuse(struct user_session *session, const struct err *err)
{
	struct sitting *s = sitting_of(session);

	assert(s->start);
	ipc_fail(s->start, err);
	s->start = NULL;
}

bool
user_session_ending(struct user_session *session)
{
	struct sitting *s = sitting_of(session);

	return s->ending || !s->channel;
}

SUSPENDS
enum verdict
user_session_wait(struct user_session *session, uint64_t deadline)
{
	struct sitting *s = sitting_of(session);
	enum verdict v = VERDICT_CANCELLED;

	if (!user_session_ending(session)) {
		s->waiting = true;
		v = stream_wait_input(session->io, deadline);
		s->waiting = false;
	}
	if (!s->channel)
		return VERDICT_EOF;
	return s->ending ? VERDICT_CANCELLED : v;
}

SUSPENDS
enum verdict
user_session_park(struct user_session *session, struct span record)
{
	struct sitting *s = sitting_of(session);
	const struct msg_session_park park = { .seen = stream_received(session->io),
		.record = record };
	struct msg_session_parked parked;
	struct arena arena;
	enum verdict v;

	assert(record.n <= LIMIT_LOGIN_STATE);
	if (user_session_ending(session) || stream_buffered(session->io).n > 0)
		return VERDICT_TEMP;
	v = stream_flush(session->io, deadline_after_s(PARK_S));
	if (v != VERDICT_OK || !s->channel)
		return VERDICT_TEMP;
	arena_init(&arena, 1024);
	v = ipc_call(s->channel, session->id, &ipc_session_park, &park, &ipc_session_parked,
	    &parked, &arena, deadline_after_s(PARK_S), NULL);
	arena_free(&arena);
	return v;
}

/* The channel goes with the session: its end tells the login half. */
static void
sitting_close(struct sitting *s)
{
	struct ipc_channel *ch = s->channel;
	struct err err = ERR_NONE;

	if (s->start) {
		err_mail(&err, 451, "4.3.0", "the mailbox is not available");
		user_session_refuse(&s->session, &err);
	}
	if (s->session.io)
		stream_free(s->session.io);
	s->session.io = NULL;
	s->channel = NULL;
	if (ch)
		ipc_close(ch, true);
}

FIBER_MAIN
static void
sitting_run(void *arg)
{
	struct sitting *s = arg;
	struct user_host *host = s->session.host;

	host->run(&s->session);
	sitting_close(s);
	list_remove(&s->node);
	host->sessions_n--;
	sitting_release(s);
	user_host_idle(host);
}

/* The message goes with its answer: what the session is to know is copied. */
static void
sitting_learn(struct sitting *s, const struct msg_session_start *msg, uint64_t trace)
{
	struct user_session *session = &s->session;

	session->service = arena_dup(&s->arena, msg->service);
	session->login = arena_dup(&s->arena, msg->login);
	session->client = arena_dup(&s->arena, msg->client);
	session->state = arena_dup(&s->arena, msg->state);
	session->tls = msg->tls;
	session->revived = msg->revived;
	session->id = trace;
}

/* Handler of ipc_session_start. */
static void
user_start(struct ipc_request *req, const void *msg, void *arg)
{
	struct sitting *s = arg;
	struct user_host *host = s->session.host;
	struct err err = ERR_NONE;

	if (s->fd < 0 || host->sessions_n >= host->sessions_max) {
		err_mail(&err, 451, "4.3.2", "too many sessions of this account");
		ipc_fail(req, &err);
		return;
	}
	s->fiber = fiber_spawn("session", sitting_run, s);
	if (!s->fiber) {
		err_mail(&err, 451, "4.3.2", "too many sessions");
		ipc_fail(req, &err);
		return;
	}
	s->start = req;
	s->session.io = stream_new(s->fd);
	s->fd = -1;
	sitting_learn(s, msg, ipc_request_trace(req));
	s->holders++;
	host->sessions_n++;
	list_push(&host->sessions, &s->node);
	user_host_busy(host);
}

/* Handler of ipc_session_end. */
static void
user_end(struct ipc_request *req, const void *msg, void *arg)
{
	struct sitting *s = arg;

	(void)msg;
	ipc_done(req);
	if (s->fiber)
		sitting_end(s);
}

static void
user_gone(struct ipc_channel *ch, const char *why, void *arg)
{
	struct sitting *s = arg;

	(void)why;
	if (s->channel == ch) {
		s->channel = NULL;
		if (s->waiting)
			fiber_cancel(s->fiber);
	}
	sitting_release(s);
}

static const struct ipc_permit user_permits[] = {
	{ &ipc_session_start, user_start },
	{ &ipc_session_end, user_end },
};
const struct ipc_service user_asks = {
	.name = "login",
	.permits = user_permits,
	.permits_n = ARRAY_LEN(user_permits),
	.gone = user_gone,
};

void
user_arrived(struct user_host *host, struct ipc_channel *ch, int fd)
{
	struct sitting *s = mem_alloc(sizeof(*s));

	s->session.host = host;
	s->channel = ch;
	s->fd = fd;
	s->holders = 1;
	arena_init(&s->arena, SESSION_ARENA);
	ipc_set_arg(ch, s);
}
