/*
 * One session of the user half, from the answer to the login to its end (RFC 9051 3): a command at
 * a time, each read whole but for the message of an APPEND. Called by lib/login on a fiber of its
 * own. Owns the session's view and memory; between commands it holds no buffer. Every wait is
 * bounded: imapd_idle_timeout for a command, LIMIT_IMAP_STALL for the rest of one.
 */
#include "imapd/session.h"

#include <sys/socket.h>

#include "base/log.h"
#include "base/mem.h"
#include "imapd/capability.h"
#include "imapd/commands.h"
#include "imapd/park.h"
#include "imapd/saved.h"
#include "imapd/wire.h"

#define CODE_MAX   LIMIT_STREAM_WRITE /* COPYUID of many ranges */
#define FAREWELL_S 10
#define LINGER_S   2

static struct session *
session_new(struct user_session *user)
{
	struct session *s = mem_alloc(sizeof(*s));

	s->user = user;
	s->io = user->io;
	s->account = service_state(user_host_service(user->host));
	s->conf = service_conf(account_service(s->account));
	arena_init(&s->arena, LIMIT_IMAP_ARENA);
	str_init(&s->text, s->conf->imapd_line_limit);
	str_init(&s->code, CODE_MAX);
	return s;
}

/* After a command, and before the first: nothing of it is kept. */
static void
session_reset(struct session *s)
{
	arena_free(&s->arena);
	arena_init(&s->arena, LIMIT_IMAP_ARENA);
	str_free(&s->text);
	str_init(&s->text, s->conf->imapd_line_limit);
	str_free(&s->code);
	str_init(&s->code, CODE_MAX);
	str_free(&s->note);
	s->tag = span_lit("*");
	s->command = NULL;
	s->uid = false;
	s->result = RESULT_NONE;
}

static void
session_free(struct session *s)
{
	session_reset(s);
	session_unselect(s);
	arena_free(&s->arena);
	str_free(&s->text);
	str_free(&s->code);
	mem_free(s);
}

void
session_unselect(struct session *s)
{
	saved_forget(&s->saved);
	view_free(s->view);
	s->view = NULL;
	s->read_only = false;
}

/* Why there will be no more commands, where the client can hear it. */
static const struct {
	enum verdict v;
	const char *end;
	const char *bye;
} farewells[] = {
	{ VERDICT_TIMEOUT, "timeout", "Nothing was said for too long" },
	{ VERDICT_CANCELLED, "shutdown", "[UNAVAILABLE] Server is shutting down" },
	{ VERDICT_EOF, "lost connection", NULL },
};

SUSPENDS bool
session_lost(struct session *s, enum verdict v)
{
	for (size_t i = 0; i < ARRAY_LEN(farewells); i++)
		if (farewells[i].v == v)
			session_bye(s, farewells[i].end, farewells[i].bye);
	s->quit = true;
	return false;
}

SUSPENDS void
session_bye(struct session *s, const char *end, const char *text)
{
	if (text && !s->quit)
		session_printf(s, "* BYE %s\r\n", text);
	if (!s->end)
		s->end = end;
	s->dismissed = s->quit = true;
}

/* Until a command begins. False: none will. */
SUSPENDS static bool
session_await(struct session *s)
{
	uint64_t now = time_mono(), end = now + s->conf->imapd_idle_timeout;
	uint64_t park = now + s->conf->imapd_park_time;
	enum verdict v;

	for (;;) {
		v = user_session_wait(s->user, park < end ? park : end);
		if (v == VERDICT_TIMEOUT && time_mono() < end) {
			if (session_park(s))
				return false;
			park = time_mono() + s->conf->imapd_park_time;
			continue;
		}
		if (v != VERDICT_ABSENT)
			return v == VERDICT_OK || session_lost(s, v);
	}
}

/*
 * Refuses a command that is not read to its end. Where a literal follows that the client sends all
 * the same, or may, the session ends: what is in it must never be taken for commands.
 */
SUSPENDS static bool
session_refuse(struct session *s, const char *what, bool follows)
{
	if (follows) {
		session_bye(s, "too many errors", "[TOOBIG] Command is too long");
		s->linger = true;
		return false;
	}
	session_printf(s, "%.*s BAD [TOOBIG] %s is too long\r\n", SPAN_ARG(s->tag), what);
	session_count_bad(s);
	return false;
}

