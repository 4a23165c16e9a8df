/*
 * Logins over a real channel: every reason to refuse, what a login half gets, what is remembered,
 * that one client does not stall another, and that strangers cost as much as accounts. Master is
 * the other end of a control pair.
 */
#include "config.h"

#include <unistd.h>

#include "authd/authd.h"
#include "authd/password.h"
#include "base/mem.h"
#include "event/loop.h"
#include "service/service_impl.h"
#include "tests/unit/unit.h"

#define SERIAL 4711 /* of the door's process, with master */
#define CALLS  60

static const char passwd[] =
    "ann@example.com:{PLAIN}sesame::::::\n"
    "slow:{SHA256-CRYPT}$5$rounds=9000$saltsalt$0cmRb9QrAGbUskdcQc7d/laecJOLya5G0Hw4L1Qnbm9::::::\n"
    "home:{PLAIN}sesame::::::allow_nets=192.0.2.0/24,2001:db8::/32\n"
    "mail:{PLAIN}sesame::::::nologin\n"
    "none:::::::\n"
    "odd:{ROT13}frfnzr::::::\n";

struct bench {
	struct service_ctx ctx;
	struct authd authd;
	int master;
	struct ipc *ipc;
	struct ipc_channel *client;
	unsigned left;
	unsigned order; /* answers so far */
	unsigned last_of_many, first_of_other;
	unsigned busy; /* refused since too many waited */
	struct msg_auth_verify ask;
	enum verdict v;
	struct err err;
	struct str login;
	uint64_t grant, ticket;
};

static const struct ipc_permit permits[] = {
	{ &ipc_auth_verify, verify_asked },
	{ &ipc_auth_again, door_again },
	{ &ipc_auth_over, door_over },
};
static const struct ipc_service asks = { "imapd", permits, ARRAY_LEN(permits), NULL, door_gone };
static const struct ipc_service asks_nothing = { .name = "authd" };

static void
bench_start(struct bench *b, bool login_half)
{
	const struct account_defaults defaults = { 5000, 5000, SPAN("/vmail") };
	struct authd *a = &b->authd;
	int control[2], pair[2];

	loop_init();
	b->ctx.state = a;
	b->ctx.conf.auth_cache_time = 60 * NS_PER_S;
	b->ctx.conf.anvil_rate_time_unit = 60 * NS_PER_S;
	b->ctx.conf.smtpd_sasl_local_domain = span_lit("example.com");
	a->ctx = &b->ctx;
	a->looked = UINT64_MAX / 2; /* the file is what it is */
	a->accounts = accounts_new(-1, "passwd", &defaults);
	assert_int_equal(accounts_parse(a->accounts, span_str(passwd), &b->err), VERDICT_OK);
	digest_key_make(&a->key);
	assert_true(password_dummy(a->dummy, sizeof(a->dummy)));
	memo_init(&a->verified, 100);
	memo_init(&a->familiar, 100);
	guesses_init(&a->by_client, 100);
	guesses_init(&a->by_account, 100);
	list_init(&a->verifying);
	a->pool = pool_new(2);
	desk_init(&a->desk, 2, 100, 32);
	str_init(&b->login, LIMIT_ADDRESS);
	assert_int_equal(control_pair(control), 0);
	b->master = control[0];
	fdwatch_init(&b->ctx.control, control[1]);
	b->ipc = ipc_new(1);
	assert_int_equal(ipc_pair(pair), 0);
	struct ipc_channel *ch = ipc_open(b->ipc, pair[0], &asks, &b->ctx);
	ipc_set_tag(ch, SERIAL);
	(login_half ? door_opened_imap : door_opened)(&b->ctx, ch, -1);
	b->client = ipc_open(b->ipc, pair[1], &asks_nothing, NULL);
}

