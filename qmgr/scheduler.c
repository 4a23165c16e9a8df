/*
 * The lists of who waits, and the choice of the next delivery. Called by active.c (a message has
 * become active), dispatch.c (an agent can take one) and result.c (one has ended). Owns transports,
 * destinations, jobs and deliveries; recipients are the messages'. Nothing here suspends or touches
 * the disk.
 *
 * Fairness: a transport serves its ready destinations in turn, a destination its jobs in turn, and
 * a turn is one delivery of at most so many recipients. So a message with one recipient waits for
 * at most one delivery of each message before it, whatever their sizes.
 */
#include "config.h"

#include "base/mem.h"
#include "qmgr/active.h"
#include "qmgr/dispatch.h"
#include "qmgr/qmgr.h"
#include "qmgr/result.h"

#define SWEEP_MOST 500 /* destinations of a transport that go at a time */

static void
transport_limits(const struct qmgr *q, struct transport *t)
{
	const struct conf *conf = qmgr_conf(q);
	struct span name = span_str(t->name);
	struct transport_limits *l = &t->limits;

	l->initial =
	    conf_transport_value(conf, name, CONF_TRANSPORT_initial_destination_concurrency);
	l->most = conf_transport_value(conf, name, CONF_TRANSPORT_destination_concurrency_limit);
	l->cohorts = conf_transport_value(
	    conf, name, CONF_TRANSPORT_destination_concurrency_failed_cohort_limit);
	l->recipients =
	    conf_transport_value(conf, name, CONF_TRANSPORT_destination_recipient_limit);
	l->rate_delay = conf_transport_value(conf, name, CONF_TRANSPORT_destination_rate_delay);
	l->transport_rate_delay =
	    conf_transport_value(conf, name, CONF_TRANSPORT_transport_rate_delay);
	l->dead_time = conf->minimal_backoff_time;
	/* A delay between deliveries means nothing while several run. */
	if (l->rate_delay > 0)
		l->most = 1;
}

static void
transport_wake(void *arg)
{
	struct transport *t = arg;

	t->not_before = 0;
	dispatch_start(t);
}

struct transport *
transport_get(struct qmgr *q, struct span name)
{
	struct transport *t = map_get(&q->transports, name);

	if (t)
		return t;
	t = mem_alloc(sizeof(*t));
	t->q = q;
	t->name = mem_strdup(name);
	map_init(&t->destinations);
	list_init(&t->ready);
	list_init(&t->deliveries);
	timer_init(&t->timer, transport_wake, t);
	transport_limits(q, t);
	map_put(&q->transports, span_str(t->name), t);
	dispatch_serve(t);
	return t;
}

void
transports_reload(struct qmgr *q)
{
	struct transport *t;
	size_t pos = 0;

	while ((t = map_next(&q->transports, &pos)) != NULL)
		transport_limits(q, t);
}

static void
destination_free(struct destination *d)
{
	if (d->timer)
		timer_stop(d->timer);
	mem_free(d->timer);
	mem_free(d->reason);
	list_remove(&d->link);
	map_remove(&d->t->destinations, span_of(d->key, d->key_n));
	mem_free(d);
}

static void
job_free(struct job *job)
{
	list_remove(&job->link);
	mem_free(job);
}

static void
transport_free(struct transport *t)
{
	struct destination *d;
	size_t pos = 0;

	timer_stop(&t->timer);
	while ((d = map_next(&t->destinations, &pos)) != NULL) {
		while (!list_empty(&d->jobs)) {
			struct job *job = LIST_ITEM(d->jobs.next, struct job, link);

			while (!list_empty(&job->recipients)) {
				struct recipient *r =
				    LIST_ITEM(job->recipients.next, struct recipient, link);

				recipient_rest(r, r->state);
			}
			job_free(job);
		}
		destination_free(d);
		pos = 0;
	}
	map_free(&t->destinations);
	mem_free(t->name);
	mem_free(t);
}

void
transports_free(struct qmgr *q)
{
	struct transport *t;
	size_t pos = 0;

	while ((t = map_next(&q->transports, &pos)) != NULL)
		transport_free(t);
	map_free(&q->transports);
}

bool
scheduler_has_room(const struct transport *t)
{
	/* Half of all at most, so that one transport that hangs does not stop the others. */
	return t->q->deliveries_n < LIMIT_QUEUE_JOBS && t->running < LIMIT_QUEUE_JOBS / 2;
}

/* Puts D on the list of those that are ready, if it is and was not. */
static void
destination_offer(struct destination *d)
{
	if (!destination_is_ready(d) || !list_empty(&d->link))
		return;
	list_push(&d->t->ready, &d->link);
	dispatch_start(d->t);
}

