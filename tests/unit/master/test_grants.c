/*
 * What children may ask of master: grants given, redeemed once, by one process, in time, with a
 * socket or with nothing; channels along the edges of processes.def; leaving. Children are control
 * pairs without a process; master forks none here.
 */
#include "config.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/time.h"
#include "master/master.h"
#include "tests/unit/unit.h"

struct process {
	struct mservice service;
	struct child child;
	int fd; /* its own end */
};

struct rig {
	struct master m;
	struct process authd, imapd, other, local, smtpd, user, deliverer;
	struct mservice qmgr;
};

static void
service_make(struct rig *r, struct mservice *s, const char *kind)
{
	s->kind = process_kind_find(span_str(kind));
	assert_non_null(s->kind);
	memcpy(s->name, kind, strlen(kind));
	memcpy(s->log_name, kind, strlen(kind));
	s->alive = 1;
	list_init(&s->pending);
	list_push(&r->m.services, &s->node);
}

static void
process_make(struct rig *r, struct process *p, const char *kind, const char *account)
{
	int pair[2];

	if (kind)
		service_make(r, &p->service, kind);
	assert_int_equal(control_pair(pair), 0);
	p->fd = pair[1];
	p->child.watch.fd = pair[0];
	p->child.m = &r->m;
	p->child.service = &p->service;
	p->child.serial = ++r->m.next_serial;
	list_init(&p->child.outbox);
	memcpy(p->child.account, account, strlen(account));
	list_push(&r->m.children, &p->child.node);
}

static struct rig *
rig_new(void)
{
	struct rig *r = mem_alloc(sizeof(*r));

	list_init(&r->m.services);
	list_init(&r->m.children);
	list_init(&r->m.grants);
	list_init(&r->m.dead);
	r->m.epoll_fd = -1;
	r->m.conf.virtual_minimum_uid = 100;
	process_make(r, &r->authd, "authd", "");
	process_make(r, &r->imapd, "imapd", "");
	r->other.service = r->imapd.service;
	process_make(r, &r->other, NULL, "");
	process_make(r, &r->local, "local", "");
	process_make(r, &r->smtpd, "smtpd", "");
	process_make(r, &r->user, "imapuser", "ann");
	process_make(r, &r->deliverer, "deliverer", "ann");
	service_make(r, &r->qmgr, "qmgr");
	return r;
}

static void
rig_free(struct rig *r)
{
	struct process *all[] = { &r->authd, &r->imapd, &r->other, &r->local, &r->smtpd, &r->user,
		&r->deliverer };
	struct list *node;

	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		close(all[i]->fd);
		close(all[i]->child.watch.fd);
	}
	while ((node = list_pop(&r->m.grants)) != NULL)
		mem_free(LIST_ITEM(node, struct grant, node));
	while ((node = list_pop(&r->qmgr.pending)) != NULL) {
		close(LIST_ITEM(node, struct packet_out, node)->fds[0]);
		mem_free(LIST_ITEM(node, struct packet_out, node));
	}
	mem_free(r);
}

static struct control_packet
grant_packet(const struct process *to, uint64_t id, const char *kind, const char *account)
{
	struct control_packet p = { .msg = { .type = CONTROL_GRANT,
					.id = id,
					.arg = to->child.serial,
					.uid = 5000,
					.gid = 5000 } };

	control_set_name(&p.msg, kind);
	memcpy(p.msg.account, account, strlen(account));
	memcpy(p.msg.path, "/vmail/ann", sizeof("/vmail/ann"));
	return p;
}

static void
give(struct rig *r, const struct process *to, uint64_t id, const char *kind)
{
	struct control_packet p = grant_packet(to, id, kind, "ann");

	requests_handle(&r->authd.child, &p);
}

/* FD (-1: none) becomes master's. */
static void
redeem(struct process *by, uint64_t id, int fd)
{
	struct control_packet p = { .msg = { .type = CONTROL_REDEEM, .id = id, .arg = 99 } };

	if (fd >= 0)
		p.fds[p.fds_n++] = fd;
	requests_handle(&by->child, &p);
}

static struct control_packet
expect_packet(struct process *at, enum control_type type, unsigned fds_n)
{
	struct control_packet p;

	assert_int_equal(control_recv(at->fd, &p), VERDICT_OK);
	assert_int_equal(p.msg.type, type);
	assert_int_equal(p.fds_n, fds_n);
	return p;
}

static void
expect_nothing(struct process *at)
{
	struct control_packet p;

	assert_int_equal(control_recv(at->fd, &p), VERDICT_ABSENT);
}

