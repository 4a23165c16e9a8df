/*
 * Reading from streams: lines however they are cut, limits, skipping, what is there, deadlines and
 * ends. The peer is the other end of a socket pair.
 */
#include "config.h"

#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "event/stream_internal.h"
#include "event_test.h"

/*
 * EXPECTED: each line in brackets, "!" for VERDICT_LIMIT (the line is then skipped), "." for the
 * end.
 */
struct line_case {
	const char *name;
	enum line_end ends;
	size_t max;
	const char *input;
	const char *expected;
};

static const struct line_case line_cases[] = {
	{ "nothing", LINE_CRLF, 100, "", "." },
	{ "one line", LINE_CRLF, 100, "EHLO a\r\n", "[EHLO a]." },
	{ "empty lines", LINE_CRLF, 100, "\r\n\r\n", "[][]." },
	{ "pipelined", LINE_CRLF, 100, "MAIL\r\nRCPT\r\nDATA\r\n", "[MAIL][RCPT][DATA]." },
	{ "bare LF is data", LINE_CRLF, 100, "a\nb\r\n", "[a\nb]." },
	{ "bare CR is data", LINE_CRLF, 100, "a\rb\r\r\n", "[a\rb\r]." },
	{ "LF CR", LINE_CRLF, 100, "a\n\r\n", "[a\n]." },
	{ "unfinished is lost", LINE_CRLF, 100, "a\r\nb\r", "[a]." },
	{ "lenient", LINE_LENIENT, 100, "a\nb\r\n\n", "[a][b][]." },
	{ "lenient, bare CR", LINE_LENIENT, 100, "a\rb\r\r\n\r\n", "[a\rb\r][]." },
	{ "just fits", LINE_CRLF, 8, "123456\r\nx\r\n", "[123456][x]." },
	{ "one too long", LINE_CRLF, 8, "1234567\r\nx\r\n", "![x]." },
	{ "much too long", LINE_CRLF, 8, "12345678901234567890123456789\r\nx\r\n", "![x]." },
	{ "too long with bare ends", LINE_CRLF, 8, "1234\n5678\r90\n\r\nx\r\n", "![x]." },
	{ "lenient too long", LINE_LENIENT, 4, "1234\n123\n", "![123]." },
	{ "too long and unfinished", LINE_CRLF, 4, "a\r\n1234567", "[a]!." },
};

struct line_run {
	const struct line_case *c;
	struct stream *s;
	struct stream *peer;
	size_t cut; /* where the input is cut in two; SIZE_MAX: at each byte */
	char seen[256];
	size_t n;
};

static void
see(struct line_run *run, const char *before, struct span bytes, const char *after)
{
	int n = snprintf(run->seen + run->n, sizeof(run->seen) - run->n, "%s%.*s%s", before,
	    SPAN_ARG(bytes), after);

	assert_true(n >= 0 && (size_t)n < sizeof(run->seen) - run->n);
	run->n += (size_t)n;
}

FIBER_MAIN
static void
read_lines(void *arg)
{
	struct line_run *run = arg;
	struct span line;
	enum verdict v = VERDICT_OK;

	while (v == VERDICT_OK) {
		v = stream_read_line(run->s, run->c->ends, run->c->max, SOON, &line);
		if (v == VERDICT_OK) {
			see(run, "[", line, "]");
		} else if (v == VERDICT_LIMIT) {
			see(run, "!", span_of("", 0), "");
			v = stream_skip_line(run->s, run->c->ends, SOON);
		}
	}
	assert_int_equal(v, VERDICT_EOF);
	see(run, ".", span_of("", 0), "");
}