static void
bench_end(struct bench *b)
{
	struct authd *a = &b->authd;
	int control = b->ctx.control.fd;

	assert_int_equal(b->ctx.busy, 0);
	assert_true(list_empty(&a->verifying));
	loop_end_fibers();
	pool_free(a->pool);
	fdwatch_fini(&b->ctx.control);
	loop_fini();
	ipc_free(b->ipc);
	desk_fini(&a->desk);
	memo_free(&a->verified);
	memo_free(&a->familiar);
	guesses_free(&a->by_client);
	guesses_free(&a->by_account);
	accounts_free(a->accounts);
	str_free(&b->login);
	close(control);
	close(b->master);
}

/* One question: b->ask; the answer is in b. */
FIBER_MAIN
static void
ask_once(void *arg)
{
	struct bench *b = arg;
	struct msg_auth_result result;
	struct arena arena;

	arena_init(&arena, 8192);
	err_clear(&b->err);
	str_reset(&b->login);
	b->v = ipc_call(b->client, 1, &ipc_auth_verify, &b->ask, &ipc_auth_result, &result, &arena,
	    deadline_after_s(20), &b->err);
	if (b->v == VERDICT_OK) {
		str_put(&b->login, result.login);
		b->grant = result.grant;
		b->ticket = result.ticket;
	}
	arena_free(&arena);
	if (--b->left == 0)
		loop_stop();
}

static void
ask(struct bench *b, const char *user, const char *password, const char *client)
{
	b->ask = (struct msg_auth_verify){ .service = SPAN("imap"),
		.mechanism = SPAN("PLAIN"),
		.user = span_str(user),
		.act_as = span_lit(""),
		.password = span_str(password),
		.client = span_str(client),
		.tls = true };
}

static void
ask_now(struct bench *b)
{
	b->left = 1;
	assert_non_null(fiber_spawn("ask", ask_once, b));
	loop_run();
}

static const struct {
	const char *name;
	const char *user;
	const char *password;
	const char *client;
	const char *act_as;
	enum verdict want;
	const char *says; /* the login, or the reason */
} rows[] = {
	{ "right", "ann@example.com", "sesame", "192.0.2.1", "", VERDICT_OK, "ann@example.com" },
	{ "case", "ANN@Example.COM", "sesame", "192.0.2.1", "", VERDICT_OK, "ann@example.com" },
	{ "local domain", "ann", "sesame", "192.0.2.1", "", VERDICT_OK, "ann@example.com" },
	{ "as itself", "ann", "sesame", "192.0.2.1", "ann@example.com", VERDICT_OK,
	    "ann@example.com" },
	{ "as another", "ann", "sesame", "192.0.2.1", "home", VERDICT_PERM,
	    "it may not act as another" },
	{ "wrong", "ann", "Sesame", "192.0.2.2", "", VERDICT_PERM, "password mismatch" },
	{ "empty", "ann", "", "192.0.2.3", "", VERDICT_PERM, "password mismatch" },
	{ "stranger", "eve", "sesame", "192.0.2.4", "", VERDICT_PERM, "no such user" },
	{ "hash", "slow", "sesame", "192.0.2.1", "", VERDICT_OK, "slow" },
	{ "hash, wrong", "slow", "Sesame", "192.0.2.5", "", VERDICT_PERM, "password mismatch" },
	{ "from home", "home", "sesame", "192.0.2.9", "", VERDICT_OK, "home" },
	{ "from home, IPv6", "home", "sesame", "2001:db8::1", "", VERDICT_OK, "home" },
	{ "from elsewhere", "home", "sesame", "198.51.100.1", "", VERDICT_PERM,
	    "not from this address (allow_nets)" },
	{ "from nowhere", "home", "sesame", "unknown", "", VERDICT_PERM,
	    "not from this address (allow_nets)" },
	{ "mail only", "mail", "sesame", "192.0.2.1", "", VERDICT_PERM,
	    "the account may not log in" },
	{ "no password", "none", "", "192.0.2.1", "", VERDICT_PERM, "the account may not log in" },
	{ "odd scheme", "odd", "sesame", "192.0.2.7", "", VERDICT_PERM,
	    "the account's password cannot be used" },
	{ "no name", "", "sesame", "192.0.2.8", "", VERDICT_PERM, "no such user" },
	{ "path", "../../etc/x", "sesame", "192.0.2.10", "", VERDICT_PERM, "no such user" },
};

