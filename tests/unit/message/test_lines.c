/*
 * Content on its way in and out: the end of data at every cut of the input, dots, bare CR and LF,
 * conversions: RFC 5321 4.1.1.4, 4.5.2. All variants of ABUSE 3 and 4 are rows. What goes out must
 * come in again as one message, whatever it was.
 */
#include "config.h"

#include "message/content.h"
#include "message/lines.h"
#include "tests/unit/message/test.h"

/* A bar in WANT marks where the data ended; without one it has not. */
static const struct {
	const char *name;
	struct span in, want;
} datas[] = {
	{ "plain", SPAN("a\r\nb\r\n.\r\nQUIT\r\n"), SPAN("a\r\nb\r\n|QUIT\r\n") },
	{ "empty", SPAN(".\r\n"), SPAN("|") },
	{ "dots", SPAN("..\r\n.a\r\n...\r\n.\r\n"), SPAN(".\r\na\r\n..\r\n|") },
	{ "dot within", SPAN("a.\r\nb.b\r\n.\r\n"), SPAN("a.\r\nb.b\r\n|") },
	{ "not yet", SPAN("a\r\n.\r"), SPAN("a\r\n") },
	{ "bare LF dot bare LF", SPAN("a\n.\nb\r\n.\r\n"), SPAN("a\n.\nb\r\n|") },
	{ "CRLF dot bare LF", SPAN("a\r\n.\nb\r\n.\r\n"), SPAN("a\r\n\nb\r\n|") },
	{ "bare LF dot CRLF", SPAN("a\n.\r\nb\r\n.\r\n"), SPAN("a\n.\r\nb\r\n|") },
	{ "bare CR dot bare CR", SPAN("a\r.\rb\r\n.\r\n"), SPAN("a\r.\rb\r\n|") },
	{ "CRLF dot bare CR", SPAN("a\r\n.\rb\r\n.\r\n"), SPAN("a\r\n\rb\r\n|") },
	{ "CRLF NUL dot CRLF", SPAN("a\r\n\0.\r\nb\r\n.\r\n"), SPAN("a\r\n\0.\r\nb\r\n|") },
	{ "CRLF dot NUL CRLF", SPAN("a\r\n.\0\r\nb\r\n.\r\n"), SPAN("a\r\n\0\r\nb\r\n|") },
	{ "CR CRLF dot CRLF", SPAN("a\r\r\n.\r\nQ"), SPAN("a\r\r\n|Q") },
	{ "CRLF dot CR CRLF", SPAN("a\r\n.\r\r\nb\r\n.\r\n"), SPAN("a\r\n\r\r\nb\r\n|") },
	{ "LF CR dot CRLF", SPAN("a\n\r.\r\nb\r\n.\r\n"), SPAN("a\n\r.\r\nb\r\n|") },
	{ "CRLF CR dot CRLF", SPAN("a\r\n\r.\r\nb\r\n.\r\n"), SPAN("a\r\n\r.\r\nb\r\n|") },
	{ "ends twice", SPAN("a\r\n.\r\n.\r\n"), SPAN("a\r\n|.\r\n") },
};

static bool
data_feed(struct data_in *d, struct span *in, struct str *out)
{
	struct span run;
	enum data_step step;

	while ((step = data_in_next(d, in, &run)) == DATA_RUN)
		str_put(out, run);
	return step == DATA_END;
}

/* IN cut at two places; returns content, a bar where it ended, and what was not taken. */
static void
data_run(struct span in, size_t a, size_t b, struct str *out)
{
	struct span piece[3] = { span_head(in, a), span_from(span_head(in, b), a),
		span_from(in, b) };
	struct data_in d = { 0 };
	bool ended = false;

	for (int i = 0; i < 3; i++) {
		if (!ended && data_feed(&d, &piece[i], out)) {
			ended = true;
			str_putc(out, '|');
		}
		str_put(out, piece[i]);
	}
}

static void
test_data(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(datas); i++) {
		struct span in = datas[i].in;
		struct str out = STR_INIT(1000);

		for (size_t a = 0; a <= in.n; a++) {
			for (size_t b = a; b <= in.n; b++) {
				str_reset(&out);
				data_run(in, a, b, &out);
				expect_span(datas[i].name, str_span(&out), datas[i].want);
			}
		}
		str_free(&out);
	}
}

