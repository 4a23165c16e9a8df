/*
 * Dispatch: takes deliveries from the scheduler, opens the message for each (read-only, in the
 * pool, unless the commit left a descriptor), and sends them to the agent as notes; results come
 * back as notes and go to result.c. When the agent's channel breaks, what it had not answered waits
 * again, and the transport pauses a little longer each time: a message that kills its agent is
 * deferred before it can do so for ever.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/sys.h"
#include "qmgr/active.h"
#include "qmgr/dispatch.h"
#include "qmgr/fan.h"
#include "qmgr/qmgr.h"
#include "qmgr/result.h"

#define BATCH		16	       /* deliveries whose files are opened together */
#define CHANNEL_WAIT_S	30	       /* master starts an agent within that time */
#define LOSSES_MOST	3	       /* in a row; then what is lost is deferred */
#define PAUSE_FIRST_NS	(NS_PER_S / 4) /* after a loss; each doubles it */
#define PAUSE_DOUBLINGS 8	       /* up to a minute */

static struct span
unavailable(void)
{
	return span_lit("mail transport unavailable");
}

/* The agent is gone and took these along. */
static void
dispatch_gone(struct ipc_channel *ch, const char *why, void *arg)
{
	struct transport *t = arg;
	struct qmgr *q = t->q;
	unsigned lost = 0;

	list_foreach (node, after, &t->deliveries) {
		struct delivery *d = LIST_ITEM(node, struct delivery, link);

		if (d->channel != ch)
			continue;
		scheduler_end(d);
		lost++;
	}
	if (lost == 0)
		return;
	log_event(
	    LOG_LEVEL_WARNING, "transport %s: %s; %u deliveries begin again", t->name, why, lost);
	t->losses++;
	t->not_before = loop_now() + (PAUSE_FIRST_NS << size_min(t->losses - 1, PAUSE_DOUBLINGS));
	timer_set(&t->timer, t->not_before);
	if (t->losses >= LOSSES_MOST)
		scheduler_defer(t, NULL, "4.3.0", unavailable());
	active_fill(q);
}

static void
dispatch_results(struct ipc_request *req, const void *body, void *arg)
{
	const struct msg_deliver_results *msg = body;
	struct transport *t = arg;
	struct delivery *d = map_get(&t->q->deliveries, span_of(&msg->job, sizeof(msg->job)));

	/* Another transport's deliveries are none of its business. */
	if (d && d->transport == t && d->channel == ipc_request_channel(req))
		result_take(t->q, d, msg);
	else
		log_event(LOG_LEVEL_WARNING, "transport %s sent results of a delivery it has not",
		    t->name);
	ipc_done(req);
}

static const struct ipc_permit agent_permits[] = {
	{ &ipc_deliver_results, dispatch_results },
};
static const struct ipc_service agent_asks = {
	.name = "agent",
	.permits = agent_permits,
	.permits_n = ARRAY_LEN(agent_permits),
	.gone = dispatch_gone,
};

void
dispatch_serve(struct transport *t)
{
	service_set_asks(t->q->ctx, t->name, &agent_asks, t);
}

/* A message's file, for a thread. */
struct opening {
	const struct store *store;
	struct delivery *delivery;
	char id[LIMIT_QUEUE_ID + 1];
	bool needed;
	int error;
};

static void
opening_job(void *arg)
{
	struct opening *o = arg;

	if (!o->needed)
		return;
	o->delivery->content = store_open(o->store, o->id, O_RDONLY);
	if (o->delivery->content < 0)
		o->error = errno;
}

/* Returns how many deliveries there are to send. */
static size_t
batch_pick(struct transport *t, struct opening batch[BATCH], bool *to_open)
{
	size_t n = 0;

	*to_open = false;
	while (n < BATCH && scheduler_has_room(t) && t->not_before == 0) {
		struct delivery *d = scheduler_pick(t);
		struct opening *o = &batch[n];

		if (!d)
			break;
		n++;
		*o = (struct opening){
			.store = t->q->store, .delivery = d, .needed = d->m->read_fd < 0
		};
		memcpy(o->id, d->m->id, sizeof(o->id));
		*to_open = *to_open || o->needed;
		if (t->limits.transport_rate_delay == 0)
			continue;
		t->not_before = loop_now() + t->limits.transport_rate_delay;
		timer_set(&t->timer, t->not_before);
	}
	return n;
}

static void
targets_fill(const struct delivery *d, struct item_target *targets, struct span *nexthop)
{
	size_t n = 0;

	list_foreach (node, after, &d->recipients) {
		const struct recipient *r = LIST_ITEM(node, struct recipient, link);
		struct item_recipient item;

		recipient_read(r, &item);
		targets[n++] = (struct item_target){
			.index = recipient_index(r),
			.address = item.address,
			.original = item.original.n > 0 ? item.original : item.address,
			.orcpt = item.orcpt,
			.notify = item.notify,
			.account = item.account,
		};
		*nexthop = item.nexthop;
	}
}

/* The message's file for one delivery: its own, or the message's, which none will want after the
 * last of its deliveries, or a duplicate of that; -1: there is none to be had. */
static int
delivery_content(struct delivery *d)
{
	struct message *m = d->m;
	int fd = d->content;

	d->content = -1;
	if (fd >= 0)
		return fd;
	if (m->waiting == 0 && m->running == d->n)
		return message_take_fd(d->transport->q, m);
	return fcntl(m->read_fd, F_DUPFD_CLOEXEC, 0);
}

