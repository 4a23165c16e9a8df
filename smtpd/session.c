/*
 * One SMTP session, RFC 5321 3, on a fiber of its own: greeting, a command at a time, farewell.
 * Called for each connection that smtpd accepts; owns the stream, the session and its transaction,
 * and frees them all. Every wait is bounded by smtpd_timeout; a peer that errs too often, talks
 * junk or outlives a stop is sent away with 421.
 */
#include "smtpd/session.h"

#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/rand.h"

#define SESSION_ARENA 65536
#define COMMAND_LINE \
	2048 /* bytes with CR LF: RFC 5321 4.5.3.1.4 asks for 512, extensions for more */
#define LONG_LINES_AT_MOST 10

/* Where the client is, in text, and whether it is one of ours. */
static void
session_learn_peer(struct session *s)
{
	struct sockaddr_storage addr = { 0 };
	socklen_t len = sizeof(addr);
	const void *ip = &((struct sockaddr_in *)&addr)->sin_addr;

	memcpy(s->client_name, "unknown", sizeof("unknown"));
	memcpy(s->client_ip, "unknown", sizeof("unknown"));
	if (getpeername(stream_fd(s->io), (struct sockaddr *)&addr, &len) < 0)
		return;
	if (addr.ss_family == AF_UNIX) {
		memcpy(s->client_name, "localhost", sizeof("localhost"));
		s->client_is_local = true;
		return;
	}
	if (addr.ss_family == AF_INET6)
		ip = &((struct sockaddr_in6 *)&addr)->sin6_addr;
	inet_ntop(addr.ss_family, ip, s->client_ip, sizeof(s->client_ip));
	s->client_is_local = policy_is_local_client(s->conf, (struct sockaddr *)&addr);
	if (strcmp(s->client_ip, "127.0.0.1") == 0 || strcmp(s->client_ip, "::1") == 0)
		memcpy(s->client_name, "localhost", sizeof("localhost"));
}

/* Whether the session must end before its next command; says why to the client. */
SUSPENDS static bool
session_over(struct session *s)
{
	if (s->quit || s->lost)
		return true;
	if (service_shutdown(s->ctx) || (service_stopping(s->ctx) && s->state <= SMTP_GREETED)) {
		reply(s, 421, "4.3.2 %.*s Service shutting down", SPAN_ARG(s->conf->myhostname));
		return true;
	}
	if (s->errors > s->conf->smtpd_hard_error_limit ||
	    s->junk > s->conf->smtpd_junk_command_limit) {
		s->lost = "too many errors";
		reply(s, 421, "4.7.0 %.*s Error: too many errors", SPAN_ARG(s->conf->myhostname));
		return true;
	}
	return false;
}

/* One command line; false when there will be no more. */
SUSPENDS static bool
session_read(struct session *s, struct span *line_out)
{
	uint64_t deadline = time_mono() + s->conf->smtpd_timeout;

	for (;;) {
		enum verdict v =
		    stream_read_line(s->io, LINE_STRICT, COMMAND_LINE, deadline, line_out);
		if (v == VERDICT_OK)
			return true;
		if (v == VERDICT_LIMIT) {
			s->junk += LONG_LINES_AT_MOST;
			v = stream_skip_line(s->io, LINE_LENIENT, deadline);
			if (v == VERDICT_OK) {
				reply(s, 500, "5.5.2 Error: line too long");
				if (session_over(s))
					return false;
				continue;
			}
		}
		s->lost = v == VERDICT_TIMEOUT ? "timeout" : "lost connection";
		if (v == VERDICT_TIMEOUT)
			reply(s, 421, "4.4.2 %.*s Error: timeout exceeded",
			    SPAN_ARG(s->conf->myhostname));
		return false;
	}
}

SUSPENDS static void
session_serve(struct session *s)
{
	struct span line;

	reply(s, 220, "%.*s", SPAN_ARG(s->conf->smtpd_banner));
	while (!session_over(s) && session_read(s, &line))
		command_run(s, line);
	stream_flush(s->io, deadline_after_s(10));
}

FIBER_MAIN void
session_run(void *arg)
{
	struct session *s = arg;
	struct service_ctx *ctx = s->ctx;

	service_busy(ctx);
	s->conf = service_conf(ctx);
	s->state = SMTP_CONNECTED;
	s->stage = "CONNECT";
	s->trace = rand_u64();
	s->counts = mem_alloc_array(command_count(), sizeof(*s->counts));
	arena_init(&s->arena, SESSION_ARENA);
	transaction_init(&s->t);
	stream_set_write_timeout(s->io, s->conf->smtpd_timeout / NS_PER_MS);
	session_learn_peer(s);
	log_connect(s);
	session_serve(s);
	if (s->lost)
		log_lost(s);
	log_disconnect(s);
	transaction_reset(s);
	arena_free(&s->t.arena);
	arena_free(&s->arena);
	stream_free(s->io);
	service_session_over(ctx, s->listener);
	mem_free(s->counts);
	mem_free(s);
	service_idle(ctx);
}
