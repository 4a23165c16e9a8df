/*
 * The rig of the tests of pop3d's user half: brings sessions to lib/login's user side over a real
 * channel and a real pair of sockets, as login halves do. What the client says goes out at once;
 * what it gets is kept as one text. A rig belongs to one test.
 */
#include "config.h"

#include "tests/unit/pop3d/rig.h"

#include <sys/socket.h>
#include <unistd.h>

#include "event/loop.h"
#include "tests/unit/unit.h"

#define SOON (deadline_after_s(20)) /* what should come at once: a test that hangs ends by this */

struct client {
	struct rig *rig;
	const char *state;
	const char *sent;
	bool leaves;
	unsigned lines; /* it has said */
	struct stream *io;
	struct ipc_channel *channel;
};

static void
client_channel_gone(struct ipc_channel *ch, const char *why, void *arg)
{
	struct client *c = arg;

	(void)why;
	if (c->channel == ch)
		c->channel = NULL;
}

static const struct ipc_service asks_nothing = { .name = "pop3d", .gone = client_channel_gone };

void
rig_open(struct rig *rig, const struct place *place)
{
	struct conf *conf = &rig->ctx.conf;

	memset(rig, 0, sizeof(*rig));
	str_init(&rig->said, 16 << 20);
	str_init(&rig->refused, 4096);
	conf->pop3d_idle_timeout = 20 * NS_PER_S;
	conf->pop3d_hard_error_limit = 3;
	conf->pop3d_lock_mailbox = true;
	conf->mailbox_linger_time = 600 * NS_PER_S;
	conf->auth_mechanisms = span_lit("PLAIN LOGIN");
	list_init(&rig->ctx.peers);
	list_init(&rig->ctx.clients);
	list_init(&rig->ctx.requests);
	rig->user.ctx = &rig->ctx;
	rig->user.place =
	    (struct maildir_place){ place->home, place->proc_fd, SPAN("Maildir/"), SPAN("mx") };
	service_set_state(&rig->ctx, &rig->user);
	loop_init();
	rig->ipc = ipc_new(1);
	rig->user.pool = pool_new(1);
	rig->user.host = user_host_new(&rig->ctx, session_run, 4);
}

void
rig_close(struct rig *rig)
{
	user_host_free(rig->user.host);
	pool_free(rig->user.pool);
	loop_fini();
	ipc_free(rig->ipc);
	popuser_close(&rig->user);
	str_free(&rig->said);
	str_free(&rig->refused);
}

/* What the login half does: the session begins, or is refused. */
SUSPENDS
static bool
client_start(struct client *c)
{
	const struct msg_session_start start = { .service = SPAN("pop3"),
		.login = SPAN("anna"),
		.client = SPAN("192.0.2.1"),
		.state = span_str(c->state) };
	struct msg_session_started started;
	struct err err = ERR_NONE;
	struct arena arena;
	enum verdict v;

	arena_init(&arena, 1024);
	v = ipc_call(c->channel, 1, &ipc_session_start, &start, &ipc_session_started, &started,
	    &arena, SOON, &err);
	arena_free(&arena);
	if (v != VERDICT_OK)
		str_puts(&c->rig->refused, err.text);
	return v == VERDICT_OK;
}

SUSPENDS
static void
client_say(struct client *c)
{
	struct span rest = span_str(c->sent), line;

	while (rest.n > 0) {
		span_cut(rest, '\n', &line, &rest);
		stream_printf(c->io, "%.*s\r\n", SPAN_ARG(line));
		c->lines++;
	}
	assert_int_equal(stream_flush(c->io, SOON), VERDICT_OK);
}

/* To the end; or, for one that leaves, the greeting and a line for each that was said. */
SUSPENDS
static void
client_listen(struct client *c)
{
	struct span line;
	unsigned heard = 0;

	while (!c->leaves || heard <= c->lines) {
		if (stream_read_line(c->io, LINE_CRLF, 4096, SOON, &line) != VERDICT_OK)
			return;
		str_put(&c->rig->said, line);
		str_putc(&c->rig->said, '\n');
		heard++;
	}
}

FIBER_MAIN
static void
client_run(void *arg)
{
	struct client *c = arg;

	if (client_start(c)) {
		client_say(c);
		client_listen(c);
	}
	stream_free(c->io);
	if (c->channel)
		ipc_close(c->channel, false);
	while (c->channel || c->rig->ctx.busy > 0)
		if (fiber_sleep_until(time_mono() + NS_PER_MS) != VERDICT_OK)
			break;
	loop_stop();
}

static void
talk(struct rig *rig, struct client *c)
{
	int channel[2], bytes[2];

	str_reset(&rig->said);
	str_reset(&rig->refused);
	c->rig = rig;
	assert_int_equal(ipc_pair(channel), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, bytes), 0);
	user_arrived(rig->user.host, ipc_open(rig->ipc, channel[1], &user_asks, NULL), bytes[1]);
	c->channel = ipc_open(rig->ipc, channel[0], &asks_nothing, c);
	c->io = stream_new(bytes[0]);
	assert_non_null(fiber_spawn("client", client_run, c));
	loop_run();
	assert_int_equal(rig->ctx.busy, 0);
}

void
rig_talk(struct rig *rig, const char *state, const char *sent)
{
	struct client c = { .state = state, .sent = sent };

	talk(rig, &c);
}

void
rig_talk_and_leave(struct rig *rig, const char *state, const char *sent)
{
	struct client c = { .state = state, .sent = sent, .leaves = true };

	talk(rig, &c);
}
