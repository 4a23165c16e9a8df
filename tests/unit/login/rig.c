/*
 * The rig of the tests of lib/login. The dialogue knows STLS and "LOGIN user password state", the
 * user half a handful of words; the password that is right is "sesame". Master honours each grant
 * once.
 */
#include "config.h"

#include "tests/unit/login/rig.h"

#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/num.h"
#include "base/sys.h"

static struct rig *
rig_of(struct service_ctx *ctx)
{
	return ctx->state;
}

static void
grant_add(struct rig *rig, uint64_t id)
{
	assert_true(rig->grants_n < ARRAY_LEN(rig->grants));
	rig->grants[rig->grants_n++] = id;
}

static bool
grant_take(struct rig *rig, uint64_t id)
{
	for (unsigned i = 0; i < rig->grants_n; i++) {
		if (rig->grants[i] == id) {
			rig->grants[i] = rig->grants[--rig->grants_n];
			return true;
		}
	}
	return false;
}

/* --- authd ------------------------------------------------------------------------------------ */

static void
rig_verify(struct ipc_request *req, const void *msg, void *arg)
{
	const struct msg_auth_verify *ask = msg;
	struct rig *rig = arg;
	struct msg_auth_result result = { .login = ask->user,
		.account = ask->user,
		.grant = 1000 + ++rig->verified,
		.ticket = 77 };
	struct err err = ERR_NONE;

	if (!span_eq(ask->password, span_lit("sesame"))) {
		err_mail(&err, 535, "5.7.8", "password does not match");
		ipc_fail(req, &err);
		return;
	}
	rig->tickets++;
	rig->ticket = result.ticket;
	if (!rig->lose_grants)
		grant_add(rig, result.grant);
	ipc_reply(req, &ipc_auth_result, &result);
}

static void
rig_again(struct ipc_request *req, const void *msg, void *arg)
{
	const struct msg_auth_again *ask = msg;
	struct rig *rig = arg;
	struct msg_granted granted = { .grant = 2000, .account = span_lit("x") };
	struct err err = ERR_NONE;

	if (ask->ticket != rig->ticket) {
		err_set(&err, VERDICT_PERM, "no such ticket");
		ipc_fail(req, &err);
		return;
	}
	grant_add(rig, granted.grant);
	ipc_reply(req, &ipc_granted, &granted);
}

static void
rig_over(struct ipc_request *req, const void *msg, void *arg)
{
	struct rig *rig = arg;

	(void)msg;
	rig->tickets--;
	ipc_done(req);
}

static const struct ipc_permit authd_permits[] = {
	{ &ipc_auth_verify, rig_verify },
	{ &ipc_auth_again, rig_again },
	{ &ipc_auth_over, rig_over },
};
static const struct ipc_service authd_asks = { "imapd", authd_permits, ARRAY_LEN(authd_permits),
	NULL, NULL };

/* --- master ----------------------------------------------------------------------------------- */

static void
master_connect(struct rig *rig, const struct control_packet *p)
{
	struct control_msg yes = { .type = CONTROL_CONNECTED, .id = p->msg.id };
	bool known = strcmp(p->msg.name, "authd") == 0;
	int ends[2];

	assert_int_equal(ipc_pair(ends), 0);
	yes.ok = known;
	control_send(rig->master.fd, &yes, ends, known);
	if (known)
		assert_non_null(ipc_open(rig->ipc, ends[1], &authd_asks, rig));
	else
		close(ends[1]);
	close(ends[0]);
}

