/*
 * What flows: descriptors both ways, large messages, peers that are slow or deaf, requests that
 * nobody answers, endings, public sockets, traces. Both ends are channels of one process, on one
 * loop; the sizes are such that the socket is full many times over.
 */
#include "config.h"

#include <sys/stat.h>
#include <sys/un.h>

#include "base/mem.h"
#include "tests/unit/ipc/ipc_test.h"

static int
file_new(const char *text)
{
	int fd = memfd_create("test", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	return fd;
}

static void
expect_file(int fd, const char *want)
{
	struct str text = STR_INIT(100);
	ssize_t n = pread(fd, str_reserve(&text, 100), 100, 0);

	assert_true(n >= 0);
	str_grew(&text, (size_t)n);
	expect_text("file", str_span(&text), want);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	str_free(&text);
}

/* The first is kept, all others are left to the request. */
static void
take_deliver(struct ipc_request *req, const void *msg, void *arg)
{
	const struct msg_deliver *deliver = msg;
	struct scene *s = arg;

	expect_file(deliver->content, "outward");
	if (s->taken++ == 0)
		s->kept_fd = ipc_request_take_fd(req, deliver->content);
	ipc_done(req);
}

static void
answer_file(struct ipc_request *req, const void *msg UNUSED, void *arg UNUSED)
{
	struct msg_queue_file r = { .file = file_new("back") };

	/* A descriptor too many would be found at the scene's end. */
	ipc_reply_giving(req, &ipc_queue_file, &r);
}

static void
take_results(struct ipc_request *req, const void *msg, void *arg)
{
	const struct msg_deliver_results *results = msg;
	struct scene *s = arg;

	/* In order, and whole. */
	assert_int_equal(results->job, s->taken);
	s->taken++;
	if (results->results.n > 0)
		assert_int_equal(results->results.v[results->results.n - 1].index, s->taken - 1);
	if (results->last)
		ipc_close(s->right, false);
	ipc_done(req);
}

static const struct ipc_permit permits[] = {
	{ &ipc_deliver, take_deliver },
	{ &ipc_queue_read, answer_file },
	{ &ipc_deliver_results, take_results },
};
static const struct ipc_service server = {
	.name = "qmgr",
	.permits = permits,
	.permits_n = ARRAY_LEN(permits),
	.gone = scene_gone_right,
};
static const struct ipc_service client = { .name = "smtp", .gone = scene_gone_left };

static void
open_both(struct scene *s)
{
	s->left = ipc_open(s->ipc, s->fds[0], &client, s);
	s->right = ipc_open(s->ipc, s->fds[1], &server, s);
	s->fds[1] = -1;
}

FIBER_MAIN
static void
fds_main(void *arg)
{
	struct scene *s = arg;
	struct msg_deliver deliver = { .queue_id = SPAN("3f"), .content = file_new("outward") };
	struct msg_queue_read q = { .queue_id = SPAN("3f") };
	struct ipc_pending slots[20], forgotten;
	struct msg_queue_file r;
	struct arena arena;
	struct err err;

	arena_init(&arena, 1 << 20);
	ipc_send_call(s->left, 1, &ipc_queue_read, &q, &ipc_queue_file, &forgotten);
	for (size_t i = 0; i < ARRAY_LEN(slots); i++) {
		ipc_note(s->left, 1, &ipc_deliver, &deliver);
		ipc_send_call(s->left, 1, &ipc_queue_read, &q, &ipc_queue_file, &slots[i]);
	}
	close(deliver.content);
	ipc_forget(&forgotten);
	for (size_t i = 0; i + 1 < ARRAY_LEN(slots); i++) {
		assert_int_equal(ipc_await(&slots[i], &r, &arena, SOON, &err), VERDICT_OK);
		expect_file(r.file, "back");
		close(r.file);
	}
	/* Its reply has come, or will: the descriptor must not stay. */
	ipc_forget(&slots[ARRAY_LEN(slots) - 1]);
	assert_int_equal(s->taken, ARRAY_LEN(slots));
	expect_file(s->kept_fd, "outward");
	close(s->kept_fd);
	deliver.content = file_new("outward");
	ipc_note_giving(s->left, 1, &ipc_deliver, &deliver);
	deliver.content = -1;
	ipc_note(s->left, 1, &ipc_deliver, &deliver);
	assert_false(ipc_is_open(s->left));
	/* A channel that takes nothing more takes this, too. */
	deliver.content = file_new("outward");
	ipc_note_giving(s->left, 1, &ipc_deliver, &deliver);
	arena_free(&arena);
}

static void
start_fds(struct scene *s)
{
	open_both(s);
	assert_non_null(fiber_spawn("client", fds_main, s));
}

static void
check_fds(struct scene *s)
{
	expect_text("no descriptor", str_span(&s->why),
	    "smtp was left, what it should have got cannot be sent: deliver.content: no "
	    "descriptor");
}

static void
test_fds(void **state UNUSED)
{
	scene_run(start_fds, check_fds);
}

#define LARGE_NOTES 6

/* About 520 KiB a note: the first goes by itself, the socket is full, the rest follows as it is
 * read. */
static void
send_results(struct ipc_channel *ch, uint64_t job, bool last)
{
	static const char text[LIMIT_ERR_TEXT];
	struct item_result *items = mem_alloc_array(1000, sizeof(*items));
	struct msg_deliver_results results = {
		.job = job, .results = { items, 1000 }, .last = last
	};

	for (size_t i = 0; i < 1000; i++) {
		items[i].index = (uint32_t)job;
		items[i].text = span_of(text, sizeof(text));
	}
	ipc_note(ch, 1, &ipc_deliver_results, &results);
	mem_free(items);
}

static void
start_large(struct scene *s)
{
	open_both(s);
	for (unsigned i = 0; i < LARGE_NOTES; i++)
		send_results(s->left, i, i == LARGE_NOTES - 1);
	assert_true(ipc_is_open(s->left));
}

static void
check_large(struct scene *s)
{
	assert_int_equal(s->taken, LARGE_NOTES);
}

static void
test_large(void **state UNUSED)
{
	scene_run(start_large, check_large);
}

/* What is queued still leaves after ipc_close. */
static void
start_drain(struct scene *s)
{
	open_both(s);
	for (unsigned i = 0; i < LARGE_NOTES; i++)
		send_results(s->left, i, false);
	ipc_close(s->left, true);
	assert_false(ipc_is_open(s->left));
	send_results(s->left, 99, false);
}

static void
check_drain(struct scene *s)
{
	assert_int_equal(s->taken, LARGE_NOTES);
	expect_text("left", str_span(&s->why), "smtp was left");
	expect_text("right", str_span(&s->why_right), "qmgr went away");
}

static void
test_drain(void **state UNUSED)
{
	scene_run_in(1, start_drain, check_drain);
}

/* A peer that does not read is cut off at the bound. */
static void
start_deaf(struct scene *s)
{
	s->left = ipc_open(s->ipc, s->fds[0], &client, s);
	for (unsigned i = 0; i < 40; i++)
		send_results(s->left, i, false);
	assert_false(ipc_is_open(s->left));
}

static void
check_deaf(struct scene *s)
{
	assert_true(span_starts(str_span(&s->why), span_lit("smtp does not read: 1")));
}

static void
test_deaf(void **state UNUSED)
{
	scene_run_in(0, start_deaf, check_deaf);
}

/* A peer whose requests nobody answers is not read; it is again when they are. */
#define FLOOD (LIMIT_IPC_CALLS + 1000)

struct flood {
	struct ipc_request *requests[FLOOD];
	unsigned n;
	struct ipc_channel *left;
	struct ipc_channel *right;
};

static void
keep_abort(struct ipc_request *req, const void *msg, void *arg)
{
	const struct msg_queue_abort *q = msg;
	struct flood *f = arg;

	assert_int_equal(q->handle, f->n);
	f->requests[f->n++] = req;
}

FIBER_MAIN
static void
flood_main(void *arg)
{
	struct flood *f = arg;
	unsigned done = 0;

	for (unsigned i = 0; i < FLOOD; i++)
		ipc_note(f->left, 1, &ipc_queue_abort, &(struct msg_queue_abort){ .handle = i });
	for (int i = 0; i < 200; i++)
		assert_int_equal(fiber_yield(), VERDICT_OK);
	assert_int_equal(f->n, LIMIT_IPC_CALLS);
	while (done < FLOOD) {
		if (done < f->n)
			ipc_done(f->requests[done++]);
		else
			assert_int_equal(fiber_yield(), VERDICT_OK);
	}
	ipc_close(f->left, false);
}

static void
test_flood(void **state UNUSED)
{
	static const struct ipc_permit abort_permit[] = { { &ipc_queue_abort, keep_abort } };
	static const struct ipc_service holder = {
		.name = "smtpd",
		.permits = abort_permit,
		.permits_n = 1,
	};
	static const struct ipc_service sender = { .name = "qmgr" };
	struct flood *f = mem_alloc(sizeof(*f));
	struct ipc *ipc;
	int fds[2];

	loop_init();
	ipc = ipc_new(1);
	assert_int_equal(ipc_pair(fds), 0);
	f->left = ipc_open(ipc, fds[0], &sender, f);
	f->right = ipc_open(ipc, fds[1], &holder, f);
	assert_non_null(fiber_spawn("flood", flood_main, f));
	loop_run();
	loop_fini();
	ipc_free(ipc);
	mem_free(f);
}

/* Nothing is held by a channel that waits. */
static void
look_idle(void *arg)
{
	struct scene *s = arg;

	assert_int_equal(s->left->in.cap + s->left->out.cap, 0);
	assert_null(s->left->cargo);
	ipc_close(s->left, false);
}

static void
start_idle(struct scene *s)
{
	struct timer *t = mem_alloc(sizeof(*t));

	open_both(s);
	timer_init(t, look_idle, s);
	timer_set(t, deadline_after_ms(5));
	s->ipc->trace_arg = t;
}

static void
check_idle(struct scene *s)
{
	mem_free(s->ipc->trace_arg);
}

static void
test_idle(void **state UNUSED)
{
	scene_run(start_idle, check_idle);
}

/* Without ipc_close: the loop ends, and with it all channels. */
static void
start_endless(struct scene *s)
{
	open_both(s);
	loop_stop();
}

static void
test_loop_ends(void **state UNUSED)
{
	scene_run(start_endless, NULL);
}

/* A public socket: three come at once, two may be open. */
struct public
{
	struct ipc_acceptor *acceptor;
	unsigned opened;
	unsigned most;
	unsigned gone;
	unsigned answered;
};

static void
public_opened(struct ipc_channel *ch, void *arg)
{
	struct public *p = arg;

	p->opened++;
	if (ipc_acceptor_open(p->acceptor) > p->most)
		p->most = ipc_acceptor_open(p->acceptor);
	assert_int_equal(ipc_peer_uid(ch), getuid());
	ipc_set_arg(ch, p);
	assert_ptr_equal(ipc_arg(ch), p);
}

static void
public_gone(struct ipc_channel *ch UNUSED, const char *why UNUSED, void *arg)
{
	struct public *p = arg;

	if (++p->gone == 3)
		ipc_acceptor_stop(p->acceptor);
}

static void
public_flush(struct ipc_request *req, const void *msg UNUSED, void *arg UNUSED)
{
	ipc_reply(req, &ipc_queue_flushed, &(struct msg_queue_flushed){ .count = 5 });
}

static const struct ipc_permit public_permits[] = { { &ipc_queue_flush, public_flush } };
static const struct ipc_service public_service = {
	.name = "postqueue",
	.permits = public_permits,
	.permits_n = ARRAY_LEN(public_permits),
	.opened = public_opened,
	.gone = public_gone,
};

struct visitor {
	struct ipc *ipc;
	struct public *public;
	const char *path;
};

FIBER_MAIN
static void
visitor_main(void *arg)
{
	static const struct ipc_service visited = { .name = "qmgr" };
	struct visitor *v = arg;
	struct msg_queue_flush q = { .site = SPAN("example.org") };
	struct msg_queue_flushed r;
	struct ipc_channel *ch;
	struct arena arena;
	struct err err;
	int fd;

	arena_init(&arena, 4096);
	assert_int_equal(ipc_connect(v->path, &fd, &err), VERDICT_OK);
	ch = ipc_open(v->ipc, fd, &visited, NULL);
	assert_int_equal(
	    ipc_call(ch, 1, &ipc_queue_flush, &q, &ipc_queue_flushed, &r, &arena, SOON, &err),
	    VERDICT_OK);
	v->public->answered++;
	ipc_close(ch, true);
	arena_free(&arena);
}

static void
test_public(void **state UNUSED)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	struct str path = STR_INIT(sizeof(sun.sun_path));
	struct public p = { 0 };
	struct visitor v = { .public = &p };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct err err;

	str_printf(&path, "/tmp/postern-test-ipc-%d", (int)getpid());
	v.path = str_cstr(&path);
	assert_int_equal(ipc_connect(v.path, &fd, &err), VERDICT_TEMP);
	memcpy(sun.sun_path, path.p, path.n);
	assert_int_equal(bind(fd, (struct sockaddr *)&sun, sizeof(sun)), 0);
	assert_int_equal(listen(fd, 10), 0);
	loop_init();
	v.ipc = ipc_new(1);
	p.acceptor = ipc_acceptor_start(v.ipc, fd, 2, &public_service, &p);
	for (int i = 0; i < 3; i++)
		assert_non_null(fiber_spawn("visitor", visitor_main, &v));
	loop_run();
	assert_int_equal(p.opened, 3);
	assert_true(p.most <= 2);
	assert_int_equal(p.answered, 3);
	assert_int_equal(ipc_acceptor_open(p.acceptor), 0);
	ipc_acceptor_free(p.acceptor);
	loop_fini();
	ipc_free(v.ipc);
	close(fd);
	unlink(v.path);
	str_free(&path);
}

