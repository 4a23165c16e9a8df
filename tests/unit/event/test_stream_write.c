/*
 * Writing to streams: gathering, back-pressure, deadlines, files, two writers, the flush before a
 * read, and a change of transport. The peer is the other end of a socket pair.
 */
#include "config.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "event/stream_internal.h"
#include "event_test.h"

struct pair {
	struct stream *s;
	struct stream *peer;
	int file;
	size_t seen;
	bool verbatim;
	int ended;
};

/* Bytes the kernel has for the other end, without taking them. */
static size_t
in_flight(struct stream *peer)
{
	static char look[65536];
	ssize_t n = recv(stream_fd(peer), look, sizeof(look), MSG_PEEK | MSG_DONTWAIT);

	return n < 0 ? 0 : (size_t)n;
}

static char
pattern(size_t i)
{
	return (char)(i * 11 + i / 253);
}

static char *
patterned(size_t n)
{
	char *p = mem_alloc(n);

	for (size_t i = 0; i < n; i++)
		p[i] = pattern(i);
	return p;
}

FIBER_MAIN
static void
gather(void *arg)
{
	struct pair *p = arg;
	struct span line;
	char *long_text = patterned(2000);

	assert_int_equal(stream_write(p->s, span_lit("250-a\r\n")), VERDICT_OK);
	assert_int_equal(stream_printf(p->s, "%d %s\r\n", 250, "b"), VERDICT_OK);
	assert_int_equal(in_flight(p->peer), 0);
	assert_int_equal(stream_flush(p->s, SOON), VERDICT_OK);
	assert_int_equal(in_flight(p->peer), 14);
	assert_null(p->s->out.p);
	assert_int_equal(stream_read_line(p->peer, LINE_CRLF, 99, SOON, &line), VERDICT_OK);
	assert_true(span_eq(line, span_lit("250-a")));
	assert_int_equal(stream_read_line(p->peer, LINE_CRLF, 99, SOON, &line), VERDICT_OK);
	assert_true(span_eq(line, span_lit("250 b")));
	/* A text longer than the room there was. */
	memset(long_text, 'l', 1999);
	long_text[1999] = '\0';
	assert_int_equal(stream_printf(p->s, "<%s>\n", long_text), VERDICT_OK);
	assert_int_equal(stream_flush(p->s, SOON), VERDICT_OK);
	assert_int_equal(stream_read_line(p->peer, LINE_LENIENT, 9999, SOON, &line), VERDICT_OK);
	assert_int_equal(line.n, 2001);
	assert_int_equal(stream_printf(p->s, "%*d", LIMIT_STREAM_WRITE, 1), VERDICT_LIMIT);
	assert_int_equal(stream_flush(p->s, SOON), VERDICT_OK);
	assert_int_equal(in_flight(p->peer), 0);
	mem_free(long_text);
}

FIBER_MAIN
static void
answer(void *arg)
{
	struct pair *p = arg;
	struct span line;

	assert_int_equal(stream_read_line(p->peer, LINE_CRLF, 99, SOON, &line), VERDICT_OK);
	assert_true(span_eq(line, span_lit("question")));
	assert_int_equal(stream_write(p->peer, span_lit("answer\r\n")), VERDICT_OK);
	/* No flush: this read does it. */
	assert_int_equal(stream_read_line(p->peer, LINE_CRLF, 99, SOON, &line), VERDICT_EOF);
}

FIBER_MAIN
static void
ask(void *arg)
{
	struct pair *p = arg;
	struct span line;

	test_spawn(answer, p);
	assert_int_equal(stream_write(p->s, span_lit("question\r\n")), VERDICT_OK);
	assert_int_equal(stream_read_line(p->s, LINE_CRLF, 99, SOON, &line), VERDICT_OK);
	assert_true(span_eq(line, span_lit("answer")));
	shutdown(stream_fd(p->s), SHUT_WR);
}

