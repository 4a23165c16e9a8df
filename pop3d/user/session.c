/*
 * One session of an account: from the login that the login half has verified to QUIT (RFC 1939 5,
 * 6). Run by lib/login on a fiber of its own; owns the maildrop. Only QUIT removes anything: a
 * session that ends in any other way leaves all messages where they were. Silence is bounded by
 * pop3d_idle_timeout, mistakes by pop3d_hard_error_limit.
 */
#include "base/log.h"
#include "base/mem.h"
#include "pop3d/user/popuser.h"

#define FAREWELL_S 10 /* for what is written last */

SUSPENDS void
session_refuse(struct session *s, const char *why)
{
	s->errors++;
	pop3_err(s->io, "", "%s", why);
}

SUSPENDS void
session_fail(struct session *s, const struct err *err)
{
	bool ours = err->verdict == VERDICT_TEMP && err->text[0] != '[';

	pop3_err(s->io, ours ? "SYS/TEMP" : "", "%s", err->text);
}

static void
session_end(struct session *s, const char *how)
{
	s->over = true;
	if (!s->ended)
		s->ended = how;
}

/* A line of the client, or the end. */
SUSPENDS static bool
session_read(struct session *s, struct span *line)
{
	uint64_t deadline = time_mono() + s->conf->pop3d_idle_timeout;
	enum verdict v = user_session_wait(s->from, deadline);

	if (v == VERDICT_OK)
		v = stream_read_line(s->io, LINE_LENIENT, POP3_LINE, deadline, line);
	if (v == VERDICT_LIMIT) {
		v = stream_skip_line(s->io, LINE_LENIENT, deadline);
		if (v == VERDICT_OK) {
			session_refuse(s, "the line is too long");
			return false;
		}
	}
	if (v == VERDICT_OK)
		return true;
	if (v == VERDICT_CANCELLED)
		pop3_err(s->io, "SYS/TEMP", "the server is shutting down; nothing was removed");
	/* To one that was silent nothing is said: RFC 1939 3. */
	session_end(s, v == VERDICT_TIMEOUT	? "timeout"
		       : v == VERDICT_CANCELLED ? "shutdown"
						: "lost connection");
	return false;
}

SUSPENDS void
session_serve(struct session *s)
{
	struct span line;

	pop3_ok(s->io, "%zu messages", s->drop.n);
	while (!s->over) {
		if (session_read(s, &line))
			command_run(s, line);
		if (!s->over && s->errors >= s->conf->pop3d_hard_error_limit) {
			pop3_err(s->io, "", "too many errors; good-bye, nothing was removed");
			session_end(s, "too many errors");
		}
	}
	/* What was read was read, however the session ends. */
	maildrop_mark_seen(&s->drop);
}

/* The line of a session that is over, for those who look for mail that is missing. */
static void
log_session(const struct session *s)
{
	log_event(LOG_LEVEL_INFO,
	    "user=<%s>, client=[%s], retr=%llu/%llu, top=%llu/%llu, removed=%llu, %s",
	    log_escape(s->from->login), log_escape(s->from->client),
	    (unsigned long long)s->counts.retr, (unsigned long long)s->counts.retr_bytes,
	    (unsigned long long)s->counts.top, (unsigned long long)s->counts.top_bytes,
	    (unsigned long long)s->counts.removed, s->ended ? s->ended : "logged out");
}

SUSPENDS void
session_run(struct user_session *from)
{
	struct popuser *user = service_state(user_host_service(from->host));
	struct session s = {
		.user = user, .from = from, .io = from->io, .conf = service_conf(user->ctx)
	};
	struct err err = ERR_NONE;

	s.utf8 = span_find(from->state, POP3_STATE_UTF8) < from->state.n;
	stream_set_write_timeout(s.io, s.conf->pop3d_idle_timeout / NS_PER_MS);
	if (maildrop_open(&s.drop, user, &err) == VERDICT_OK) {
		user_session_accept(from);
		session_serve(&s);
		log_session(&s);
		/* Before the last bytes: who logs in again at once is not to find it in use. */
		maildrop_close(&s.drop);
		(void)stream_flush(s.io, deadline_after_s(FAREWELL_S));
		/* The client has its answer: now there is time for the index. */
		if (s.counts.retr + s.counts.removed > 0)
			(void)mailbox_tidy(user->mailbox, NULL);
	} else {
		log_event(LOG_LEVEL_WARNING, "user=<%s>, client=[%s]: no session: %s",
		    log_escape(from->login), log_escape(from->client), err.text);
		maildrop_close(&s.drop);
		user_session_refuse(from, &err);
	}
}
