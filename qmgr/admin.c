/*
 * The tools' requests: list, flush, read. Called by channels of the public socket, which anybody on
 * this host may open: the queue's files are for root and the queue's owner alone, listing and
 * flushing for whom main.cf says. A request runs on a fiber of its own that lets others run every
 * few milliseconds; what a list is made of is the ids that were there when it began.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/sys.h"
#include "qmgr/active.h"
#include "qmgr/admin.h"
#include "qmgr/chunk.h"
#include "qmgr/qmgr.h"

#define SLICE_NS      (5 * NS_PER_MS) /* then others run */
#define BACKLOG_BYTES (1u << 20)      /* unread by the tool: then it is waited for */
#define BACKLOG_MS    2

struct ask {
	struct qmgr *q;
	struct ipc_request *req;
	const void *msg;
	/* Ids as they were at the beginning. */
	char (*ids)[LIMIT_QUEUE_ID + 1];
	size_t ids_n;
	uint64_t slice; /* monotonic: when it began */
	uint64_t count;
	uint64_t bytes;
};

static void
ask_take_ids(struct ask *a)
{
	struct message *m;
	size_t pos = 0;

	a->ids = mem_alloc_array(a->q->messages.count + 1, sizeof(*a->ids));
	while ((m = map_next(&a->q->messages, &pos)) != NULL)
		memcpy(a->ids[a->ids_n++], m->id, sizeof(*a->ids));
}

static void
ask_free(struct ask *a)
{
	mem_free(a->ids);
	mem_free(a);
}

/* False: nobody waits for the answer any more. */
SUSPENDS
static bool
ask_breathe(struct ask *a)
{
	struct ipc_channel *ch = ipc_request_channel(a->req);
	enum verdict v = VERDICT_OK;

	if (time_mono() - a->slice >= SLICE_NS) {
		v = fiber_yield();
		a->slice = time_mono();
	}
	while (v == VERDICT_OK && (ch = ipc_request_channel(a->req)) != NULL &&
	       ipc_backlog(ch) > BACKLOG_BYTES)
		v = fiber_sleep_until(deadline_after_ms(BACKLOG_MS));
	return v == VERDICT_OK && ipc_request_channel(a->req);
}

static bool
place_name(const struct message *m, struct span *out)
{
	static const struct span names[] = {
		[MESSAGE_INCOMING] = SPAN("incoming"),
		[MESSAGE_ACTIVE] = SPAN("active"),
		[MESSAGE_DEFERRED] = SPAN("deferred"),
		[MESSAGE_HELD] = SPAN("hold"),
		[MESSAGE_DAMAGED] = SPAN("corrupt"),
		[MESSAGE_LEAVING] = { NULL, 0 },
	};

	*out = names[m->place];
	return out->n > 0;
}

/* One note: the message, and N of its recipients. */
static void
list_send(struct ask *a, const struct message *m, struct item_listed *v, uint32_t n)
{
	struct ipc_channel *ch = ipc_request_channel(a->req);
	struct msg_queue_entry entry = {
		.queue_id = message_id(m),
		.arrived = m->arrived,
		.size = m->content_size,
		.forced_expire = m->flags & FILE_EXPIRE,
		.recipients = { v, n },
	};
	struct envelope env = { .arrived = 0 };

	if (m->envelope)
		message_envelope(m, &env);
	entry.sender = env.sender;
	if (ch && place_name(m, &entry.queue))
		ipc_note(ch, 0, &ipc_queue_entry, &entry);
}

static void
listed_set(struct item_listed *out, const struct item_recipient *item, struct span reason)
{
	*out = (struct item_listed){
		.address = item->address,
		.original = item->original.n > 0 ? item->original : item->address,
		.reason = reason,
	};
}