/* Both ends see each message that is sent and taken. */
static void
trace_line(const char *peer, bool sent, uint64_t trace UNUSED, const struct ipc_type *type,
    const void *msg, void *arg)
{
	struct str *lines = arg;

	if (type == &ipc_hello)
		return;
	str_printf(lines, "%s %s ", sent ? "to" : "from", peer);
	ipc_print(lines, type, msg);
	str_putc(lines, '\n');
}

static void
start_trace(struct scene *s)
{
	struct str *lines = mem_alloc(sizeof(*lines));

	str_init(lines, 4096);
	ipc_set_trace(s->ipc, trace_line, lines);
	open_both(s);
	ipc_note(s->left, 1, &ipc_deliver_results, &(struct msg_deliver_results){ .last = true });
}

static void
check_trace(struct scene *s)
{
	struct str *lines = s->ipc->trace_arg;

	expect_text("trace", str_span(lines),
	    "to smtp deliver_results job=0 results=0 items last=1\n"
	    "from qmgr deliver_results job=0 results=0 items last=1\n");
	str_free(lines);
	mem_free(lines);
}

static void
test_trace(void **state UNUSED)
{
	scene_run(start_trace, check_trace);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fds),
		cmocka_unit_test(test_large),
		cmocka_unit_test(test_drain),
		cmocka_unit_test(test_deaf),
		cmocka_unit_test(test_flood),
		cmocka_unit_test(test_idle),
		cmocka_unit_test(test_loop_ends),
		cmocka_unit_test(test_public),
		cmocka_unit_test(test_trace),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
