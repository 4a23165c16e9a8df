/*
 * What a peer may not send: each case closes the channel, with the reason, and nothing of it is
 * acted on. The peer is a descriptor that the test writes bytes to before the loop runs, at once
 * and in small pieces. After each case as many descriptors are open as before.
 */
#include "config.h"

#include "base/rand.h"
#include "tests/unit/ipc/ipc_test.h"

static void
take_abort(struct ipc_request *req, const void *msg, void *arg)
{
	struct scene *s = arg;
	const struct msg_queue_abort *gone = msg;

	assert_int_equal(gone->handle, 5);
	s->taken++;
	ipc_done(req);
}

/* Keeps nothing: the channel must close the descriptor. */
static void
take_deliver(struct ipc_request *req, const void *msg UNUSED, void *arg)
{
	((struct scene *)arg)->taken++;
	ipc_done(req);
}

static void
take_read(struct ipc_request *req, const void *msg UNUSED, void *arg)
{
	struct err err;

	((struct scene *)arg)->taken++;
	err_mail(&err, 550, "5.1.1", "no such message");
	ipc_fail(req, &err);
}

static const struct ipc_permit permits[] = {
	{ &ipc_queue_abort, take_abort },
	{ &ipc_deliver, take_deliver },
	{ &ipc_queue_read, take_read },
};
static const struct ipc_service service = {
	.name = "smtpd",
	.permits = permits,
	.permits_n = ARRAY_LEN(permits),
	.gone = scene_gone_left,
};

struct rule;
typedef void rule_fn(struct str *bytes);

static const struct msg_queue_abort abort_5 = { .handle = 5 };

static void
put_nothing(struct str *b UNUSED)
{
}

static void
put_abort(struct str *b)
{
	put_hello(b);
	put_frame(b, &ipc_queue_abort, &abort_5, 0);
}

static void
put_no_hello(struct str *b)
{
	put_frame(b, &ipc_queue_abort, &abort_5, 0);
}

static void
put_two_hellos(struct str *b)
{
	put_hello(b);
	put_hello(b);
}

static void
put_old_version(struct str *b)
{
	struct msg_hello hello = { .version = IPC_VERSION + 1 };

	put_frame(b, &ipc_hello, &hello, 0);
}

static void
put_no_permit(struct str *b)
{
	struct msg_grant_delivery grant = { .account = SPAN("root") };

	put_hello(b);
	put_frame(b, &ipc_grant_delivery, &grant, 1);
}

static void
put_unasked_reply(struct str *b)
{
	struct msg_granted granted = { .grant = 1 };

	put_hello(b);
	put_frame(b, &ipc_granted, &granted, 1);
}

/* A good note after hello, one of whose header bytes is then changed. */
static void
put_changed(struct str *b, size_t at, unsigned value)
{
	size_t start;

	put_hello(b);
	start = b->n;
	put_frame(b, &ipc_queue_abort, &abort_5, 0);
	b->p[start + at] = (char)value;
}

static void
put_unknown(struct str *b)
{
	put_changed(b, 5, 0x7f);
}

static void
put_note_as_call(struct str *b)
{
	put_changed(b, 7, IPC_CALL);
}

static void
put_note_with_id(struct str *b)
{
	put_changed(b, 8, 1);
}

static void
put_reserved(struct str *b)
{
	put_changed(b, 31, 1);
}

static void
put_reserved_crc(struct str *b)
{
	put_changed(b, 12, 1);
}

static void
put_too_long(struct str *b)
{
	put_changed(b, 3, 0x80);
}

static void
put_fds_claimed(struct str *b)
{
	put_changed(b, 6, 1);
}

static void
put_call_without_id(struct str *b)
{
	struct msg_queue_read q = { .queue_id = SPAN("3f") };

	put_hello(b);
	put_frame(b, &ipc_queue_read, &q, 0);
}

static void
put_malformed(struct str *b)
{
	struct msg_queue_read q = { .queue_id = SPAN("3f") };

	put_hello(b);
	put_frame(b, &ipc_queue_read, &q, 1);
	b->p[b->n - 6]++;
}

static void
put_deliver(struct str *b)
{
	struct msg_deliver deliver = { .content = 0 };

	put_hello(b);
	put_frame(b, &ipc_deliver, &deliver, 0);
}

/* Two, whose descriptors come with the first; it says so if MORE. */
static void
put_two(struct str *b, unsigned more)
{
	struct msg_deliver deliver = { .content = 0 };
	size_t start;

	put_hello(b);
	start = b->n;
	put_frame(b, &ipc_deliver, &deliver, 0);
	put_frame(b, &ipc_queue_abort, &abort_5, 0);
	put_frame(b, &ipc_deliver, &deliver, 0);
	b->p[start + FRAME_FDS_AT] = (char)(1 | more);
}