FIBER_MAIN
static void
send_in_parts(void *arg)
{
	struct line_run *run = arg;
	struct span left = span_str(run->c->input);

	while (left.n) {
		size_t n = run->cut == SIZE_MAX ? 1 : run->cut ? run->cut : left.n;

		n = size_min(n, left.n);
		assert_int_equal(stream_write(run->peer, span_head(left, n)), VERDICT_OK);
		assert_int_equal(stream_flush(run->peer, SOON), VERDICT_OK);
		left = span_from(left, n);
		/* The reader has seen it and waits again. */
		while (left.n && waitq_empty(&run->s->watch.readers))
			fiber_yield();
		if (run->cut != SIZE_MAX)
			run->cut = 0;
		fiber_yield();
	}
	stream_free(run->peer);
}

static void
lines_cut(void *arg)
{
	const struct line_case *c = arg;
	size_t n = strlen(c->input);

	for (size_t cut = 0; cut <= n; cut++) {
		struct line_run run = { .c = c, .cut = cut < n ? cut : SIZE_MAX };

		stream_pair(&run.s, &run.peer);
		test_spawn(read_lines, &run);
		test_spawn(send_in_parts, &run);
		test_run_fibers();
		assert_string_equal(run.seen, c->expected);
		stream_free(run.s);
	}
}

static void
lines(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(line_cases); i++) {
		struct line_case c = line_cases[i];

		print_message("%s\n", c.name);
		test_in_orders(lines_cut, &c);
	}
}

struct pair {
	struct stream *s;
	struct stream *peer;
	char *big;
	int verdict;
};

