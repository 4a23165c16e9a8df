/*
 * Channels to deliverers, one an account. authd is asked for a grant, master redeems it: the router
 * itself can neither start a process nor choose whose it is. Fibers that want the same account
 * share one channel; a channel that breaks is forgotten and made anew by the next delivery, and one
 * that nobody has used for mailbox_linger_time is closed.
 */
#include <unistd.h>

#include "base/mem.h"
#include "base/time.h"
#include "local/router.h"

#define GRANT_WAIT_S 30

static const struct ipc_service deliverer_asks = { .name = "deliverer" };

static void
room_gone(struct ipc_channel *ch, const char *why, void *arg)
{
	struct mailroom *room = arg;

	(void)why;
	if (room->channel == ch)
		room->channel = NULL;
	if (room->users == 0)
		room_leave(room);
}

static void
room_idled(void *arg)
{
	struct mailroom *room = arg;

	ipc_close(room->channel, true);
}

static struct mailroom *
room_find(struct router *r, struct span account)
{
	struct mailroom *room = map_get(&r->rooms, account);

	if (room)
		return room;
	room = mem_alloc(sizeof(*room));
	room->account = span_of(mem_strdup(account), account.n);
	room->router = r;
	waitq_init(&room->waiting);
	timer_init(&room->idle, room_idled, room);
	map_put(&r->rooms, room->account, room);
	return room;
}

SUSPENDS static enum verdict
room_connect(struct mailroom *room, uint64_t trace, uint64_t deadline, struct err *err)
{
	struct service_ctx *ctx = room->router->ctx;
	struct msg_grant_delivery ask = { .account = room->account };
	struct msg_granted granted;
	struct arena arena;
	int fd = -1;

	arena_init(&arena, 4096);
	enum verdict v = service_call(ctx, "authd", trace, &ipc_grant_delivery, &ask, &ipc_granted,
	    &granted, &arena, deadline, err);
	if (v == VERDICT_OK)
		v = service_redeem(ctx, granted.grant, deadline, &fd, err);
	if (v == VERDICT_OK) {
		room->channel = service_adopt(ctx, fd, &deliverer_asks, room);
		if (room->channel)
			ipc_on_gone(room->channel, room_gone, room);
		else
			v = err_set(err, VERDICT_TEMP, "too many channels");
	}
	arena_free(&arena);
	return v;
}

SUSPENDS enum verdict
room_enter(struct router *r, struct span account, uint64_t trace, uint64_t deadline,
    struct mailroom **out, struct err *err)
{
	struct mailroom *room = room_find(r, account);
	enum verdict v = VERDICT_OK;

	room->users++;
	timer_stop(&room->idle);
	while (v == VERDICT_OK && !(room->channel && ipc_is_open(room->channel))) {
		if (room->asking) {
			v = waitq_wait(&room->waiting, deadline);
			if (v != VERDICT_OK)
				err_set(err, VERDICT_TEMP, "no deliverer in time");
			continue;
		}
		room->asking = true;
		v = room_connect(room, trace, deadline_after_s(GRANT_WAIT_S), err);
		room->asking = false;
		waitq_wake_all(&room->waiting);
	}
	if (v == VERDICT_OK)
		*out = room;
	else
		room_leave(room);
	return v;
}

void
room_leave(struct mailroom *room)
{
	if (room->users > 0)
		room->users--;
	if (room->users > 0 || room->asking)
		return;
	if (room->channel) {
		const struct conf *conf = service_conf(room->router->ctx);
		timer_set(&room->idle, time_mono() + conf->mailbox_linger_time);
		return;
	}
	timer_stop(&room->idle);
	map_remove(&room->router->rooms, room->account);
	mem_free((void *)(uintptr_t)room->account.p);
	mem_free(room);
}
