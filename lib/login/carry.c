/*
 * After the login: the session passes to its user's process, and stays with this half until it
 * ends. Called by login_hand_over on the session's fiber. Master makes the channel, and where bytes
 * have to be pumped the sockets for them; the channel's end is the session's end. A session that
 * the user half parks is kept here as a record, and started again at the client's next byte.
 */
#include "config.h"

#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "login/login_impl.h"

#define CARRY_ARENA 1024

/* handler of ipc_session_park */
static void
carry_park(struct ipc_request *req, const void *msg, void *arg)
{
	const struct msg_session_park *ask = msg;
	const struct msg_session_parked done = { 0 };
	struct login *l = arg;
	struct err err = ERR_NONE;

	if (l->parked || service_shutdown(l->front->ctx) ||
	    (l->io && (ask->seen != l->pumped || stream_buffered(l->io).n > 0))) {
		err_set(&err, VERDICT_TEMP, "not now");
		ipc_fail(req, &err);
		return;
	}
	l->parked = true;
	str_reset(&l->record);
	str_put(&l->record, ask->record);
	ipc_reply(req, &ipc_session_parked, &done);
}

static void
carry_gone(struct ipc_channel *ch, const char *why, void *arg)
{
	struct login *l = arg;

	(void)why;
	if (l->channel == ch)
		l->channel = NULL;
	waitq_wake_all(&l->changed);
	login_release(l);
}

static const struct ipc_permit carry_permits[] = {
	{ &ipc_session_park, carry_park },
};
static const struct ipc_service carry_asks = {
	.name = "user",
	.permits = carry_permits,
	.permits_n = ARRAY_LEN(carry_permits),
	.gone = carry_gone,
};

void
carry_end(struct login *l)
{
	const struct msg_session_end end = { 0 };

	if (l->channel)
		ipc_note(l->channel, l->trace, &ipc_session_end, &end);
}

static void
carry_drop_channel(struct login *l)
{
	struct ipc_channel *ch = l->channel;

	l->channel = NULL;
	if (ch)
		ipc_close(ch, false);
}

/* A stream that another fiber may still wait in is not freed: that fiber's end comes first. */
static void
carry_drop_inner(struct login *l)
{
	if (l->inner && !l->inbound) {
		stream_free(l->inner);
		l->inner = NULL;
	}
}

/* Can the client's own descriptor go? Then there is nothing in our hands that it sent. */
static int
carry_own_fd(const struct login *l)
{
	if (!l->io)
		return l->fd;
	return l->tls || stream_buffered(l->io).n > 0 ? -1 : stream_fd(l->io);
}

/* Channel and bytes to the user's process, born if need be. */
SUSPENDS
static enum verdict
carry_connect(struct login *l, struct err *err)
{
	int channel = -1, bytes = -1;
	uint64_t grant = l->grant;
	enum verdict v;

	l->grant = 0; /* it can be redeemed once */
	v = service_redeem_session(l->front->ctx, grant, carry_own_fd(l),
	    deadline_after_s(LIMIT_LOGIN_WAIT), &channel, &bytes, err);
	if (v != VERDICT_OK)
		return v;
	login_hold(l);
	l->channel = service_adopt(l->front->ctx, channel, &carry_asks, l);
	if (!l->channel) {
		login_release(l);
		if (bytes >= 0)
			close(bytes);
		return err_set(err, VERDICT_TEMP, "too many sessions");
	}
	if (bytes >= 0)
		l->inner = stream_new(bytes);
	return VERDICT_OK;
}

SUSPENDS
static enum verdict
carry_start(struct login *l, struct span state, struct err *err)
{
	const struct msg_session_start start = {
		.service = span_str(service_name(l->front->ctx)),
		.login = str_span(&l->name),
		.client = span_str(l->client),
		.tls = l->tls,
		.revived = l->parked,
		.state = state,
	};
	struct msg_session_started started;
	struct arena arena;
	enum verdict v = carry_connect(l, err);

	if (v != VERDICT_OK)
		return v;
	/* From here on the user half may park it, before we have seen its answer. */
	l->parked = false;
	l->pumped = 0;
	arena_init(&arena, CARRY_ARENA);
	v = ipc_call(l->channel, l->trace, &ipc_session_start, &start, &ipc_session_started,
	    &started, &arena, deadline_after_s(LIMIT_LOGIN_WAIT), err);
	arena_free(&arena);
	/* It has begun, and may be over already: a client that said all it wanted along with its
	 * login has had all its answers. */
	if (v == VERDICT_OK)
		return v;
	carry_drop_channel(l);
	carry_drop_inner(l);
	return v;
}

