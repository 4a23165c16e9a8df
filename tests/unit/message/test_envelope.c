/*
 * ENVELOPE, BODY and BODYSTRUCTURE: RFC 9051 7.5.2. Whole texts are compared. Whatever the message,
 * the structure must be legal: parentheses, strings and literals are checked over every bomb that
 * the MIME parser has to bear.
 */
#include "config.h"

#include "base/limits.h"
#include "message/envelope.h"
#include "tests/unit/message/imap_syntax.h"
#include "tests/unit/message/test.h"

static const struct {
	const char *name, *in, *want;
} envelopes[] = {
	{ "none", "\n", "(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)" },
	{ "all",
	    "Date: Mon, 23 Nov 2026 08:00:00 +0100\nSubject: a\n  b\nFrom: Joe <a@b>\nSender: c@d\n"
	    "Reply-To: e@f\nTo: g@h, i@j\nCc: k@l\nBcc: m@n\nIn-Reply-To: <o@p>\nMessage-ID: "
	    "<q@r>\n\n",
	    "(\"Mon, 23 Nov 2026 08:00:00 +0100\" \"a  b\" ((\"Joe\" NIL \"a\" \"b\")) "
	    "((NIL NIL \"c\" \"d\")) ((NIL NIL \"e\" \"f\")) ((NIL NIL \"g\" \"h\")(NIL NIL \"i\" "
	    "\"j\")) "
	    "((NIL NIL \"k\" \"l\")) ((NIL NIL \"m\" \"n\")) \"<o@p>\" \"<q@r>\")" },
	{ "from for sender", "From: a@b\nSender: \n\n",
	    "(NIL NIL ((NIL NIL \"a\" \"b\")) ((NIL NIL \"a\" \"b\")) ((NIL NIL \"a\" \"b\")) NIL "
	    "NIL NIL "
	    "NIL NIL)" },
	{ "group", "To: g: a@b;, x:;\n\n",
	    "(NIL NIL NIL NIL NIL ((NIL NIL \"g\" NIL)(NIL NIL \"a\" \"b\")(NIL NIL NIL NIL)"
	    "(NIL NIL \"x\" NIL)(NIL NIL NIL NIL)) NIL NIL NIL NIL)" },
	{ "strings", "Subject: a \"b\" \\c\nTo: joe\nMessage-ID: \n\n",
	    "(NIL \"a \\\"b\\\" \\\\c\" NIL NIL NIL ((NIL NIL \"joe\" \"\")) NIL NIL NIL \"\")" },
	{ "8bit", "Subject: \xc3\xb6\n\n",
	    "(NIL {2}\r\n\xc3\xb6 NIL NIL NIL NIL NIL NIL NIL NIL)" },
	{ "bare CR", "Subject: a\rb\n\n", "(NIL \"a b\" NIL NIL NIL NIL NIL NIL NIL NIL)" },
};

static void
test_envelopes(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(envelopes); i++) {
		struct arena arena;
		struct str got = STR_INIT(10000);

		arena_init(&arena, 1 << 20);
		envelope_put(&got, mime_parse(span_str(envelopes[i].in), &arena));
		expect_text(envelopes[i].name, str_span(&got), envelopes[i].want);
		str_free(&got);
		arena_free(&arena);
	}
}