/* False when there is no descriptor left. */
static bool
delivery_send(struct delivery *d, struct ipc_channel *ch)
{
	struct item_target *targets = mem_alloc_array(d->n, sizeof(*targets));
	struct span nexthop = span_lit("");
	struct message *m = d->m;
	struct envelope env;
	int content = delivery_content(d);

	message_envelope(m, &env);
	targets_fill(d, targets, &nexthop);
	struct msg_deliver msg = {
		.job = d->number,
		.queue_id = message_id(m),
		.arrived = m->arrived,
		.active = m->due,
		.sender = env.sender,
		.envid = env.envid,
		.ret = env.ret,
		.flags = env.flags,
		.longest_line = env.longest_line,
		.header_size = env.header_size,
		.nexthop = nexthop,
		.extents = { env.extents, env.extents_n },
		.content = content,
		.targets = { targets, d->n },
	};
	if (content >= 0) {
		d->channel = ch;
		d->heard = loop_now();
		ipc_note_giving(ch, m->trace, &ipc_deliver, &msg);
	}
	mem_free(targets);
	return content >= 0;
}

static void
delivery_unopened(struct qmgr *q, struct delivery *d, int error)
{
	struct str reason = STR_INIT(LIMIT_ERR_TEXT);
	struct message *m = d->m;

	log_event(LOG_LEVEL_ERROR, "%s: the queue file cannot be opened: %s", m->id,
	    strerrordesc_np(error));
	str_printf(&reason, "queue file: %s", strerrordesc_np(error));
	while (!list_empty(&d->recipients))
		result_defer_here(q, LIST_ITEM(d->recipients.next, struct recipient, link), "4.3.0",
		    str_span(&reason));
	scheduler_end(d);
	active_settle(q, m);
	str_free(&reason);
}

/* Sends what was opened, or puts it back when the channel has gone meanwhile. */
static void
batch_send(struct transport *t, struct opening *batch, size_t n, struct ipc_channel *ch)
{
	for (size_t i = 0; i < n; i++) {
		struct delivery *d = batch[i].delivery;
		bool open = ch && ipc_is_open(ch);

		if (batch[i].error == 0 && open && !delivery_send(d, ch))
			batch[i].error = errno;
		if (d->content >= 0)
			sys_close(d->content);
		d->content = -1;
		if (batch[i].error != 0)
			delivery_unopened(t->q, d, batch[i].error);
		else if (!d->channel)
			scheduler_end(d);
	}
}

SUSPENDS
static enum verdict
dispatch_round(struct transport *t, struct opening batch[BATCH])
{
	struct qmgr *q = t->q;
	struct ipc_channel *ch = NULL;
	struct err err = ERR_NONE;
	bool to_open;
	size_t n;
	enum verdict v =
	    service_channel(q->ctx, t->name, deadline_after_s(CHANNEL_WAIT_S), &ch, &err);

	if (v == VERDICT_CANCELLED || q->stopping)
		return VERDICT_CANCELLED;
	if (v != VERDICT_OK) {
		log_event(LOG_LEVEL_WARNING, "transport %s: %s", t->name, err.text);
		scheduler_defer(t, NULL, "4.3.0", unavailable());
		active_fill(q);
		return VERDICT_OK;
	}
	n = batch_pick(t, batch, &to_open);
	if (n == 0)
		return VERDICT_ABSENT;
	if (to_open) {
		fan_run(q->pool, opening_job, batch, n, sizeof(*batch), FAN_SLOW);
		/* The channel may be another by now, or none. */
		v = service_channel(q->ctx, t->name, 0, &ch, &err);
		if (v != VERDICT_OK)
			ch = NULL;
	}
	batch_send(t, batch, n, ch);
	return VERDICT_OK;
}

static bool
dispatch_may_go_on(const struct transport *t)
{
	return !t->q->stopping && !list_empty(&t->ready) && t->not_before == 0 &&
	       scheduler_has_room(t);
}

FIBER_MAIN
static void
dispatch_run(void *arg)
{
	struct transport *t = arg;
	struct opening *batch = mem_alloc_array(BATCH, sizeof(*batch));
	enum verdict v = VERDICT_OK;

	while (v == VERDICT_OK && dispatch_may_go_on(t))
		v = dispatch_round(t, batch);
	mem_free(batch);
	t->dispatching = false;
}

void
dispatch_start(struct transport *t)
{
	if (t->dispatching || !dispatch_may_go_on(t))
		return;
	t->dispatching = fiber_spawn("dispatch", dispatch_run, t) != NULL;
}

void
dispatch_start_all(struct qmgr *q)
{
	struct transport *t;
	size_t pos = 0;

	while ((t = map_next(&q->transports, &pos)) != NULL)
		dispatch_start(t);
}

void
dispatch_watch(struct qmgr *q)
{
	uint64_t limit = qmgr_conf(q)->ipc_timeout;
	struct transport *t;
	size_t pos = 0;

	while ((t = map_next(&q->transports, &pos)) != NULL) {
		struct list *node = list_first(&t->deliveries);
		struct delivery *d = node ? LIST_ITEM(node, struct delivery, link) : NULL;

		/* The oldest is first. */
		if (!d || !d->channel || loop_now() - d->heard < limit)
			continue;
		log_event(LOG_LEVEL_WARNING, "%s: transport %s has said nothing of it for too long",
		    d->m->id, t->name);
		ipc_close(d->channel, false);
	}
	dispatch_start_all(q);
}
