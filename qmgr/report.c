/*
 * Reports to senders (RFC 3461 4.1, 5.2). Called by active.c when a message has come to rest; asks
 * bounce, which writes the report as a new message, and waits until that is durable. What is to be
 * told stays in its slot until then, so that a crash loses none: one between the report's commit
 * and the slot's sync repeats it. Owns the list of messages with something to tell; while bounce
 * cannot be had they wait, and deliveries go on.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/sys.h"
#include "event/pool.h"
#include "qmgr/active.h"
#include "qmgr/qmgr.h"
#include "qmgr/report.h"

#define AT_ONE_TIME    8   /* reports being made: bounce and its commits are shared by all */
#define CHANNEL_WAIT_S 30  /* master starts bounce within that time */
#define REPORT_WAIT_S  600 /* bounce asks rewrite, writes, and waits for a commit */
#define RETRY_S	       10
#define REPLY_ARENA    4096

struct reports {
	struct qmgr *q;
	struct list waiting; /* messages */
	unsigned running;    /* fibers */
	uint64_t not_before; /* monotonic: after a failure */
	struct timer timer;
};

FIBER_MAIN static void reports_run(void *arg);

static void
reports_start(struct reports *reports)
{
	if (reports->q->stopping || reports->running >= AT_ONE_TIME ||
	    loop_now() < reports->not_before || list_empty(&reports->waiting))
		return;
	if (fiber_spawn("report", reports_run, reports))
		reports->running++;
	else
		timer_set(&reports->timer, deadline_after_s(RETRY_S));
}

static void
reports_tick(void *arg)
{
	reports_start(arg);
}

struct reports *
reports_new(struct qmgr *q)
{
	struct reports *reports = mem_alloc(sizeof(*reports));

	reports->q = q;
	list_init(&reports->waiting);
	timer_init(&reports->timer, reports_tick, reports);
	return reports;
}

void
reports_free(struct reports *reports)
{
	assert(reports->running == 0);
	timer_stop(&reports->timer);
	mem_free(reports);
}

bool
reports_idle(const struct reports *reports)
{
	return reports->running == 0;
}

static void
report_later(struct qmgr *q, struct message *m)
{
	m->reporting = true;
	list_push(&q->reports->waiting, &m->report);
	reports_start(q->reports);
}

bool
report_cancel(struct message *m)
{
	if (m->reporting && list_empty(&m->report))
		return false;
	list_remove(&m->report);
	m->reporting = false;
	return true;
}

/* Success is told of as failures are, by way of the same state: the status's class tells them
 * apart. */
static enum report_kind
recipient_kind(const struct recipient *r)
{
	if (r->state == SLOT_DEFERRED)
		return REPORT_DELAY;
	return r->dsn.class == 2 ? REPORT_SUCCESS : REPORT_FAILURE;
}

/*
 * RFC 3461 4.1: without NOTIFY, failures and delays are told of. With the null sender it is bounce
 * that decides: the postmaster may want to know.
 */
static bool
recipient_wants(const struct envelope *env, const struct recipient *r, enum report_kind kind)
{
	static const uint8_t wanted[] = { [REPORT_FAILURE] = DSN_FAILURE,
		[REPORT_DELAY] = DSN_DELAY,
		[REPORT_SUCCESS] = DSN_SUCCESS };
	struct item_recipient item;

	recipient_read(r, &item);
	if (env->sender.n == 0)
		return kind == REPORT_FAILURE;
	return item.notify == 0 ? kind != REPORT_SUCCESS : item.notify & wanted[kind];
}

bool
report_wants_success(const struct recipient *r, const struct item_result *result)
{
	struct envelope env;

	message_envelope(r->chunk->m, &env);
	return !result->dsn_passed && recipient_wants(&env, r, REPORT_SUCCESS);
}

void
report_failures(struct qmgr *q, struct message *m)
{
	struct envelope env;

	if (m->reporting)
		return;
	message_envelope(m, &env);
	for (struct recipient *r = message_first(m); r; r = message_next(r)) {
		if (r->state != SLOT_FAILED || recipient_wants(&env, r, recipient_kind(r)))
			continue;
		recipient_rest(r, SLOT_REPORTED);
		change_recipient(q, r);
	}
	if (m->failed > 0)
		report_later(q, m);
}

static bool
delay_is_due(const struct qmgr *q, const struct message *m)
{
	uint64_t after = qmgr_conf(q)->delay_warning_time;
	uint64_t now = time_wall();

	return after > 0 && !(m->flags & FILE_WARNED) && now >= m->arrived &&
	       now - m->arrived >= after;
}

void
report_delay(struct qmgr *q, struct message *m)
{
	struct envelope env;

	if (m->reporting || !delay_is_due(q, m))
		return;
	message_envelope(m, &env);
	for (struct recipient *r = message_first(m); r; r = message_next(r)) {
		if (r->state != SLOT_DEFERRED || !recipient_wants(&env, r, REPORT_DELAY))
			continue;
		report_later(q, m);
		return;
	}
}

/* One report: what it is made of, and whom it tells of. */
struct report {
	struct qmgr *q;
	struct message *m;
	enum report_kind kind;
	struct recipient *told[LIMIT_REPORT_RECIPIENTS];
	struct item_reported items[LIMIT_REPORT_RECIPIENTS];
	char dsn[LIMIT_REPORT_RECIPIENTS][12];
	uint32_t n;
	char id[LIMIT_QUEUE_ID + 1];
	int fd;
	int error;
};