static const struct {
	const char *name, *in, *body, *structure;
} bodies[] = {
	{ "plain", "\r\nhello\r\n",
	    "(\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 7 1)",
	    "(\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 7 1 NIL NIL NIL "
	    "NIL)" },
	{ "fields",
	    "Content-Type: Image/JPEG; name=\"a b\"\nContent-ID: <x>\nContent-Description: d\n"
	    "Content-Transfer-Encoding: BASE64 (x)\nContent-MD5: m\nContent-Language: en, de\n"
	    "Content-Location: http://l\nContent-Disposition: attachment; "
	    "filename*=utf-8''%41\n\nYQ==\n",
	    "(\"Image\" \"JPEG\" (\"name\" \"a b\") \"<x>\" \"d\" \"BASE64\" 6)",
	    "(\"Image\" \"JPEG\" (\"name\" \"a b\") \"<x>\" \"d\" \"BASE64\" 6 \"m\" "
	    "(\"attachment\" (\"filename*\" \"utf-8''%41\")) (\"en\" \"de\") \"http://l\")" },
	{ "no parameters", "Content-Type: text/html\n\nx",
	    "(\"text\" \"html\" NIL NIL NIL \"7bit\" 1 0)",
	    "(\"text\" \"html\" NIL NIL NIL \"7bit\" 1 0 NIL NIL NIL NIL)" },
	{ "multipart",
	    "Content-Type: multipart/mixed; boundary=b\n\n--b\n\nx\n--b\nContent-Type: "
	    "a/b\n\ny\n--b--\n",
	    "((\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 1 0)"
	    "(\"a\" \"b\" NIL NIL NIL \"7bit\" 1) \"mixed\")",
	    "((\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 1 0 NIL NIL NIL NIL)"
	    "(\"a\" \"b\" NIL NIL NIL \"7bit\" 1 NIL NIL NIL NIL) \"mixed\" (\"boundary\" \"b\") "
	    "NIL NIL "
	    "NIL)" },
	{ "no parts", "Content-Type: multipart/mixed; boundary=b\n\nx\n",
	    "((\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 0 0) \"mixed\")",
	    "((\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 0 0) \"mixed\" "
	    "(\"boundary\" "
	    "\"b\") NIL NIL NIL)" },
	{ "message", "Content-Type: message/rfc822\n\nSubject: s\n\nx\n",
	    "(\"message\" \"rfc822\" NIL NIL NIL \"7bit\" 17 (NIL \"s\" NIL NIL NIL NIL NIL NIL "
	    "NIL NIL) "
	    "(\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 3 1) 3)",
	    "(\"message\" \"rfc822\" NIL NIL NIL \"7bit\" 17 (NIL \"s\" NIL NIL NIL NIL NIL NIL "
	    "NIL NIL) "
	    "(\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 3 1 NIL NIL NIL NIL) "
	    "3 NIL NIL "
	    "NIL NIL)" },
};

static void
test_bodies(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
		struct arena arena;
		const struct mime_part *root;
		struct str got = STR_INIT(10000);

		arena_init(&arena, 1 << 20);
		root = mime_parse(span_str(bodies[i].in), &arena);
		body_put(&got, root, false);
		expect_text(bodies[i].name, str_span(&got), bodies[i].body);
		str_reset(&got);
		body_put(&got, root, true);
		expect_text(bodies[i].name, str_span(&got), bodies[i].structure);
		str_free(&got);
		arena_free(&arena);
	}
}

static void
test_strings(void **state)
{
	struct str out = STR_INIT(10000);
	struct str big = STR_INIT(10000);

	(void)state;
	imap_put_nstring(&out, (struct span){ 0 });
	imap_put_string(&out, span_lit(""));
	imap_put_string(&out, span_lit("a\nb"));
	imap_put_string(&out, span_lit("\0a\0"));
	imap_put_string(&out, span_lit("\0\n\0"));
	expect_text("strings", str_span(&out), "NIL\"\"{3}\r\na\nb\"a\"{1}\r\n\n");
	for (int i = 0; i < 2000; i++)
		str_putc(&big, 'a');
	str_reset(&out);
	imap_put_string(&out, str_span(&big));
	assert_true(span_starts(str_span(&out), span_lit("{2000}\r\na")));
	str_free(&out);
	str_free(&big);
}

static void
test_bombs(void **state)
{
	static const struct {
		const char *head, *repeat;
		size_t count;
	} rows[] = {
		{ "", "Content-Type: multipart/mixed; boundary=b\n\n--b\n", 1000 },
		{ "", "Content-Type: message/rfc822\n\n", 1000 },
		{ "Content-Type: multipart/digest; boundary=b\n\n", "--b\n\nTo: a@b\n\n", 10000 },
		{ "To: ", "a@b, ", 100000 },
		{ "To: ", "g:;", 100000 },
		{ "To: ", "\"", 100001 },
		{ "To: ", "(", 100000 },
		{ "Content-Type: a/b", "; x*0=\"\\\"\"", 1000 },
		{ "Content-Disposition: a", ";b=\"\xff\"", 1000 },
		{ "Content-Language: a", ",b", 100000 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct arena arena;
		struct str in = STR_INIT(1 << 20);
		struct str got = STR_INIT(64 << 20);
		uint64_t started;

		str_puts(&in, rows[i].head);
		for (size_t n = 0; n < rows[i].count; n++)
			str_puts(&in, rows[i].repeat);
		arena_init(&arena, LIMIT_MIME_MEMORY);
		started = cpu_now();
		body_put(&got, mime_parse(str_span(&in), &arena), true);
		expect_legal(rows[i].head, str_span(&got));
		str_reset(&got);
		envelope_put(&got, mime_parse(str_span(&in), &arena));
		expect_legal(rows[i].repeat, str_span(&got));
		expect_quick(rows[i].repeat, started);
		str_free(&in);
		str_free(&got);
		arena_free(&arena);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_envelopes),
		cmocka_unit_test(test_bodies),
		cmocka_unit_test(test_strings),
		cmocka_unit_test(test_bombs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