static void
master_redeem(struct rig *rig, struct control_packet *p)
{
	struct control_msg answer = { .type = CONTROL_CONNECTED, .id = p->msg.arg };
	struct control_packet peer = { .msg = { .type = CONTROL_PEER, .arg = 1 } };
	int channel[2], bytes[2] = { -1, -1 };

	answer.ok = grant_take(rig, p->msg.id);
	if (!answer.ok) {
		control_send(rig->master.fd, &answer, NULL, 0);
		return;
	}
	rig->redeemed++;
	rig->with_fd += p->fds_n;
	assert_int_equal(ipc_pair(channel), 0);
	if (p->fds_n == 0)
		assert_int_equal(ipc_pair(bytes), 0);
	control_set_name(&peer.msg, "imapd");
	peer.fds[0] = channel[1];
	peer.fds[1] = p->fds_n ? p->fds[0] : bytes[1];
	peer.fds_n = 2;
	p->fds_n = 0;
	service_on_peer(&rig->user, &peer);
	int back[2] = { channel[0], bytes[0] };
	control_send(rig->master.fd, &answer, back, bytes[0] >= 0 ? 2 : 1);
	close(channel[0]);
	if (bytes[0] >= 0)
		close(bytes[0]);
}

static const struct {
	enum control_type type;
	void (*handle)(struct rig *rig, struct control_packet *p);
} master_does[] = {
	{ CONTROL_REDEEM, master_redeem },
};

FIBER_MAIN
static void
master_run(void *arg)
{
	struct rig *rig = arg;
	struct control_packet p;

	for (;;) {
		enum verdict v = control_recv(rig->master.fd, &p);
		if (v == VERDICT_ABSENT) {
			rig->master.readable = false;
			if (fdwatch_wait_readable(&rig->master, DEADLINE_NEVER) != VERDICT_OK)
				return;
			continue;
		}
		if (v != VERDICT_OK)
			return;
		if (p.msg.type == CONTROL_CONNECT)
			master_connect(rig, &p);
		for (size_t i = 0; i < ARRAY_LEN(master_does); i++)
			if (master_does[i].type == p.msg.type)
				master_does[i].handle(rig, &p);
		control_close_fds(&p);
	}
}

FIBER_MAIN
static void
half_control(void *arg)
{
	struct rig *rig = arg;
	struct control_packet p;

	for (;;) {
		enum verdict v = control_recv(rig->half.control.fd, &p);
		if (v == VERDICT_OK)
			service_on_connected(&rig->half, &p);
		else if (v != VERDICT_ABSENT)
			return;
		rig->half.control.readable = false;
		if (v == VERDICT_ABSENT &&
		    fdwatch_wait_readable(&rig->half.control, DEADLINE_NEVER) != VERDICT_OK)
			return;
	}
}

/* --- the login half --------------------------------------------------------------------------- */

/* True: the session was carried to its end. */
SUSPENDS
static bool
dialogue_login(struct login *l, struct span args)
{
	struct sasl_login who = { .act_as = span_lit("") };
	struct err err = ERR_NONE;

	span_cut(args, ' ', &who.user, &args);
	span_cut(args, ' ', &who.password, &args);
	if (login_verify(l, "PLAIN", &who, &err) == VERDICT_OK &&
	    login_hand_over(l, args, &err) == VERDICT_OK)
		return true;
	stream_printf(login_stream(l), "-ERR %s\r\n", err.text);
	return false;
}

SUSPENDS
static void
dialogue(struct login *l)
{
	enum verdict v;
	struct span line, word, rest;

	stream_write(login_stream(l), span_lit("+OK ready\r\n"));
	for (;;) {
		v = login_read_line(l, LINE_LENIENT, 1000, &line);
		if (v == VERDICT_LIMIT) {
			login_count_error(l);
			stream_write(login_stream(l), span_lit("-ERR long\r\n"));
			v = login_skip_line(l, LINE_LENIENT);
			if (v == VERDICT_OK)
				continue;
		}
		if (v != VERDICT_OK) {
			stream_printf(login_stream(l), "-ERR over %d\r\n", (int)v);
			return;
		}
		span_cut(line, ' ', &word, &rest);
		if (span_eq(word, span_lit("STLS")) && login_can_start_tls(l)) {
			stream_write(login_stream(l), span_lit("+OK begin\r\n"));
			if (login_start_tls(l) != VERDICT_OK)
				return;
		} else if (span_eq(word, span_lit("LOGIN"))) {
			if (dialogue_login(l, rest))
				return;
		} else {
			login_count_error(l);
			stream_printf(login_stream(l), "-ERR what?\r\n");
		}
	}
}