static void
test_reasons(void **state)
{
	struct bench *b = mem_alloc(sizeof(*b));

	(void)state;
	bench_start(b, false);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		ask(b, rows[i].user, rows[i].password, rows[i].client);
		b->ask.act_as = span_str(rows[i].act_as);
		ask_now(b);
		expect_number(rows[i].name, b->v, rows[i].want);
		expect_text(rows[i].name,
		    rows[i].want == VERDICT_OK ? str_span(&b->login) : err_text(&b->err),
		    rows[i].says);
		expect_number(rows[i].name, b->err.reply, rows[i].want == VERDICT_OK ? 0 : 535);
		/* smtpd carries no sessions. */
		assert_int_equal(b->grant, 0);
		assert_int_equal(b->ticket, 0);
		/* Delays have a test of their own. */
		guesses_free(&b->authd.by_account);
		guesses_free(&b->authd.by_client);
	}
	bench_end(b);
	mem_free(b);
}

static void
expect_grant(struct bench *b, uint64_t id)
{
	struct control_packet p;

	assert_int_equal(control_recv(b->master, &p), VERDICT_OK);
	assert_int_equal(p.msg.type, CONTROL_GRANT);
	assert_int_equal(p.msg.id, id);
	assert_int_equal(p.msg.arg, SERIAL);
	assert_int_equal(p.msg.uid, 5000);
	assert_string_equal(p.msg.name, "imapuser");
	assert_string_equal(p.msg.account, "ann@example.com");
	assert_string_equal(p.msg.path, "/vmail/example.com/ann");
	assert_int_equal(control_recv(b->master, &p), VERDICT_ABSENT);
}

FIBER_MAIN
static void
ask_again(void *arg)
{
	struct bench *b = arg;
	const struct msg_auth_again again = { .ticket = b->ticket };
	struct msg_granted granted = { .grant = 0 };
	struct arena arena;

	arena_init(&arena, 8192);
	err_clear(&b->err);
	b->v = ipc_call(b->client, 1, &ipc_auth_again, &again, &ipc_granted, &granted, &arena,
	    deadline_after_s(20), &b->err);
	b->grant = granted.grant;
	arena_free(&arena);
	loop_stop();
}

static void
again(struct bench *b)
{
	assert_non_null(fiber_spawn("again", ask_again, b));
	loop_run();
}

static void
test_grants(void **state)
{
	struct bench *b = mem_alloc(sizeof(*b));
	struct control_packet p;

	(void)state;
	bench_start(b, true);
	ask(b, "ann", "sesame", "192.0.2.1");
	ask_now(b);
	assert_int_equal(b->v, VERDICT_OK);
	assert_true(b->grant != 0 && b->ticket != 0);
	expect_grant(b, b->grant);
	/* From the cache: another grant, another ticket. */
	uint64_t grant = b->grant, ticket = b->ticket;
	ask_now(b);
	assert_true(b->grant != grant && b->ticket != ticket);
	expect_grant(b, b->grant);
	again(b);
	assert_int_equal(b->v, VERDICT_OK);
	expect_grant(b, b->grant);
	/* A ticket that nobody has, and one that is over. */
	b->ticket++;
	again(b);
	assert_int_equal(b->v, VERDICT_PERM);
	b->ticket--;
	const struct msg_auth_over over = { .ticket = b->ticket };
	ipc_note(b->client, 1, &ipc_auth_over, &over);
	again(b);
	assert_int_equal(b->v, VERDICT_PERM);
	/* The account is gone: so is what its ticket was good for. */
	b->ticket = ticket;
	assert_int_equal(
	    accounts_parse(b->authd.accounts, span_lit("bob:x\n"), &b->err), VERDICT_OK);
	again(b);
	assert_int_equal(b->v, VERDICT_PERM);
	assert_int_equal(control_recv(b->master, &p), VERDICT_ABSENT);
	/* Nothing is granted for what is wrong. */
	ask(b, "bob", "sesame", "192.0.2.1");
	ask_now(b);
	assert_int_equal(b->v, VERDICT_PERM);
	assert_int_equal(control_recv(b->master, &p), VERDICT_ABSENT);
	bench_end(b);
	mem_free(b);
}

