/*
 * Which hosts get to see a message, and when it is enough: RFC 5321 5.1 and 4.5.4.1. Each
 * destination in order (relayhost may name several, smtp_fallback_relay comes last), each address
 * of it, until all recipients are told: smtp_mx_address_limit addresses and smtp_mx_session_limit
 * hosts that answered, LIMIT_SMTP_DELIVERY seconds in all. A connection that is left from the last
 * message is used first. Called for each note of qmgr by request.c, on a fiber. A failure of the
 * destination is kept apart from a refusal of the mail: qmgr slows down for the former alone.
 */
#include "smtp/deliver.h"

#include "base/log.h"
#include "smtp/connect.h"
#include "smtp/connections.h"
#include "smtp/transaction.h"

struct attempt {
	struct delivery *d;
	struct span text; /* of the next hop */
	struct nexthop nexthop;
	struct tls_policy tls;
	struct str key;
	struct str asked; /* the host that a kept connection led to, when it has given its answer */
	bool last;	  /* there is no further destination */
};

/*
 * One session's share: all transactions that it takes, then it is kept or closed. False: it is
 * lost, and what it has not taken may be offered to the next.
 */
SUSPENDS
static bool
converse(struct attempt *a, struct session *s, bool final)
{
	struct delivery *d = a->d;
	struct err err = ERR_NONE;
	bool kept = s->uses > 0, good;

	d->ready = time_wall();
	good = transaction_run(s, d, final, &err) == VERDICT_OK;
	if (!good) {
		delivery_note(d, &err, false);
		/* The line speaks of the host where it ended. */
		if (final || d->stop)
			delivery_give_up(d);
		else if (!kept)
			log_event(LOG_LEVEL_INFO, "%s: %s", log_escape(d->msg->queue_id), err.text);
	}
	delivery_at(d, NULL);
	connections_give(d->client, s);
	return good;
}

/* Connections that are left over: one that dies before it took anything is no attempt. */
SUSPENDS
static void
try_kept(struct attempt *a)
{
	struct delivery *d = a->d;
	struct session *s;

	while (d->left && !d->stop &&
	       (s = connections_take(d->client, str_span(&a->key), d->deadline)) != NULL) {
		str_reset(&a->asked);
		str_put(&a->asked, str_span(&s->relay));
		if (converse(a, s, false))
			return;
		str_reset(&a->asked);
	}
}

SUSPENDS
static struct session *
try_hop(struct attempt *a, const struct hop *hop, bool *answered)
{
	struct delivery *d = a->d;
	struct session_plan plan = { .hop = hop,
		.tls = &a->tls,
		.nexthop = a->text,
		.sender = d->msg->sender,
		.trace = d->trace,
		.deadline = d->deadline };
	struct session *s = NULL;
	struct err err = ERR_NONE;
	enum verdict v = session_open(d->client, &plan, &s, answered, &err);

	if (v == VERDICT_OK) {
		str_put(&s->key, str_span(&a->key));
		return s;
	}
	if (*answered)
		log_event(LOG_LEVEL_INFO, "%s: %s", log_escape(d->msg->queue_id), err.text);
	else
		log_event(LOG_LEVEL_INFO, "%s", err.text);
	delivery_note(d, &err, true);
	return NULL;
}

static bool
was_asked(const struct attempt *a, const struct hop *hop)
{
	struct str text = STR_INIT(LIMIT_ERR_TEXT);
	bool same;

	if (a->asked.n == 0)
		return false;
	hop_put(&text, a->d->client->conf, hop, true);
	same = span_eq(str_span(&text), str_span(&a->asked));
	str_free(&text);
	return same;
}

SUSPENDS
static void
try_route(struct attempt *a, const struct route *route)
{
	const struct conf *conf = a->d->client->conf;
	struct delivery *d = a->d;
	uint64_t most = conf->smtp_mx_session_limit ? conf->smtp_mx_session_limit : UINT64_MAX;
	uint64_t sessions = a->asked.n > 0;

	for (size_t i = 0; i < route->n && d->left && !d->stop && sessions < most; i++) {
		bool answered = false;
		struct session *s;
		if (time_mono() >= d->deadline)
			return;
		if (was_asked(a, &route->v[i]))
			continue;
		s = try_hop(a, &route->v[i], &answered);
		sessions += answered;
		if (s)
			converse(a, s, a->last && (sessions == most || i + 1 == route->n));
	}
}

SUSPENDS
static void
try_destination(struct delivery *d, struct span text, bool last)
{
	struct client *c = d->client;
	struct attempt a = {
		.d = d,
		.text = text,
		.last = last,
		.key = STR_INIT(LIMIT_ERR_TEXT * 4),
		.asked = STR_INIT(LIMIT_ERR_TEXT),
	};
	struct route route = { NULL, 0 };
	struct err err = ERR_NONE;
	enum verdict v = nexthop_parse(text, c->lmtp, c->port, &a.nexthop, &err);

	if (v == VERDICT_OK)
		v = tls_policy_find(c, &a.nexthop, &d->arena, &a.tls, &err);
	if (v == VERDICT_OK) {
		connections_put_key(&a.key, c, text, &a.tls, d->msg->sender);
		try_kept(&a);
		if (d->left && !d->stop)
			v = route_find(
			    c, d->trace, &a.nexthop, &d->arena, d->deadline, &route, &err);
	}
	if (v == VERDICT_OK)
		try_route(&a, &route);
	else
		delivery_note(d, &err, v != VERDICT_PERM);
	/* RFC 7505: the domain itself has spoken, no fallback is to change that. */
	if (v == VERDICT_PERM && err.dsn.subject == 1 && err.dsn.detail == 10)
		d->stop = true;
	str_free(&a.key);
	str_free(&a.asked);
}

/* The words of both lists, in order. */
static size_t
list_destinations(const struct delivery *d, struct span out[LIMIT_SMTP_NEXTHOPS])
{
	const struct client *c = d->client;
	struct span lists[] = { d->msg->nexthop,
		c->lmtp ? span_lit("") : c->conf->smtp_fallback_relay };
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_LEN(lists); i++)
		while (n < LIMIT_SMTP_NEXTHOPS && conf_list_next(&lists[i], &out[n]))
			n++;
	return n;
}

SUSPENDS
void
deliver_run(struct delivery *d)
{
	struct span destinations[LIMIT_SMTP_NEXTHOPS];
	size_t n = list_destinations(d, destinations);

	for (size_t i = 0; i < n && d->left && !d->stop && time_mono() < d->deadline; i++)
		try_destination(d, destinations[i], i + 1 == n);
	delivery_give_up(d);
}
