/*
 * The front doors: one struct door for each channel of smtpd, imapd and pop3d, which says what may
 * be granted there. A login half holds a ticket for each of its sessions, with which it may have
 * another grant for the same account: that of a session that was parked. A ticket is worth nothing
 * on another channel and ends with its own. Must never trust a name that a door says for whom it
 * asks.
 */
#include "authd/authd.h"
#include "base/mem.h"
#include "base/rand.h"

#define AGAIN_ARENA 8192

struct ticket {
	uint64_t id;
	char *user;
};

static void
ticket_free(struct ticket *t)
{
	mem_free(t->user);
	mem_free(t);
}

static void
door_make(struct service_ctx *ctx, struct ipc_channel *ch, const char *user_kind)
{
	struct door *d = mem_alloc(sizeof(*d));

	d->authd = service_state(ctx);
	d->user_kind = user_kind;
	map_init(&d->tickets);
	ipc_set_arg(ch, d);
}

void
door_opened(struct service_ctx *ctx, struct ipc_channel *ch, int fd)
{
	(void)fd;
	door_make(ctx, ch, NULL);
}

void
door_opened_imap(struct service_ctx *ctx, struct ipc_channel *ch, int fd)
{
	(void)fd;
	door_make(ctx, ch, "imapuser");
}

void
door_opened_pop3(struct service_ctx *ctx, struct ipc_channel *ch, int fd)
{
	(void)fd;
	door_make(ctx, ch, "pop3user");
}

void
door_gone(struct ipc_channel *ch, const char *why, void *arg)
{
	struct door *d = arg;
	struct ticket *t;
	size_t pos = 0;

	(void)ch;
	(void)why;
	while ((t = map_next(&d->tickets, &pos)) != NULL)
		ticket_free(t);
	map_free(&d->tickets);
	mem_free(d);
}

static struct span
ticket_key(const uint64_t *id)
{
	return span_of(id, sizeof(*id));
}

uint64_t
door_ticket(struct door *d, struct span user)
{
	struct ticket *t;

	if (d->tickets.count >= LIMIT_AUTH_TICKETS)
		return 0;
	t = mem_alloc(sizeof(*t));
	do
		t->id = rand_u64();
	while (t->id == 0 || map_get(&d->tickets, ticket_key(&t->id)));
	t->user = mem_strdup(user);
	map_put(&d->tickets, ticket_key(&t->id), t);
	return t->id;
}

void
door_over(struct ipc_request *req, const void *msg, void *arg)
{
	const struct msg_auth_over *over = msg;
	struct door *d = arg;
	struct ticket *t = map_remove(&d->tickets, ticket_key(&over->ticket));

	if (t)
		ticket_free(t);
	ipc_done(req);
}

SUSPENDS
static enum verdict
again(struct ipc_request *req, const struct msg_auth_again *ask, struct arena *arena,
    struct msg_granted *out, struct err *err)
{
	struct door *d = ipc_arg(ipc_request_channel(req));
	const struct ticket *t = map_get(&d->tickets, ticket_key(&ask->ticket));
	struct authd *a = d->authd;
	const char *kind = d->user_kind;
	struct account account;
	struct span user;
	enum verdict v;

	if (!t || !kind)
		return err_set(err, VERDICT_PERM, "no such ticket");
	user = arena_dup(arena, span_str(t->user));
	v = authd_lookup(a, user, arena, &account, err);
	if (v == VERDICT_ABSENT || (v == VERDICT_OK && account.nologin))
		return err_set(
		    err, VERDICT_PERM, "the account is gone, or may not log in any more");
	/* The door may have closed meanwhile. */
	if (v == VERDICT_OK && !ipc_request_channel(req))
		return err_set(err, VERDICT_TEMP, "who asked is gone");
	if (v == VERDICT_OK)
		v = authd_grant(a, ipc_request_channel(req), kind, &account, &out->grant, err);
	out->account = account.user;
	return v;
}

SUSPENDS
void
door_again(struct ipc_request *req, const void *msg, void *arg)
{
	struct msg_granted granted;
	struct arena arena;
	struct err err = ERR_NONE;

	(void)arg;
	arena_init(&arena, AGAIN_ARENA);
	if (again(req, msg, &arena, &granted, &err) == VERDICT_OK)
		ipc_reply(req, &ipc_granted, &granted);
	else
		ipc_fail(req, &err);
	arena_wipe(&arena);
	arena_free(&arena);
}