static void
destination_rate_over(void *arg)
{
	struct destination *d = arg;

	d->not_before = 0;
	destination_offer(d);
}

/*
 * Deliveries to an account's mailbox have a window for each account; else it is the next hop's. A
 * transport that takes one recipient at a time counts for each recipient, as postmasters know it.
 */
static void
destination_key(const struct transport *t, const struct item_recipient *item, struct str *out)
{
	str_put(out, item->nexthop);
	str_putc(out, '\0');
	if (item->account.n > 0)
		str_put(out, item->account);
	else if (t->limits.recipients == 1)
		str_put(out, item->address);
}

static struct destination *
destination_get(struct transport *t, const struct item_recipient *item)
{
	struct str key = STR_INIT(LIMIT_NEXTHOP + LIMIT_ADDRESS + 1);
	struct destination *d;

	destination_key(t, item, &key);
	d = map_get(&t->destinations, str_span(&key));
	if (!d) {
		d = mem_alloc(sizeof(*d) + key.n);
		destination_init(d, &t->limits);
		d->t = t;
		d->key_n = (uint32_t)key.n;
		memcpy(d->key, key.p, key.n);
		map_put(&t->destinations, span_of(d->key, d->key_n), d);
	}
	str_free(&key);
	return d;
}

/* The message that is being made active is the last in each of its destinations. */
static struct job *
job_get(struct destination *d, struct message *m)
{
	struct job *job = list_empty(&d->jobs) ? NULL : LIST_ITEM(d->jobs.prev, struct job, link);

	if (job && job->m == m)
		return job;
	job = mem_alloc(sizeof(*job));
	job->m = m;
	list_init(&job->recipients);
	list_push(&d->jobs, &job->link);
	return job;
}

void
scheduler_add(struct qmgr *q, struct recipient *r)
{
	struct item_recipient item;
	struct destination *d;
	struct str reason = STR_INIT(LIMIT_ERR_TEXT);

	recipient_read(r, &item);
	if (span_eq(item.transport, span_lit("error"))) {
		result_fail_here(q, r, item.nexthop);
		return;
	}
	d = destination_get(transport_get(q, item.transport), &item);
	if (!destination_is_dead(d, loop_now())) {
		list_push(&job_get(d, r->chunk->m)->recipients, &r->link);
		recipient_move(r, RECIPIENT_WAITING);
		destination_offer(d);
		return;
	}
	str_printf(&reason, "delivery temporarily suspended: %s", d->reason);
	result_defer_here(q, r, "4.4.1", str_span(&reason));
	str_free(&reason);
}

static struct delivery *
delivery_new(struct destination *d, struct job *job)
{
	struct delivery *delivery = mem_alloc(sizeof(*delivery));
	struct transport *t = d->t;

	list_init(&delivery->recipients);
	delivery->number = ++t->q->last_job;
	delivery->transport = t;
	delivery->destination = d;
	delivery->m = job->m;
	delivery->content = -1;
	delivery->heard = loop_now();
	while (delivery->n < t->limits.recipients && !list_empty(&job->recipients)) {
		struct recipient *r = LIST_ITEM(job->recipients.next, struct recipient, link);

		list_remove(&r->link);
		list_push(&delivery->recipients, &r->link);
		recipient_move(r, RECIPIENT_RUNNING);
		delivery->n++;
	}
	list_push(&t->deliveries, &delivery->link);
	map_put(&t->q->deliveries, span_of(&delivery->number, sizeof(delivery->number)), delivery);
	return delivery;
}

static void
destination_pause(struct destination *d)
{
	if (!d->timer) {
		d->timer = mem_alloc(sizeof(*d->timer));
		timer_init(d->timer, destination_rate_over, d);
	}
	d->not_before = loop_now() + d->t->limits.rate_delay;
	timer_set(d->timer, d->not_before);
}

/* The job whose turn it is; those whose recipients were withdrawn go. NULL: none is left. */
static struct job *
destination_next_job(struct destination *d)
{
	while (!list_empty(&d->jobs)) {
		struct job *job = LIST_ITEM(d->jobs.next, struct job, link);

		if (!list_empty(&job->recipients)) {
			list_remove(&job->link);
			return job;
		}
		job_free(job);
	}
	return NULL;
}

