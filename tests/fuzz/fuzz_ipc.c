/*
 * Fuzz target for lib/ipc. The first byte is the number of a message, the rest its body: what
 * decodes must encode to the bytes it came from, and print. With 0 for the first byte the rest is
 * what a peer sends on a channel after its hello.
 */
#include "config.h"

#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "event/loop.h"
#include "ipc/channel.h"
#include "tests/fuzz/fuzz.h"

#define RAW_MAX 65536 /* what the socket takes without a reader */

static void
check_body(const struct ipc_type *type, struct span body)
{
	int file = memfd_create("fuzz", MFD_CLOEXEC);
	int fds[LIMIT_IPC_FDS] = { file, file, file, file };
	struct str again = STR_INIT(LIMIT_IPC_FRAME);
	struct str line = STR_INIT(LIMIT_LOG_LINE);
	struct arena arena;
	size_t size;
	void *msg;
	char *p;

	arena_init(&arena, LIMIT_IPC_MESSAGE);
	msg = arena_alloc(&arena, type->size);
	if (ipc_decode(type, body, fds, msg, &arena, NULL) == VERDICT_OK) {
		enum verdict v = ipc_measure(type, msg, &size, NULL);

		assert(v == VERDICT_OK && size == body.n);
		p = str_reserve(&again, size);
		assert(p);
		ipc_encode(type, msg, p);
		assert(memcmp(p, body.p, size) == 0);
		ipc_print(&line, type, msg);
	}
	str_free(&line);
	str_free(&again);
	arena_free(&arena);
	close(file);
}

static void
take(struct ipc_request *req, const void *msg UNUSED, void *arg UNUSED)
{
	struct err err;

	err_set(&err, VERDICT_TEMP, "no");
	ipc_fail(req, &err);
}

static void
take_note(struct ipc_request *req, const void *msg UNUSED, void *arg UNUSED)
{
	ipc_done(req);
}

static void
check_stream(struct span raw)
{
	static const struct ipc_permit permits[] = {
		{ &ipc_queue_open, take },
		{ &ipc_queue_commit, take },
		{ &ipc_resolve, take },
		{ &ipc_queue_abort, take_note },
		{ &ipc_deliver, take_note },
		{ &ipc_deliver_results, take_note },
	};
	static const struct ipc_service service = {
		.name = "fuzzer",
		.permits = permits,
		.permits_n = ARRAY_LEN(permits),
	};
	struct msg_hello hello = { .version = IPC_VERSION };
	struct frame f = { .number = 2, .sort = IPC_NOTE, .length = ipc_hello.least };
	struct str bytes = STR_INIT(2 * RAW_MAX);
	struct ipc *ipc;
	int fds[2];
	int failed = ipc_pair(fds);
	char *p = str_reserve(&bytes, FRAME_HEADER + ipc_hello.least);
	ssize_t n;

	assert(!failed && p);
	frame_put(p, &f);
	ipc_encode(&ipc_hello, &hello, p + FRAME_HEADER);
	str_grew(&bytes, FRAME_HEADER + ipc_hello.least);
	str_put(&bytes, span_head(raw, RAW_MAX));
	n = send(fds[1], bytes.p, bytes.n, MSG_NOSIGNAL);
	assert(n > 0);
	shutdown(fds[1], SHUT_WR);
	loop_init();
	ipc = ipc_new(1);
	ipc_open(ipc, fds[0], &service, NULL);
	loop_run();
	loop_fini();
	ipc_free(ipc);
	close(fds[1]);
	str_free(&bytes);
}

FUZZ(data)
{
	const struct ipc_type *type;

	if (data.n == 0)
		return;
	type = ipc_type_find((unsigned char)data.p[0]);
	if (type)
		check_body(type, span_from(data, 1));
	else if (data.p[0] == 0)
		check_stream(span_from(data, 1));
}
