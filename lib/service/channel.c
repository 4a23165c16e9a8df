/*
 * Channels of a daemon to its servers: asked of master by name, made anew when they break, shared
 * by all fibers. A daemon makes no socket itself: master checks the edge in processes.def and
 * passes one end of a pair to each side, so both know who the other is. Callers are the daemons,
 * through service.h.
 */
#include "ipc/ipc.h"

#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "service/processes.h"
#include "service/service_impl.h"

#define TELL_MASTER_S \
	10 /* master reads its children's packets at once; longer means that it is gone */

SUSPENDS enum verdict
service_tell_master(
    struct service_ctx *ctx, const struct control_msg *msg, const int *fds, unsigned fds_n)
{
	uint64_t deadline = deadline_after_s(TELL_MASTER_S);

	for (;;) {
		enum verdict v = control_send(ctx->control.fd, msg, fds, fds_n);
		if (v != VERDICT_TEMP)
			return v;
		ctx->control.writable = false;
		v = fdwatch_wait_writable(&ctx->control, deadline);
		if (v != VERDICT_OK)
			return v;
	}
}

static struct service_peer *
peer_find(struct service_ctx *ctx, const char *name)
{
	list_foreach (node, after, &ctx->peers) {
		struct service_peer *p = LIST_ITEM(node, struct service_peer, node);
		if (strcmp(p->name, name) == 0)
			return p;
	}
	struct service_peer *p = mem_alloc(sizeof(*p));
	memcpy(p->name, name, size_min(strlen(name), sizeof(p->name) - 1));
	p->ctx = ctx;
	p->arg = ctx;
	waitq_init(&p->waiting);
	list_push(&ctx->peers, &p->node);
	return p;
}

void
service_set_asks(
    struct service_ctx *ctx, const char *name, const struct ipc_service *asks, void *arg)
{
	struct service_peer *p = peer_find(ctx, name);

	p->asks = asks;
	p->arg = arg;
}

static const struct ipc_service asks_nothing = { .name = "server" };

static void
peer_gone(struct ipc_channel *ch, const char *why, void *arg)
{
	struct service_peer *p = arg;

	(void)why;
	if (p->channel == ch)
		p->channel = NULL;
}

static bool
peer_usable(const struct service_peer *p)
{
	return p->channel && ipc_is_open(p->channel);
}

SUSPENDS static enum verdict
peer_ask(struct service_ctx *ctx, struct service_peer *p, struct err *err)
{
	struct service_request *req = mem_alloc(sizeof(*req));
	struct control_msg msg = { .type = CONTROL_CONNECT, .id = ++ctx->next_request };

	control_set_name(&msg, p->name);
	req->id = msg.id;
	req->peer = p;
	waitq_init(&req->wait);
	list_push(&ctx->requests, &req->node);
	p->asked = true;
	if (service_tell_master(ctx, &msg, NULL, 0) == VERDICT_OK)
		return VERDICT_OK;
	list_remove(&req->node);
	mem_free(req);
	p->asked = false;
	return err_set(err, VERDICT_TEMP, "no channel to %s: master does not answer", p->name);
}

SUSPENDS enum verdict
service_channel(struct service_ctx *ctx, const char *name, uint64_t deadline,
    struct ipc_channel **out, struct err *err)
{
	struct service_peer *p = peer_find(ctx, name);
	enum verdict v = VERDICT_OK;

	for (;;) {
		if (peer_usable(p))
			break;
		if (!p->asked && (v = peer_ask(ctx, p, err)) != VERDICT_OK)
			return v;
		if (peer_usable(p))
			break;
		v = waitq_wait(&p->waiting, deadline);
		if (v == VERDICT_TIMEOUT)
			return err_set(
			    err, VERDICT_TEMP, "no channel to %s within the time allowed", name);
		if (v != VERDICT_OK)
			return err_set(err, v, "waiting for %s was cancelled", name);
		if (!peer_usable(p) && !p->asked)
			return err_set(err, VERDICT_TEMP,
			    "master refuses a channel to %s: no such service in master.cf, or not "
			    "one we may use",
			    name);
	}
	*out = p->channel;
	return VERDICT_OK;
}