/* Those of a chunk in memory that are not done with. */
static uint32_t
list_loaded(const struct chunk *chunk, struct item_listed *out)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < chunk->n; i++) {
		const struct recipient *r = &chunk->v[i];
		struct item_recipient item;

		if (r->state == SLOT_SENT || r->state == SLOT_REPORTED)
			continue;
		recipient_read(r, &item);
		listed_set(&out[n++], &item, intern_text(r->reason));
	}
	return n;
}

static uint32_t
list_read(const struct chunk_read *r, struct item_listed *out)
{
	struct cursor c = cursor_of(span_of(r->record, r->size));
	struct span slots = span_of(r->slots, r->slots_n);
	struct item_recipient item;
	struct file_slot slot;
	uint32_t n = 0;

	for (uint32_t i = 0; i < r->n && record_recipient(&c, &item); i++) {
		struct span bytes =
		    span_head(span_from(slots, (size_t)i * FILE_SLOT_SIZE), FILE_SLOT_SIZE);

		file_slot_get(&r->head, r->first + i, bytes, &slot);
		if (slot.state != SLOT_SENT && slot.state != SLOT_REPORTED)
			listed_set(&out[n++], &item, slot.reason);
	}
	return n;
}

/* A chunk of the disk's. */
SUSPENDS
static void
list_unloaded(struct ask *a, const char *id, const struct chunk *chunk)
{
	struct item_listed *v;
	struct chunk_read r;
	struct message *m;
	uint32_t n;

	chunk_read_init(&r, a->q->store, chunk);
	(void)pool_run(a->q->pool, chunk_read_job, &r);
	m = message_find(a->q, span_str(id));
	if (r.error == 0 && m && m->envelope) {
		v = mem_alloc_array(r.n, sizeof(*v));
		n = list_read(&r, v);
		if (n > 0)
			list_send(a, m, v, n);
		mem_free(v);
	}
	chunk_read_free(&r);
}

SUSPENDS
static void
list_chunk(struct ask *a, const char *id, const struct chunk *chunk, struct item_listed *v)
{
	if (chunk->v)
		list_send(a, chunk->m, v, list_loaded(chunk, v));
	else if (chunk->done < chunk->n)
		list_unloaded(a, id, chunk);
}

/* A message with more recipients than a chunk comes in several notes. */
SUSPENDS
static void
list_message(struct ask *a, const char *id)
{
	struct item_listed *v = mem_alloc_array(LIMIT_QUEUE_CHUNK, sizeof(*v));
	struct message *m = message_find(a->q, span_str(id));
	struct span name;

	if (m && m->place != MESSAGE_NAMED && place_name(m, &name)) {
		a->count++;
		a->bytes += m->content_size;
		if (m->chunks_n == 0)
			list_send(a, m, v, 0);
	}
	/* It may have gone, or changed, whenever others have run. */
	for (uint32_t i = 0; m && m->place != MESSAGE_NAMED && i < m->chunks_n; i++) {
		if (i > 0 && !ask_breathe(a))
			break;
		m = message_find(a->q, span_str(id));
		if (m && i < m->chunks_n)
			list_chunk(a, id, &m->chunks[i], v);
		m = message_find(a->q, span_str(id));
	}
	mem_free(v);
}

FIBER_MAIN
static void
list_run(void *arg)
{
	struct ask *a = arg;

	ask_take_ids(a);
	for (size_t i = 0; i < a->ids_n && ask_breathe(a); i++)
		list_message(a, a->ids[i]);
	ipc_reply(a->req, &ipc_queue_listed,
	    &(struct msg_queue_listed){ .count = a->count, .bytes = a->bytes });
	ask_free(a);
}

static bool
site_matches(const struct item_recipient *item, struct span site)
{
	size_t at = span_rfind(item->address, '@');

	return span_eq_nocase(item->nexthop, site) ||
	       span_eq_nocase(span_from(item->address, at + 1), site);
}

/* Recipients that are not in memory are tried with the others: what is known of them is counts. */
static bool
message_has_site(const struct message *m, struct span site)
{
	for (const struct recipient *r = message_first(m); r; r = message_next(r)) {
		struct item_recipient item;

		recipient_read(r, &item);
		if (r->state == SLOT_DEFERRED && site_matches(&item, site))
			return true;
	}
	return m->chunks_n > 1;
}

