/*
 * The door: lends files for content, and makes messages of them. Called by the channels of smtpd,
 * pickup and bounce, whose word on the envelope is taken (the channel says who they are) and on the
 * content is checked: extents lie in the file and nowhere else. Owns what each client has been
 * lent; a client that goes away leaves nothing behind. A COMMIT is answered when its sync round has
 * ended, or not at all.
 */
#include "config.h"

#include <errno.h>

#include "base/crc32c.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/sys.h"
#include "message/queue_id.h"
#include "qmgr/active.h"
#include "qmgr/chunk.h"
#include "qmgr/door.h"
#include "qmgr/qmgr.h"
#include "qmgr/space.h"

#define OPEN_WAIT_S 30 /* for the pool to make files */

/* Who brings mail: one channel. */
struct client {
	struct qmgr *q;
	struct map lent; /* by handle */
	bool gone;
	unsigned opening; /* fibers that make it a file */
};

struct lent {
	uint64_t handle;
	uint64_t failures; /* commit_failures when it was lent */
	struct store_file file;
};

/* An OPEN that waits for the stock to be filled. */
struct opening {
	struct client *client;
	struct ipc_request *req;
};

/* A COMMIT on its way. */
struct entry {
	struct commit_item item;
	struct qmgr *q;
	struct ipc_request *req;
	struct message *m;
	struct str record;
	size_t envelope_size;
};

static void
client_release(struct client *client)
{
	if (!client->gone || client->opening > 0)
		return;
	map_free(&client->lent);
	mem_free(client);
}

static void
lent_free(struct client *client, struct lent *lent)
{
	map_remove(&client->lent, span_of(&lent->handle, sizeof(lent->handle)));
	client->q->lent_n--;
	mem_free(lent);
}

static void
door_gone(struct ipc_channel *ch, const char *why, void *arg)
{
	struct client *client = arg;
	struct lent *lent;
	size_t pos = 0;

	(void)ch;
	(void)why;
	while ((lent = map_next(&client->lent, &pos)) != NULL) {
		store_drop(client->q->store, &lent->file);
		lent_free(client, lent);
		pos = 0;
	}
	client->gone = true;
	client_release(client);
}

void
door_arrived(struct service_ctx *ctx, struct ipc_channel *ch, int fd)
{
	struct client *client = mem_alloc(sizeof(*client));

	if (fd >= 0)
		sys_close(fd);
	client->q = service_state(ctx);
	map_init(&client->lent);
	ipc_set_arg(ch, client);
}

static void
door_lend(struct client *client, struct ipc_request *req, struct store_file *file)
{
	struct lent *lent = mem_alloc(sizeof(*lent));
	struct msg_queue_opened msg = { .content_at = FILE_CONTENT_AT };

	lent->handle = ++client->q->last_handle;
	lent->file = *file;
	lent->failures = commit_failures(client->q->commit);
	map_put(&client->lent, span_of(&lent->handle, sizeof(lent->handle)), lent);
	client->q->lent_n++;
	msg.handle = lent->handle;
	msg.content = lent->file.append_fd;
	/* From here on only the client can append. */
	lent->file.append_fd = -1;
	ipc_reply_giving(req, &ipc_queue_opened, &msg);
}

FIBER_MAIN
static void
door_open_wait(void *arg)
{
	struct opening *o = arg;
	struct client *client = o->client;
	struct store_file file;
	struct err err = ERR_NONE;
	enum verdict v = store_take(client->q->store, &file, deadline_after_s(OPEN_WAIT_S), &err);

	client->opening--;
	if (v != VERDICT_OK) {
		ipc_fail(o->req, &err);
	} else if (client->gone) {
		store_drop(client->q->store, &file);
		err_mail(&err, 451, "4.3.0", "the client has gone");
		ipc_fail(o->req, &err);
	} else {
		door_lend(client, o->req, &file);
	}
	client_release(client);
	mem_free(o);
}

/* May one more be lent now? */
static enum verdict
door_judge(const struct qmgr *q, uint64_t size_hint, struct err *err)
{
	if (q->stopping)
		return err_mail(err, 421, "4.3.2", "The mail system is stopping");
	if (q->lent_n >= LIMIT_QUEUE_OPEN || commit_backlog(q->commit) >= LIMIT_QUEUE_COMMITS)
		return err_mail(err, 451, "4.3.2", "Error: too much mail arrives at one time");
	if (q->messages.count >= LIMIT_QUEUE_MESSAGES)
		return err_mail(err, 452, "4.3.1", "The queue is full");
	return space_judge(q->space, size_hint, err);
}

static void
door_open(struct ipc_request *req, const void *body, void *arg)
{
	const struct msg_queue_open *msg = body;
	struct client *client = arg;
	struct store_file file;
	struct err err = ERR_NONE;
	struct opening *o;

	if (door_judge(client->q, msg->size_hint, &err) != VERDICT_OK) {
		ipc_fail(req, &err);
		return;
	}
	if (store_try_take(client->q->store, &file)) {
		door_lend(client, req, &file);
		return;
	}
	o = mem_alloc(sizeof(*o));
	*o = (struct opening){ client, req };
	client->opening++;
	if (fiber_spawn("queue open", door_open_wait, o))
		return;
	client->opening--;
	mem_free(o);
	err_mail(&err, 451, "4.3.2", "Error: too much mail arrives at one time");
	ipc_fail(req, &err);
}

static void
entry_free(struct entry *e)
{
	str_free(&e->record);
	service_idle(e->q->ctx);
	mem_free(e);
}

