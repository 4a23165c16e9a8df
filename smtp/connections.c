/*
 * Idle connections, by destination, TLS level and login: the next message saves the handshakes.
 * Called by deliver.c. A connection is used for smtp_connection_reuse_time_limit in all and waits
 * smtp_connection_cache_time_limit; LIMIT_SMTP_IDLE wait at most, the oldest goes first. What a
 * server says while nobody asks (421, a close) is seen when the connection is taken: it is dropped
 * then.
 */
#include "smtp/connections.h"

#include "base/mem.h"

void
connections_put_key(struct str *out, const struct client *c, struct span nexthop,
    const struct tls_policy *tls, struct span sender)
{
	str_printf(out, "%.*s\n%d\n", SPAN_ARG(nexthop), (int)tls->level);
	if (c->conf->smtp_sasl_auth_enable && c->conf->smtp_sender_dependent_authentication)
		str_put(out, sender);
}

static void
unlink_idle(struct client *c, struct session *s)
{
	timer_stop(&s->idle);
	list_remove(&s->node);
	c->idle_n--;
}

FIBER_MAIN
static void
say_goodbye(void *session)
{
	session_quit(session);
}

static void
retire(struct client *c, struct session *s)
{
	unlink_idle(c, s);
	if (!fiber_spawn("smtp quit", say_goodbye, s))
		session_free(s);
}

static void
idle_over(void *session)
{
	struct session *s = session;

	retire(s->client, s);
}

struct session *
connections_take(struct client *c, struct span key, uint64_t deadline)
{
	list_foreach (node, after, &c->idle) {
		struct session *s = LIST_ITEM(node, struct session, node);
		if (!span_eq(str_span(&s->key), key))
			continue;
		unlink_idle(c, s);
		s->deadline = deadline;
		if (!stream_peer_gone(s->io) && stream_buffered(s->io).n == 0)
			return s;
		session_free(s);
	}
	return NULL;
}

/* The server forgets the transaction that it may still have. */
SUSPENDS
static void
reset(struct session *s)
{
	uint64_t wait = s->client->conf->smtp_rset_timeout;
	struct err err = ERR_NONE;
	enum verdict v;

	s->deadline = time_mono() + wait;
	v = session_say(s, "sending RSET", span_lit("RSET"), &err);
	if (v == VERDICT_OK)
		v = session_hear(s, "sending RSET", wait, &err);
	if (v != VERDICT_OK || reply_class(&s->reply) != 2)
		s->broken = true;
	s->unclean = false;
}

static bool
worth_keeping(const struct client *c, const struct session *s)
{
	uint64_t age = time_mono() - s->born;

	return !s->broken && !c->closing && c->conf->smtp_connection_cache_time_limit > 0 &&
	       age < c->conf->smtp_connection_reuse_time_limit && s->key.n > 0;
}

SUSPENDS
void
connections_give(struct client *c, struct session *s)
{
	if (worth_keeping(c, s) && s->unclean)
		reset(s);
	if (!worth_keeping(c, s)) {
		session_quit(s);
		return;
	}
	if (c->idle_n == LIMIT_SMTP_IDLE)
		retire(c, LIST_ITEM(list_first(&c->idle), struct session, node));
	c->idle_n++;
	list_push(&c->idle, &s->node);
	timer_init(&s->idle, idle_over, s);
	timer_set(&s->idle, time_mono() + c->conf->smtp_connection_cache_time_limit);
}

void
connections_close(struct client *c)
{
	struct list *node;

	c->closing = true;
	while ((node = list_first(&c->idle)) != NULL)
		retire(c, LIST_ITEM(node, struct session, node));
}
