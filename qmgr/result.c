/*
 * Results: each recipient's state, the destination's window, the slot to be written. Called by
 * dispatch.c with what agents say, by scheduler.c for what is deferred without a try. An agent is
 * believed for the recipients of its own delivery, each once, and for nothing else.
 */
#include "config.h"

#include "base/log.h"
#include "qmgr/active.h"
#include "qmgr/feed.h"
#include "qmgr/qmgr.h"
#include "qmgr/report.h"
#include "qmgr/result.h"
#include "service/delivery_log.h"

#define JITTER_SHARE \
	16 /* of the back-off: what failed at one time shall not come back at one time */

static uint64_t
clamp(uint64_t v, uint64_t low, uint64_t high)
{
	if (v < low)
		return low;
	return v > high ? high : v;
}

/* As long as the message has waited already, within bounds. All recipients of a message have the
 * same jitter. */
static uint64_t
next_try(const struct qmgr *q, const struct message *m, uint64_t now)
{
	const struct conf *conf = qmgr_conf(q);
	uint64_t age = now > m->arrived ? now - m->arrived : 0;
	uint64_t wait = clamp(age, conf->minimal_backoff_time, conf->maximal_backoff_time);

	return now + wait + map_hash(message_id(m)) % (wait / JITTER_SHARE + 1);
}

static void
recipient_defer(struct qmgr *q, struct recipient *r, struct dsn_code dsn, struct span reason)
{
	uint64_t now = time_wall();

	r->last = now;
	r->next = next_try(q, r->chunk->m, now);
	recipient_set_reason(q, r, dsn, reason);
	recipient_rest(r, SLOT_DEFERRED);
	active_retry(q, r->chunk->m, r->next);
	change_recipient(q, r);
}

static void
result_log(
    const struct recipient *r, enum delivery_status status, struct span dsn, struct span reason)
{
	const struct message *m = r->chunk->m;
	uint64_t now = time_wall();
	struct item_recipient item;

	recipient_read(r, &item);
	delivery_log(&(struct delivery_line){ .queue_id = message_id(m),
	    .recipient = item.address,
	    .original = item.original,
	    .relay = span_lit("none"),
	    .arrived = m->arrived,
	    .active = m->due,
	    .connecting = now,
	    .sending = now,
	    .dsn = dsn,
	    .status = status,
	    .text = reason });
}

void
result_defer_here(struct qmgr *q, struct recipient *r, const char *dsn, struct span reason)
{
	struct dsn_code code = { 4, 3, 0 };

	dsn_code_parse(span_str(dsn), &code);
	result_log(r, DELIVERY_DEFERRED, span_str(dsn), reason);
	recipient_defer(q, r, code, reason);
}

void
result_fail_here(struct qmgr *q, struct recipient *r, struct span nexthop)
{
	struct dsn_code code = { 5, 0, 0 }, given;
	struct span word, rest, reason = nexthop;
	char text[12];

	span_cut(nexthop, ' ', &word, &rest);
	if (dsn_code_parse(word, &given) && given.class == 5) {
		code = given;
		reason = span_trim(rest);
	}
	result_log(r, DELIVERY_BOUNCED, span_str(dsn_code_text(code, text)), reason);
	r->last = time_wall();
	recipient_set_reason(q, r, code, reason);
	recipient_rest(r, SLOT_FAILED);
	change_recipient(q, r);
}

static struct recipient *
delivery_recipient(struct delivery *d, uint32_t index)
{
	list_foreach (node, after, &d->recipients) {
		struct recipient *r = LIST_ITEM(node, struct recipient, link);

		if (recipient_index(r) == index)
			return r;
	}
	return NULL;
}

static void
recipient_result(struct qmgr *q, struct recipient *r, const struct item_result *result)
{
	struct dsn_code dsn = { 0 };

	dsn_code_parse(result->dsn, &dsn);
	if (r->attempts < UINT16_MAX)
		r->attempts++;
	if (result->status == DELIVERY_DEFERRED) {
		recipient_defer(q, r, dsn, result->text);
		return;
	}
	/* Reports go by the class. */
	if (dsn.class != (result->status == DELIVERY_SENT ? 2 : 5))
		dsn = (struct dsn_code){ result->status == DELIVERY_SENT ? 2 : 5, 0, 0 };
	r->last = time_wall();
	if (result->status == DELIVERY_SENT && !report_wants_success(r, result)) {
		recipient_set_reason(q, r, dsn, span_lit(""));
		recipient_rest(r, SLOT_SENT);
	} else {
		recipient_set_reason(q, r, dsn, result->text);
		recipient_rest(r, SLOT_FAILED);
	}
	/* A message that is done leaves at once: no slot is worth writing then. */
	if (r->chunk->m->done < r->chunk->m->head.recipients)
		change_recipient(q, r);
}

static void
delivery_result(struct qmgr *q, struct delivery *d, const struct item_result *result)
{
	struct recipient *r = delivery_recipient(d, result->index);

	if (!r || result->status < DELIVERY_SENT || result->status > DELIVERY_BOUNCED) {
		log_event(LOG_LEVEL_WARNING,
		    "%s: transport %s sent a result that belongs to nothing", d->m->id,
		    d->transport->name);
		return;
	}
	if (result->no_host && result->status != DELIVERY_SENT)
		d->no_host++;
	else
		d->reached++;
	recipient_result(q, r, result);
}

/* One delivery counts once, whatever it carried: it reached its destination when anything in it
 * did. */
static bool
delivery_feedback(struct delivery *d, struct span reason)
{
	struct destination *dest = d->destination;
	const struct transport_limits *limits = &d->transport->limits;

	if (d->reached > 0)
		destination_reached(dest, limits);
	else if (d->no_host > 0)
		return destination_failed(dest, limits, loop_now(), reason);
	return false;
}

static struct span
results_reason(const struct msg_deliver_results *msg)
{
	for (uint32_t i = 0; i < msg->results.n; i++)
		if (msg->results.v[i].no_host)
			return msg->results.v[i].text;
	return span_lit("the destination cannot be reached");
}

void
result_take(struct qmgr *q, struct delivery *d, const struct msg_deliver_results *msg)
{
	struct message *m = d->m;
	struct transport *t = d->transport;
	struct destination *dest = d->destination;
	bool dead;

	d->heard = loop_now();
	for (uint32_t i = 0; i < msg->results.n; i++)
		delivery_result(q, d, &msg->results.v[i]);
	if (!msg->last && !list_empty(&d->recipients))
		return;
	if (!list_empty(&d->recipients))
		log_event(LOG_LEVEL_WARNING, "%s: transport %s left recipients without a result",
		    m->id, t->name);
	while (!list_empty(&d->recipients))
		result_defer_here(q, LIST_ITEM(d->recipients.next, struct recipient, link), "4.3.0",
		    span_lit("the delivery agent gave no result"));
	t->losses = 0;
	dead = delivery_feedback(d, results_reason(msg));
	if (dead) {
		struct str reason = STR_INIT(LIMIT_ERR_TEXT);

		/* Before the delivery ends: until then the destination stays. */
		str_printf(&reason, "delivery temporarily suspended: %s", dest->reason);
		scheduler_defer(t, dest, "4.4.1", str_span(&reason));
		str_free(&reason);
	}
	scheduler_end(d);
	feed_more(q, m);
	active_settle(q, m);
	active_fill(q);
}
