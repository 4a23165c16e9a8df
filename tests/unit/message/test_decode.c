/*
 * Transfer encodings cut at every byte, encoded words, charsets: RFC 2045 6, RFC 2047, RFC 2231 5;
 * and the broken and truncated ones of ABUSE 23 and 24. What comes out of headers is always valid
 * UTF-8.
 */
#include "config.h"

#include "base/base64.h"
#include "base/utf8.h"
#include "message/charset.h"
#include "message/decode.h"
#include "message/words.h"
#include "tests/unit/message/test.h"

static const struct {
	const char *name;
	enum encoding encoding;
	const char *in, *want;
	bool broken;
} bodies[] = {
	{ "base64", ENCODING_BASE64, "aGVsbG8=", "hello", false },
	{ "base64 lines", ENCODING_BASE64, "aGVs\r\nbG8h\r\n", "hello!", false },
	{ "base64 two", ENCODING_BASE64, "aGVsbG8=aGVsbG8=", "hellohello", false },
	{ "base64 no padding", ENCODING_BASE64, "aGVsbG8", "hello", true },
	{ "base64 one digit", ENCODING_BASE64, "aGVsb", "hel", true },
	{ "base64 junk", ENCODING_BASE64, "aG-Vs*bG8=", "hello", true },
	{ "base64 empty", ENCODING_BASE64, "", "", false },
	{ "base64 padding alone", ENCODING_BASE64, "====", "", false },
	{ "qp", ENCODING_QUOTED_PRINTABLE, "J=C3=B6=\r\nrg\r\n", "J\xc3\xb6rg\r\n", false },
	{ "qp lower", ENCODING_QUOTED_PRINTABLE, "=c3=b6", "\xc3\xb6", false },
	{ "qp lf", ENCODING_QUOTED_PRINTABLE, "a=\nb\n", "ab\n", false },
	{ "qp blanks", ENCODING_QUOTED_PRINTABLE, "a b \t \r\nc\t\nd ", "a b\r\nc\nd", false },
	{ "qp soft blanks", ENCODING_QUOTED_PRINTABLE, "a= \t\r\nb", "ab", false },
	{ "qp bare =", ENCODING_QUOTED_PRINTABLE, "a=b=zz=", "a=b=zz", true },
	{ "qp = and digit", ENCODING_QUOTED_PRINTABLE, "=4x=4", "=4x=4", true },
	{ "qp ==", ENCODING_QUOTED_PRINTABLE, "==41", "=A", true },
	{ "qp =4=41", ENCODING_QUOTED_PRINTABLE, "=4=41", "=4A", true },
	{ "qp = blank x", ENCODING_QUOTED_PRINTABLE, "a= x", "a=x", true },
	{ "qp bare CR", ENCODING_QUOTED_PRINTABLE, "a\rb\r", "a\rb\r", false },
	{ "qp blank CR", ENCODING_QUOTED_PRINTABLE, "a \rb", "a \rb", false },
	{ "8bit", ENCODING_IDENTITY, "a\x80=41", "a\x80=41", false },
	{ "unknown", ENCODING_UNKNOWN, "a=41", "a=41", false },
};

static void
test_bodies(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
		struct span in = span_str(bodies[i].in);

		for (size_t cut = 0; cut <= in.n; cut++) {
			struct decoder d = decoder_start(bodies[i].encoding);
			struct str out = STR_INIT(1000);

			assert_true(decoder_feed(&d, span_head(in, cut), &out));
			assert_true(decoder_feed(&d, span_from(in, cut), &out));
			assert_true(decoder_end(&d, &out));
			expect_text(bodies[i].name, str_span(&out), bodies[i].want);
			expect_number(bodies[i].name, d.broken, bodies[i].broken);
			str_free(&out);
		}
	}
}

