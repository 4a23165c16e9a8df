/*
 * Is this the password? Each question is a fiber: who guesses waits first, then a thread computes
 * the hash (desk.c says whose turn it is), then the answer goes out with a grant for login halves.
 * Called by the doors. A user who does not exist costs as much time as one who does, a wrong answer
 * at least auth_failure_delay. What was right a minute ago, asked in the very same words, is not
 * computed again. Passwords are wiped when the answer is out, and never logged.
 */
#include <arpa/inet.h>
#include <netinet/in.h>

#include "authd/authd.h"
#include "authd/password.h"
#include "base/log.h"
#include "base/mem.h"
#include "conf/netlist.h"

#define VERIFY_ARENA  16384
#define VERIFY_WAIT_S 45		     /* for a thread: who asked waits a minute */
#define FAMILIAR_NS   (7 * 86400 * NS_PER_S) /* a client that an account was used from */

struct verification {
	struct list node;
	struct fiber *fiber;
	struct authd *authd;
	struct ipc_request *req;
	const struct msg_auth_verify *ask;
	struct arena arena;
	struct account account;
	bool known;
	bool foreign; /* the client is not this host itself */
	char client[CLIENT_KEY_SIZE];
	struct span user; /* canonical where there is one: what failures are counted by */
	struct digest login;
	struct digest place;
};

/* One hash, computed in a thread. */
struct sum {
	struct span stored;
	struct span password;
	enum verdict v;
	struct err err;
};

static void
sum_run(void *arg)
{
	struct sum *sum = arg;

	sum->v = password_check(sum->stored, sum->password, &sum->err);
}

static void
put_part(struct str *out, struct span part)
{
	uint64_t n = part.n;

	str_put(out, span_of(&n, sizeof(n)));
	str_put(out, part);
}

/* Of all that decides: another door, place, protection, hash or spelling is another login. */
static struct digest
login_digest(const struct verification *x)
{
	const struct msg_auth_verify *ask = x->ask;
	const struct span parts[] = { ask->service, ask->mechanism, ask->user, ask->act_as,
		ask->client, ask->tls ? span_lit("tls") : span_lit(""), x->account.user,
		x->account.password, x->account.allow_nets, ask->password };
	struct str text = STR_INIT(VERIFY_ARENA);
	struct digest d;

	str_reserve(&text, VERIFY_ARENA);
	for (size_t i = 0; i < ARRAY_LEN(parts); i++)
		put_part(&text, parts[i]);
	assert(!text.full);
	d = digest_of(&x->authd->key, str_span(&text));
	str_wipe(&text);
	return d;
}

static struct digest
place_digest(const struct verification *x)
{
	struct str text = STR_INIT(VERIFY_ARENA);
	struct digest d;

	put_part(&text, span_str(x->client));
	put_part(&text, x->user);
	d = digest_of(&x->authd->key, str_span(&text));
	str_free(&text);
	return d;
}

/* allow_nets of the account. */
static bool
client_allowed(const struct verification *x)
{
	struct sockaddr_in four = { .sin_family = AF_INET };
	struct sockaddr_in6 six = { .sin6_family = AF_INET6 };
	char text[INET6_ADDRSTRLEN] = { 0 };

	if (x->account.allow_nets.n == 0)
		return true;
	memcpy(text, x->ask->client.p, size_min(x->ask->client.n, sizeof(text) - 1));
	if (inet_pton(AF_INET, text, &four.sin_addr) == 1)
		return netlist_match(x->account.allow_nets, (const struct sockaddr *)&four);
	if (inet_pton(AF_INET6, text, &six.sin6_addr) == 1)
		return netlist_match(x->account.allow_nets, (const struct sockaddr *)&six);
	return false;
}