static void
report_open_job(void *arg)
{
	struct report *report = arg;

	report->fd = store_open(report->q->store, report->id, O_RDONLY);
	report->error = report->fd < 0 ? errno : 0;
}

static uint8_t
recipient_action(const struct recipient *r, const struct item_recipient *item)
{
	if (r->state == SLOT_DEFERRED)
		return DSN_DELAYED;
	if (r->dsn.class != 2)
		return DSN_FAILED;
	return item->account.n > 0 ? DSN_DELIVERED : DSN_RELAYED;
}

static void
report_add(struct report *report, struct recipient *r)
{
	struct item_recipient item;
	uint32_t i = report->n++;

	recipient_read(r, &item);
	report->told[i] = r;
	report->items[i] = (struct item_reported){
		.address = item.address,
		.original = item.original.n > 0 ? item.original : item.address,
		.orcpt = item.orcpt,
		.action = recipient_action(r, &item),
		.dsn = span_str(dsn_code_text(r->dsn, report->dsn[i])),
		.text = intern_text(r->reason),
		.last = r->last,
	};
}

/* Failures and successes first, of one kind at a time; else the delay. */
static void
report_gather(struct report *report, const struct envelope *env)
{
	struct message *m = report->m;
	enum file_slot_state state = m->failed > 0 ? SLOT_FAILED : SLOT_DEFERRED;

	if (state == SLOT_DEFERRED && !delay_is_due(report->q, m))
		return;
	for (struct recipient *r = message_first(m); r; r = message_next(r)) {
		enum report_kind kind = recipient_kind(r);

		if (r->state != state || (report->n > 0 && kind != report->kind) ||
		    !recipient_wants(env, r, kind))
			continue;
		if (report->n == LIMIT_REPORT_RECIPIENTS)
			return;
		report->kind = kind;
		report_add(report, r);
	}
}

static void
report_done(struct report *report)
{
	struct message *m = report->m;

	if (report->kind == REPORT_DELAY) {
		change_flags(report->q, m, m->flags | FILE_WARNED);
		return;
	}
	for (uint32_t i = 0; i < report->n; i++) {
		recipient_rest(report->told[i], SLOT_REPORTED);
		change_recipient(report->q, report->told[i]);
	}
}

SUSPENDS
static enum verdict
report_ask(struct report *report, struct ipc_channel *ch, struct err *err)
{
	struct message *m = report->m;
	struct msg_bounce_reported reply;
	struct envelope env;
	struct arena arena;
	enum verdict v;

	message_envelope(m, &env);
	report_gather(report, &env);
	if (report->n == 0)
		return VERDICT_OK;
	struct msg_bounce_report msg = {
		.queue_id = message_id(m),
		.arrived = m->arrived,
		.expires = m->arrived + qmgr_conf(report->q)->maximal_queue_lifetime,
		.sender = env.sender,
		.envid = env.envid,
		.ret = env.ret,
		.flags = env.flags,
		.kind = (uint8_t)report->kind,
		.header_size = env.header_size,
		.extents = { env.extents, env.extents_n },
		.content = report->fd,
		.recipients = { report->items, report->n },
	};
	arena_init(&arena, REPLY_ARENA);
	v = ipc_call(ch, m->trace, &ipc_bounce_report, &msg, &ipc_bounce_reported, &reply, &arena,
	    deadline_after_s(REPORT_WAIT_S), err);
	arena_free(&arena);
	if (v == VERDICT_OK)
		report_done(report);
	return v;
}

/* The recipients are gathered when nothing but the answer is left to wait for: what is known of
 * deferred ones may leave memory meanwhile. */
SUSPENDS
static enum verdict
report_make(struct qmgr *q, struct message *m, struct err *err)
{
	struct report *report = mem_alloc(sizeof(*report));
	struct ipc_channel *ch;
	enum verdict v;

	report->q = q;
	report->m = m;
	memcpy(report->id, m->id, sizeof(report->id));
	(void)pool_run(q->pool, report_open_job, report);
	v = report->fd < 0
		? err_sys(err, report->error, "the queue file cannot be opened")
		: service_channel(q->ctx, "bounce", deadline_after_s(CHANNEL_WAIT_S), &ch, err);
	if (v == VERDICT_OK)
		v = report_ask(report, ch, err);
	if (report->fd >= 0)
		sys_close(report->fd);
	mem_free(report);
	return v;
}

SUSPENDS
static void
reports_next(struct reports *reports)
{
	struct message *m = LIST_ITEM(list_pop(&reports->waiting), struct message, report);
	struct err err = ERR_NONE;

	if (report_make(reports->q, m, &err) == VERDICT_OK) {
		m->reporting = false;
		active_settle(reports->q, m);
		return;
	}
	if (err.verdict != VERDICT_CANCELLED && !reports->q->stopping)
		log_event(LOG_LEVEL_WARNING, "%s: the sender is not told yet: %s", m->id, err.text);
	list_push(&reports->waiting, &m->report);
	/* Deleted meanwhile: nothing more is told. */
	if (m->deleting)
		active_settle(reports->q, m);
	reports->not_before = deadline_after_s(RETRY_S);
	timer_set(&reports->timer, reports->not_before);
}

FIBER_MAIN
static void
reports_run(void *arg)
{
	struct reports *reports = arg;

	while (!reports->q->stopping && time_mono() >= reports->not_before &&
	       !list_empty(&reports->waiting))
		reports_next(reports);
	reports->running--;
	qmgr_maybe_stopped(reports->q);
}