static void
put_deliver_two(struct str *b)
{
	put_two(b, FRAME_MORE);
}

static void
put_deliver_more(struct str *b)
{
	put_deliver(b);
	b->p[FRAME_HEADER + ipc_hello.least + FRAME_FDS_AT] |= (char)FRAME_MORE;
}

static void
put_deliver_half(struct str *b)
{
	put_deliver(b);
	str_cut(b, b->n - 10);
}

static void
put_read(struct str *b)
{
	struct msg_queue_read q = { .queue_id = SPAN("3f") };

	put_hello(b);
	put_frame(b, &ipc_queue_read, &q, 1);
}

enum beside { NO_FD, A_FILE, A_SOCKET, TWO_FILES, MANY_FILES };

static const struct rule {
	const char *name;
	rule_fn *put;
	enum beside beside;
	const char *why;
	unsigned taken;
} rules[] = {
	{ "a note", put_abort, NO_FD, "smtpd went away", 1 },
	{ "a call", put_read, NO_FD, "smtpd went away", 1 },
	{ "a file", put_deliver, A_FILE, "smtpd went away", 1 },
	{ "silence", put_nothing, NO_FD, "smtpd went away", 0 },
	{ "half a message", put_deliver_half, A_FILE, "smtpd went away", 0 },
	{ "no hello", put_no_hello, NO_FD, "smtpd sent queue_abort out of turn", 0 },
	{ "hello twice", put_two_hellos, NO_FD, "smtpd sent hello out of turn", 0 },
	{ "another version", put_old_version, NO_FD, "smtpd speaks another version", 0 },
	{ "no permit", put_no_permit, NO_FD, "smtpd sent grant_delivery without a permit", 0 },
	{ "a reply unasked", put_unasked_reply, NO_FD, "smtpd sent granted without a call", 0 },
	{ "unknown", put_unknown, NO_FD, "smtpd sent message 32532, which does not exist", 0 },
	{ "a note as a call", put_note_as_call, NO_FD, "smtpd sent queue_abort as another sort",
	    0 },
	{ "a note with an id", put_note_with_id, NO_FD, "smtpd sent queue_abort as another sort",
	    0 },
	{ "a call without id", put_call_without_id, NO_FD, "smtpd sent queue_read as another sort",
	    0 },
	{ "a reserved byte", put_reserved, NO_FD, "smtpd sent a malformed header", 0 },
	{ "a checksum", put_reserved_crc, NO_FD, "smtpd sent a malformed header", 0 },
	{ "2 GiB", put_too_long, NO_FD, "smtpd sent queue_abort with a wrong length", 0 },
	{ "a malformed body", put_malformed, NO_FD,
	    "smtpd sent a malformed message: queue_read.queue_id ends early", 0 },
	{ "descriptors claimed", put_fds_claimed, NO_FD,
	    "smtpd sent queue_abort with a wrong number of descriptors", 0 },
	{ "descriptor missing", put_deliver, NO_FD, "smtpd sent deliver without its descriptors",
	    0 },
	{ "a socket for a file", put_deliver, A_SOCKET,
	    "smtpd sent a malformed message: deliver.content is a descriptor of another kind", 0 },
	{ "a descriptor too many", put_deliver, TWO_FILES,
	    "smtpd sent descriptors that belong to no message", 1 },
	{ "a descriptor unasked", put_abort, A_FILE,
	    "smtpd sent descriptors that belong to no message", 1 },
	{ "two files for two", put_deliver_two, TWO_FILES, "smtpd went away", 3 },
	{ "one file for two", put_deliver_two, A_FILE, "smtpd sent deliver without its descriptors",
	    2 },
	{ "one file, more said", put_deliver_more, A_FILE,
	    "smtpd sent descriptors that belong to no message", 1 },
	{ "two files, more said", put_deliver_more, TWO_FILES, "smtpd went away", 1 },
	{ "a descriptor too many, half a message", put_deliver_half, TWO_FILES,
	    "smtpd sent descriptors that belong to no message", 0 },
	{ "more than go beside a write", put_deliver, MANY_FILES, "smtpd sent too many descriptors",
	    0 },
};

