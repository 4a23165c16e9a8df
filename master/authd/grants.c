/*
 * Who is an account, and may a process be born for it. authd alone grants; it names the one channel
 * that may redeem it, master holds it to that. Grant numbers are random, so that nobody guesses
 * one. The passwd file is looked at again after a while, and at once for a name that is not in it.
 */
#include "authd/authd.h"
#include "base/log.h"
#include "base/rand.h"

#define LOOK_AGAIN_NS (200 * NS_PER_MS) /* for a name that is known */
#define ACCOUNT_ARENA 8192

SUSPENDS
static enum verdict
look_again(struct authd *a, struct err *err)
{
	struct err why = ERR_NONE;
	enum verdict v;

	a->looked = time_mono();
	v = accounts_refresh(a->accounts, a->pool, &why);
	/* Once, not at each login; a mistake in the file is told when the file was read. */
	if (v == VERDICT_PERM || (v == VERDICT_TEMP && !a->unreadable))
		log_event(LOG_LEVEL_ERROR, "auth_passwd_file: %s", why.text);
	a->unreadable = v == VERDICT_TEMP;
	if (v != VERDICT_OK && accounts_count(a->accounts) == 0)
		return err_mail(err, 451, "4.3.0", "the accounts cannot be read");
	return VERDICT_OK;
}

SUSPENDS
enum verdict
authd_lookup(
    struct authd *a, struct span user, struct arena *arena, struct account *out, struct err *err)
{
	const struct account *found = accounts_find(a->accounts, user);
	enum verdict v;

	if (!found || time_mono() - a->looked > LOOK_AGAIN_NS) {
		v = look_again(a, err);
		if (v != VERDICT_OK)
			return v;
		found = accounts_find(a->accounts, user);
	}
	if (!found)
		return err_set(err, VERDICT_ABSENT, "no such user");
	if (!account_copy(found, arena, out))
		return err_mail(err, 451, "4.3.0", "an account larger than anybody's");
	return VERDICT_OK;
}

SUSPENDS
enum verdict
authd_grant(struct authd *a, struct ipc_channel *channel, const char *kind,
    const struct account *account, uint64_t *grant_out, struct err *err)
{
	const struct service_grant grant = { .id = rand_u64(),
		.kind = kind,
		.account = account->user,
		.home = account->home,
		.uid = account->uid,
		.gid = account->gid };

	*grant_out = grant.id;
	return service_give_grant(a->ctx, channel, &grant, err);
}

SUSPENDS
void
authd_account_find(struct ipc_request *req, const void *msg, void *arg)
{
	const struct msg_account_find *ask = msg;
	struct account account;
	struct arena arena;
	struct err err = ERR_NONE;

	arena_init(&arena, ACCOUNT_ARENA);
	if (authd_lookup(service_state(arg), ask->user, &arena, &account, &err) == VERDICT_OK) {
		const struct msg_account_found found = { .account = account.user };
		ipc_reply(req, &ipc_account_found, &found);
	} else {
		ipc_fail(req, &err);
	}
	arena_wipe(&arena);
	arena_free(&arena);
}

SUSPENDS
void
authd_grant_delivery(struct ipc_request *req, const void *msg, void *arg)
{
	const struct msg_grant_delivery *ask = msg;
	struct msg_granted granted;
	struct authd *a = service_state(arg);
	struct account account;
	struct arena arena;
	struct err err = ERR_NONE;
	enum verdict v;

	arena_init(&arena, ACCOUNT_ARENA);
	v = authd_lookup(a, ask->account, &arena, &account, &err);
	/* Without its channel there is nobody to redeem it. */
	if (v == VERDICT_OK && !ipc_request_channel(req))
		v = err_set(&err, VERDICT_TEMP, "who asked is gone");
	if (v == VERDICT_OK)
		v = authd_grant(
		    a, ipc_request_channel(req), "deliverer", &account, &granted.grant, &err);
	granted.account = account.user;
	if (v == VERDICT_OK)
		ipc_reply(req, &ipc_granted, &granted);
	else
		ipc_fail(req, &err);
	arena_wipe(&arena);
	arena_free(&arena);
}