FIBER_MAIN
static void
flush_run(void *arg)
{
	struct ask *a = arg;
	const struct msg_queue_flush *msg = a->msg;

	scheduler_revive(a->q);
	ask_take_ids(a);
	for (size_t i = 0; i < a->ids_n && ask_breathe(a); i++) {
		struct message *m = message_find(a->q, span_str(a->ids[i]));

		if (!m || m->place == MESSAGE_NAMED || m->deferred == 0 || m->flags & FILE_HELD)
			continue;
		if (msg->site.n > 0 && !message_has_site(m, msg->site))
			continue;
		active_flush(a->q, m);
		a->count++;
	}
	ipc_reply(a->req, &ipc_queue_flushed, &(struct msg_queue_flushed){ .count = a->count });
	ask_free(a);
}

static void
flush_one(struct qmgr *q, struct ipc_request *req, struct span id)
{
	struct message *m = message_find(q, id);
	struct err err = ERR_NONE;

	if (!m || m->place == MESSAGE_NAMED) {
		err_set(&err, VERDICT_ABSENT, "no message %.*s is in the queue", SPAN_ARG(id));
		ipc_fail(req, &err);
		return;
	}
	scheduler_revive(q);
	if (!(m->flags & FILE_HELD))
		active_flush(q, m);
	ipc_reply(req, &ipc_queue_flushed, &(struct msg_queue_flushed){ .count = 1 });
}

static bool
is_owner(struct ipc_request *req)
{
	uid_t uid = ipc_peer_uid(ipc_request_channel(req));

	return uid == 0 || uid == geteuid();
}

/* LIST as main.cf has it: everybody, or the owner alone. */
static bool
may_ask(struct ipc_request *req, struct span list)
{
	return is_owner(req) || span_eq(span_trim(list), span_lit("static:anyone"));
}

static void
refuse(struct ipc_request *req, const char *what)
{
	struct err err = ERR_NONE;

	err_set(&err, VERDICT_PERM, "you may not %s", what);
	ipc_fail(req, &err);
}

static void
ask_start(struct qmgr *q, struct ipc_request *req, const void *msg, fiber_fn *fn)
{
	struct ask *a = mem_alloc(sizeof(*a));
	struct err err = ERR_NONE;

	*a = (struct ask){ .q = q, .req = req, .msg = msg, .slice = time_mono() };
	if (fiber_spawn("admin", fn, a))
		return;
	mem_free(a);
	err_set(&err, VERDICT_TEMP, "too much is going on");
	ipc_fail(req, &err);
}

static bool
order_requeue_wanted(const struct message *m)
{
	return m->deferred > 0;
}

static bool
order_always(const struct message *m)
{
	(void)m;
	return true;
}

static bool
order_held(const struct message *m)
{
	return m->flags & FILE_HELD;
}

static bool
order_not_held(const struct message *m)
{
	return !(m->flags & FILE_HELD);
}

/* What may be ordered, of which messages it makes sense, and what the log says then. */
static const struct order {
	bool (*concerns)(const struct message *m);
	void (*run)(struct qmgr *q, struct message *m);
	const char *said; /* NULL: said when it is done */
} orders[] = {
	[QUEUE_DELETE] = { order_always, active_delete, NULL },
	[QUEUE_HOLD] = { order_not_held, active_hold, "placed on hold" },
	[QUEUE_RELEASE] = { order_held, active_release, "released from hold" },
	[QUEUE_EXPIRE] = { order_always, active_expire, "expired" },
	[QUEUE_REQUEUE] = { order_requeue_wanted, active_flush, "requeued" },
};