static struct delivery *
destination_pick(struct destination *d)
{
	struct job *job = destination_next_job(d);
	struct delivery *delivery;

	if (!job)
		return NULL;
	delivery = delivery_new(d, job);
	if (list_empty(&job->recipients))
		job_free(job);
	else
		list_push(&d->jobs, &job->link);
	d->busy++;
	d->t->running++;
	d->t->q->deliveries_n++;
	service_busy(d->t->q->ctx);
	destination_offer(d);
	return delivery;
}

struct delivery *
scheduler_pick(struct transport *t)
{
	struct list *node;

	while ((node = list_pop(&t->ready)) != NULL) {
		struct destination *d = LIST_ITEM(node, struct destination, link);
		struct delivery *delivery = destination_pick(d);

		if (delivery)
			return delivery;
		if (destination_is_idle(d, loop_now()))
			destination_free(d);
	}
	return NULL;
}

static void
delivery_withdraw(struct delivery *d)
{
	while (!list_empty(&d->recipients)) {
		struct recipient *r = LIST_ITEM(d->recipients.next, struct recipient, link);

		recipient_rest(r, r->state);
	}
	active_settle(d->transport->q, d->m);
}

static void
delivery_give_back(struct delivery *d)
{
	struct job *job;
	struct list *node;

	if (list_empty(&d->recipients))
		return;
	if (d->m->deleting || d->m->flags & FILE_HELD) {
		delivery_withdraw(d);
		return;
	}
	job = mem_alloc(sizeof(*job));
	job->m = d->m;
	list_init(&job->recipients);
	list_push_front(&d->destination->jobs, &job->link);
	while ((node = list_pop(&d->recipients)) != NULL) {
		list_push(&job->recipients, node);
		recipient_move(LIST_ITEM(node, struct recipient, link), RECIPIENT_WAITING);
	}
}

void
scheduler_end(struct delivery *d)
{
	struct transport *t = d->transport;
	struct destination *dest = d->destination;
	struct qmgr *q = t->q;

	delivery_give_back(d);
	map_remove(&q->deliveries, span_of(&d->number, sizeof(d->number)));
	list_remove(&d->link);
	assert(d->content < 0);
	mem_free(d);
	dest->busy--;
	t->running--;
	/* Others may have waited for room. */
	if (q->deliveries_n-- == LIMIT_QUEUE_JOBS)
		dispatch_start_all(q);
	if (t->limits.rate_delay > 0)
		destination_pause(dest);
	destination_offer(dest);
	if (destination_is_idle(dest, loop_now()))
		destination_free(dest);
	service_idle(q->ctx);
}

static void
job_defer(struct qmgr *q, struct job *job, const char *dsn, struct span reason)
{
	struct message *m = job->m;

	while (!list_empty(&job->recipients)) {
		struct recipient *r = LIST_ITEM(job->recipients.next, struct recipient, link);

		result_defer_here(q, r, dsn, reason);
	}
	job_free(job);
	active_settle(q, m);
}

static void
destination_defer(struct destination *d, const char *dsn, struct span reason)
{
	while (!list_empty(&d->jobs))
		job_defer(d->t->q, LIST_ITEM(d->jobs.next, struct job, link), dsn, reason);
	list_remove(&d->link);
}

void
scheduler_defer(struct transport *t, struct destination *dest, const char *dsn, struct span reason)
{
	struct destination *d;
	size_t pos = 0;

	if (dest) {
		destination_defer(dest, dsn, reason);
		return;
	}
	while ((d = map_next(&t->destinations, &pos)) != NULL)
		destination_defer(d, dsn, reason);
}

void
scheduler_withdraw(struct message *m)
{
	for (struct recipient *r = message_first(m); m->waiting > 0 && r; r = message_next(r))
		if (r->stage == RECIPIENT_WAITING)
			recipient_rest(r, r->state);
}

void
scheduler_revive(struct qmgr *q)
{
	struct transport *t;
	size_t pos = 0;

	while ((t = map_next(&q->transports, &pos)) != NULL) {
		struct destination *d;
		size_t at = 0;

		while ((d = map_next(&t->destinations, &at)) != NULL)
			d->dead_until = 0;
		t->losses = 0;
	}
}

static void
transport_sweep(struct transport *t)
{
	struct destination *idle[SWEEP_MOST], *d;
	size_t pos = 0, n = 0;

	while (n < SWEEP_MOST && (d = map_next(&t->destinations, &pos)) != NULL)
		if (destination_is_idle(d, loop_now()))
			idle[n++] = d;
	while (n > 0)
		destination_free(idle[--n]);
}

void
scheduler_sweep(struct qmgr *q)
{
	struct transport *t;
	size_t pos = 0;

	while ((t = map_next(&q->transports, &pos)) != NULL)
		transport_sweep(t);
}