/* All at once, or in small pieces: it must not matter. */
static void
rule_run(const struct rule *r, bool in_pieces)
{
	static const unsigned beside_n[] = { 0, 1, 1, 2, LIMIT_IPC_BESIDE + 1 };
	struct scene s = { .fds = { -1, -1 } };
	struct str bytes = STR_INIT(65536);
	unsigned open_fds = fds_count();
	struct maker m;
	int fds[LIMIT_IPC_BESIDE + 1];

	maker_init(&m);
	for (size_t i = 0; i < ARRAY_LEN(fds); i++)
		fds[i] = r->beside == A_SOCKET ? m.socket : m.file;
	str_init(&s.why, LIMIT_ERR_TEXT);
	loop_init();
	s.ipc = ipc_new(3);
	assert_int_equal(ipc_pair(s.fds), 0);
	r->put(&bytes);
	if (in_pieces) {
		/* The socket takes some 270 small ones. */
		size_t step = 1 + bytes.n / 200;

		for (size_t i = 0; i < bytes.n; i += step)
			send_raw(s.fds[1], span_head(span_from(str_span(&bytes), i), step), fds,
			    i ? 0 : beside_n[r->beside]);
	} else if (bytes.n > 0) {
		send_raw(s.fds[1], str_span(&bytes), fds, beside_n[r->beside]);
	}
	shutdown(s.fds[1], SHUT_WR);
	s.left = ipc_open(s.ipc, s.fds[0], &service, &s);
	loop_run();
	loop_fini();
	ipc_free(s.ipc);
	close(s.fds[1]);
	expect_text(r->name, str_span(&s.why), r->why);
	expect_number(r->name, s.taken, r->taken);
	assert_null(s.left);
	str_free(&s.why);
	str_free(&bytes);
	maker_fini(&m);
	expect_number(r->name, fds_count(), open_fds);
}

static void
test_rules(void **state UNUSED)
{
	for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
		rule_run(&rules[i], false);
		/* In one piece a good frame is acted on before the descriptor too many is seen. */
		if (rules[i].beside != TWO_FILES)
			rule_run(&rules[i], true);
	}
}

static void
send_garbage(struct scene *s)
{
	struct str bytes = STR_INIT(65536);
	char *p = str_reserve(&bytes, 40000);

	rand_bytes(p, 40000);
	str_grew(&bytes, 40000);
	send_raw(s->fds[1], str_span(&bytes), NULL, 0);
	str_free(&bytes);
	s->left = ipc_open(s->ipc, s->fds[0], &service, s);
}

static void
check_garbage(struct scene *s)
{
	assert_null(s->left);
	assert_int_equal(s->taken, 0);
	assert_true(s->why.n > 0);
}

/* Each byte of good traffic, flipped: the channel takes it or closes; it neither crashes nor leaks.
 */
static size_t
send_flipped(struct scene *s, size_t at)
{
	struct str bytes = STR_INIT(65536);
	struct maker m;
	size_t n;

	maker_init(&m);
	put_abort(&bytes);
	n = bytes.n;
	put_deliver(&bytes);
	/* Without the second hello. */
	memmove(bytes.p + n, bytes.p + n + FRAME_HEADER + ipc_hello.least,
	    bytes.n - n - FRAME_HEADER - ipc_hello.least);
	str_cut(&bytes, bytes.n - FRAME_HEADER - ipc_hello.least);
	if (at < bytes.n)
		bytes.p[at] ^= 0x41;
	send_raw(s->fds[1], span_head(str_span(&bytes), n), NULL, 0);
	send_raw(s->fds[1], span_from(str_span(&bytes), n), &m.file, 1);
	shutdown(s->fds[1], SHUT_WR);
	n = bytes.n;
	str_free(&bytes);
	maker_fini(&m);
	return n;
}

static void
take_any(struct ipc_request *req, const void *msg UNUSED, void *arg UNUSED)
{
	ipc_done(req);
}

static void
test_flipped(void **state UNUSED)
{
	static const struct ipc_permit any[] = {
		{ &ipc_queue_abort, take_any },
		{ &ipc_deliver, take_any },
	};
	static const struct ipc_service lenient = {
		.name = "smtpd",
		.permits = any,
		.permits_n = ARRAY_LEN(any),
		.gone = scene_gone_left,
	};
	unsigned open_fds = fds_count();
	size_t n = 1;

	for (size_t at = 0; at < n; at++) {
		struct scene s = { .fds = { -1, -1 } };

		str_init(&s.why, LIMIT_ERR_TEXT);
		loop_init();
		s.ipc = ipc_new(3);
		assert_int_equal(ipc_pair(s.fds), 0);
		n = send_flipped(&s, at);
		s.left = ipc_open(s.ipc, s.fds[0], &lenient, &s);
		loop_run();
		loop_fini();
		ipc_free(s.ipc);
		close(s.fds[1]);
		assert_null(s.left);
		str_free(&s.why);
	}
	assert_int_equal(fds_count(), open_fds);
}

static void
test_garbage(void **state UNUSED)
{
	for (int i = 0; i < 10; i++)
		scene_run(send_garbage, check_garbage);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rules),
		cmocka_unit_test(test_flipped),
		cmocka_unit_test(test_garbage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
