/*
 * Fuzz target for a POP3 session after the login: the input is what the client says. Whatever that
 * is, replies are status lines or the lines of a listing, no more of them than commands, and
 * nothing is removed but what DELE named before QUIT. The Maildir is made anew when something was.
 */
#include "config.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/sys.h"
#include "base/utf8.h"
#include "event/loop.h"
#include "message/header.h"
#include "pop3d/user/popuser.h"
#include "service/service_impl.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/mailbox/tree.h"

#define MESSAGES 4

static char home[] = "/tmp/postern-fuzz-pop3-XXXXXX";
static struct service_ctx ctx;
static struct popuser user;

static unsigned made;

/* What is left of the last run's message goes, by either name. */
static void
message_remove(unsigned number)
{
	static const char *const flags[] = { "", "S" };
	struct str name = STR_INIT(4096);

	for (size_t i = 0; i < ARRAY_LEN(flags); i++) {
		str_reset(&name);
		str_printf(&name, "%s/Maildir/cur/%u.a:2,%s", home, number, flags[i]);
		unlink(str_cstr(&name));
	}
	str_free(&name);
}

static void
message_make(unsigned i)
{
	struct str name = STR_INIT(4096), text = STR_INIT(4096);
	int fd;

	if (made >= MESSAGES)
		message_remove(made - MESSAGES);
	str_printf(&name, "%s/Maildir/cur/%u.a:2,", home, made++);
	str_printf(&text, "Subject: %u\n%s\n.\n..x\nend%s", i, i == 2 ? "To: gr\303\274n\n" : "",
	    i == 3 ? "" : "\n");
	fd = sys_openat(AT_FDCWD, str_cstr(&name), O_WRONLY | O_CREAT | O_TRUNC, 0600);
	assert(fd >= 0 && sys_write_all(fd, text.p, text.n) == 0);
	sys_close(fd);
	str_free(&name);
	str_free(&text);
}

static void
home_remove(void)
{
	tree_remove(home);
}

static void
world_make(void)
{
	struct err err = ERR_NONE;

	assert(mkdtemp(home));
	atexit(home_remove);
	user.ctx = &ctx;
	user.place =
	    (struct maildir_place){ .home = sys_openat(AT_FDCWD, home, O_PATH | O_DIRECTORY, 0),
		    .proc_fd = -1,
		    .path = SPAN("Maildir/"),
		    .host = SPAN("mx") };
	ctx.conf.pop3d_idle_timeout = NS_PER_S;
	ctx.conf.pop3d_hard_error_limit = 10;
	ctx.conf.auth_mechanisms = span_lit("PLAIN");
	service_set_state(&ctx, &user);
	assert(maildir_open(&user.place, &user.maildir, &err) == VERDICT_OK);
}

/* What the client got: whole lines, each a status line or part of a listing. */
static void
replies_check(struct span said)
{
	struct span line;
	bool listing = false;

	while (span_cut(said, '\n', &line, &said)) {
		bool ok = span_starts(line, span_lit("+OK "));

		assert(span_ends(line, span_lit("\r")));
		if (listing) {
			listing = !span_eq(line, span_lit(".\r"));
			continue;
		}
		assert(ok || span_starts(line, span_lit("-ERR ")));
		assert(line.n <= 511);
		listing = ok && (span_ends(line, span_lit(" follow\r")) ||
				    span_ends(line, span_lit(" follows\r")) ||
				    span_ends(line, span_lit(" octets\r")) ||
				    span_ends(line, span_lit(" octets)\r")));
	}
	assert(said.n == 0 && !listing);
}

struct run {
	struct span sent;
	struct str said;
	struct stream *client;
	struct session session;
};

/* The session reads by lines; what lib/login does around it is not wanted here. */
FIBER_MAIN
static void
server_run(void *arg)
{
	struct run *r = arg;
	struct session *s = &r->session;
	struct span line;

	while (
	    !s->over && s->errors < 100 &&
	    stream_read_line(s->io, LINE_LENIENT, POP3_LINE, DEADLINE_NEVER, &line) == VERDICT_OK)
		command_run(s, line);
	stream_flush(s->io, DEADLINE_NEVER);
	stream_free(s->io);
}

FIBER_MAIN
static void
client_run(void *arg)
{
	struct run *r = arg;
	struct span got;

	stream_write(r->client, r->sent);
	stream_flush(r->client, DEADLINE_NEVER);
	shutdown(stream_fd(r->client), SHUT_WR);
	while (stream_read_some(r->client, 65536, DEADLINE_NEVER, &got) == VERDICT_OK)
		str_put(&r->said, got);
	stream_free(r->client);
	loop_stop();
}

static size_t
deleted_count(const struct maildrop *drop)
{
	size_t n = 0;

	for (size_t i = 0; i < drop->n; i++)
		n += (drop->v[i].marks & (MAILDROP_DELETED | MAILDROP_GONE)) != 0;
	return n;
}

/* Of any header that is UTF-8: ASCII, and no longer lines than there may be. */
static void
surrogate_check(struct span data)
{
	struct str out = STR_INIT(1 << 20);
	struct span rest, line;

	data = span_head(data, header_size(data));
	if (utf8_valid(data) && surrogate_put(&out, data)) {
		for (size_t i = 0; i < out.n; i++)
			assert((unsigned char)out.p[i] < 0x80);
		assert(span_ends(str_span(&out), span_lit("\r\n")));
		for (rest = str_span(&out); span_cut(rest, '\n', &line, &rest);)
			assert(line.n <= 999 || line.n <= data.n);
	}
	str_free(&out);
}

FUZZ(data)
{
	struct run r = { .sent = span_head(data, 4096) };
	struct user_session from = { .login = SPAN("anna"), .client = SPAN("192.0.2.1") };
	struct err err = ERR_NONE;

	surrogate_check(data);
	if (!user.maildir)
		world_make();
	loop_init();
	user.pool = pool_new(1);
	for (unsigned i = 1; i <= MESSAGES; i++)
		message_make(i);
	str_init(&r.said, 64 << 20);
	r.session =
	    (struct session){ .user = &user, .from = &from, .conf = &ctx.conf, .utf8 = data.n % 2 };
	assert(maildrop_open(&r.session.drop, &user, &err) == VERDICT_OK);
	assert(r.session.drop.n == MESSAGES);
	stream_pair(&r.client, &r.session.io);
	assert(fiber_spawn("server", server_run, &r) && fiber_spawn("client", client_run, &r));
	loop_run();
	replies_check(str_span(&r.said));
	assert(mailbox_refresh(user.mailbox, &err) == VERDICT_OK);
	assert(mailbox_count(user.mailbox) == MESSAGES - r.session.counts.removed);
	assert(r.session.counts.removed <= deleted_count(&r.session.drop));
	maildrop_close(&r.session.drop);
	str_free(&r.said);
	pool_free(user.pool);
	loop_fini();
}
