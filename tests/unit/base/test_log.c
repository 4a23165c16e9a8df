/*
 * The logger: the form of records and lines, escaping, and what happens when nobody reads. Run by
 * make check; talks to socket pairs alone.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/log.h"
#include "base/num.h"
#include "base/time.h"
#include "tests/unit/unit.h"

/* Takes the times out of the records, which each bear one of about now. */
static void
packet_strip(struct str *packet)
{
	struct str text = STR_INIT(65536);
	struct span left = str_span(packet), record;
	uint64_t at;

	while (left.n > 0) {
		span_cut(left, '\n', &record, &left);
		assert_true(record.n > LOG_TIME_DIGITS);
		assert_true(num_parse_hex(span_head(span_from(record, 1), LOG_TIME_DIGITS), &at));
		assert_in_range(time_wall() - at, 0, 60 * NS_PER_S);
		str_putc(&text, record.p[0]);
		str_put(&text, span_from(record, 1 + LOG_TIME_DIGITS));
		str_putc(&text, '\n');
	}
	str_free(packet);
	*packet = text;
}

/* The next packet of FD, or an empty one when there is none. */
static struct span
packet_read(int fd, struct str *packet)
{
	char *p;
	ssize_t n;

	str_reset(packet);
	p = str_reserve(packet, 65536);
	n = recv(fd, p, 65536, MSG_DONTWAIT);
	str_grew(packet, n > 0 ? (size_t)n : 0);
	packet_strip(packet);
	return str_span(packet);
}

static void
test_records(UNUSED void **state)
{
	struct str packet = STR_INIT(65536);
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds), 0);
	log_open("smtpd", fds[0], false);
	log_event(LOG_LEVEL_DEBUG, "not this");
	log_event(LOG_LEVEL_INFO, "connect from %s", "here");
	log_event(LOG_LEVEL_WARNING, "two\nlines\x1b");
	expect_text("nothing before the flush", packet_read(fds[1], &packet), "");
	log_flush();
	expect_text("both in one packet", packet_read(fds[1], &packet),
	    "1connect from here\n2warning: two?lines?\n");
	log_flush();
	expect_text("nothing left", packet_read(fds[1], &packet), "");
	errno = EDOM;
	log_event(LOG_LEVEL_FATAL, "the end");
	assert_int_equal(errno, EDOM);
	expect_text("fatal goes at once", packet_read(fds[1], &packet), "4fatal: the end\n");
	log_set_level(LOG_LEVEL_ERROR);
	log_event(LOG_LEVEL_WARNING, "not this");
	log_event(LOG_LEVEL_ERROR, "this");
	log_set_level(LOG_LEVEL_INFO);
	log_flush();
	expect_text("level", packet_read(fds[1], &packet), "3error: this\n");
	log_open("test", STDERR_FILENO, true);
	close(fds[0]);
	close(fds[1]);
	str_free(&packet);
}

static void
test_long_line(UNUSED void **state)
{
	struct str packet = STR_INIT(65536);
	struct str text = STR_INIT(65536);
	struct span got;
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds), 0);
	log_open("smtpd", fds[0], false);
	for (int i = 0; i < 3000; i++)
		str_puts(&text, "\xe2\x82\xac");
	log_event(LOG_LEVEL_INFO, "%s", str_cstr(&text));
	log_flush();
	got = packet_read(fds[1], &packet);
	assert_in_range(
	    got.n, LIMIT_LOG_LINE - LOG_TIME_DIGITS - 4, LIMIT_LOG_LINE - LOG_TIME_DIGITS);
	expect_text("whole characters", span_from(got, got.n - 4), "\xe2\x82\xac\n");
	log_open("test", STDERR_FILENO, true);
	close(fds[0]);
	close(fds[1]);
	str_free(&packet);
	str_free(&text);
}

