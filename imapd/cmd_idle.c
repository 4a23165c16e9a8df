/*
 * IDLE (RFC 9051 6.3.13): the client is told of news as they happen, until it says DONE. Called
 * through the table. Others wake this session (account.h); a mailbox that cannot be watched is
 * looked at every LIMIT_IMAP_POLL seconds. A silent line is sent something now and then, for the
 * routers between, all sessions of one client at the same second, so that its radio wakes once.
 */
#include "base/crc32c.h"
#include "imapd/commands.h"
#include "imapd/news.h"

struct idle {
	struct session *s;
	struct idler idler;
	bool watched;	    /* others wake us */
	uint64_t keepalive; /* when */
	uint64_t end;
};

/* The next moment at which clients of this address are sent something. */
static uint64_t
keepalive_after(const struct session *s)
{
	uint64_t every = s->conf->imapd_keepalive_time, now = time_mono();
	uint64_t shift = crc32c(0, s->user->client) * NS_PER_MS % every;

	return now + every - (now + shift) % every;
}

SUSPENDS static enum verdict
idle_wait(struct idle *idle)
{
	struct session *s = idle->s;
	uint64_t until = idle->keepalive < idle->end ? idle->keepalive : idle->end;
	uint64_t poll = deadline_after_s(LIMIT_IMAP_POLL);
	enum verdict v;

	if (s->view && !idle->watched && poll < until)
		until = poll;
	/* What is written leaves first: a nudge reaches only who waits for input. */
	v = stream_flush(s->io, deadline_after_s(LIMIT_LOGIN_STALL));
	if (v != VERDICT_OK)
		return v;
	if (idle->idler.changed)
		return VERDICT_ABSENT;
	idle->idler.waits = true;
	v = user_session_wait(s->user, until);
	idle->idler.waits = false;
	return v;
}

/* What a wait that no input ended calls for. False: the session is over. */
SUSPENDS static bool
idle_turn(struct idle *idle, enum verdict v)
{
	struct session *s = idle->s;
	bool told = false;

	if (v != VERDICT_ABSENT && v != VERDICT_TIMEOUT)
		return false;
	idle->idler.changed = false;
	if (s->view && (v == VERDICT_ABSENT || !idle->watched))
		told = news_tell(s, true);
	if (!told && time_mono() >= idle->keepalive)
		told = session_put(s, span_lit("* OK Still here\r\n"));
	if (told)
		idle->keepalive = keepalive_after(s);
	return !s->quit && time_mono() < idle->end;
}

/* Until there is input. False: the session is over. */
SUSPENDS static bool
idle_run(struct idle *idle)
{
	struct session *s = idle->s;
	enum verdict v;

	while ((v = idle_wait(idle)) != VERDICT_OK) {
		if (idle_turn(idle, v))
			continue;
		(void)session_lost(s, v);
		return false;
	}
	return true;
}

SUSPENDS void
cmd_idle(struct session *s, struct args *a)
{
	struct idle idle = { .s = s };
	struct span line;

	(void)a;
	idle.end = time_mono() + s->conf->imapd_idle_timeout;
	idle.keepalive = keepalive_after(s);
	session_put(s, span_lit("+ idling\r\n"));
	if (s->view)
		idle.watched = watch_enter(view_room(s->view), &idle.idler, s->io);
	if (idle_run(&idle)) {
		if (stream_read_line(s->io, LINE_LENIENT, s->conf->imapd_line_limit,
			deadline_after_s(LIMIT_IMAP_STALL), &line) != VERDICT_OK)
			session_bye(s, "lost connection", NULL);
		else if (!span_eq_nocase(line, span_lit("DONE")))
			result_bad(s, "DONE was expected");
	}
	if (s->view)
		watch_leave(view_room(s->view), &idle.idler);
}