SUSPENDS void
session_count_bad(struct session *s)
{
	s->bad++;
	if (++s->errors < s->conf->imapd_hard_error_limit)
		return;
	session_bye(s, "too many errors", "Too many bad commands");
	s->linger = true;
}

SUSPENDS static bool
session_read_literal(struct session *s, const struct literal *lit)
{
	uint64_t deadline = deadline_after_s(LIMIT_IMAP_STALL);
	char *p = lit->size < s->text.max ? str_reserve(&s->text, 2 + lit->size) : NULL;
	enum verdict v;

	if (!p)
		return session_refuse(s, "Literal", !lit->waits);
	if (lit->waits) {
		session_put(s, span_lit("+ go on\r\n"));
		(void)stream_flush(s->io, deadline);
	}
	memcpy(p, "\r\n", 2);
	v = stream_read_full(s->io, p + 2, lit->size, deadline);
	if (v != VERDICT_OK)
		return session_lost(s, v);
	str_grew(&s->text, 2 + lit->size);
	return true;
}

SUSPENDS static bool
session_read_line(struct session *s, struct span *line_out)
{
	uint64_t deadline = deadline_after_s(LIMIT_IMAP_STALL);
	enum verdict v =
	    stream_read_line(s->io, LINE_LENIENT, s->conf->imapd_line_limit, deadline, line_out);

	if (v == VERDICT_LIMIT)
		return session_refuse(s, "Command", true);
	return v == VERDICT_OK || session_lost(s, v);
}

/* A whole command, in s->text; false: there is none to be run. */
SUSPENDS static bool
session_read(struct session *s)
{
	struct literal lit;
	struct span line;
	size_t begin;
	bool announced;

	if (!session_await(s))
		return false;
	for (;;) {
		if (!session_read_line(s, &line))
			return false;
		begin = s->text.n;
		announced = literal_parse(line, &lit);
		if (!str_put(&s->text, line))
			return session_refuse(s, "Command", announced && !lit.waits);
		if (!announced || command_takes_literal(s, begin + lit.at))
			return true;
		arena_reset(&s->arena);
		if (!session_read_literal(s, &lit))
			return false;
	}
}

/* The answer to the login, or what was when the session was parked. False: it cannot be. */
SUSPENDS static bool
session_open(struct session *s)
{
	struct str offer = STR_INIT(CAPABILITY_MAX);
	struct err err = ERR_NONE;
	struct maildir *md;

	if (account_maildir(s->account, &md, &err) != VERDICT_OK) {
		log_event(LOG_LEVEL_ERROR, "%s: the mailbox cannot be opened: %s",
		    log_escape(s->user->login), err.text);
		err_mail(&err, 451, "4.3.0", "The mailbox cannot be opened now");
		user_session_refuse(s->user, &err);
		return false;
	}
	user_session_accept(s->user);
	if (s->user->revived)
		return session_revive(s);
	capability_put(s, &offer);
	session_printf(s, "%.*s OK [CAPABILITY %.*s] Logged in\r\n", SPAN_ARG(s->user->state),
	    SPAN_ARG(str_span(&offer)));
	str_free(&offer);
	return true;
}

static void
session_log(const struct session *s)
{
	const char *end = s->end ? s->end : "lost connection";

	log_event(LOG_LEVEL_INFO, "user=<%s>, client=[%s], commands=%u, bad=%u, %s",
	    log_escape(s->user->login), log_escape(s->user->client), s->commands, s->bad, end);
}

/* What a client that was sent away still sends is passed over for a while: closing with something
 * unread would take the farewell back (RFC 9293 3.5.3). */
SUSPENDS static void
session_linger(struct session *s)
{
	uint64_t deadline = deadline_after_s(LINGER_S);
	struct span ignored;

	shutdown(stream_fd(s->io), SHUT_WR);
	while (time_mono() < deadline &&
	       stream_read_some(s->io, LIMIT_STREAM_READ, deadline, &ignored) == VERDICT_OK)
		;
}

SUSPENDS void
session_run(struct user_session *user)
{
	struct session *s = session_new(user);

	stream_set_write_timeout(s->io, LIMIT_LOGIN_STALL * UINT64_C(1000));
	if (session_open(s)) {
		while (!s->quit) {
			if (session_read(s))
				command_run(s);
			session_reset(s);
		}
		(void)stream_flush(s->io, deadline_after_s(FAREWELL_S));
		if (s->linger)
			session_linger(s);
		session_log(s);
	}
	session_free(s);
}
