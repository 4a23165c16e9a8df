/*
 * What authd is asked: who is an account, and may a process be born for it. authd alone grants; it
 * names the one channel that may redeem a grant, master holds it to that. Grant numbers are random,
 * so that nobody guesses one.
 */
#include <fcntl.h>

#include "authd/authd.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/rand.h"
#include "base/sys.h"
#include "base/time.h"

#define LOOK_AGAIN_NS (200 * NS_PER_MS) /* the passwd file is looked at no more often than this */

enum verdict
authd_lookup(struct authd *a, struct span user, const struct account **out, struct err *err)
{
	uint64_t now = time_mono();
	struct err why = ERR_NONE;

	if (now - a->looked > LOOK_AGAIN_NS) {
		if (accounts_refresh(a->accounts, &why) != VERDICT_OK) {
			log_event(LOG_LEVEL_ERROR, "auth_passwd_file: %s", why.text);
			if (accounts_count(a->accounts) == 0)
				return err_mail(err, 451, "4.3.0", "the accounts cannot be read");
		}
		a->looked = now;
	}
	*out = accounts_find(a->accounts, user);
	if (!*out)
		return err_set(err, VERDICT_ABSENT, "no such account");
	return VERDICT_OK;
}

void
authd_account_find(struct ipc_request *req, const void *msg, void *arg)
{
	const struct msg_account_find *ask = msg;
	const struct account *account;
	struct err err = ERR_NONE;

	if (authd_lookup(service_state(arg), ask->user, &account, &err) != VERDICT_OK) {
		ipc_fail(req, &err);
		return;
	}
	struct msg_account_found found = { .account = account->user };
	ipc_reply(req, &ipc_account_found, &found);
}

SUSPENDS void
authd_grant_delivery(struct ipc_request *req, const void *msg, void *arg)
{
	const struct msg_grant_delivery *ask = msg;
	const struct account *account;
	struct err err = ERR_NONE;
	enum verdict v = authd_lookup(service_state(arg), ask->account, &account, &err);

	if (v == VERDICT_OK) {
		struct service_grant grant = { .id = rand_u64(),
			.kind = "deliverer",
			.account = account->user,
			.home = account->home,
			.uid = account->uid,
			.gid = account->gid };
		struct msg_granted granted = { .grant = grant.id, .account = account->user };
		v = service_give_grant(arg, ipc_request_channel(req), &grant, &err);
		if (v == VERDICT_OK) {
			ipc_reply(req, &ipc_granted, &granted);
			return;
		}
	}
	ipc_fail(req, &err);
}

enum verdict
authd_prepare(struct service_ctx *ctx, struct err *err)
{
	const struct conf *conf = service_conf(ctx);
	struct account_defaults defaults = { .base = conf->virtual_mailbox_base };
	struct authd *a = mem_alloc(sizeof(*a));
	struct span file = conf->auth_passwd_file;
	int dir = service_fd(ctx, BIRTH_FD_USERS, 0);

	a->ctx = ctx;
	service_set_state(ctx, a);
	if (dir < 0)
		return err_set(err, VERDICT_PERM,
		    "auth_passwd_file is not set, or its directory is not there");
	service_allow_dir(ctx, "users", dir);
	/* A text field of the configuration ends in NUL, so its tail is the file's name. */
	a->accounts = accounts_new(dir, file.p + span_rfind(file, '/') + 1, &defaults);
	if (accounts_refresh(a->accounts, err) != VERDICT_OK) {
		log_event(LOG_LEVEL_ERROR, "auth_passwd_file: %s", err->text);
		err_clear(err);
	}
	return VERDICT_OK;
}