/* The cache answers what was asked in the same words, and nothing else. */
static void
test_cache(void **state)
{
	struct bench *b = mem_alloc(sizeof(*b));

	(void)state;
	bench_start(b, false);
	ask(b, "home", "sesame", "192.0.2.1");
	ask_now(b);
	assert_int_equal(b->v, VERDICT_OK);
	assert_int_equal(b->authd.verified.map.count, 1);
	ask_now(b);
	assert_int_equal(b->authd.verified.map.count, 1);
	b->ask.service = span_lit("pop3");
	ask_now(b);
	assert_int_equal(b->authd.verified.map.count, 2);
	b->ask.tls = false;
	ask_now(b);
	assert_int_equal(b->authd.verified.map.count, 3);
	b->ask.client = span_lit("198.51.100.1");
	ask_now(b);
	assert_int_equal(b->v, VERDICT_PERM);
	ask(b, "home", "sesam", "192.0.2.1");
	ask_now(b);
	assert_int_equal(b->v, VERDICT_PERM);
	ask(b, "homes", "esame", "192.0.2.1");
	ask_now(b);
	assert_int_equal(b->v, VERDICT_PERM);
	assert_int_equal(b->authd.verified.map.count, 3);
	/* Another password, or the account closed: what was right is not any more. */
	guesses_free(&b->authd.by_account);
	guesses_free(&b->authd.by_client);
	ask(b, "home", "sesame", "192.0.2.1");
	assert_int_equal(accounts_parse(b->authd.accounts,
			     span_lit("home:{PLAIN}other::::::allow_nets=192.0.2.0/24\n"), &b->err),
	    VERDICT_OK);
	ask_now(b);
	assert_int_equal(b->v, VERDICT_PERM);
	bench_end(b);
	mem_free(b);
}

struct caller {
	struct bench *b;
	const char *client;
	bool many;
};

FIBER_MAIN
static void
call_one(void *arg)
{
	struct caller *c = arg;
	struct bench *b = c->b;
	const struct msg_auth_verify ask = { .service = SPAN("imap"),
		.user = SPAN("slow"),
		.password = SPAN("wrong"),
		.client = span_str(c->client) };
	struct msg_auth_result result;
	struct err err = ERR_NONE;
	struct arena arena;

	arena_init(&arena, 8192);
	(void)ipc_call(b->client, 1, &ipc_auth_verify, &ask, &ipc_auth_result, &result, &arena,
	    deadline_after_s(20), &err);
	arena_free(&arena);
	b->busy += err.reply == 454;
	b->order++;
	if (err.reply == 535 && c->many)
		b->last_of_many = b->order;
	else if (err.reply == 535)
		b->first_of_other = b->order;
	mem_free(c);
	if (--b->left == 0)
		loop_stop();
}

static void
call(struct bench *b, const char *client, bool many)
{
	struct caller *c = mem_alloc(sizeof(*c));

	*c = (struct caller){ b, client, many };
	b->left++;
	assert_non_null(fiber_spawn("call", call_one, c));
}