static void
entry_fail(struct entry *e)
{
	struct err err = ERR_NONE;
	int error = e->item.error;

	log_event(LOG_LEVEL_WARNING, "%s: not queued: %s", e->m->id, strerrordesc_np(error));
	if (error == EEXIST)
		err_mail(&err, 451, "4.3.0", "Error: that queue id is taken");
	else if (error == ENODATA)
		err_mail(&err, 451, "4.3.0", "Error: the content is shorter than was said");
	else
		store_error(&err, error, "queue file write error");
	message_free(e->q, e->m);
	ipc_fail(e->req, &err);
	entry_free(e);
}

/* Its first recipients are here already; more are read back when their turn comes. */
static struct message *
entry_message(struct entry *e)
{
	struct chunk *chunks = mem_alloc_array(CHUNKS_MOST, sizeof(*chunks));
	struct span record = str_span(&e->record);
	struct envelope env;
	uint32_t n = chunks_divide(record, e->envelope_size, e->item.head.recipients, chunks);
	struct message *m =
	    message_fill(e->q, e->m, &e->item.head, span_head(record, e->envelope_size), chunks, n);

	message_envelope(m, &env);
	m->flags = env.flags & MESSAGE_HOLD ? FILE_HELD : 0;
	chunk_install(e->q, &m->chunks[0],
	    span_head(span_from(record, chunks[0].at), chunks[0].size), span_lit(""));
	mem_free(chunks);
	return m;
}

static void
entry_done(struct commit_item *item)
{
	struct entry *e = CONTAINER_OF(item, struct entry, item);
	struct qmgr *q = e->q;
	struct message *m;

	if (item->error != 0) {
		entry_fail(e);
		return;
	}
	m = entry_message(e);
	m->trace = ipc_request_trace(e->req);
	m->due = time_wall();
	m->read_fd = item->read_fd;
	q->held_fds += m->read_fd >= 0;
	ipc_reply(e->req, &ipc_queue_committed, &(struct msg_queue_committed){ message_id(m) });
	change_new(q, m);
	active_enter(q, m);
	entry_free(e);
}

static bool
entry_wanted(struct commit_item *item)
{
	const struct entry *e = CONTAINER_OF(item, struct entry, item);

	/* Whoever sent it cannot say 250 any more: its client sends again. */
	return ipc_request_channel(e->req) != NULL;
}

/* The envelope as it will lie in the file. */
static enum verdict
entry_encode(struct entry *e, const struct msg_queue_commit *msg, struct err *err)
{
	struct envelope env;
	size_t size;
	enum verdict v = record_put(&e->record, msg, &e->envelope_size, err);

	if (v != VERDICT_OK)
		return v;
	v = record_envelope(str_span(&e->record), &env, &size, err);
	assert(v == VERDICT_OK && size == e->envelope_size);
	e->item.record = str_span(&e->record);
	e->item.content_end = env.content_end;
	e->item.head.record_size = (uint32_t)e->record.n;
	e->item.head.record_crc = crc32c(0, str_span(&e->record));
	e->item.head.recipients = msg->recipients.n;
	e->m = message_reserve(e->q, msg->queue_id);
	if (!e->m)
		return err_set(
		    err, VERDICT_TEMP, "the queue id %.*s is taken", SPAN_ARG(msg->queue_id));
	return VERDICT_OK;
}

static void
door_refuse(struct ipc_request *req, const struct err *why)
{
	struct err err = ERR_NONE;

	log_event(LOG_LEVEL_WARNING, "a message was not queued: %s", why->text);
	err_mail(&err, 451, "4.3.0", "Error: queue file write error: %s", why->text);
	ipc_fail(req, &err);
}

static void
door_commit(struct ipc_request *req, const void *body, void *arg)
{
	const struct msg_queue_commit *msg = body;
	struct client *client = arg;
	struct qmgr *q = client->q;
	struct lent *lent = map_get(&client->lent, span_of(&msg->handle, sizeof(msg->handle)));
	struct err err = ERR_NONE;
	struct entry *e;

	if (!lent) {
		err_set(&err, VERDICT_PERM, "no such file was opened");
		door_refuse(req, &err);
		return;
	}
	e = mem_alloc(sizeof(*e));
	e->q = q;
	e->req = req;
	str_init(&e->record, LIMIT_QUEUE_RECORD);
	service_busy(q->ctx);
	if (entry_encode(e, msg, &err) != VERDICT_OK) {
		store_drop(q->store, &lent->file);
		door_refuse(req, &err);
		entry_free(e);
	} else {
		e->item.id = e->m->id;
		e->item.file = lent->file;
		e->item.failures = lent->failures;
		e->item.keep_open = q->held_fds < LIMIT_QUEUE_HELD_FDS;
		e->item.wanted = entry_wanted;
		e->item.done = entry_done;
		commit_submit(q->commit, &e->item);
	}
	lent_free(client, lent);
}

static void
door_abort(struct ipc_request *req, const void *body, void *arg)
{
	const struct msg_queue_abort *msg = body;
	struct client *client = arg;
	struct lent *lent = map_get(&client->lent, span_of(&msg->handle, sizeof(msg->handle)));

	if (lent) {
		store_drop(client->q->store, &lent->file);
		lent_free(client, lent);
	}
	ipc_done(req);
}

static const struct ipc_permit door_permits[] = {
	{ &ipc_queue_open, door_open },
	{ &ipc_queue_commit, door_commit },
	{ &ipc_queue_abort, door_abort },
};
const struct ipc_service door_asks = {
	.name = "client",
	.permits = door_permits,
	.permits_n = ARRAY_LEN(door_permits),
	.gone = door_gone,
};
