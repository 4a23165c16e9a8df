/*
 * The book of one delivery: each recipient is told once, to qmgr and to the log. Called by
 * deliver.c and transaction.c. A result is told the moment it is known, before anything else is
 * sent or awaited: what has been said to us must not be lost with a process (RFC 1047).
 */
#include "smtp/delivery.h"

#include "base/time.h"
#include "base/utf8.h"
#include "service/delivery_log.h"

#define DELIVERY_ARENA (1u << 20) /* bytes: states, a route, names */

void
delivery_begin(struct delivery *d)
{
	arena_init(&d->arena, DELIVERY_ARENA);
	d->states = arena_alloc(&d->arena, d->msg->targets.n);
	assert(d->states && "a message's bound is a thousand targets");
	d->left = d->msg->targets.n;
	for (uint32_t i = 0; i < d->msg->extents.n; i++)
		d->size += d->msg->extents.v[i].size;
	d->deadline = deadline_after_s(LIMIT_SMTP_DELIVERY);
	d->started = d->ready = time_wall();
	err_mail(&d->err, 451, "4.3.0", "no host to try");
	delivery_at(d, NULL);
}

void
delivery_end(struct delivery *d)
{
	arena_free(&d->arena);
}

void
delivery_at(struct delivery *d, struct session *s)
{
	d->relay = s ? str_span(&s->relay) : span_lit("none");
	d->remote = s ? str_span(&s->host) : span_lit("");
	d->conn_use = s ? s->uses : 0;
}

void
delivery_note(struct delivery *d, const struct err *err, bool no_host)
{
	if (d->noted && err->verdict == VERDICT_PERM && d->err.verdict != VERDICT_PERM)
		return;
	d->noted = true;
	d->err = *err;
	d->no_host = no_host;
}

static void
tell(struct delivery *d, uint32_t i, enum delivery_status status, struct span dsn, struct span text,
    bool no_host)
{
	const struct item_target *target = &d->msg->targets.v[i];
	struct item_result result = {
		.index = target->index,
		.status = (uint8_t)status,
		.dsn = dsn,
		.text = span_head(text, LIMIT_ERR_TEXT),
		.remote = span_head(d->remote, LIMIT_NEXTHOP),
		.no_host = no_host,
		.dsn_passed = status == DELIVERY_SENT && d->dsn_passed,
	};

	assert(d->states[i] != TARGET_DONE);
	d->states[i] = TARGET_DONE;
	d->left--;
	delivery_log(&(struct delivery_line){ .queue_id = d->msg->queue_id,
	    .recipient = target->address,
	    .original = target->original,
	    .relay = d->relay,
	    .conn_use = d->conn_use,
	    .arrived = d->msg->arrived,
	    .active = d->msg->active,
	    .connecting = d->started,
	    .sending = d->ready,
	    .dsn = dsn,
	    .status = status,
	    .text = result.text });
	d->client->report(d, &result, d->left == 0);
}

void
delivery_sent(struct delivery *d, uint32_t i, const struct reply *reply)
{
	struct str text = STR_INIT(LIMIT_ERR_TEXT + 1), shown = STR_INIT(LIMIT_ERR_TEXT);
	struct dsn_code dsn = reply->dsn.class == 2 ? reply->dsn : (struct dsn_code){ 2, 0, 0 };
	char *room = str_reserve(&shown, LIMIT_ERR_TEXT);
	char dsn_text[12];

	assert(room);
	/* Printable, as failures are: they come as struct err. */
	reply_put(&text, reply);
	utf8_escape(str_span(&text), false, room, LIMIT_ERR_TEXT);
	tell(d, i, DELIVERY_SENT, span_str(dsn_code_text(dsn, dsn_text)), span_str(room), false);
	str_free(&text);
	str_free(&shown);
}

static void
tell_failed(struct delivery *d, uint32_t i, const struct err *err, bool no_host)
{
	bool bounced = err->verdict == VERDICT_PERM;
	struct dsn_code dsn = err->dsn;
	char dsn_text[12];

	if (dsn.class == 0)
		dsn = (struct dsn_code){ 0, 3, 0 };
	dsn.class = bounced ? 5 : 4;
	tell(d, i, bounced ? DELIVERY_BOUNCED : DELIVERY_DEFERRED,
	    span_str(dsn_code_text(dsn, dsn_text)), err_text(err), no_host);
}

void
delivery_failed(struct delivery *d, uint32_t i, const struct err *err)
{
	tell_failed(d, i, err, false);
}

void
delivery_give_up(struct delivery *d)
{
	for (uint32_t i = 0; i < d->msg->targets.n; i++)
		if (d->states[i] != TARGET_DONE)
			tell_failed(d, i, &d->err, d->no_host);
}
