/*
 * Requests of the peer: a call or note is decoded into memory of its own and handed to its permit's
 * handler; whoever answers it ends it, on any fiber, and may find that the channel has gone. Called
 * by input.c. Owns the requests that are not ended, their descriptors, and a pool of ended ones:
 * this is on the path of every mail.
 *
 * A peer may have LIMIT_IPC_CALLS requests and LIMIT_IPC_HELD bytes of them open; then it is not
 * read until one is ended.
 */
#include "config.h"

#include "base/mem.h"
#include "ipc/channel.h"

struct ipc_request {
	struct list node;
	struct ipc *ipc;
	struct ipc_channel *ch; /* NULL once it is gone */
	const struct ipc_type *type;
	uint64_t trace;
	uint32_t id;
	unsigned fds_n;
	int fds[LIMIT_IPC_FDS]; /* -1: taken */
	struct arena arena;
};

static struct ipc_request *
request_new(struct ipc *ipc)
{
	struct list *node = list_pop(&ipc->idle_requests);
	struct ipc_request *req;

	if (node) {
		ipc->idle_requests_n--;
		return LIST_ITEM(node, struct ipc_request, node);
	}
	req = mem_alloc(sizeof(*req));
	list_init(&req->node);
	req->ipc = ipc;
	arena_init(&req->arena, LIMIT_IPC_MESSAGE);
	return req;
}

static void
request_free(struct ipc_request *req)
{
	arena_free(&req->arena);
	mem_free(req);
}

void
request_pool_free(struct ipc *ipc)
{
	struct list *node;

	while ((node = list_pop(&ipc->idle_requests)) != NULL)
		request_free(LIST_ITEM(node, struct ipc_request, node));
	ipc->idle_requests_n = 0;
}

bool
request_laden(const struct ipc_channel *ch)
{
	return ch->requests_n >= LIMIT_IPC_CALLS || ch->held >= LIMIT_IPC_HELD;
}

static void
request_end(struct ipc_request *req)
{
	struct ipc *ipc = req->ipc;
	struct ipc_channel *ch = req->ch;

	fds_close(req->fds, req->fds_n);
	list_remove(&req->node);
	if (ch) {
		ch->requests_n--;
		ch->held -= req->arena.used;
		if (!request_laden(ch) && ch->state == CHANNEL_OPEN)
			waitq_wake_all(&ch->relief);
	}
	if (ipc->idle_requests_n == IPC_SPARE_REQUESTS) {
		request_free(req);
		return;
	}
	arena_reset(&req->arena);
	list_push_front(&ipc->idle_requests, &req->node);
	ipc->idle_requests_n++;
}

void
request_detach_all(struct ipc_channel *ch)
{
	struct list *node;

	while ((node = list_pop(&ch->requests)) != NULL)
		LIST_ITEM(node, struct ipc_request, node)->ch = NULL;
	ch->requests_n = 0;
	ch->held = 0;
}

/* Decodes into the request's own memory. */
static void *
request_decode(struct ipc_request *req, struct span body, struct err *err)
{
	void *msg = arena_alloc(&req->arena, req->type->size);
	struct span copy = arena_dup(&req->arena, body);

	assert(msg && copy.p);
	if (ipc_decode(req->type, copy, req->fds, msg, &req->arena, err) != VERDICT_OK)
		return NULL;
	return msg;
}

void
request_take(struct ipc_channel *ch, const struct ipc_permit *permit, const struct frame *f,
    struct span body, int *fds)
{
	struct ipc_request *req = request_new(ch->ipc);
	struct err err;
	void *msg;

	req->ch = NULL;
	req->type = permit->type;
	req->trace = f->trace;
	req->id = f->id;
	req->fds_n = f->fds;
	memcpy(req->fds, fds, f->fds * sizeof(int));
	msg = request_decode(req, body, &err);
	if (!msg) {
		request_end(req);
		channel_break(ch, "sent a malformed message: %s", err.text);
		return;
	}
	req->ch = ch;
	list_push(&ch->requests, &req->node);
	ch->requests_n++;
	ch->held += req->arena.used;
	channel_trace(ch, false, f->trace, req->type, msg);
	permit->handler(req, msg, ch->arg);
}

struct ipc_channel *
ipc_request_channel(const struct ipc_request *req)
{
	return req->ch;
}

uint64_t
ipc_request_trace(const struct ipc_request *req)
{
	return req->trace;
}

int
ipc_request_take_fd(struct ipc_request *req, int fd)
{
	for (unsigned i = 0; i < req->fds_n; i++) {
		if (req->fds[i] == fd) {
			req->fds[i] = -1;
			return fd;
		}
	}
	assert(!"a descriptor of this message, not yet taken");
	return -1;
}

static void
reply_failed(struct ipc_request *req, const struct err *err)
{
	struct msg_failed failed;
	char dsn[12];
	enum verdict v;

	failed_from_err(err, dsn, &failed);
	v = output_put(req->ch, &ipc_failed, req->id, req->trace, &failed, NULL);
	assert(v == VERDICT_OK || v == VERDICT_TEMP);
}

void
ipc_reply(struct ipc_request *req, const struct ipc_type *type, const void *msg)
{
	struct err err;

	assert(req->type->sort == IPC_CALL && type->sort == IPC_REPLY);
	/* A channel that breaks meanwhile has left the request. */
	if (req->ch && output_put(req->ch, type, req->id, req->trace, msg, &err) != VERDICT_OK &&
	    req->ch)
		reply_failed(req, &err);
	request_end(req);
}

void
ipc_reply_giving(struct ipc_request *req, const struct ipc_type *type, const void *msg)
{
	struct ipc *ipc = req->ipc;

	output_give(ipc);
	ipc_reply(req, type, msg);
	output_given(ipc, type, msg);
}

void
ipc_fail(struct ipc_request *req, const struct err *err)
{
	assert(req->type->sort == IPC_CALL);
	if (req->ch)
		reply_failed(req, err);
	request_end(req);
}

void
ipc_done(struct ipc_request *req)
{
	assert(req->type->sort == IPC_NOTE || !req->ch);
	request_end(req);
}