/* Everything that was logged is either read or told of as dropped. */
static void
test_behind(UNUSED void **state)
{
	enum { LINES = 5000 };
	struct str packet = STR_INIT(65536);
	size_t read_lines = 0, dropped = 0;
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds), 0);
	log_open("smtpd", fds[0], false);
	for (int i = 0; i < LINES; i++) {
		log_event(LOG_LEVEL_INFO, "line %d %01000d", i, 0);
		log_flush();
	}
	for (int i = 0; i < 10000; i++) {
		struct span left = packet_read(fds[1], &packet), line;

		if (left.n == 0 && dropped)
			break;
		log_flush();
		while (span_token(&left, span_lit("\n"), &line)) {
			unsigned long n = 0;

			if (span_starts(line, span_lit("2")))
				n = strtoul(line.p + strlen("2warning: "), NULL, 10);
			dropped += n;
			read_lines += n == 0;
		}
	}
	assert_in_range(dropped, 1, LINES);
	assert_int_equal(read_lines + dropped, LINES);
	log_open("test", STDERR_FILENO, true);
	close(fds[0]);
	close(fds[1]);
	str_free(&packet);
}

static void
test_peer_gone(UNUSED void **state)
{
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds), 0);
	log_open("smtpd", fds[0], false);
	close(fds[1]);
	for (int i = 0; i < 100; i++) {
		log_event(LOG_LEVEL_INFO, "to nobody");
		log_flush();
	}
	log_open("test", STDERR_FILENO, true);
	close(fds[0]);
}

static void
test_plain(UNUSED void **state)
{
	struct str got = STR_INIT(65536), want = STR_INIT(65536);
	int fds[2];

	assert_int_equal(pipe(fds), 0);
	log_open("postqueue", fds[1], true);
	log_event(LOG_LEVEL_INFO, "a");
	log_event(LOG_LEVEL_ERROR, "b");
	str_grew(&got, (size_t)read(fds[0], str_reserve(&got, 1000), 1000));
	str_printf(&want, "postqueue[%d]: a\npostqueue[%d]: error: b\n", getpid(), getpid());
	expect_span("plain", str_span(&got), str_span(&want));
	/* Nobody reads the pipe, and it stays blocking: logging goes on all the same. */
	for (int i = 0; i < 1000; i++)
		log_event(LOG_LEVEL_INFO, "%01000d", 0);
	close(fds[0]);
	close(fds[1]);
	log_open("test", STDERR_FILENO, true);
	str_free(&got);
	str_free(&want);
}

static void
test_escape(UNUSED void **state)
{
	static const struct {
		const char *name;
		struct span raw;
		const char *want;
	} rows[] = {
		{ "plain", SPAN("user@example.org"), "user@example.org" },
		{ "null", { NULL, 0 }, "" },
		{ "controls", SPAN("a\0b\r\n\x1b\x7f"), "a\\000b\\015\\012\\033\\177" },
		{ "backslash", SPAN("a\\012"), "a\\\\012" },
		{ "UTF-8", SPAN("\xf0\x9f\x93\xa8 caf\xc3\xa9"), "\xf0\x9f\x93\xa8 caf\xc3\xa9" },
		{ "C1", SPAN("\xc2\x9b"), "\\302\\233" },
		{ "not UTF-8", SPAN("caf\xe9"), "caf\\351" },
		{ "overlong", SPAN("\xc0\xaf"), "\\300\\257" },
	};
	const char *first;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		expect_text(rows[i].name, span_str(log_escape(rows[i].raw)), rows[i].want);
	first = log_escape(span_lit("first"));
	for (int i = 0; i < 7; i++)
		log_escape(span_lit("other"));
	assert_string_equal(first, "first");
}

static void
test_escape_cut(UNUSED void **state)
{
	struct str raw = STR_INIT(4000);
	const char *got;

	for (int i = 0; i < 2000; i++)
		str_putc(&raw, i < LIMIT_LOG_ESCAPE - 2 ? 'x' : '\n');
	got = log_escape(str_span(&raw));
	assert_int_equal(strlen(got), LIMIT_LOG_ESCAPE - 2 + 3);
	assert_string_equal(got + LIMIT_LOG_ESCAPE - 4, "xx...");
	got = log_escape(span_head(str_span(&raw), LIMIT_LOG_ESCAPE - 2));
	assert_int_equal(strlen(got), LIMIT_LOG_ESCAPE - 2);
	str_free(&raw);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_records),
		cmocka_unit_test(test_long_line),
		cmocka_unit_test(test_behind),
		cmocka_unit_test(test_peer_gone),
		cmocka_unit_test(test_plain),
		cmocka_unit_test(test_escape),
		cmocka_unit_test(test_escape_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