FIBER_MAIN
static void
take_all(void *arg)
{
	struct pair *p = arg;
	struct span got;

	while (stream_read_some(p->peer, 5000, SOON, &got) == VERDICT_OK) {
		for (size_t i = 0; i < got.n; i++)
			assert_true(got.p[i] == pattern(p->seen + i));
		p->seen += got.n;
	}
	p->ended = 1;
}

/* Sizes around each threshold, in one stream. */
FIBER_MAIN
static void
write_sizes(void *arg)
{
	static const size_t sizes[] = { 1, 511, 512, 32767, 32768, 32769, 100000, 262143, 262144,
		262145, 700000, 3, 20000, 20000, 0, 5 };
	struct pair *p = arg;
	char *all = patterned(2500000);
	size_t at = 0;

	test_spawn(take_all, p);
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		assert_int_equal(stream_write(p->s, span_of(all + at, sizes[i])), VERDICT_OK);
		assert_true(buffer_size(&p->s->out) <= LIMIT_STREAM_WRITE);
		at += sizes[i];
	}
	assert_int_equal(stream_flush(p->s, SOON), VERDICT_OK);
	assert_null(p->s->out.p);
	shutdown(stream_fd(p->s), SHUT_WR);
	while (!p->ended)
		fiber_yield();
	assert_int_equal(p->seen, at);
	mem_free(all);
}

FIBER_MAIN
static void
write_to_the_deaf(void *arg)
{
	struct pair *p = arg;
	char *all = patterned(100000);
	enum verdict v = VERDICT_OK;
	struct span got;
	size_t written = 0;

	stream_set_write_timeout(p->s, 2);
	while ((v = stream_write(p->s, span_of(all, 100000))) == VERDICT_OK)
		written += 100000;
	assert_int_equal(v, VERDICT_TIMEOUT);
	assert_true(written >= 200000 && written < 20 * LIMIT_STREAM_WRITE);
	assert_int_equal(stream_write(p->s, span_lit("x")), VERDICT_EOF);
	assert_int_equal(stream_flush(p->s, SOON), VERDICT_EOF);
	/* It can still hear. */
	assert_int_equal(send(stream_fd(p->peer), "y", 1, 0), 1);
	assert_int_equal(stream_read_some(p->s, 9, SOON, &got), VERDICT_OK);
	mem_free(all);
}

FIBER_MAIN
static void
flush_deadline(void *arg)
{
	struct pair *p = arg;
	static const char much[65536];
	struct span got;

	while (send(stream_fd(p->s), much, sizeof(much), MSG_DONTWAIT) > 0)
		continue;
	assert_int_equal(stream_write(p->s, span_lit("late")), VERDICT_OK);
	assert_int_equal(stream_flush(p->s, loop_now() + NS_PER_MS), VERDICT_TIMEOUT);
	assert_int_equal(stream_read_some(p->s, 9, loop_now() + NS_PER_MS, &got), VERDICT_TIMEOUT);
	/* Nothing is lost by that: what was gathered still is. */
	assert_int_equal(buffer_size(&p->s->out), 4);
	stream_set_write_timeout(p->s, 1);
	assert_int_equal(stream_read_some(p->s, 9, SOON, &got), VERDICT_TIMEOUT);
}

struct writer {
	struct pair *pair;
	char letter;
};

FIBER_MAIN
static void
write_blocks(void *arg)
{
	struct writer *w = arg;
	char *block = mem_alloc(300000);

	memset(block, w->letter, 300000);
	for (int i = 0; i < 3; i++)
		assert_int_equal(stream_write(w->pair->s, span_of(block, 300000)), VERDICT_OK);
	assert_int_equal(stream_flush(w->pair->s, SOON), VERDICT_OK);
	w->pair->ended++;
	mem_free(block);
}

FIBER_MAIN
static void
two_writers(void *arg)
{
	struct pair *p = arg;
	struct writer a = { p, 'a' }, b = { p, 'b' };
	char *block = mem_alloc(300000);

	test_spawn(write_blocks, &a);
	test_spawn(write_blocks, &b);
	for (int i = 0; i < 6; i++) {
		assert_int_equal(stream_read_full(p->peer, block, 300000, SOON), VERDICT_OK);
		for (size_t at = 1; at < 300000; at++)
			assert_true(block[at] == block[0]);
	}
	while (p->ended < 2)
		fiber_yield();
	mem_free(block);
}