/* The name as it was given, then with the domain that names without one belong to. */
SUSPENDS
static enum verdict
find_account(struct verification *x, struct err *err)
{
	struct span domain = service_conf(x->authd->ctx)->smtpd_sasl_local_domain;
	struct span user = x->ask->user;
	struct str full = STR_INIT(2 * LIMIT_ADDRESS);
	enum verdict v = authd_lookup(x->authd, user, &x->arena, &x->account, err);

	if (v == VERDICT_ABSENT && domain.n > 0 && span_find(user, '@') == user.n) {
		str_printf(&full, "%.*s@%.*s", SPAN_ARG(user), SPAN_ARG(domain));
		v = authd_lookup(x->authd, str_span(&full), &x->arena, &x->account, err);
		str_free(&full);
	}
	x->known = v == VERDICT_OK;
	x->user = x->known ? x->account.user : user;
	return v == VERDICT_ABSENT ? VERDICT_OK : v;
}

/* How long this login waits, before anything is computed for it. */
static uint64_t
delay_of(const struct verification *x)
{
	struct authd *a = x->authd;
	uint64_t now = time_mono(), by_client = 0, by_account = 0;

	if (x->foreign)
		by_client = guesses_delay(&a->by_client, span_str(x->client), now);
	/* Who guesses elsewhere does not lock the owner out of where he usually is. */
	if (!memo_has(&a->familiar, &x->place, now))
		by_account = guesses_delay(&a->by_account, x->user, now);
	return by_client > by_account ? by_client : by_account;
}

static bool
refused(const struct verification *x)
{
	const struct conf *conf = service_conf(x->authd->ctx);

	return x->foreign && conf->auth_failure_limit > 0 &&
	       guesses_recent(&x->authd->by_client, span_str(x->client), time_mono(),
		   conf->anvil_rate_time_unit) >= conf->auth_failure_limit;
}

/* What this login is computed with: its own hash, or somebody's, so that it takes as long. */
static struct span
stored_password(struct verification *x)
{
	struct authd *a = x->authd;
	struct digest d;
	uint64_t draw;
	struct span sample;

	if (x->known && x->account.password.n > 0)
		return x->account.password;
	d = digest_of(&a->key, x->user);
	memcpy(&draw, d.bytes, sizeof(draw));
	sample = accounts_sample(a->accounts, draw);
	return arena_dup(&x->arena, sample.n > 0 ? sample : span_str(a->dummy));
}

SUSPENDS
static enum verdict
compute(struct verification *x, struct err *err)
{
	struct sum sum = { .stored = stored_password(x), .password = x->ask->password };
	enum verdict v =
	    desk_take(&x->authd->desk, span_str(x->client), deadline_after_s(VERIFY_WAIT_S));

	if (v == VERDICT_LIMIT)
		return err_mail(err, 454, "4.7.0", "too many logins wait to be verified");
	if (v != VERDICT_OK)
		return err_mail(err, 454, "4.7.0", "no time to verify it");
	/* A cancelled wait has run its job too. */
	(void)pool_run(x->authd->pool, sum_run, &sum);
	desk_give(&x->authd->desk);
	if (sum.v == VERDICT_PERM || sum.v == VERDICT_TEMP)
		*err = sum.err;
	return sum.v;
}

/* Whose account may this login have? RFC 4616 2: nobody's but its own. */
static bool
acts_as_itself(const struct verification *x)
{
	struct span as = x->ask->act_as;

	return as.n == 0 || span_eq_nocase(as, x->ask->user) || span_eq_nocase(as, x->account.user);
}

/* V: what the hash said. The first reason that holds is for the log. */
static enum verdict
judge(const struct verification *x, enum verdict v, struct err *err)
{
	if (v == VERDICT_TEMP)
		return err_mail(err, 454, "4.7.0", "%s", err->text);
	if (!x->known)
		return err_mail(err, 535, "5.7.8", "no such user");
	if (x->account.password.n == 0 || x->account.nologin)
		return err_mail(err, 535, "5.7.8", "the account may not log in");
	if (v == VERDICT_PERM) {
		log_event(LOG_LEVEL_ERROR, "auth_passwd_file: the password of %s: %s",
		    log_escape(x->user), err->text);
		return err_mail(err, 535, "5.7.8", "the account's password cannot be used");
	}
	if (v != VERDICT_OK)
		return err_mail(err, 535, "5.7.8", "password mismatch");
	if (!acts_as_itself(x))
		return err_mail(err, 535, "5.7.8", "it may not act as another");
	if (!client_allowed(x))
		return err_mail(err, 535, "5.7.8", "not from this address (allow_nets)");
	return VERDICT_OK;
}

