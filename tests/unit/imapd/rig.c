/*
 * The rig of imapd's tests: a session without network and processes. Linked into each of them. Its
 * stream is one end of a pair, read to the end by a fiber; what lib/login would say of the session
 * is said here. Asserts only outside of fibers. Bounded by the size of what is said.
 */
#include "config.h"

#include "tests/unit/imapd/rig.h"

#include <fcntl.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/sys.h"
#include "event/loop.h"
#include "imapd/saved.h"
#include "tests/unit/unit.h"

#define SAID_MAX (256u << 20)

static const struct {
	struct span name;
	command_fn *run;
} commands[] = {
	{ SPAN("FETCH"), cmd_fetch },
	{ SPAN("SEARCH"), cmd_search },
};

/* lib/login's part: a session that never ends, and of which nothing else is asked here. */
bool
user_session_ending(struct user_session *session)
{
	return session == NULL;
}

void
user_session_accept(struct user_session *session UNUSED)
{
	abort();
}

void
user_session_refuse(struct user_session *session UNUSED, const struct err *err UNUSED)
{
	abort();
}

SUSPENDS
enum verdict
user_session_wait(struct user_session *session UNUSED, uint64_t deadline UNUSED)
{
	abort();
}

SUSPENDS
enum verdict
user_session_park(struct user_session *session UNUSED, struct span record UNUSED)
{
	abort();
}

struct service_ctx *
user_host_service(const struct user_host *host UNUSED)
{
	abort();
}

void
user_host_busy(struct user_host *host UNUSED)
{
	abort();
}

void
user_host_idle(struct user_host *host UNUSED)
{
	abort();
}

/* The mailbox stays the rig's. */
static void
leave_room(struct rig *r)
{
	struct room *room = r->s.view ? view_room(r->s.view) : NULL;

	view_free(r->s.view);
	r->s.view = NULL;
	if (!room)
		return;
	str_free(&room->name);
	mem_free(room);
}

void
rig_select(struct rig *r, bool read_only)
{
	struct room *room = mem_alloc(sizeof(*room));

	leave_room(r);
	must_refresh(r->mb);
	room->mailbox = r->mb;
	room->users = 2;
	str_init(&room->name, 16);
	list_init(&room->idlers);
	r->s.view = view_new(room, false);
	r->s.read_only = read_only;
	saved_forget(&r->s.saved);
}

int
rig_make(void **state)
{
	static struct user_session user;
	struct rig *r = mem_alloc(sizeof(*r));
	void *place;

	if (place_make(&place) != 0)
		return -1;
	r->place = place;
	r->mb = must_open(r->place->md, "INBOX");
	r->s.user = &user;
	r->s.tag = span_lit("a1");
	arena_init(&r->s.arena, LIMIT_IMAP_ARENA);
	str_init(&r->s.code, 1u << 20);
	str_init(&r->s.note, 4096);
	str_init(&r->said, SAID_MAX);
	str_init(&r->text, SAID_MAX);
	loop_init();
	rig_select(r, false);
	*state = r;
	return 0;
}

int
rig_remove(void **state)
{
	struct rig *r = *state;
	void *place = r->place;

	loop_fini();
	saved_forget(&r->s.saved);
	leave_room(r);
	mailbox_close(r->mb);
	arena_free(&r->s.arena);
	str_free(&r->s.code);
	str_free(&r->s.note);
	str_free(&r->said);
	str_free(&r->text);
	mem_free(r);
	return place_remove(&place);
}

FIBER_MAIN
static void
run_client(void *arg)
{
	struct rig *r = arg;
	struct span got;

	while (stream_read_some(r->client, LIMIT_STREAM_READ, deadline_after_s(60), &got) ==
	       VERDICT_OK) {
		if (!r->discard)
			str_put(&r->said, got);
		if (r->bytes_max > 0 && r->said.n >= r->bytes_max)
			break;
	}
	stream_free(r->client);
}

static command_fn *
find_command(struct session *s, struct args *a)
{
	s->uid = args_word(a, "UID") && args_space(a);
	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		if (args_word(a, commands[i].name.p) && args_space(a))
			return commands[i].run;
	return NULL;
}

FIBER_MAIN
static void
run_session(void *arg)
{
	struct rig *r = arg;
	struct session *s = &r->s;
	struct args a = { .in = cursor_of(str_span(&r->text)), .arena = &s->arena };
	command_fn *run = find_command(s, &a);

	s->began = time_mono();
	if (run)
		run(s, &a);
	if (a.bad && s->result == RESULT_NONE)
		result_bad(s, "%s", a.bad);
	(void)stream_flush(s->io, deadline_after_s(60));
	stream_free(s->io);
}

struct span
rig_run_span(struct rig *r, struct span command)
{
	static const char *const results[] = { "OK", "OK", "NO", "BAD" };
	struct session *s = &r->s;

	str_reset(&r->said);
	str_reset(&r->text);
	str_reset(&s->code);
	str_reset(&s->note);
	str_put(&r->text, command);
	s->result = RESULT_NONE;
	s->quit = false;
	stream_pair(&s->io, &r->client);
	fiber_spawn("session", run_session, r);
	fiber_spawn("client", run_client, r);
	loop_run();
	arena_reset(&s->arena);
	str_puts(&r->said, results[s->result]);
	if (s->code.n > 0)
		str_printf(&r->said, " [%.*s]", SPAN_ARG(str_span(&s->code)));
	str_puts(&r->said, "\r\n");
	return str_span(&r->said);
}

struct span
rig_run(struct rig *r, const char *command)
{
	return rig_run_span(r, span_str(command));
}

void
foreign_rewrite(struct rig *r, const char *name, struct span bytes)
{
	struct str path = STR_INIT(8192);
	int fd;

	str_printf(&path, "%.*s/Maildir/%s", SPAN_ARG(str_span(&r->place->path)), name);
	fd = open(str_cstr(&path), O_WRONLY | O_TRUNC);
	assert_true(fd >= 0);
	assert_int_equal(sys_write_all(fd, bytes.p, bytes.n), 0);
	sys_close(fd);
	str_free(&path);
}

void
foreign_bytes(struct rig *r, const char *name, struct span bytes)
{
	foreign_file(r->place, name, "", 10000);
	foreign_rewrite(r, name, bytes);
}

void
rig_expect(struct rig *r, const struct rig_case *v, size_t n)
{
	struct str plain = STR_INIT(SAID_MAX);

	for (size_t i = 0; i < n; i++) {
		struct span said = rig_run(r, v[i].command);

		str_reset(&plain);
		for (size_t k = 0; k < said.n; k++)
			if (said.p[k] != '\r')
				str_putc(&plain, said.p[k]);
		expect_text(v[i].command, str_span(&plain), v[i].want);
	}
	str_free(&plain);
}
