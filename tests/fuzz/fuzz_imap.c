/*
 * Fuzz target for whole sessions of imapd's user half: the input is what a client sends after its
 * login, the session runs over a Maildir of its own. Whatever comes in, what goes out is lines and
 * literals as RFC 9051 9 has them, and the session ends when its client does. lib/login's part is
 * played here.
 */
#include "config.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "base/sys.h"
#include "event/loop.h"
#include "imapd/session.h"
#include "imapd/wire.h"
#include "service/service_impl.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/mailbox/tree.h"

#define OUTPUT_MAX (64u << 20)
#define SOON	   deadline_after_s(20)

struct talk {
	struct service_ctx ctx;
	struct user_session user;
	struct stream *client;
	struct span input;
	struct str output;
	unsigned running; /* fibers */
};

/* A fiber ends; with the last of them the loop does, which waits for signals, too. */
static void
talk_leave(struct talk *t)
{
	if (--t->running == 0)
		loop_stop();
}

static char home[] = "/dev/shm/fuzz-imap-XXXXXX";

void
user_session_accept(struct user_session *session UNUSED)
{
}

void
user_session_refuse(struct user_session *session UNUSED, const struct err *err UNUSED)
{
}

bool
user_session_ending(struct user_session *session UNUSED)
{
	return false;
}

SUSPENDS
enum verdict
user_session_wait(struct user_session *session, uint64_t deadline)
{
	return stream_wait_input(session->io, deadline);
}

SUSPENDS
enum verdict
user_session_park(struct user_session *session UNUSED, struct span record UNUSED)
{
	return VERDICT_TEMP;
}

/* The host is the talk itself. */
struct service_ctx *
user_host_service(const struct user_host *host)
{
	return &((struct talk *)(uintptr_t)host)->ctx;
}

FIBER_MAIN
static void
session_fiber(void *arg)
{
	struct talk *t = arg;

	session_run(&t->user);
	stream_free(t->user.io);
	talk_leave(t);
}

FIBER_MAIN
static void
writer_fiber(void *arg)
{
	struct talk *t = arg;

	if (stream_write(t->client, t->input) == VERDICT_OK)
		(void)stream_flush(t->client, SOON);
	shutdown(stream_fd(t->client), SHUT_WR);
	talk_leave(t);
}

FIBER_MAIN
static void
reader_fiber(void *arg)
{
	struct talk *t = arg;
	struct span piece;

	while (stream_read_some(t->client, 65536, SOON, &piece) == VERDICT_OK)
		str_put(&t->output, piece);
	talk_leave(t);
}

/* Lines that begin as a server's do; literals are as long as they say. */
static void
check_output(struct span out)
{
	struct literal lit;
	struct span line;
	bool begins = true;

	assert(memchr(out.p ? out.p : "", '\0', out.n) == NULL);
	while (span_find_span(out, span_lit("\r\n")) < out.n) {
		size_t end = span_find_span(out, span_lit("\r\n"));

		line = span_head(out, end);
		out = span_from(out, end + 2);
		assert(!begins || line.n > 1);
		assert(!begins || line.p[0] != ' ');
		begins = !literal_parse(line, &lit);
		if (!begins)
			assert(lit.waits && lit.size <= out.n);
		out = span_from(out, begins ? 0 : lit.size);
	}
	assert(out.n == 0);
}

static void
talk_settings(struct talk *t)
{
	t->ctx.conf.imapd_line_limit = 8192;
	t->ctx.conf.imapd_append_limit = 100000;
	t->ctx.conf.imapd_hard_error_limit = 1000;
	t->ctx.conf.imapd_idle_timeout = 20 * NS_PER_S;
	t->ctx.conf.imapd_park_time = 10 * NS_PER_S;
	t->ctx.conf.imapd_keepalive_time = 10 * NS_PER_S;
	t->user.host = (struct user_host *)t;
	t->user.login = span_lit("fuzz");
	t->user.client = span_lit("192.0.2.1");
	t->user.state = span_lit("login");
}

static void
talk_run(struct talk *t, int dir)
{
	const struct maildir_place place = {
		.home = dir, .proc_fd = -1, .path = span_lit("Maildir/"), .host = span_lit("h")
	};
	struct account *account;

	loop_init();
	talk_settings(t);
	account = account_new(&t->ctx, &place);
	account_start(account);
	t->ctx.state = account;
	stream_pair(&t->client, &t->user.io);
	t->running = 3;
	fiber_spawn("session", session_fiber, t);
	fiber_spawn("writer", writer_fiber, t);
	fiber_spawn("reader", reader_fiber, t);
	loop_run();
	stream_free(t->client);
	account_free(account);
	loop_fini();
}

FUZZ(data)
{
	struct talk t = { .input = data, .output = STR_INIT(OUTPUT_MAX) };
	int dir;

	log_set_level(LOG_LEVEL_FATAL);
	memcpy(home + strlen(home) - 6, "XXXXXX", 6);
	assert(mkdtemp(home));
	dir = sys_openat(AT_FDCWD, home, O_RDONLY | O_DIRECTORY, 0);
	talk_run(&t, dir);
	sys_close(dir);
	tree_remove(home);
	check_output(str_span(&t.output));
	str_free(&t.output);
}