/* A transport that is the plain one but may not use sendfile, with a handshake of two steps. */
struct other {
	struct stream_transport base;
	struct stream_transport *plain;
	int steps;
	int fail_at;
};

static struct other *
other_of(struct stream_transport *t)
{
	return (struct other *)t;
}

static enum transport_result
other_handshake(struct stream_transport *t, struct err *err)
{
	struct other *o = other_of(t);
	size_t n = 0;
	char byte;
	enum transport_result r = o->plain->ops->read(o->plain, &byte, 1, &n);

	if (r == TRANSPORT_DONE && ++o->steps == o->fail_at) {
		err_set(err, VERDICT_PERM, "no cipher in common");
		return TRANSPORT_ERROR;
	}
	/* One byte is one step, and what it waits for next is always the peer. */
	if (r == TRANSPORT_DONE && o->steps < 2)
		return TRANSPORT_WANT_READ;
	if (r == TRANSPORT_EOF)
		err_set(err, VERDICT_EOF, "gone");
	return r;
}

static enum transport_result
other_read(struct stream_transport *t, void *p, size_t n, size_t *n_out)
{
	return other_of(t)->plain->ops->read(other_of(t)->plain, p, n, n_out);
}

static enum transport_result
other_write(struct stream_transport *t, const struct iovec *v, int count, size_t *n_out)
{
	(void)count;
	return other_of(t)->plain->ops->write(other_of(t)->plain, v, 1, n_out);
}

static void
other_free(struct stream_transport *t)
{
	other_of(t)->plain->ops->free(other_of(t)->plain);
	mem_free(t);
}

static const struct stream_transport_ops other_ops = {
	.handshake = other_handshake,
	.read = other_read,
	.write = other_write,
	.free = other_free,
};

static struct stream_transport *
other_new(int fd, int fail_at)
{
	struct other *o = mem_alloc(sizeof(*o));

	o->base.ops = &other_ops;
	o->plain = transport_plain_new(fd);
	o->fail_at = fail_at;
	return &o->base;
}

FIBER_MAIN
static void
shake_slowly(void *arg)
{
	struct pair *p = arg;

	for (int i = 0; i < 5; i++)
		fiber_yield();
	assert_int_equal(send(stream_fd(p->peer), "1", 1, 0), 1);
	for (int i = 0; i < 5; i++)
		fiber_yield();
	assert_int_equal(send(stream_fd(p->peer), "2after", 6, 0), 6);
}

FIBER_MAIN
static void
swap(void *arg)
{
	struct pair *p = arg;
	struct span line;
	struct err err = ERR_NONE;
	size_t dropped = 0;

	assert_int_equal(send(stream_fd(p->peer), "STARTTLS\r\nRSET\r\n", 16, 0), 16);
	assert_int_equal(stream_read_line(p->s, LINE_CRLF, 99, SOON, &line), VERDICT_OK);
	assert_int_equal(stream_write(p->s, span_lit("220 go\r\n")), VERDICT_OK);
	test_spawn(shake_slowly, p);
	assert_int_equal(
	    stream_swap_transport(p->s, other_new(stream_fd(p->s), 0), SOON, &dropped, &err),
	    VERDICT_OK);
	assert_int_equal(dropped, 6);
	assert_int_equal(in_flight(p->peer), 8);
	assert_int_equal(stream_read_some(p->s, 99, SOON, &line), VERDICT_OK);
	assert_true(span_eq(line, span_lit("after")));
	assert_int_equal(stream_release(p->s), -1);
}

FIBER_MAIN
static void
swap_fails(void *arg)
{
	struct pair *p = arg;
	struct err err = ERR_NONE;
	struct span got;

	assert_int_equal(send(stream_fd(p->peer), "1after", 6, 0), 6);
	assert_int_equal(
	    stream_swap_transport(p->s, other_new(stream_fd(p->s), 1), SOON, NULL, &err),
	    VERDICT_PERM);
	assert_string_equal(err.text, "no cipher in common");
	assert_int_equal(stream_read_some(p->s, 9, SOON, &got), VERDICT_EOF);
	assert_int_equal(stream_write(p->s, span_lit("x")), VERDICT_EOF);
}