static void
order_message(struct ask *a, struct message *m)
{
	const struct msg_queue_order *msg = a->msg;
	const struct order *order = &orders[msg->order];

	if (!m || m->place == MESSAGE_NAMED || m->place == MESSAGE_LEAVING)
		return;
	/* Of what cannot be read only the name can be given up. */
	if (!order->concerns(m) || (!m->envelope && msg->order != QUEUE_DELETE))
		return;
	if (order->said)
		log_event(LOG_LEVEL_INFO, "%s: %s", m->id, order->said);
	a->count++;
	order->run(a->q, m);
}

FIBER_MAIN
static void
order_run(void *arg)
{
	struct ask *a = arg;
	const struct msg_queue_order *msg = a->msg;

	if (msg->queue_id.n > 0) {
		order_message(a, message_find(a->q, msg->queue_id));
	} else {
		ask_take_ids(a);
		for (size_t i = 0; i < a->ids_n && ask_breathe(a); i++)
			order_message(a, message_find(a->q, span_str(a->ids[i])));
	}
	ipc_reply(a->req, &ipc_queue_ordered, &(struct msg_queue_ordered){ .count = a->count });
	ask_free(a);
}

static void
admin_order(struct ipc_request *req, const void *body, void *arg)
{
	const struct msg_queue_order *msg = body;

	if (!is_owner(req) || msg->order == 0 || msg->order >= ARRAY_LEN(orders))
		refuse(req, "change the queue");
	else
		ask_start(service_state(arg), req, msg, order_run);
}

static void
admin_list(struct ipc_request *req, const void *msg, void *arg)
{
	struct qmgr *q = service_state(arg);

	if (may_ask(req, qmgr_conf(q)->authorized_mailq_users))
		ask_start(q, req, msg, list_run);
	else
		refuse(req, "list the queue");
}

static void
admin_flush(struct ipc_request *req, const void *body, void *arg)
{
	const struct msg_queue_flush *msg = body;
	struct qmgr *q = service_state(arg);

	if (!may_ask(req, qmgr_conf(q)->authorized_flush_users))
		refuse(req, "flush the queue");
	else if (msg->queue_id.n > 0)
		flush_one(q, req, msg->queue_id);
	else
		ask_start(q, req, msg, flush_run);
}

/* For a thread. */
struct opening {
	const struct store *store;
	char id[LIMIT_QUEUE_ID + 1];
	int fd;
	int error;
};

static void
opening_job(void *arg)
{
	struct opening *o = arg;

	o->fd = store_open(o->store, o->id, O_RDONLY);
	o->error = o->fd < 0 ? errno : 0;
}

FIBER_MAIN
static void
read_run(void *arg)
{
	struct ask *a = arg;
	const struct msg_queue_read *msg = a->msg;
	struct message *m = message_find(a->q, msg->queue_id);
	struct opening o = { .store = a->q->store, .fd = -1, .error = ENOENT };
	struct err err = ERR_NONE;

	if (m && m->place != MESSAGE_NAMED) {
		memcpy(o.id, m->id, sizeof(o.id));
		(void)pool_run(a->q->pool, opening_job, &o);
	}
	if (o.fd >= 0) {
		ipc_reply(a->req, &ipc_queue_file, &(struct msg_queue_file){ .file = o.fd });
		sys_close(o.fd);
	} else {
		err_sys(&err, o.error, "message %.*s", SPAN_ARG(msg->queue_id));
		ipc_fail(a->req, &err);
	}
	ask_free(a);
}

static void
admin_read(struct ipc_request *req, const void *msg, void *arg)
{
	if (is_owner(req))
		ask_start(service_state(arg), req, msg, read_run);
	else
		refuse(req, "read messages");
}

static const struct ipc_permit admin_permits[] = {
	{ &ipc_queue_list, admin_list },
	{ &ipc_queue_flush, admin_flush },
	{ &ipc_queue_read, admin_read },
	{ &ipc_queue_order, admin_order },
};
const struct ipc_service admin_asks = {
	.name = "tool",
	.permits = admin_permits,
	.permits_n = ARRAY_LEN(admin_permits),
};