SUSPENDS enum verdict
service_call(struct service_ctx *ctx, const char *name, uint64_t trace, const struct ipc_type *type,
    const void *msg, const struct ipc_type *reply_type, void *reply_out, struct arena *arena,
    uint64_t deadline, struct err *err)
{
	struct ipc_channel *ch;
	enum verdict v = service_channel(ctx, name, deadline, &ch, err);

	if (v != VERDICT_OK)
		return v;
	return ipc_call(ch, trace, type, msg, reply_type, reply_out, arena, deadline, err);
}

void
service_note(struct service_ctx *ctx, const char *name, uint64_t trace, const struct ipc_type *type,
    const void *msg)
{
	struct service_peer *p = peer_find(ctx, name);

	if (peer_usable(p))
		ipc_note(p->channel, trace, type, msg);
}

/* One REDEEM and its answer: as many descriptors as were asked for, or none. */
SUSPENDS static enum verdict
redeem(struct service_ctx *ctx, uint64_t grant, int fd, unsigned wanted, uint64_t deadline,
    int fds_out[2], struct err *err)
{
	struct service_request req = {
		.id = ++ctx->next_request, .wanted = wanted, .fds = { -1, -1 }
	};
	struct control_msg msg = { .type = CONTROL_REDEEM, .id = grant, .arg = (uint32_t)req.id };

	waitq_init(&req.wait);
	list_push(&ctx->requests, &req.node);
	enum verdict v = service_tell_master(ctx, &msg, fd >= 0 ? &fd : NULL, fd >= 0);
	while (v == VERDICT_OK && !req.done)
		v = waitq_wait(&req.wait, deadline);
	list_remove(&req.node);
	memcpy(fds_out, req.fds, sizeof(req.fds));
	if (req.done && req.ok)
		return VERDICT_OK;
	if (req.done)
		return err_set(err, VERDICT_TEMP, "master did not honour the grant");
	return err_set(err, v == VERDICT_CANCELLED ? v : VERDICT_TEMP, "no user process in time");
}

SUSPENDS enum verdict
service_redeem(
    struct service_ctx *ctx, uint64_t grant, uint64_t deadline, int *fd_out, struct err *err)
{
	int fds[2];
	enum verdict v = redeem(ctx, grant, -1, 1, deadline, fds, err);

	if (v == VERDICT_OK)
		*fd_out = fds[0];
	return v;
}

SUSPENDS enum verdict
service_redeem_session(struct service_ctx *ctx, uint64_t grant, int client, uint64_t deadline,
    int *channel_out, int *bytes_out, struct err *err)
{
	int fds[2];
	enum verdict v = redeem(ctx, grant, client, client >= 0 ? 1 : 2, deadline, fds, err);

	if (v == VERDICT_OK) {
		*channel_out = fds[0];
		*bytes_out = fds[1];
	}
	return v;
}

SUSPENDS enum verdict
service_give_grant(struct service_ctx *ctx, struct ipc_channel *channel,
    const struct service_grant *grant, struct err *err)
{
	struct control_msg msg = { .type = CONTROL_GRANT,
		.id = grant->id,
		.arg = ipc_tag(channel),
		.uid = grant->uid,
		.gid = grant->gid };

	if (grant->account.n >= sizeof(msg.account) || grant->home.n >= sizeof(msg.path))
		return err_set(
		    err, VERDICT_PERM, "the name or the home of the account is too long");
	control_set_name(&msg, grant->kind);
	memcpy(msg.account, grant->account.p, grant->account.n);
	memcpy(msg.path, grant->home.p, grant->home.n);
	if (service_tell_master(ctx, &msg, NULL, 0) != VERDICT_OK)
		return err_set(err, VERDICT_TEMP, "master does not answer");
	return VERDICT_OK;
}