SUSPENDS
static void
refuse(struct login *l, struct span why)
{
	stream_printf(login_stream(l), "-ERR %.*s\r\n", SPAN_ARG(why));
}

/* --- the user half ---------------------------------------------------------------------------- */

SUSPENDS
static bool
session_many(struct user_session *s, struct span count)
{
	uint64_t n = 0;
	struct str block = STR_INIT(1000);

	num_parse_u64(count, 100000000, &n);
	while (block.n < 1000)
		str_putc(&block, (char)('a' + block.n % 26));
	for (uint64_t i = 0; i < n; i += block.n)
		stream_write(s->io, str_span(&block));
	str_free(&block);
	return true;
}

SUSPENDS
static bool
session_sink(struct user_session *s, struct span count)
{
	uint64_t n = 0;
	struct span got;

	num_parse_u64(count, 100000000, &n);
	while (n > 0 && stream_read_some(s->io, n, SOON, &got) == VERDICT_OK)
		n -= got.n;
	stream_printf(s->io, "sunk\r\n");
	return n == 0;
}

SUSPENDS
static bool
session_park(struct user_session *s, struct span record)
{
	struct rig *rig = rig_of(user_host_service(s->host));

	if (user_session_park(s, record) != VERDICT_OK) {
		stream_printf(s->io, "not parked\r\n");
		return true;
	}
	rig->parked++;
	return false;
}

SUSPENDS
static bool
session_echo(struct user_session *s, struct span text)
{
	stream_printf(s->io, "%.*s\r\n", SPAN_ARG(text));
	return true;
}

SUSPENDS
static bool
session_quit(struct user_session *s, struct span text)
{
	(void)text;
	stream_printf(s->io, "bye\r\n");
	return false;
}

static const struct {
	struct span word;
	bool (*run)(struct user_session *s, struct span args);
} words[] = {
	{ SPAN("ECHO"), session_echo },
	{ SPAN("MANY"), session_many },
	{ SPAN("SINK"), session_sink },
	{ SPAN("PARK"), session_park },
	{ SPAN("QUIT"), session_quit },
};

SUSPENDS
static bool
session_line(struct user_session *s, struct span line)
{
	struct str copy = STR_INIT(1000);
	struct span word, rest;
	bool on = false;

	str_put(&copy, line);
	span_cut(str_span(&copy), ' ', &word, &rest);
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (span_eq(word, words[i].word))
			on = words[i].run(s, rest);
	str_free(&copy);
	return on;
}

SUSPENDS
static void
session_run(struct user_session *s)
{
	struct rig *rig = rig_of(user_host_service(s->host));
	struct err err = ERR_NONE;
	struct span line;
	enum verdict v;
	bool on = true;

	if (span_eq(s->state, span_lit("vanish")))
		return;
	if (span_eq(s->state, span_lit("refuse"))) {
		err_mail(&err, 451, "4.3.0", "[IN-USE] locked");
		user_session_refuse(s, &err);
		return;
	}
	user_session_accept(s);
	rig->sessions++;
	if (span_eq(s->state, span_lit("brief"))) {
		stream_printf(s->io, "+OK brief\r\n");
		stream_flush(s->io, SOON);
		return;
	}
	stream_printf(s->io, "+OK %s %.*s %.*s %.*s tls=%d\r\n", s->revived ? "again" : "hello",
	    SPAN_ARG(s->login), SPAN_ARG(s->client), SPAN_ARG(s->state), s->tls);
	while (on) {
		v = user_session_wait(s, SOON);
		if (v == VERDICT_OK)
			v = stream_read_line(s->io, LINE_LENIENT, 1000, SOON, &line);
		if (v == VERDICT_CANCELLED)
			stream_printf(s->io, "* bye\r\n");
		on = v == VERDICT_OK && session_line(s, line);
	}
	stream_flush(s->io, SOON);
}