static const struct {
	const char *name, *in;
	size_t n;
	unsigned flags;
	uint64_t lines, longest, header;
} contents[] = {
	{ "clean", "A: b\r\n\r\nhello\r\n", 0, 0, 3, 5, 8 },
	{ "empty", "", 0, 0, 0, 0, 0 },
	{ "8bit", "\r\n\xc3\r\n", 0, CONTENT_8BIT, 2, 1, 2 },
	{ "8bit far", "\r\naaaaaaaaaaaaaaa\xc3\r\n", 0, CONTENT_8BIT, 2, 16, 2 },
	{ "nul", "\r\n\0\r\n", 5, CONTENT_NUL, 2, 1, 2 },
	{ "bare LF", "\r\na\nb\r\n", 0, CONTENT_BARE_LF, 3, 1, 2 },
	{ "bare CR", "\r\na\rb\r\n", 0, CONTENT_BARE_CR, 2, 3, 2 },
	{ "CR CRLF", "\r\na\r\r\n", 0, CONTENT_BARE_CR, 2, 2, 2 },
	{ "CR at the end", "\r\na\r", 0, CONTENT_BARE_CR | CONTENT_PARTIAL, 1, 2, 2 },
	{ "LF first", "\n\r\n", 0, CONTENT_BARE_LF, 2, 0, 1 },
	{ "dot", "\r\n.a\r\n", 0, CONTENT_LEADING_DOT, 2, 2, 2 },
	{ "dot first", ".\r\n", 0, CONTENT_LEADING_DOT, 1, 1, 0 },
	{ "dot within", "a.\r\n", 0, 0, 1, 2, 0 },
	{ "partial", "abc", 0, CONTENT_PARTIAL, 0, 3, 0 },
};

static void
test_content(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(contents); i++) {
		const char *name = contents[i].name;
		size_t n = contents[i].n ? contents[i].n : strlen(contents[i].in);
		struct span in = span_of(contents[i].in, n);

		for (size_t cut = 0; cut <= n; cut++) {
			struct content c = { 0 };

			content_feed(&c, span_head(in, cut));
			content_feed(&c, span_from(in, cut));
			content_end(&c);
			expect_number(name, c.flags, contents[i].flags);
			expect_number(name, c.lines, contents[i].lines);
			expect_number(name, c.longest_line, contents[i].longest);
			expect_number(name, c.header.size, contents[i].header);
			expect_number(name, c.size, n);
		}
	}
}

static const struct {
	const char *name;
	unsigned flags;
	const char *in, *want;
} outs[] = {
	{ "smtp", LINES_SMTP, "a\r\nb\r\n", "a\r\nb\r\n.\r\n" },
	{ "smtp empty", LINES_SMTP, "", ".\r\n" },
	{ "smtp dots", LINES_SMTP, ".\r\n..\r\na.b\r\n", "..\r\n...\r\na.b\r\n.\r\n" },
	{ "smtp partial", LINES_SMTP, "a", "a\r\n.\r\n" },
	{ "smtp lf", LINES_SMTP, "a\n.\nb\n\n", "a\r\n..\r\nb\r\n\r\n.\r\n" },
	{ "smtp smuggle", LINES_SMTP, "a\n.\r\nMAIL\r\n", "a\r\n..\r\nMAIL\r\n.\r\n" },
	{ "smtp cr", LINES_SMTP, "a\rb\r\r\nc\r", "a b \r\nc \r\n.\r\n" },
	{ "smtp cr dot cr", LINES_SMTP, "a\r.\rb\r\n", "a . b\r\n.\r\n" },
	{ "smtp crlf dot cr", LINES_SMTP, "a\r\n.\rb\r\n", "a\r\n.. b\r\n.\r\n" },
	{ "smtp lf cr", LINES_SMTP, "a\n\r.\n", "a\r\n .\r\n.\r\n" },
	{ "pop3", LINES_POP3, "a\n.b\nc\r\nd\re\n", "a\r\n..b\r\nc\r\nd\re\r\n.\r\n" },
	{ "imap", LINES_IMAP, "a\n.b\nc\r\nd\re\n\n", "a\r\n.b\r\nc\r\nd\re\r\n\r\n" },
	{ "imap partial", LINES_IMAP, "a\nb", "a\r\nb" },
	{ "imap cr", LINES_IMAP, "a\r", "a\r" },
	{ "maildir", LINES_MAILDIR, "a\r\n.b\r\nc\nd\re\r\n\r\n", "a\n.b\nc\nd\re\n\n" },
	{ "maildir cr", LINES_MAILDIR, "a\r\r\nb\r", "a\r\nb\r" },
};