static void
remember(struct verification *x, enum verdict v)
{
	const struct conf *conf = service_conf(x->authd->ctx);
	struct authd *a = x->authd;
	uint64_t now = time_mono();

	if (v == VERDICT_OK) {
		memo_put(&a->verified, &x->login, now, conf->auth_cache_time);
		memo_put(&a->familiar, &x->place, now, FAMILIAR_NS);
	} else if (v == VERDICT_PERM) {
		if (x->foreign)
			guesses_count(
			    &a->by_client, span_str(x->client), now, conf->anvil_rate_time_unit);
		guesses_count(&a->by_account, x->user, now, conf->anvil_rate_time_unit);
	}
}

SUSPENDS
static enum verdict
verify(struct verification *x, struct err *err)
{
	uint64_t least = time_mono() + service_conf(x->authd->ctx)->auth_failure_delay;
	enum verdict v;

	x->foreign = client_key(x->ask->client, x->client);
	if (refused(x))
		return err_mail(err, 454, "4.7.0", "too many wrong passwords from this client");
	v = find_account(x, err);
	if (v != VERDICT_OK)
		return v;
	x->login = login_digest(x);
	x->place = place_digest(x);
	if (x->known && !x->account.nologin &&
	    memo_has(&x->authd->verified, &x->login, time_mono()))
		return VERDICT_OK;
	v = fiber_sleep_until(time_mono() + delay_of(x));
	if (v == VERDICT_OK)
		v = judge(x, compute(x, err), err);
	if (v == VERDICT_CANCELLED)
		return err_mail(err, 454, "4.7.0", "the service stops");
	remember(x, v);
	if (v == VERDICT_PERM)
		(void)fiber_sleep_until(least);
	return v;
}

/* A login half gets what its session needs. */
SUSPENDS
static enum verdict
admit(struct verification *x, struct msg_auth_result *out, struct err *err)
{
	struct ipc_channel *ch = ipc_request_channel(x->req);
	struct door *d = ch ? ipc_arg(ch) : NULL;

	out->login = out->account = x->account.user;
	if (!d)
		return err_set(err, VERDICT_TEMP, "who asked is gone");
	if (!d->user_kind)
		return VERDICT_OK;
	out->ticket = door_ticket(d, x->account.user);
	if (out->ticket == 0)
		return err_mail(err, 454, "4.7.0", "too many sessions");
	return authd_grant(x->authd, ch, d->user_kind, &x->account, &out->grant, err);
}

static void
secret_wipe(struct span secret)
{
	mem_wipe((void *)(uintptr_t)secret.p, secret.n);
}

FIBER_MAIN
static void
verify_run(void *arg)
{
	struct verification *x = arg;
	struct msg_auth_result result = { .grant = 0 };
	struct err err = ERR_NONE;
	enum verdict v = verify(x, &err);

	if (v == VERDICT_OK)
		v = admit(x, &result, &err);
	secret_wipe(x->ask->password);
	if (v == VERDICT_OK)
		ipc_reply(x->req, &ipc_auth_result, &result);
	else
		ipc_fail(x->req, &err);
	list_remove(&x->node);
	service_idle(x->authd->ctx);
	arena_wipe(&x->arena);
	arena_free(&x->arena);
	mem_free(x);
}

void
verify_asked(struct ipc_request *req, const void *msg, void *arg)
{
	struct verification *x = mem_alloc(sizeof(*x));
	struct door *d = arg;
	struct err err = ERR_NONE;

	x->authd = d->authd;
	x->req = req;
	x->ask = msg;
	arena_init(&x->arena, VERIFY_ARENA);
	x->fiber = fiber_spawn("verify", verify_run, x);
	if (x->fiber) {
		list_push(&x->authd->verifying, &x->node);
		service_busy(x->authd->ctx);
		return;
	}
	err_mail(&err, 454, "4.7.0", "too many logins at one time");
	secret_wipe(x->ask->password);
	ipc_fail(req, &err);
	mem_free(x);
}

void
verify_stop(struct authd *a)
{
	list_foreach (node, after, &a->verifying)
		fiber_cancel(LIST_ITEM(node, struct verification, node)->fiber);
}