static void
session_arrived(struct service_ctx *ctx, struct ipc_channel *ch, int fd)
{
	user_arrived(rig_of(ctx)->host, ch, fd);
}

static const struct service_role user_roles[] = { { "imapd", &user_asks, session_arrived } };
static const struct service user_service = {
	.kind = "imapuser",
	.roles = user_roles,
	.roles_n = ARRAY_LEN(user_roles),
};

/* --- clients ---------------------------------------------------------------------------------- */

SUSPENDS
void
client_send(struct client *c, const char *text)
{
	assert_int_equal(stream_write(c->io, span_str(text)), VERDICT_OK);
	assert_int_equal(stream_flush(c->io, SOON), VERDICT_OK);
}

SUSPENDS
void
client_expect(struct client *c, const char *line)
{
	struct span got = span_lit("");

	expect_number(line, stream_read_line(c->io, LINE_CRLF, 4096, SOON, &got), VERDICT_OK);
	expect_text("line", got, line);
}

SUSPENDS
void
client_expect_end(struct client *c)
{
	struct span got;

	assert_int_equal(stream_read_some(c->io, 1, SOON, &got), VERDICT_EOF);
}

SUSPENDS
void
client_start_tls(struct client *c)
{
	struct err err = ERR_NONE;

	expect_number("tls",
	    stream_start_tls_client(c->io, c->rig->client_tls, span_lit(""), SOON, &err),
	    VERDICT_OK);
}