static void
expect_refused(struct process *by)
{
	struct control_packet p = expect_packet(by, CONTROL_CONNECTED, 0);

	assert_int_equal(p.msg.ok, 0);
	assert_int_equal(p.msg.id, 99);
}

static void
expect_joined(int a, int b)
{
	char got = 0;

	assert_int_equal(send(a, "x", 1, MSG_NOSIGNAL), 1);
	assert_int_equal(recv(b, &got, 1, MSG_DONTWAIT), 1);
	assert_int_equal(got, 'x');
}

/* Channel and bytes on both sides, once. */
static void
test_session(void **state)
{
	struct rig *r = rig_new();

	(void)state;
	give(r, &r->imapd, 7, "imapuser");
	redeem(&r->imapd, 7, -1);
	struct control_packet yes = expect_packet(&r->imapd, CONTROL_CONNECTED, 2);
	struct control_packet peer = expect_packet(&r->user, CONTROL_PEER, 2);
	assert_int_equal(yes.msg.ok, 1);
	assert_int_equal(yes.msg.id, 99);
	assert_string_equal(peer.msg.name, "imapd");
	assert_int_equal(peer.msg.arg, r->imapd.child.serial);
	expect_joined(yes.fds[0], peer.fds[0]);
	expect_joined(peer.fds[1], yes.fds[1]);
	control_close_fds(&yes);
	control_close_fds(&peer);
	redeem(&r->imapd, 7, -1);
	expect_refused(&r->imapd);
	expect_nothing(&r->user);
	assert_int_equal(r->m.grants_n, 0);
	rig_free(r);
}

/* A client's own socket goes along; anything else does not. */
static void
test_descriptor(void **state)
{
	struct rig *r = rig_new();
	struct stat was, is;
	int pair[2];

	(void)state;
	give(r, &r->imapd, 7, "imapuser");
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	assert_int_equal(fstat(pair[0], &was), 0);
	redeem(&r->imapd, 7, pair[0]);
	struct control_packet yes = expect_packet(&r->imapd, CONTROL_CONNECTED, 1);
	struct control_packet peer = expect_packet(&r->user, CONTROL_PEER, 2);
	assert_int_equal(fstat(peer.fds[1], &is), 0);
	assert_int_equal(is.st_ino, was.st_ino);
	control_close_fds(&yes);
	control_close_fds(&peer);
	close(pair[1]);

	give(r, &r->imapd, 8, "imapuser");
	redeem(&r->imapd, 8, open("/dev/null", O_RDONLY | O_CLOEXEC));
	expect_refused(&r->imapd);
	give(r, &r->local, 9, "deliverer");
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	redeem(&r->local, 9, pair[0]);
	expect_refused(&r->local);
	close(pair[1]);
	expect_nothing(&r->user);
	expect_nothing(&r->deliverer);
	rig_free(r);
}

/* Only for whom, and only while, it was given. */
static void
test_who_and_when(void **state)
{
	struct rig *r = rig_new();

	(void)state;
	give(r, &r->imapd, 7, "imapuser");
	redeem(&r->other, 7, -1);
	expect_refused(&r->other);
	redeem(&r->smtpd, 7, -1);
	expect_refused(&r->smtpd);
	redeem(&r->imapd, 8, -1);
	expect_refused(&r->imapd);
	assert_int_equal(r->m.grants_n, 1);
	LIST_ITEM(list_first(&r->m.grants), struct grant, node)->until = time_mono();
	redeem(&r->imapd, 7, -1);
	expect_refused(&r->imapd);
	assert_int_equal(r->m.grants_n, 0);
	expect_nothing(&r->user);
	rig_free(r);
}

/* A delivery's channel has no bytes beside it. */
static void
test_delivery(void **state)
{
	struct rig *r = rig_new();

	(void)state;
	give(r, &r->local, 7, "deliverer");
	redeem(&r->local, 7, -1);
	struct control_packet yes = expect_packet(&r->local, CONTROL_CONNECTED, 1);
	struct control_packet peer = expect_packet(&r->deliverer, CONTROL_PEER, 1);
	expect_joined(yes.fds[0], peer.fds[0]);
	control_close_fds(&yes);
	control_close_fds(&peer);
	rig_free(r);
}

/* authd wrote the grant before anybody could name it: master looks into authd's socket first. */
static void
test_overtaken(void **state)
{
	struct rig *r = rig_new();
	struct control_packet p = grant_packet(&r->imapd, 7, "imapuser", "ann");

	(void)state;
	assert_int_equal(control_send(r->authd.fd, &p.msg, NULL, 0), VERDICT_OK);
	redeem(&r->imapd, 7, -1);
	p = expect_packet(&r->imapd, CONTROL_CONNECTED, 2);
	assert_int_equal(p.msg.ok, 1);
	control_close_fds(&p);
	p = expect_packet(&r->user, CONTROL_PEER, 2);
	control_close_fds(&p);
	rig_free(r);
}