/* A CONNECT was answered: the channel is there for all who wait for it, or they learn that there is
 * none. */
static void
peer_connected(struct service_ctx *ctx, struct service_request *req, struct control_packet *p)
{
	struct service_peer *peer = req->peer;

	peer->asked = false;
	if (p->msg.ok && p->fds_n == 1) {
		peer->channel = ipc_open(
		    ctx->ipc, p->fds[0], peer->asks ? peer->asks : &asks_nothing, peer->arg);
		if (peer->channel)
			ipc_on_gone(peer->channel, peer_gone, peer);
		p->fds_n = 0;
	}
	list_remove(&req->node);
	mem_free(req);
	waitq_wake_all(&peer->waiting);
}

static void
redeem_answered(struct service_request *req, struct control_packet *p)
{
	req->done = true;
	req->ok = p->msg.ok && p->fds_n == req->wanted;
	if (req->ok) {
		memcpy(req->fds, p->fds, p->fds_n * sizeof(int));
		p->fds_n = 0;
	}
	waitq_wake_all(&req->wait);
}

void
service_on_connected(struct service_ctx *ctx, struct control_packet *p)
{
	list_foreach (node, after, &ctx->requests) {
		struct service_request *req = LIST_ITEM(node, struct service_request, node);
		if (req->id != p->msg.id)
			continue;
		if (req->peer)
			peer_connected(ctx, req, p);
		else
			redeem_answered(req, p);
		break;
	}
	control_close_fds(p);
}

static void
inbound_gone(struct ipc_channel *ch, const char *why, void *arg)
{
	struct service_client *client = arg;
	struct service_ctx *ctx = client->ctx;

	(void)ch;
	(void)why;
	list_remove(&client->node);
	mem_free(client);
	ctx->inbound--;
	service_maybe_exit(ctx);
}

/*
 * A client that stops after us keeps its channel until then: two that ask each other (qmgr and
 * bounce) would else wait for each other.
 */
static bool
peer_outlives_us(const struct service_ctx *ctx, const struct service_role *role)
{
	const struct process_kind *own = process_kind_find(span_str(ctx->service->kind));
	const struct process_kind *client = process_kind_find(span_str(role->client));

	return own && client && client->stop > own->stop;
}

static void
peer_arrived(struct service_ctx *ctx, const struct service_role *role, struct control_packet *p)
{
	struct ipc_channel *ch = ipc_open(ctx->ipc, p->fds[0], role->asks, ctx);

	if (!ch) {
		p->fds[0] = -1;
		control_close_fds(p);
		return;
	}
	ipc_set_tag(ch, p->msg.arg);
	if (!peer_outlives_us(ctx, role)) {
		struct service_client *client = mem_alloc(sizeof(*client));
		client->ctx = ctx;
		client->channel = ch;
		list_push(&ctx->clients, &client->node);
		ctx->inbound++;
		ipc_on_gone(ch, inbound_gone, client);
	}
	if (role->arrived)
		role->arrived(ctx, ch, p->fds_n == 2 ? p->fds[1] : -1);
	else if (p->fds_n == 2)
		close(p->fds[1]);
	p->fds_n = 0;
}

void
service_on_peer(struct service_ctx *ctx, struct control_packet *p)
{
	const struct service *s = ctx->service;

	ctx->peers_seen++;
	for (size_t i = 0; i < s->roles_n; i++) {
		if (strcmp(s->roles[i].client, p->msg.name) == 0 && p->fds_n >= 1 &&
		    p->fds_n <= 2) {
			peer_arrived(ctx, &s->roles[i], p);
			return;
		}
	}
	log_event(LOG_LEVEL_WARNING,
	    "%s: master brought a channel from \"%s\", which has no role here", s->kind,
	    p->msg.name);
	control_close_fds(p);
}

struct ipc_channel *
service_adopt(struct service_ctx *ctx, int fd, const struct ipc_service *asks, void *arg)
{
	return ipc_open(ctx->ipc, fd, asks, arg);
}