FIBER_MAIN
static void
swap_times_out(void *arg)
{
	struct pair *p = arg;
	struct err err = ERR_NONE;

	assert_int_equal(stream_swap_transport(p->s, other_new(stream_fd(p->s), 0),
			     loop_now() + NS_PER_MS, NULL, &err),
	    VERDICT_TIMEOUT);
	assert_int_equal(err.verdict, VERDICT_TIMEOUT);
}

FIBER_MAIN
static void
shake_once_more(void *arg)
{
	struct pair *p = arg;

	while (waitq_empty(&p->s->watch.readers))
		fiber_yield();
	assert_int_equal(send(stream_fd(p->peer), "2", 1, 0), 1);
}

#define FILE_SIZE 400000

FIBER_MAIN
static void
send_file_to_nobody(void *arg)
{
	struct pair *p = arg;
	char *all = patterned(FILE_SIZE);
	int file = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	assert_true(file >= 0);
	assert_int_equal(write(file, all, FILE_SIZE), FILE_SIZE);
	shutdown(stream_fd(p->peer), SHUT_RDWR);
	assert_int_equal(stream_send_file(p->s, file, 0, FILE_SIZE, SOON), VERDICT_EOF);
	close(file);
	mem_free(all);
}

FIBER_MAIN
static void
send_files(void *arg)
{
	struct pair *p = arg;
	struct err err = ERR_NONE;
	char *all = patterned(FILE_SIZE);
	int file = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	static const size_t sizes[] = { 0, 1, 5000, 32768, 32769, 350000 };
	size_t at = 0;

	assert_true(file >= 0);
	assert_int_equal(write(file, all, FILE_SIZE), FILE_SIZE);
	if (!p->verbatim) {
		assert_int_equal(send(stream_fd(p->peer), "1", 1, 0), 1);
		test_spawn(shake_once_more, p);
		assert_int_equal(
		    stream_swap_transport(p->s, other_new(stream_fd(p->s), 0), SOON, NULL, &err),
		    VERDICT_OK);
	}
	test_spawn(take_all, p);
	for (size_t i = 0; i < ARRAY_LEN(sizes) && at + sizes[i] + 1 < FILE_SIZE; i++) {
		assert_int_equal(
		    stream_send_file(p->s, file, (off_t)at, sizes[i], SOON), VERDICT_OK);
		at += sizes[i];
		assert_int_equal(stream_write(p->s, span_of(all + at, 1)), VERDICT_OK);
		at++;
	}
	assert_int_equal(stream_send_file(p->s, file, (off_t)at, FILE_SIZE, SOON), VERDICT_TEMP);
	assert_int_equal(stream_write(p->s, span_lit("x")), VERDICT_EOF);
	shutdown(stream_fd(p->s), SHUT_WR);
	while (!p->ended)
		fiber_yield();
	assert_true(p->seen >= at);
	close(file);
	mem_free(all);
}

FIBER_MAIN
static void
send_files_changed(void *arg)
{
	((struct pair *)arg)->verbatim = false;
	send_files(arg);
}

static void
with_pair(void *arg)
{
	fiber_fn *const *fn = arg;
	struct pair p = { .verbatim = true };

	stream_pair(&p.s, &p.peer);
	test_spawn(*fn, &p);
	test_run_fibers();
	stream_free(p.s);
	stream_free(p.peer);
}

static void
dialogues(void **state)
{
	fiber_fn *const tests[] = { gather, ask, write_sizes, write_to_the_deaf, flush_deadline,
		two_writers, swap, swap_fails, swap_times_out, send_files, send_files_changed,
		send_file_to_nobody };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tests); i++) {
		fiber_fn *fn = tests[i];

		test_in_orders(with_pair, &fn);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dialogues),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