static void
say(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

FIBER_MAIN
static void
read_pieces(void *arg)
{
	struct pair *p = arg;
	struct span got, line;
	char full[6];

	say(stream_fd(p->peer), "abcdef\r\nliteral tail");
	assert_int_equal(stream_buffered(p->s).n, 0);
	assert_int_equal(stream_wait_input(p->s, SOON), VERDICT_OK);
	assert_int_equal(stream_buffered(p->s).n, 20);
	assert_int_equal(stream_read_some(p->s, 4, SOON, &got), VERDICT_OK);
	assert_true(span_eq(got, span_lit("abcd")));
	stream_unread(p->s, 2);
	stream_unread(p->s, 1);
	assert_int_equal(stream_read_line(p->s, LINE_CRLF, 100, SOON, &line), VERDICT_OK);
	assert_true(span_eq(line, span_lit("bcdef")));
	assert_int_equal(stream_read_full(p->s, full, 6, SOON), VERDICT_OK);
	assert_memory_equal(full, "litera", 6);
	assert_int_equal(stream_read_some(p->s, 100, SOON, &got), VERDICT_OK);
	assert_true(span_eq(got, span_lit("l tail")));
	stream_unread(p->s, 6);
	assert_int_equal(stream_release(p->s), -1);
	assert_int_equal(stream_read_some(p->s, 100, SOON, &got), VERDICT_OK);
	/* A line end that was data for one mode is one for the other. */
	say(stream_fd(p->peer), "x\ny");
	assert_int_equal(
	    stream_read_line(p->s, LINE_CRLF, 100, loop_now() + NS_PER_MS, &line), VERDICT_TIMEOUT);
	assert_int_equal(stream_read_line(p->s, LINE_LENIENT, 100, SOON, &line), VERDICT_OK);
	assert_true(span_eq(line, span_lit("x")));
	assert_null(stream_tls(p->s));
}

FIBER_MAIN
static void
run_into_deadlines(void *arg)
{
	struct pair *p = arg;
	struct span got;
	char byte;

	assert_int_equal(
	    stream_read_line(p->s, LINE_CRLF, 9, loop_now() + NS_PER_MS, &got), VERDICT_TIMEOUT);
	say(stream_fd(p->peer), "half a ");
	assert_int_equal(
	    stream_read_line(p->s, LINE_CRLF, 99, loop_now() + NS_PER_MS, &got), VERDICT_TIMEOUT);
	say(stream_fd(p->peer), "line\r\n");
	assert_int_equal(stream_read_line(p->s, LINE_CRLF, 99, SOON, &got), VERDICT_OK);
	assert_true(span_eq(got, span_lit("half a line")));
	assert_int_equal(stream_wait_input(p->s, 1), VERDICT_TIMEOUT);
	/* What is here is delivered whatever the deadline says. */
	say(stream_fd(p->peer), "ab");
	fiber_sleep_until(loop_now() + NS_PER_MS);
	assert_int_equal(stream_read_full(p->s, &byte, 1, 1), VERDICT_OK);
	assert_false(stream_peer_gone(p->s));
	shutdown(stream_fd(p->peer), SHUT_WR);
	assert_true(stream_peer_gone(p->s));
	assert_int_equal(stream_read_full(p->s, &byte, 1, SOON), VERDICT_OK);
	assert_int_equal(stream_read_full(p->s, &byte, 1, SOON), VERDICT_EOF);
	assert_int_equal(stream_wait_input(p->s, SOON), VERDICT_EOF);
}

FIBER_MAIN
static void
wait_to_be_cancelled(void *arg)
{
	struct pair *p = arg;
	struct span got;

	assert_int_equal(stream_read_some(p->s, 9, SOON, &got), VERDICT_OK);
	p->verdict = (int)stream_read_some(p->s, 9, DEADLINE_NEVER, &got);
	/* Nothing is in it: it owns no buffer. */
	assert_null(p->s->in.p);
	assert_null(p->s->out.p);
}

FIBER_MAIN
static void
cancel_reader(void *arg)
{
	struct pair *p = arg;
	struct fiber *f = fiber_spawn("reader", wait_to_be_cancelled, p);

	say(stream_fd(p->peer), "hello");
	for (int i = 0; i < 10; i++)
		fiber_yield();
	assert_null(p->s->in.p);
	fiber_cancel(f);
	while (p->verdict == -1)
		fiber_yield();
	assert_int_equal(p->verdict, VERDICT_CANCELLED);
}

#define BIG 3000000

static char
pattern(size_t i)
{
	return (char)(i * 7 + i / 251);
}

FIBER_MAIN
static void
send_big(void *arg)
{
	struct pair *p = arg;
	char *all = mem_alloc(BIG);

	for (size_t i = 0; i < BIG; i++)
		all[i] = pattern(i);
	assert_int_equal(stream_write(p->peer, span_of(all, BIG)), VERDICT_OK);
	assert_int_equal(stream_flush(p->peer, SOON), VERDICT_OK);
	mem_free(all);
}

FIBER_MAIN
static void
read_big(void *arg)
{
	struct pair *p = arg;
	struct span got;
	size_t at = 0;

	test_spawn(send_big, p);
	p->big = mem_alloc(BIG / 2);
	while (at < BIG / 3) {
		assert_int_equal(stream_read_some(p->s, BIG / 3 - at, SOON, &got), VERDICT_OK);
		for (size_t i = 0; i < got.n; i++)
			assert_true(got.p[i] == pattern(at + i));
		at += got.n;
	}
	assert_true(p->s->read_size > 4096);
	assert_int_equal(stream_read_full(p->s, p->big, BIG / 2, SOON), VERDICT_OK);
	for (size_t i = 0; i < BIG / 2; i++)
		assert_true(p->big[i] == pattern(at + i));
	at += BIG / 2;
	assert_int_equal(stream_read_full(p->s, p->big, BIG - at, SOON), VERDICT_OK);
	for (size_t i = 0; i < BIG - at; i++)
		assert_true(p->big[i] == pattern(at + i));
	mem_free(p->big);
}

FIBER_MAIN
static void
read_longest_line(void *arg)
{
	struct pair *p = arg;
	struct span line;
	char *all = mem_alloc(LIMIT_STREAM_READ);

	memset(all, 'x', LIMIT_STREAM_READ);
	for (size_t n = LIMIT_STREAM_READ - 2; n < LIMIT_STREAM_READ; n++) {
		assert_int_equal(stream_write(p->peer, span_of(all, n)), VERDICT_OK);
		assert_int_equal(stream_write(p->peer, span_lit("\r\nok\r\n")), VERDICT_OK);
		assert_int_equal(stream_flush(p->peer, SOON), VERDICT_OK);
		p->verdict = (int)stream_read_line(p->s, LINE_CRLF, LIMIT_STREAM_READ, SOON, &line);
		if (n == LIMIT_STREAM_READ - 2) {
			assert_int_equal(p->verdict, VERDICT_OK);
			assert_int_equal(line.n, n);
		} else {
			assert_int_equal(p->verdict, VERDICT_LIMIT);
			assert_int_equal(stream_skip_line(p->s, LINE_CRLF, SOON), VERDICT_OK);
		}
		assert_int_equal(stream_read_line(p->s, LINE_CRLF, 100, SOON, &line), VERDICT_OK);
		assert_true(span_eq(line, span_lit("ok")));
	}
	mem_free(all);
}

FIBER_MAIN
static void
meet_reset(void *arg)
{
	struct pair *p = arg;
	struct span line;

	/* Unread data makes the kernel say ECONNRESET to the other side. */
	say(stream_fd(p->s), "unread");
	say(stream_fd(p->peer), "last\r\nwords");
	shutdown(stream_fd(p->peer), SHUT_RDWR);
	assert_int_equal(stream_read_line(p->s, LINE_CRLF, 100, SOON, &line), VERDICT_OK);
	assert_true(span_eq(line, span_lit("last")));
	assert_int_equal(stream_read_line(p->s, LINE_CRLF, 100, SOON, &line), VERDICT_EOF);
	assert_int_equal(stream_write(p->s, span_lit("x")), VERDICT_OK);
	assert_int_equal(stream_flush(p->s, SOON), VERDICT_EOF);
	assert_int_equal(stream_write(p->s, span_lit("x")), VERDICT_EOF);
}

static void
with_pair(void *arg)
{
	fiber_fn *const *fn = arg;
	struct pair p = { .verdict = -1 };

	stream_pair(&p.s, &p.peer);
	test_spawn(*fn, &p);
	test_run_fibers();
	stream_free(p.s);
	stream_free(p.peer);
}

/* What comes while a read flushes what was written before it is not missed. */
FIBER_MAIN
static void
answer_first(void *arg)
{
	struct stream *peer = arg;
	char bytes[4096];

	fiber_sleep_until(deadline_after_ms(5));
	say(stream_fd(peer), "hello\r\n");
	fiber_sleep_until(deadline_after_ms(5));
	while (recv(stream_fd(peer), bytes, sizeof(bytes), MSG_DONTWAIT) > 0) {
	}
}

FIBER_MAIN
static void
answer_during_flush(void *arg)
{
	struct pair *p = arg;
	char bytes[4096] = { 0 };
	struct span line;

	while (send(stream_fd(p->s), bytes, sizeof(bytes), MSG_DONTWAIT) > 0) {
	}
	assert_int_equal(stream_write(p->s, span_lit("x")), VERDICT_OK);
	test_spawn(answer_first, p->peer);
	assert_int_equal(stream_read_line(p->s, LINE_CRLF, 100, SOON, &line), VERDICT_OK);
	assert_true(span_eq(line, span_lit("hello")));
}

static void
dialogues(void **state)
{
	fiber_fn *const tests[] = { read_pieces, run_into_deadlines, cancel_reader, read_big,
		read_longest_line, meet_reset, answer_during_flush };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tests); i++) {
		fiber_fn *fn = tests[i];

		test_in_orders(with_pair, &fn);
	}
}

static void
release_gives_descriptor(void **state)
{
	struct stream *a, *b;
	int fd;

	(void)state;
	loop_init();
	stream_pair(&a, &b);
	fd = stream_fd(a);
	assert_int_equal(stream_release(a), fd);
	say(fd, "still open");
	close(fd);
	stream_free(b);
	loop_fini();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines),
		cmocka_unit_test(dialogues),
		cmocka_unit_test(release_gives_descriptor),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