/* Until it is parked or over. */
SUSPENDS
static void
carry_on(struct login *l)
{
	enum verdict v = VERDICT_OK;

	if (l->inner) {
		pump_run(l);
	} else {
		/* The client's descriptor alone is kept: the stream would hold more. */
		if (l->io)
			l->fd = stream_release(l->io);
		l->io = NULL;
		while (l->channel && v == VERDICT_OK)
			v = waitq_wait(&l->changed, DEADLINE_NEVER);
	}
	carry_drop_channel(l);
	carry_drop_inner(l);
}

/* Of a parked session: until the client says something. */
SUSPENDS
static enum verdict
carry_sleep(struct login *l)
{
	uint64_t max = l->front->settings.parked_max;
	uint64_t until = max > 0 ? time_mono() + max : DEADLINE_NEVER;
	struct fdwatch watch;
	enum verdict v;
	char byte;

	if (l->io)
		return stream_wait_input(l->io, until);
	fdwatch_init(&watch, l->fd);
	watch.readable = false;
	v = fdwatch_wait_readable(&watch, until);
	fdwatch_fini(&watch);
	/* Its end is no reason to start a process. */
	if (v == VERDICT_OK && recv(l->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) <= 0)
		v = VERDICT_EOF;
	return v;
}

/* A parked session that ends here: nobody else can say good-bye to its client. */
SUSPENDS
static void
carry_farewell(struct login *l, enum verdict v)
{
	if (v != VERDICT_TIMEOUT && v != VERDICT_CANCELLED)
		return;
	if (!l->io)
		l->io = stream_new(l->fd);
	l->fd = -1;
	l->front->settings.refuse(l, v == VERDICT_TIMEOUT
					 ? span_lit("nothing was said for too long")
					 : span_lit("the server is shutting down"));
}

SUSPENDS
static enum verdict
carry_grant_again(struct login *l, struct err *err)
{
	const struct msg_auth_again ask = { .ticket = l->ticket };
	struct msg_granted granted;
	struct arena arena;
	enum verdict v;

	arena_init(&arena, 4 * CARRY_ARENA);
	v = service_call(l->front->ctx, "authd", l->trace, &ipc_auth_again, &ask, &ipc_granted,
	    &granted, &arena, deadline_after_s(LIMIT_LOGIN_WAIT), err);
	if (v == VERDICT_OK)
		l->grant = granted.grant;
	arena_free(&arena);
	return v;
}

SUSPENDS
static enum verdict
carry_revive(struct login *l, struct err *err)
{
	struct str record = STR_INIT(LIMIT_LOGIN_STATE);
	enum verdict v = carry_grant_again(l, err);

	str_put(&record, str_span(&l->record));
	str_free(&l->record);
	if (v == VERDICT_OK)
		v = carry_start(l, str_span(&record), err);
	str_free(&record);
	return v;
}

SUSPENDS
enum verdict
login_hand_over(struct login *l, struct span state, struct err *err)
{
	struct err why = ERR_NONE;
	enum verdict v;

	assert(state.n <= LIMIT_LOGIN_STATE);
	if (l->grant == 0)
		return err_set(err, VERDICT_TEMP, "nobody has logged in");
	/* What the dialogue has written precedes what the user half will write. */
	v = stream_flush(l->io, deadline_after_s(LIMIT_LOGIN_WAIT));
	if (v == VERDICT_OK)
		v = carry_start(l, state, err);
	else
		err_set(err, v, "the client does not listen");
	if (v != VERDICT_OK) {
		log_event(LOG_LEVEL_WARNING, "%s: no session for %s: %s", login_peer(l),
		    log_escape(str_span(&l->name)), err->text);
		login_forget(l);
		return v;
	}
	carry_on(l);
	while (l->parked) {
		v = carry_sleep(l);
		if (v != VERDICT_OK) {
			carry_farewell(l, v);
			break;
		}
		if (carry_revive(l, &why) != VERDICT_OK) {
			log_event(LOG_LEVEL_WARNING, "%s: the session of %s cannot go on: %s",
			    login_peer(l), log_escape(str_span(&l->name)), why.text);
			break;
		}
		carry_on(l);
	}
	return VERDICT_OK;
}