static void
test_blanks(void **state)
{
	(void)state;
	for (size_t n = 60; n < 70; n++) {
		struct decoder d = decoder_start(ENCODING_QUOTED_PRINTABLE);
		struct str in = STR_INIT(1000);
		struct str out = STR_INIT(1000);

		for (size_t i = 0; i < n; i++)
			str_putc(&in, i % 3 ? ' ' : '\t');
		str_putc(&in, 'x');
		for (size_t i = 0; i < in.n; i++)
			decoder_feed(&d, span_of(in.p + i, 1), &out);
		decoder_end(&d, &out);
		expect_span("blanks", str_span(&out), str_span(&in));
		str_free(&in);
		str_free(&out);
	}
}

static void
test_names(void **state)
{
	(void)state;
	assert_int_equal(encoding_parse(span_lit("")), ENCODING_IDENTITY);
	assert_int_equal(encoding_parse(span_lit(" 7bit")), ENCODING_IDENTITY);
	assert_int_equal(encoding_parse(span_lit(" (x) BASE64 (y)\r\n")), ENCODING_BASE64);
	assert_int_equal(encoding_parse(span_lit("Quoted-Printable;")), ENCODING_QUOTED_PRINTABLE);
	assert_int_equal(encoding_parse(span_lit("x-uuencode")), ENCODING_UNKNOWN);
}

static const struct {
	const char *in, *want;
} words[] = {
	{ "plain", "plain" },
	{ "=?utf-8?q?J=C3=B6rg?=", "J\xc3\xb6rg" },
	{ "=?UTF-8?B?SsO2cmc=?=", "J\xc3\xb6rg" },
	{ "=?iso-8859-1?q?J=F6rg?= Doe", "J\xc3\xb6rg Doe" },
	{ "=?iso-8859-1*de?q?J=F6rg?=", "J\xc3\xb6rg" },
	{ "=?utf-8?q?a?= =?utf-8?q?b?=", "ab" },
	{ "=?utf-8?q?a?=  \t =?iso-8859-1?q?b?=", "ab" },
	{ "=?utf-8?q?a?= b =?utf-8?q?c?=", "a b c" },
	{ "a =?utf-8?q?b?= c", "a b c" },
	{ "=?utf-8?q?a_b?=", "a b" },
	{ "=?utf-8?b?w7Y?=", "\xc3\xb6" },
	{ "=?utf-8?b?w?= x", " x" },
	{ "=?utf-8?q?=C3?= =?utf-8?q?=B6?=", "\xc3\xb6" },
	{ "=?utf-8?q?=C3?= x", "\xef\xbf\xbd x" },
	{ "=?utf-8?q?=ED=A0=80?=", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" },
	{ "=?koi8-r?b?8NLJ18XU?=", "\xd0\x9f\xd1\x80\xd0\xb8\xd0\xb2\xd0\xb5\xd1\x82" },
	{ "=?cp1251?q?=CF?=", "\xd0\x9f" },
	{ "=?x-unknown?q?a?= b", "=?x-unknown?q?a?= b" },
	{ "=?../../etc/passwd?q?a?=", "=?../../etc/passwd?q?a?=" },
	{ "=?utf-7?q?+AGE-?=", "=?utf-7?q?+AGE-?=" },
	{ "=?utf-8?x?a?=", "=?utf-8?x?a?=" },
	{ "=?utf-8?q?a", "=?utf-8?q?a" },
	{ "=?utf-8?q?", "=?utf-8?q?" },
	{ "=?", "=?" },
	{ "=?=?=?", "=?=?=?" },
	{ "a=?utf-8?q?b?=c", "abc" },
	{ "=?utf-8?q?=0D=0AX:_y?=", "  X: y" },
	{ "=?utf-8?q?a=00b?=", "a b" },
	{ "=?utf-8?q?=4?=", "=4" },
	{ "\xff raw", "\xef\xbf\xbd raw" },
};

static void
test_words(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		struct str out = STR_INIT(1000);

		assert_true(words_put_decoded(&out, span_str(words[i].in)));
		expect_text(words[i].in, str_span(&out), words[i].want);
		assert_true(utf8_valid(str_span(&out)));
		str_free(&out);
	}
}

