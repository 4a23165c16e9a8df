/*
 * The deliverer's handler over a real channel, with a home in a directory of its own: what ends up
 * in the Maildir, that deliveries at one time share a round, and what is refused. The service
 * around it is a bare context without master.
 */
#include "config.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/sys.h"
#include "local/deliverer/deliverer.h"
#include "service/service_impl.h"
#include "tests/unit/mailbox/tree.h"
#include "tests/unit/unit.h"

#define DELIVERIES 40

struct bench {
	struct service_ctx ctx;
	struct deliverer deliverer;
	struct str path;
	int content;
	struct ipc *ipc;
	struct ipc_channel *client;
	unsigned left; /* fibers that have not ended */
	unsigned stored;
	struct item_extent extent;
	struct span folder;
	enum verdict want;
	struct str reason;
};

static const char text[] = "Subject: hello\r\n\r\n.dot\r\nbare \r and\r\nlast";
static const char want[] = "Return-Path: <a@example.org>\nX-Original-To: other@example.com\n"
			   "Delivered-To: b@example.com\nSubject: hello\n\n.dot\nbare \r and\nlast";

static const struct ipc_permit permits[] = { { &ipc_store, deliverer_store } };
static const struct ipc_service asks = { "local", permits, ARRAY_LEN(permits), NULL, NULL };
static const struct ipc_service asks_nothing = { .name = "deliverer" };

FIBER_MAIN
static void
one_delivery(void *arg)
{
	struct bench *b = arg;
	const struct msg_store ask = { .queue_id = SPAN("3Abc"),
		.sender = SPAN("a@example.org"),
		.recipient = SPAN("b@example.com"),
		.original = SPAN("other@example.com"),
		.folder = b->folder,
		.extents = { &b->extent, 1 },
		.content = b->content };
	struct msg_stored stored;
	struct err err = ERR_NONE;
	struct arena arena;

	arena_init(&arena, 4096);
	enum verdict v = ipc_call(b->client, 1, &ipc_store, &ask, &ipc_stored, &stored, &arena,
	    deadline_after_s(20), &err);
	str_puts(&b->reason, v == VERDICT_OK ? "" : err.text);
	assert_int_equal(v, b->want);
	if (v == VERDICT_OK) {
		expect_text("reply", stored.text, "delivered to maildir");
		b->stored++;
	}
	arena_free(&arena);
	if (--b->left == 0)
		loop_stop();
}

static void
nobody_lingers(void *arg)
{
	(void)arg;
}

static void
bench_start(struct bench *b)
{
	int pair[2];

	str_init(&b->path, 4096);
	str_init(&b->reason, 65536);
	str_puts(&b->path, "/tmp/postern-deliverer-XXXXXX");
	str_cstr(&b->path);
	assert_non_null(mkdtemp(b->path.p));
	b->deliverer.ctx = &b->ctx;
	b->deliverer.place = (struct maildir_place){
		.home = sys_openat(AT_FDCWD, b->path.p, O_PATH | O_DIRECTORY, 0),
		.proc_fd = sys_openat(AT_FDCWD, "/proc/self/fd", O_PATH | O_DIRECTORY, 0),
		.path = SPAN("mail/Maildir/"),
		.host = SPAN("mx.example.com"),
	};
	map_init(&b->deliverer.shelves);
	timer_init(&b->deliverer.linger, nobody_lingers, NULL);
	service_set_state(&b->ctx, &b->deliverer);
	b->content = sys_openat(b->deliverer.place.home, "content", O_RDWR | O_CREAT, 0600);
	assert_int_equal(sys_write_all(b->content, text, sizeof(text) - 1), 0);
	b->extent = (struct item_extent){ 0, sizeof(text) - 1 };
	loop_init();
	b->deliverer.pool = pool_new(4);
	b->ipc = ipc_new(1);
	assert_int_equal(ipc_pair(pair), 0);
	assert_non_null(ipc_open(b->ipc, pair[0], &asks, &b->ctx));
	b->client = ipc_open(b->ipc, pair[1], &asks_nothing, NULL);
}

static void
bench_run(struct bench *b, unsigned n)
{
	b->left = n;
	for (unsigned i = 0; i < n; i++)
		assert_non_null(fiber_spawn("delivery", one_delivery, b));
	loop_run();

	assert_int_equal(b->ctx.busy, 0);
}

static void
bench_end(struct bench *b)
{
	tree_remove(str_cstr(&b->path));
	pool_free(b->deliverer.pool);
	loop_fini();
	ipc_free(b->ipc);
	deliverer_close_shelves(&b->deliverer);
	assert_int_equal(b->deliverer.shelves.count, 0);

	maildir_close(b->deliverer.maildir);
	map_free(&b->deliverer.shelves);
	sys_close(b->deliverer.place.home);
	sys_close(b->deliverer.place.proc_fd);
	sys_close(b->content);
	str_free(&b->path);
	str_free(&b->reason);
}

/* Reads all of DIR's files, each must be WANT; returns how many there were. */
static unsigned
files_check(struct bench *b, const char *dir)
{
	struct str path = STR_INIT(8192), got = STR_INIT(65536);
	unsigned n = 0;

	str_printf(&path, "%s/mail/Maildir/%s", b->path.p, dir);
	DIR *d = opendir(str_cstr(&path));
	assert_non_null(d);
	for (struct dirent *e = readdir(d); e; e = readdir(d)) {
		if (e->d_name[0] == '.')
			continue;
		int fd = sys_openat(dirfd(d), e->d_name, O_RDONLY, 0);
		ssize_t size = sys_pread_all(fd, str_reserve(&got, 4096), 4096, 0);
		expect_text(e->d_name, span_of(got.p, (size_t)size), want);
		assert_non_null(strstr(e->d_name, ".mx.example.com,S=126,W=133"));
		sys_close(fd);
		n++;
	}
	closedir(d);
	str_free(&path);
	str_free(&got);
	return n;
}

static void
test_store(void **state)
{
	struct bench *b = mem_alloc(sizeof(*b));

	(void)state;
	bench_start(b);
	bench_run(b, DELIVERIES);
	assert_int_equal(b->stored, DELIVERIES);
	assert_int_equal(files_check(b, "new"), DELIVERIES);
	assert_int_equal(files_check(b, "tmp"), 0);
	b->folder = span_lit("A/Entw\xc3\xbcrfe");
	bench_run(b, 1);
	assert_int_equal(files_check(b, ".A.Entw&APw-rfe/new"), 1);
	b->extent.size++;
	b->want = VERDICT_TEMP;
	bench_run(b, 1);
	b->extent = (struct item_extent){ UINT64_MAX, 1 };
	bench_run(b, 1);
	b->want = VERDICT_PERM;
	b->folder = span_lit("../x//y");
	bench_run(b, 1);
	assert_int_equal(files_check(b, "new"), DELIVERIES);
	bench_end(b);
	mem_free(b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_store),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
