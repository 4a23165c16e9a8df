/*
 * Fuzz target for whole sessions of imapd's user half: the input is what clients send after their
 * login, parted by a byte 255; their sessions run side by side over one Maildir, in an order that
 * the input decides. Whatever comes in, what goes out is lines and literals as RFC 9051 9 has them,
 * and a session ends when its client does. lib/login's part is played here.
 */
#include "config.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/crc32c.h"
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

#define CLIENTS 3

struct world;

/* A client and its session. */
struct talk {
	struct world *world;
	struct user_session user;
	struct stream *client;
	struct span input;
	struct str output;
};

struct world {
	struct service_ctx ctx;
	struct talk talks[CLIENTS];
	size_t talks_n;
	unsigned running; /* fibers */
};

/* A fiber ends; with the last of them the loop does, which waits for signals, too. */
static void
world_leave(struct world *w)
{
	if (--w->running == 0)
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

/* The host is the world. */
struct service_ctx *
user_host_service(const struct user_host *host)
{
	return &((struct world *)(uintptr_t)host)->ctx;
}

FIBER_MAIN
static void
session_fiber(void *arg)
{
	struct talk *t = arg;

	session_run(&t->user);
	stream_free(t->user.io);
	world_leave(t->world);
}

FIBER_MAIN
static void
writer_fiber(void *arg)
{
	struct talk *t = arg;

	if (stream_write(t->client, t->input) == VERDICT_OK)
		(void)stream_flush(t->client, SOON);
	shutdown(stream_fd(t->client), SHUT_WR);
	world_leave(t->world);
}

FIBER_MAIN
static void
reader_fiber(void *arg)
{
	struct talk *t = arg;
	struct span piece;

	while (stream_read_some(t->client, 65536, SOON, &piece) == VERDICT_OK)
		str_put(&t->output, piece);
	world_leave(t->world);
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
world_settings(struct world *w)
{
	w->ctx.conf.imapd_line_limit = 8192;
	w->ctx.conf.imapd_append_limit = 100000;
	w->ctx.conf.imapd_hard_error_limit = 1000;
	w->ctx.conf.imapd_idle_timeout = 20 * NS_PER_S;
	w->ctx.conf.imapd_park_time = 10 * NS_PER_S;
	w->ctx.conf.imapd_keepalive_time = 10 * NS_PER_S;
}

static void
talk_begin(struct talk *t, struct world *w, struct span input)
{
	*t = (struct talk){ .world = w, .input = input, .output = STR_INIT(OUTPUT_MAX) };
	t->user.host = (struct user_host *)w;
	t->user.login = span_lit("fuzz");
	t->user.client = span_lit("192.0.2.1");
	t->user.state = span_lit("login");
	stream_pair(&t->client, &t->user.io);
	w->running += 3;
	fiber_spawn("session", session_fiber, t);
	fiber_spawn("writer", writer_fiber, t);
	fiber_spawn("reader", reader_fiber, t);
}

static void
world_run(struct world *w, int dir, struct span data)
{
	const struct maildir_place place = {
		.home = dir, .proc_fd = -1, .path = span_lit("Maildir/"), .host = span_lit("h")
	};
	struct account *account;
	struct span input;
	bool more = true;

	loop_init();
	loop_random_order(crc32c(0, data));
	world_settings(w);
	account = account_new(&w->ctx, &place);
	account_start(account);
	w->ctx.state = account;
	while (more && w->talks_n < CLIENTS) {
		more = span_cut(data, '\xff', &input, &data);
		talk_begin(&w->talks[w->talks_n++], w, input);
	}
	loop_run();
	account_free(account);
	for (size_t i = 0; i < w->talks_n; i++)
		stream_free(w->talks[i].client);
	loop_fini();
}

FUZZ(data)
{
	struct world w = { .talks_n = 0 };
	int dir;

	log_set_level(LOG_LEVEL_FATAL);
	memcpy(home + strlen(home) - 6, "XXXXXX", 6);
	assert(mkdtemp(home));
	dir = sys_openat(AT_FDCWD, home, O_RDONLY | O_DIRECTORY, 0);
	world_run(&w, dir, data);
	sys_close(dir);
	tree_remove(home);
	for (size_t i = 0; i < w.talks_n; i++) {
		check_output(str_span(&w.talks[i].output));
		str_free(&w.talks[i].output);
	}
}