static void
test_encode(void **state)
{
	(void)state;
	for (size_t n = 0; n < 200; n++) {
		struct str in = STR_INIT(1000);
		struct str out = STR_INIT(10000);
		struct str back = STR_INIT(10000);
		struct span word;
		struct span rest;

		str_puts(&in, "J");
		for (size_t i = 0; i < n; i++)
			str_puts(&in, i % 3 ? "\xc3\xb6" : "\xf0\x9f\x98\x80");
		assert_true(words_put_encoded(&out, str_span(&in)));
		rest = str_span(&out);
		while (span_token(&rest, span_lit(" "), &word))
			assert_in_range(word.n, 1, 75);
		assert_true(words_put_decoded(&back, str_span(&out)));
		expect_span("round trip", str_span(&back), str_span(&in));
		str_free(&in);
		str_free(&out);
		str_free(&back);
	}
}

static void
test_bombs(void **state)
{
	static const char *const patterns[] = { "=?", "=?utf-8?", "=?utf-8?q?",
		"=?utf-8?q?a?=", "=?utf-8?q?a?= ", "=?utf-8?b?YQ==?= =?koi8-r?q?=41?=", " ", "=",
		"?=", "=?a?q?a?= " };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(patterns); i++) {
		struct str in = STR_INIT(8 << 20);
		struct str out = STR_INIT(32 << 20);
		uint64_t started;

		for (size_t n = 0; n < 100000; n++)
			str_puts(&in, patterns[i]);
		started = cpu_now();
		assert_true(words_put_decoded(&out, str_span(&in)));
		expect_quick(patterns[i], started);
		str_free(&in);
		str_free(&out);
	}
}

static void
test_charsets(void **state)
{
	static const struct {
		const char *name;
		const char *bytes;
		const char *want; /* NULL: not known */
	} rows[] = {
		{ "US-ASCII", "a", "a" },
		{ "latin1", "\x80\xe9", "\xe2\x82\xac\xc3\xa9" },
		{ "Windows-1252", "\x81", "\xef\xbf\xbd" },
		{ "cp1250", "\x8a", "\xc5\xa0" },
		{ "ISO-8859-15", "\xa4", "\xe2\x82\xac" },
		{ "iso8859-2", "\xb1", "\xc4\x85" },
		{ "koi8-u", "\xa4", "\xd1\x94" },
		{ "utf-8", "a\tb\x01", "a\tb " },
		{ "utf-16", "a", NULL },
		{ "gb2312", "a", NULL },
		{ "", "a", NULL },
		{ "../x", "a", NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct str out = STR_INIT(100);
		bool ok = charset_put_utf8(&out, span_str(rows[i].name), span_str(rows[i].bytes));

		expect_number(rows[i].name, ok, rows[i].want != NULL);
		expect_number(rows[i].name, charset_known(span_str(rows[i].name)), ok);
		expect_text(rows[i].name, str_span(&out), ok ? rows[i].want : "");
		str_free(&out);
	}
}

static void
test_random(void **state)
{
	(void)state;
	for (size_t round = 0; round < 500; round++) {
		struct str in = STR_INIT(1000);
		struct str coded = STR_INIT(4000);
		struct str out = STR_INIT(4000);
		struct decoder d = decoder_start(ENCODING_BASE64);

		for (size_t i = rand_below(200); i > 0; i--)
			str_putc(&in, (char)rand_below(256));
		base64_put(&coded, str_span(&in));
		for (size_t at = 0; at < coded.n;) {
			size_t n = size_min(1 + rand_below(9), coded.n - at);

			decoder_feed(&d, span_of(coded.p + at, n), &out);
			at += n;
		}
		decoder_end(&d, &out);
		expect_span("base64", str_span(&out), str_span(&in));
		assert_false(d.broken);
		str_free(&in);
		str_free(&coded);
		str_free(&out);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bodies),
		cmocka_unit_test(test_blanks),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_encode),
		cmocka_unit_test(test_bombs),
		cmocka_unit_test(test_charsets),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