static void
test_not_granted(void **state)
{
	static const struct {
		const char *name;
		const char *kind;
		const char *account;
		uint32_t uid, gid;
		char slash;
		bool other; /* not authd says so */
	} rows[] = {
		{ "below the floor", "imapuser", "ann", 99, 5000, '/', false },
		{ "group below the floor", "imapuser", "ann", 5000, 99, '/', false },
		{ "root", "imapuser", "ann", 0, 0, '/', false },
		{ "no account", "imapuser", "", 5000, 5000, '/', false },
		{ "relative home", "imapuser", "ann", 5000, 5000, 'v', false },
		{ "no user process", "qmgr", "ann", 5000, 5000, '/', false },
		{ "unknown", "shell", "ann", 5000, 5000, '/', false },
		{ "another than authd", "imapuser", "ann", 5000, 5000, '/', true },
	};
	struct rig *r = rig_new();

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct control_packet p = grant_packet(&r->imapd, 7, rows[i].kind, rows[i].account);
		p.msg.uid = rows[i].uid;
		p.msg.gid = rows[i].gid;
		p.msg.path[0] = rows[i].slash;
		requests_handle(rows[i].other ? &r->smtpd.child : &r->authd.child, &p);
		expect_number(rows[i].name, r->m.grants_n, 0);
		redeem(&r->imapd, 7, -1);
		expect_refused(&r->imapd);
	}
	rig_free(r);
}

static void
test_bound(void **state)
{
	struct rig *r = rig_new();

	(void)state;
	for (unsigned i = 0; i < MASTER_MAX_GRANTS + 5; i++)
		give(r, &r->imapd, 1000 + i, "imapuser");
	assert_int_equal(r->m.grants_n, MASTER_MAX_GRANTS);
	rig_free(r);
}

static void
leave(struct process *p, uint32_t seen)
{
	struct control_packet ask = { .msg = { .type = CONTROL_LEAVING, .arg = seen } };

	requests_handle(&p->child, &ask);
}

/* It may go when it has seen all that was sent to it; then it gets nothing more. */
static void
test_leaving(void **state)
{
	struct rig *r = rig_new();
	struct control_packet p;

	(void)state;
	give(r, &r->imapd, 7, "imapuser");
	redeem(&r->imapd, 7, -1);
	leave(&r->user, 0);
	p = expect_packet(&r->user, CONTROL_PEER, 2);
	control_close_fds(&p);
	expect_nothing(&r->user);
	leave(&r->user, 1);
	expect_packet(&r->user, CONTROL_LEAVE_OK, 0);
	assert_null(child_choose(&r->m, &r->user.service, "ann"));
	p = expect_packet(&r->imapd, CONTROL_CONNECTED, 2);
	control_close_fds(&p);
	leave(&r->smtpd, 0);
	expect_nothing(&r->smtpd);
	rig_free(r);
}

static void
test_edges(void **state)
{
	static const struct {
		const char *server;
		bool front; /* smtpd asks, else imapd */
		bool ok;
	} rows[] = {
		{ "authd", false, true },
		{ "qmgr", true, true },
		{ "qmgr", false, false },
		{ "imapuser", false, false },
		{ "nowhere", true, false },
	};
	struct rig *r = rig_new();

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct process *by = rows[i].front ? &r->smtpd : &r->imapd;
		struct control_packet p = { .msg = { .type = CONTROL_CONNECT, .id = 99 } };
		control_set_name(&p.msg, rows[i].server);
		requests_handle(&by->child, &p);
		p = expect_packet(by, CONTROL_CONNECTED, rows[i].ok);
		expect_number(rows[i].server, p.msg.ok, rows[i].ok);
		control_close_fds(&p);
	}
	struct control_packet p = expect_packet(&r->authd, CONTROL_PEER, 1);
	assert_string_equal(p.msg.name, "imapd");
	control_close_fds(&p);
	assert_false(list_empty(&r->qmgr.pending));
	rig_free(r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_session),
		cmocka_unit_test(test_descriptor),
		cmocka_unit_test(test_who_and_when),
		cmocka_unit_test(test_delivery),
		cmocka_unit_test(test_overtaken),
		cmocka_unit_test(test_not_granted),
		cmocka_unit_test(test_bound),
		cmocka_unit_test(test_leaving),
		cmocka_unit_test(test_edges),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
