/*
 * What a call between two processes costs: one at a time, 50 at a time, and with a descriptor in
 * each reply. Run by hand; the figures are in lib/ipc/README. Both processes are measured: wall
 * clock, and CPU of both together. The codec is measured alone as well: its share is what the rest
 * of the system cannot save.
 */
#include "config.h"

#include <stdio.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "event/loop.h"
#include "ipc/codec.h"
#include "ipc/ipc.h"

#define CALLS	   200000
#define AT_A_TIME  50
#define CODEC_RUNS 1000000

struct client {
	struct ipc_channel *ch;
	unsigned running;
	unsigned each;
	bool with_fd;
};

static void
answer_resolve(struct ipc_request *req, const void *msg, void *arg)
{
	const struct msg_resolve *q = msg;
	struct item_recipient one = {
		.address = q->address,
		.transport = SPAN("smtp"),
		.nexthop = SPAN("example.org"),
	};
	struct msg_resolved r = { .class = 5, .recipients = { &one, 1 } };

	(void)arg;
	ipc_reply(req, &ipc_resolved, &r);
}

static void
answer_open(struct ipc_request *req, const void *msg, void *arg)
{
	struct msg_queue_opened r = { .handle = 1, .content_at = 4096, .content = *(int *)arg };

	(void)msg;
	ipc_reply(req, &ipc_queue_opened, &r);
}

static const struct ipc_permit permits[] = {
	{ &ipc_resolve, answer_resolve },
	{ &ipc_queue_open, answer_open },
};
static const struct ipc_service server = {
	.name = "client",
	.permits = permits,
	.permits_n = ARRAY_LEN(permits),
};
static const struct ipc_service client = { .name = "server" };

static const struct msg_resolve question = {
	.address = SPAN("somebody@example.org"),
	.sender = SPAN("someone.else@example.com"),
};

SUSPENDS
static void
call_once(struct client *c, struct arena *arena)
{
	struct msg_queue_open open_it = { .size_hint = 4096 };
	struct msg_queue_opened opened;
	struct msg_resolved resolved;
	enum verdict v;

	arena_reset(arena);
	if (!c->with_fd) {
		v = ipc_call(c->ch, 1, &ipc_resolve, &question, &ipc_resolved, &resolved, arena,
		    DEADLINE_NEVER, NULL);
		assert(v == VERDICT_OK && resolved.recipients.n == 1);
		return;
	}
	v = ipc_call(c->ch, 1, &ipc_queue_open, &open_it, &ipc_queue_opened, &opened, arena,
	    DEADLINE_NEVER, NULL);
	assert(v == VERDICT_OK);
	close(opened.content);
}

FIBER_MAIN
static void
caller_main(void *arg)
{
	struct client *c = arg;
	struct arena arena;

	arena_init(&arena, 1 << 20);
	for (unsigned i = 0; i < c->each; i++)
		call_once(c, &arena);
	arena_free(&arena);
	if (--c->running == 0)
		ipc_close(c->ch, false);
}

static void
serve(int fd)
{
	int file = memfd_create("bench", MFD_CLOEXEC);
	struct ipc *ipc;

	loop_init();
	ipc = ipc_new(1);
	ipc_open(ipc, fd, &server, &file);
	loop_run();
	loop_fini();
	ipc_free(ipc);
	_exit(0);
}

static uint64_t
cpu_ns(void)
{
	struct rusage own, children;
	uint64_t us;

	getrusage(RUSAGE_SELF, &own);
	getrusage(RUSAGE_CHILDREN, &children);
	us = (uint64_t)(own.ru_utime.tv_sec + own.ru_stime.tv_sec + children.ru_utime.tv_sec +
			children.ru_stime.tv_sec) *
	     1000000;
	us += (uint64_t)(own.ru_utime.tv_usec + own.ru_stime.tv_usec + children.ru_utime.tv_usec +
			 children.ru_stime.tv_usec);
	return us * 1000;
}

static void
bench_calls(const char *what, unsigned at_a_time, unsigned calls, bool with_fd)
{
	struct client c = { .running = at_a_time, .each = calls / at_a_time, .with_fd = with_fd };
	uint64_t cpu = cpu_ns(), began, took;
	struct ipc *ipc;
	int fds[2];
	pid_t child;

	if (ipc_pair(fds) != 0 || (child = fork()) < 0)
		return;
	if (child == 0) {
		close(fds[0]);
		serve(fds[1]);
	}
	close(fds[1]);
	loop_init();
	ipc = ipc_new(1);
	c.ch = ipc_open(ipc, fds[0], &client, NULL);
	for (unsigned i = 0; i < at_a_time; i++)
		fiber_spawn("caller", caller_main, &c);
	began = time_mono();
	loop_run();
	took = time_mono() - began;
	loop_fini();
	ipc_free(ipc);
	waitpid(child, NULL, 0);
	printf("%-28s %9.0f calls/s  %6.2f us a call, CPU of both %6.2f us\n", what,
	    1e9 * calls / (double)took, (double)took / 1000 / calls,
	    (double)(cpu_ns() - cpu) / 1000 / calls);
}

static void
bench_codec(void)
{
	struct item_recipient one = {
		.address = question.address,
		.transport = SPAN("smtp"),
		.nexthop = SPAN("example.org"),
	};
	struct msg_resolved r = { .class = 5, .recipients = { &one, 1 } }, back;
	struct str body = STR_INIT(4096);
	uint64_t began = time_mono();
	struct arena arena;
	size_t size = 0;

	arena_init(&arena, 1 << 20);
	for (unsigned i = 0; i < CODEC_RUNS; i++) {
		ipc_measure(&ipc_resolved, &r, &size, NULL);
		ipc_encode(&ipc_resolved, &r, str_reserve(&body, size));
	}
	printf("%-28s %9.1f ns\n", "encode resolved", (double)(time_mono() - began) / CODEC_RUNS);
	str_grew(&body, size);
	began = time_mono();
	for (unsigned i = 0; i < CODEC_RUNS; i++) {
		arena_reset(&arena);
		ipc_decode(&ipc_resolved, str_span(&body), NULL, &back, &arena, NULL);
	}
	printf("%-28s %9.1f ns\n", "decode resolved", (double)(time_mono() - began) / CODEC_RUNS);
	arena_free(&arena);
	str_free(&body);
}

int
main(void)
{
	bench_codec();
	bench_calls("one at a time", 1, CALLS / 4, false);
	bench_calls("50 at a time", AT_A_TIME, CALLS, false);
	bench_calls("with a descriptor, one", 1, CALLS / 4, true);
	bench_calls("with a descriptor, 50", AT_A_TIME, CALLS / 4, true);
	return 0;
}