static void
test_fair(void **state)
{
	struct bench *b = mem_alloc(sizeof(*b));

	(void)state;
	bench_start(b, false);
	for (unsigned i = 0; i < CALLS; i++)
		call(b, "192.0.2.66", true);
	call(b, "198.51.100.7", false);
	loop_run();
	assert_int_equal(b->order, CALLS + 1);
	/* Two were computed, 32 waited, the rest was sent away; the other client went before them.
	 */
	assert_int_equal(b->busy, CALLS - 34);
	assert_true(b->first_of_other > 0);
	assert_true(b->first_of_other < CALLS - 34 + 8);
	assert_int_equal(b->last_of_many, CALLS + 1);
	bench_end(b);
	mem_free(b);
}

/* Wrong passwords make the next answer wait, for that client and that account alone. */
static void
test_guessing(void **state)
{
	struct bench *b = mem_alloc(sizeof(*b));
	uint64_t now;

	(void)state;
	bench_start(b, false);
	b->ctx.conf.auth_failure_limit = 3;
	ask(b, "ann", "sesame", "198.51.100.1");
	ask_now(b);
	assert_int_equal(b->v, VERDICT_OK);
	for (int i = 0; i < 2; i++) {
		ask(b, "ann", "guess", "192.0.2.66");
		ask_now(b);
		assert_int_equal(b->v, VERDICT_PERM);
	}
	now = time_mono();
	assert_int_equal(guesses_delay(&b->authd.by_client, span_lit("192.0.2.66"), now), NS_PER_S);
	assert_int_equal(
	    guesses_delay(&b->authd.by_account, span_lit("ann@example.com"), now), NS_PER_S);
	/* Who has logged in from there before does not wait for others' guesses. */
	ask(b, "ann", "sesame", "198.51.100.1");
	b->ask.service = span_lit("pop3");
	ask_now(b);
	assert_int_equal(b->v, VERDICT_OK);
	assert_true(time_mono() - now < NS_PER_S);
	ask(b, "eve", "guess", "192.0.2.66");
	ask_now(b);
	assert_true(time_mono() - now >= NS_PER_S);
	/* The limit: not even looked at. */
	ask(b, "ann", "sesame", "192.0.2.66");
	ask_now(b);
	assert_int_equal(b->v, VERDICT_TEMP);
	expect_text("limit", err_text(&b->err), "too many wrong passwords from this client");
	bench_end(b);
	mem_free(b);
}

static uint64_t
time_of(struct bench *b, const char *user)
{
	uint64_t best = UINT64_MAX;

	for (int i = 0; i < 9; i++) {
		guesses_free(&b->authd.by_account);
		guesses_free(&b->authd.by_client);
		ask(b, user, "guess", "192.0.2.1");
		uint64_t begun = time_mono();
		ask_now(b);
		uint64_t took = time_mono() - begun;
		best = took < best ? took : best;
	}
	return best;
}

/* The least of several times, since others use the processor too: a stranger is no cheaper. */
static void
test_timing(void **state)
{
	static const char one[] = "slow:{SHA256-CRYPT}$5$rounds=9000$saltsalt$0cmRb9QrAGbUskdcQc7d/"
				  "laecJOLya5G0Hw4L1Qnbm9::::::\nnone::\n";
	struct bench *b = mem_alloc(sizeof(*b));

	(void)state;
	bench_start(b, false);
	assert_int_equal(accounts_parse(b->authd.accounts, span_str(one), &b->err), VERDICT_OK);
	uint64_t real = time_of(b, "slow"), stranger = time_of(b, "eve"), none = time_of(b, "none");
	assert_true(stranger > real / 2 && stranger < real * 2);
	assert_true(none > real / 2 && none < real * 2);
	bench_end(b);
	mem_free(b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reasons),
		cmocka_unit_test(test_grants),
		cmocka_unit_test(test_cache),
		cmocka_unit_test(test_fair),
		cmocka_unit_test(test_guessing),
		cmocka_unit_test(test_timing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
