/*
 * One SMTP session, RFC 5321 3, on a fiber of its own: greeting, a command at a time, farewell.
 * Spawned for each connection; owns the stream, the session and its transaction, and frees them
 * all. Every wait is bounded by smtpd_timeout; a peer that errs too often, talks junk or outlives a
 * stop is sent away with 421.
 */
#include "smtpd/session.h"

#include "base/mem.h"
#include "base/rand.h"
#include "base/time.h"
#include "smtpd/loglines.h"

#define SESSION_ARENA 65536
#define LOGIN_MAX     LIMIT_ADDRESS
#define COMMAND_LINE \
	2048 /* bytes with CR LF: RFC 5321 4.5.3.1.4 asks for 512, extensions for more */
#define AUTH_LINE  12288 /* RFC 4954 4: AUTH with what the mechanism says first */
#define FAREWELL_S 10

void
session_dismiss(struct session *s, const char *why)
{
	if (!s->lost)
		s->lost = why;
	s->quit = true;
}

/* Whether the session must end before its next command; says why to the client. */
SUSPENDS static bool
session_over(struct session *s)
{
	if (s->quit || s->lost)
		return true;
	if (service_shutdown(s->smtpd->ctx)) {
		reply(s, 421, "4.3.2 %.*s Service shutting down", SPAN_ARG(s->conf->myhostname));
		return true;
	}
	if (s->errors >= s->conf->smtpd_hard_error_limit) {
		reply(s, 421, "4.7.0 %.*s Error: too many errors", SPAN_ARG(s->conf->myhostname));
		session_dismiss(s, "too many errors");
		return true;
	}
	return false;
}

/* May LINE be so long? AUTH alone may exceed what other commands have. */
static bool
line_may_be(struct span line)
{
	return line.n + 2 <= COMMAND_LINE || span_starts_nocase(line, span_lit("AUTH "));
}

SUSPENDS static enum verdict
session_await(struct session *s, struct span *line_out)
{
	enum line_end ends = s->peer.bare_lf_ok ? LINE_LENIENT : LINE_STRICT;
	uint64_t deadline = time_mono() + s->conf->smtpd_timeout;
	enum verdict v;

	s->waits = true;
	v = stream_read_line(s->io, ends, AUTH_LINE, deadline, line_out);
	if (v == VERDICT_LIMIT) {
		v = stream_skip_line(s->io, ends, deadline);
		if (v == VERDICT_OK)
			v = VERDICT_LIMIT;
	} else if (v == VERDICT_OK && !line_may_be(*line_out)) {
		v = VERDICT_LIMIT;
	}
	s->waits = false;
	return v;
}

/* One command line; false when there will be no more. */
SUSPENDS static bool
session_read(struct session *s, struct span *line_out)
{
	enum verdict v;

	while ((v = session_await(s, line_out)) == VERDICT_LIMIT) {
		s->errors++;
		reply(s, 500, "5.5.2 Error: line too long");
		if (session_over(s))
			return false;
	}
	if (v == VERDICT_OK)
		return true;
	if (v == VERDICT_TIMEOUT)
		reply(s, 421, "4.4.2 %.*s Error: timeout exceeded", SPAN_ARG(s->conf->myhostname));
	if (v == VERDICT_CANCELLED)
		reply(s, 421, "4.3.2 %.*s Service shutting down", SPAN_ARG(s->conf->myhostname));
	else
		session_dismiss(s, v == VERDICT_TIMEOUT ? "timeout" : "lost connection");
	return false;
}

/* All that comes before the first command. False: nothing more is said. */
SUSPENDS static bool
session_open(struct session *s)
{
	struct err err = ERR_NONE;
	enum verdict v;

	peer_learn(s);
	peer_ask_name(s);
	v = rates_connect(s, &err);
	if (v == VERDICT_OK && s->conf->smtpd_tls_wrappermode && !tls_begin(s))
		return false;
	if (v == VERDICT_OK)
		v = access_connect(s, &err);
	if (v == VERDICT_OK) {
		reply(s, 220, "%.*s", SPAN_ARG(s->conf->smtpd_banner));
		stream_flush(s->io, time_mono() + s->conf->smtpd_timeout);
	}
	peer_await_name(s);
	if (v != VERDICT_OK) {
		reply_verdict(s, &err);
		s->denied = true;
	}
	return true;
}

SUSPENDS static void
session_serve(struct session *s)
{
	struct span line;

	if (session_open(s))
		while (!session_over(s) && session_read(s, &line))
			command_run(s, line);
	stream_flush(s->io, deadline_after_s(FAREWELL_S));
}

static void
session_begin(struct session *s)
{
	s->fiber = fiber_self();
	s->conf = service_conf(s->smtpd->ctx);
	s->state = SMTP_CONNECTED;
	s->stage = "CONNECT";
	s->trace = rand_u64();
	s->counts = mem_alloc_array(command_count(), sizeof(*s->counts));
	str_init(&s->helo, LIMIT_DOMAIN + 1);
	str_init(&s->login, LOGIN_MAX);
	arena_init(&s->arena, SESSION_ARENA);
	transaction_init(&s->t);
	list_push(&s->smtpd->sessions, &s->node);
	stream_set_write_timeout(s->io, s->conf->smtpd_timeout / NS_PER_MS);
}

static void
session_end(struct session *s)
{
	transaction_reset(s);
	rates_disconnect(s);
	peer_forget(s);
	list_remove(&s->node);
	arena_free(&s->t.arena);
	arena_free(&s->arena);
	str_free(&s->helo);
	str_free(&s->login);
	stream_free(s->io);
	mem_free(s->counts);
	mem_free(s);
}

FIBER_MAIN void
session_run(void *arg)
{
	struct session *s = arg;
	struct service_ctx *ctx = s->smtpd->ctx;
	unsigned listener = s->listener;

	service_busy(ctx);
	session_begin(s);
	session_serve(s);
	if (s->lost)
		log_lost(s);
	log_disconnect(s);
	session_end(s);
	service_session_over(ctx, listener);
	service_idle(ctx);
}