static void
test_out(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(outs); i++) {
		struct span in = span_str(outs[i].in);
		struct str out = STR_INIT(1000);
		struct span run;

		for (size_t cut = 0; cut <= in.n; cut++) {
			struct lines l = lines_start(outs[i].flags);

			str_reset(&out);
			assert_true(lines_put(&l, span_head(in, cut), &out));
			assert_true(lines_put(&l, span_from(in, cut), &out));
			while (lines_end(&l, &run))
				str_put(&out, run);
			expect_text(outs[i].name, str_span(&out), outs[i].want);
		}
		str_free(&out);
	}
}

/* What goes out by SMTP comes in again as the same message, whatever it was, and nothing comes
 * after it. */
static void
test_round_trip(void **state)
{
	(void)state;
	for (size_t round = 0; round < 2000; round++) {
		struct str in = STR_INIT(1000);
		struct str wire = STR_INIT(4000);
		struct str want = STR_INIT(4000);
		struct str got = STR_INIT(4000);
		struct lines l = lines_start(LINES_SMTP);
		struct lines plain = lines_start(LINES_CRLF | LINES_FIX_CR);
		struct data_in d = { 0 };
		struct span run;
		struct span left;

		for (size_t i = rand_below(30); i > 0; i--)
			str_putc(&in, "\r\n.a"[rand_below(4)]);
		lines_put(&l, str_span(&in), &wire);
		while (lines_end(&l, &run))
			str_put(&wire, run);
		lines_put(&plain, str_span(&in), &want);
		while (lines_end(&plain, &run))
			str_put(&want, run);
		if (want.n > 0 && want.p[want.n - 1] != '\n')
			str_puts(&want, "\r\n");
		left = str_span(&wire);
		assert_true(data_feed(&d, &left, &got));
		assert_int_equal(left.n, 0);
		expect_span("round trip", str_span(&got), str_span(&want));
		str_free(&in);
		str_free(&wire);
		str_free(&want);
		str_free(&got);
	}
}

static void
test_count(void **state)
{
	(void)state;
	expect_number("none", lines_count_bare_lf(span_lit("a\r\nb\r\n"), false), 0);
	expect_number("all", lines_count_bare_lf(span_lit("\na\n\n"), false), 3);
	expect_number("cr before", lines_count_bare_lf(span_lit("\na\n"), true), 1);
	expect_number("empty", lines_count_bare_lf(span_lit(""), true), 0);
}

/* 32 MiB of each of these, both ways. */
static void
test_speed(void **state)
{
	static const char *const patterns[] = { "x", "\r", "\n", "\r\n", "\r\n.", "\n.", "a\r",
		"..",
		"0123456789012345678901234567890123456789012345678901234567890123456789\r\n" };
	struct str in = STR_INIT(8 << 20);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(patterns); i++) {
		struct span pattern = span_str(patterns[i]);
		uint64_t started;
		struct data_in d = { 0 };
		struct content c = { 0 };
		struct lines l = lines_start(LINES_SMTP);
		struct span rest;
		struct span run;

		str_reset(&in);
		while (in.n + pattern.n < 4 << 20)
			str_put(&in, pattern);
		started = cpu_now();
		rest = str_span(&in);
		while (data_in_next(&d, &rest, &run) == DATA_RUN)
			content_feed(&c, run);
		rest = str_span(&in);
		while (lines_next(&l, &rest, &run))
			continue;
		expect_quick(patterns[i], started);
	}
	str_free(&in);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_data),
		cmocka_unit_test(test_content),
		cmocka_unit_test(test_out),
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_count),
		cmocka_unit_test(test_speed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