static int
client_connect(const struct rig *rig)
{
	struct sockaddr_in addr = { .sin_family = AF_INET,
		.sin_port = htons(rig->port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(connect(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	return fd;
}

FIBER_MAIN
static void
client_run(void *arg)
{
	struct client *c = arg;
	struct rig *rig = c->rig;

	c->fn(c);
	if (c->io)
		stream_free(c->io);
	mem_free(c);
	/* The last one waits until the halves have noticed: then counts can be looked at. */
	while (--rig->clients == 0 && (rig->half.busy > 0 || rig->user.busy > 0 ||
					  (rig->tickets > 0 && !rig->half.stopping))) {
		rig->clients++;
		if (fiber_sleep_until(time_mono() + NS_PER_MS) != VERDICT_OK)
			return;
	}
	if (rig->clients == 0)
		loop_stop();
}

void
rig_run(struct rig *rig, rig_fn *fn, const void *arg, unsigned n)
{
	rig->clients = n;
	for (unsigned i = 0; i < n; i++) {
		struct client *c = mem_alloc(sizeof(*c));
		c->rig = rig;
		c->fn = fn;
		c->arg = arg;
		c->io = stream_new(client_connect(rig));
		assert_non_null(fiber_spawn("client", client_run, c));
	}
	/* A half that stops and has drained stops the loop: clients then have their say. */
	do
		loop_run();
	while (rig->half.stopping && rig->clients > 0);
	assert_int_equal(rig->clients, 0);
	assert_int_equal(rig->half.busy, 0);
	assert_int_equal(rig->user.busy, 0);
	assert_int_equal(rig->user.inbound, 0);
	/* A half that stops may be gone before authd hears of it, whose channel then ends with it.
	 */
	assert_true(rig->half.stopping || rig->tickets == 0);
}

static void
rig_accept(int fd, void *arg)
{
	struct rig *rig = arg;

	login_accept(rig->front, fd, 0);
}

static void
rig_listen(struct rig *rig)
{
	struct sockaddr_in addr = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof(addr);

	rig->listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	assert_int_equal(bind(rig->listen_fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	assert_int_equal(listen(rig->listen_fd, 64), 0);
	assert_int_equal(getsockname(rig->listen_fd, (struct sockaddr *)&addr, &n), 0);
	rig->port = ntohs(addr.sin_port);
	rig->listener = listener_start(rig->listen_fd, 64, rig_accept, rig);
	rig->half.listeners[0] = rig->listener;
	rig->half.listeners_n = 1;
}

struct login_settings
rig_settings(void)
{
	return (struct login_settings){ .service = "imap",
		.tls_offered = true,
		.timeout = 20 * NS_PER_S,
		.errors_max = 3,
		.dialogue = dialogue,
		.refuse = refuse };
}

static void
rig_contexts(struct rig *rig)
{
	int pair[2];

	list_init(&rig->half.peers);
	list_init(&rig->half.clients);
	list_init(&rig->half.requests);
	list_init(&rig->user.peers);
	list_init(&rig->user.clients);
	list_init(&rig->user.requests);
	rig->half.state = rig->user.state = rig;
	rig->half.ipc = ipc_new(1);
	rig->user.ipc = ipc_new(1);
	rig->ipc = ipc_new(1);
	rig->user.service = &user_service;
	rig->user.conf.mailbox_linger_time = 600 * NS_PER_S;
	rig->half.conf.smtpd_tls_protocols = span_lit(">=TLSv1.2");
	control_set_name(&rig->half.birth.msg, "imap");
	rig->half.birth.msg.fd_kinds[0] = BIRTH_FD_CHAIN;
	rig->half.birth.fds[0] = rig->chain_fd;
	rig->half.birth.fds_n = 1;
	assert_int_equal(control_pair(pair), 0);
	fdwatch_init(&rig->master, pair[0]);
	fdwatch_init(&rig->half.control, pair[1]);
	assert_non_null(fiber_spawn("master", master_run, rig));
	assert_non_null(fiber_spawn("control", half_control, rig));
}

struct rig *
rig_new(const struct login_settings *settings)
{
	struct tls_settings tls = {
		.service = "client", .chain_fd = -1, .ca_fd = -1, .protocols = ">=TLSv1.2"
	};
	const struct login_settings own = rig_settings();
	const struct cert_plan plan = { .subject = "mx.example.org" };
	struct rig *rig = mem_alloc(sizeof(*rig));
	struct err err = ERR_NONE;

	loop_init();
	rig->cert = pki_cert(pki_key_p256(), &plan, NULL);
	rig->chain_fd = pki_chain_file(&rig->cert);
	rig_contexts(rig);
	assert_int_equal(tls_context_new_client(&tls, &rig->client_tls, &err), VERDICT_OK);
	assert_int_equal(
	    login_front_new(&rig->half, settings ? settings : &own, &rig->front, &err), VERDICT_OK);
	rig->host = user_host_new(&rig->user, session_run, 8);
	rig_listen(rig);
	return rig;
}

/* Peers are the skeleton's, which in a daemon lives as long as the process. */
static void
peers_free(struct service_ctx *ctx)
{
	struct list *node;

	while ((node = list_pop(&ctx->peers)) != NULL)
		mem_free(LIST_ITEM(node, struct service_peer, node));
}

void
rig_free(struct rig *rig)
{
	int fds[] = { rig->master.fd, rig->half.control.fd, rig->listen_fd, rig->chain_fd };

	user_host_free(rig->host);
	login_front_free(rig->front);
	tls_context_free(rig->client_tls);
	loop_end_fibers();
	listener_free(rig->listener);
	fdwatch_fini(&rig->master);
	fdwatch_fini(&rig->half.control);
	loop_fini();
	ipc_free(rig->ipc);
	ipc_free(rig->half.ipc);
	ipc_free(rig->user.ipc);
	peers_free(&rig->half);
	for (size_t i = 0; i < ARRAY_LEN(fds); i++)
		sys_close(fds[i]);
	pki_cert_free(&rig->cert);
	mem_free(rig);
}
