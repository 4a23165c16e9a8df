/*
 * Header blocks, good and broken, read whole and in pieces; folding and unfolding; message-ids; the
 * Received: field: RFC 5322 2.2, 3.6. Holds the folding bombs of ABUSE 23 with a bound on time, and
 * checks that no value can make a second field.
 */
#include "config.h"

#include <stdlib.h>
#include <time.h>

#include "base/limits.h"
#include "message/header.h"
#include "message/received.h"
#include "tests/unit/message/test.h"

static const struct {
	const char *name, *in;
	const char *want; /* "name(value)" of each field, unfolded */
	const char *body;
} blocks[] = {
	{ "plain", "A: b\r\nC: d\r\n\r\nbody", "A(b)C(d)", "body" },
	{ "lf", "A: b\nC:d\n\nbody\n", "A(b)C(d)", "body\n" },
	{ "mixed", "A: b\r\nC:d\n\r\nbody", "A(b)C(d)", "body" },
	{ "fold", "A: b\r\n c\r\n\td\r\nE: f\r\n\r\n", "A(b c\td)E(f)", "" },
	{ "fold of blanks alone", "A: b\r\n \r\n c\r\n\r\nx", "A(b  c)", "x" },
	{ "no body", "A: b\r\n", "A(b)", "" },
	{ "no line end", "A: b", "A(b)", "" },
	{ "empty", "", "", "" },
	{ "empty line first", "\r\nA: b\r\n", "", "A: b\r\n" },
	{ "no colon", "A: b\r\nhello\r\nC: d\r\n", "A(b)", "hello\r\nC: d\r\n" },
	{ "no colon, no line end", "A: b\r\nhello", "A(b)", "hello" },
	{ "body at once", "hello\r\n", "", "hello\r\n" },
	{ "blank before the colon", "A \t: b\r\n\r\n", "A(b)", "" },
	{ "two words before the colon", "A b: c\r\n\r\n", "", "A b: c\r\n\r\n" },
	{ "empty name", ": b\r\n\r\n", "", ": b\r\n\r\n" },
	{ "empty value", "A:\r\n\r\n", "A()", "" },
	{ "fold first", " x\r\nA: b\r\n\r\n", "", " x\r\nA: b\r\n\r\n" },
	{ "8-bit name", "\xc3: b\r\n\r\n", "", "\xc3: b\r\n\r\n" },
	{ "8-bit value", "A: \xc3\r\n\r\n", "A(\xc3)", "" },
	{ "bare CR", "A: b\rC: d\r\n\r\n", "A(b C: d)", "" },
	{ "CR for an empty line", "A: b\r\n\rC: d\r\n", "A(b)", "\rC: d\r\n" },
	{ "From_", "From x@y Mon Nov 23\nA: b\n\n", "A(b)", "" },
	{ ">From_", ">From x@y Mon Nov 23\nA: b\n\n", "A(b)", "" },
	{ "From_ twice", "From x y\n>From x y\nA: b\n\n", "A(b)", "" },
	{ "From_ alone", "From \nA: b\n\n", "A(b)", "" },
	{ "From_ later", "A: b\nFrom x@y Mon\nC: d\n\n", "A(b)", "From x@y Mon\nC: d\n\n" },
	{ "From_ and fold", "From x y\n z\nA: b\n\n", "", " z\nA: b\n\n" },
	{ "From with a blank", "From : b\n\n", "From(b)", "" },
	{ "Fromage", "Fromage x\n\n", "", "Fromage x\n\n" },
};

static void
test_blocks(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(blocks); i++) {
		struct header_reader r = header_read(span_str(blocks[i].in));
		struct header_field f;
		struct str got = STR_INIT(1000);

		while (header_next(&r, &f)) {
			str_put(&got, f.name);
			str_putc(&got, '(');
			header_put_unfolded(&got, f.value);
			str_putc(&got, ')');
		}
		expect_text(blocks[i].name, str_span(&got), blocks[i].want);
		expect_text(blocks[i].name, r.rest, blocks[i].body);
		str_free(&got);
	}
}

/* However the text is cut, header_scan says the same. */
static void
test_scan(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(blocks); i++) {
		struct span in = span_str(blocks[i].in);

		for (size_t cut = 0; cut <= in.n; cut++) {
			struct header_scan scan = { 0 };

			header_scan_feed(&scan, span_head(in, cut));
			header_scan_feed(&scan, span_from(in, cut));
			header_scan_end(&scan);
			expect_number(blocks[i].name, scan.size, header_size(in));
		}
	}
}

static void
test_long_name(void **state)
{
	(void)state;
	for (size_t n = LIMIT_HEADER_NAME - 1; n < LIMIT_HEADER_NAME + 2; n++) {
		struct str in = STR_INIT(1000);
		struct header_scan scan = { 0 };

		for (size_t i = 0; i < n; i++)
			str_putc(&in, 'a');
		str_puts(&in, ": b\r\n\r\n");
		header_scan_feed(&scan, str_span(&in));
		expect_number("size", scan.size, n <= LIMIT_HEADER_NAME ? in.n : 0);
		expect_number("same", header_size(str_span(&in)), scan.size);
		str_free(&in);
	}
}

static void
test_find(void **state)
{
	struct span m = span_lit("A: 1\r\nB: 2\r\na: 3\r\n\r\nA: 4\r\n");

	(void)state;
	expect_text("first", header_find(m, span_lit("a")).value, " 1");
	expect_text("last", header_find_last(m, span_lit("A")).value, " 3");
	expect_text("whole", header_find(m, span_lit("b")).whole, "B: 2\r\n");
	assert_null(header_find(m, span_lit("c")).whole.p);
}

static void
test_bombs(void **state)
{
	struct str in = STR_INIT(64 << 20);
	struct header_reader r;
	struct header_field f;
	struct header_scan scan = { 0 };
	uint64_t started;
	size_t n = 0;

	(void)state;
	str_puts(&in, "A: b\r\n");
	for (size_t i = 0; i < 1000000; i++)
		str_puts(&in, " x\r\n");
	for (size_t i = 0; i < 1000000; i++)
		str_puts(&in, "B: c\r\n");
	str_puts(&in, "\r\nbody");
	started = cpu_now();
	r = header_read(str_span(&in));
	while (header_next(&r, &f))
		n++;
	expect_number("fields", n, 1000001);
	header_scan_feed(&scan, str_span(&in));
	expect_number("size", scan.size, in.n - 4);
	expect_quick("2 million lines", started);
	str_free(&in);
}

static const struct {
	const char *value, *want;
} folds[] = {
	{ "", "N:\r\n" },
	{ "a b", "N: a b\r\n" },
	{ "a\r\nX: y", "N: a  X: y\r\n" },
	{ "a\rb\nc", "N: a b c\r\n" },
	{ "0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 012345678",
	    "N: 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 012345678\r\n" },
	{ "0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789",
	    "N: 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789\r\n"
	    " 0123456789\r\n" },
	{ "012345678901234567890123456789012345678901234567890123456789012345678901234567890 x",
	    "N: "
	    "012345678901234567890123456789012345678901234567890123456789012345678901234567890"
	    "\r\n x\r\n" },
};

static void
test_fold(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(folds); i++) {
		struct str out = STR_INIT(4096);

		assert_true(header_put(&out, span_lit("N"), span_str(folds[i].value)));
		expect_text(folds[i].value, str_span(&out), folds[i].want);
		str_free(&out);
	}
}

/* Whatever is put, lines stay below 998, there is one field, and unfolding gives the words back. */
static void
test_fold_random(void **state)
{
	(void)state;
	for (size_t round = 0; round < 300; round++) {
		struct str in = STR_INIT(1 << 16);
		struct str out = STR_INIT(1 << 20);
		struct header_reader r;
		struct header_field f;

		for (size_t i = rand_below(4000); i > 0; i--)
			str_putc(&in, rand_below(round + 2) ? 'a' : " \t\r\n"[rand_below(4)]);
		assert_true(header_put(&out, span_lit("Name"), str_span(&in)));
		r = header_read(str_span(&out));
		assert_true(header_next(&r, &f));
		assert_int_equal(f.whole.n, out.n);
		for (struct span rest = f.whole, line; span_cut(rest, '\n', &line, &rest);)
			assert_in_range(line.n, 1, 999);
		str_free(&in);
		str_free(&out);
	}
}

static void
test_message_ids(void **state)
{
	static const struct {
		const char *in, *want;
	} rows[] = {
		{ " <a@b>", "<a@b>" },
		{ "<a@b> <c@d>\r\n <e@f>", "<a@b><c@d><e@f>" },
		{ "<a@b><c@d>", "<a@b><c@d>" },
		{ "foo (<x@y>) \"<q@r>\" <a@b>", "<a@b>" },
		{ "(a (b) \\) <x@y>) <c@d>", "<c@d>" },
		{ "<a b@c> <d@e>", "<d@e>" },
		{ "<a@b", "" },
		{ "<<a@b>", "<a@b>" },
		{ "<>", "" },
		{ "<\"a>b\"@c>", "<\"a>b\"@c>" },
		{ "a@b", "" },
		{ "((((((", "" },
		{ "\"abc\\", "" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct span rest = span_str(rows[i].in);
		struct span id;
		struct str got = STR_INIT(100);

		while (message_id_next(&rest, &id))
			str_put(&got, id);
		expect_text(rows[i].in, str_span(&got), rows[i].want);
		str_free(&got);
	}
}

static void
test_received(void **state)
{
	struct received r = {
		.helo = SPAN("mx.example"),
		.name = SPAN("client.example"),
		.address = SPAN("192.0.2.1"),
		.tls = SPAN(
		    "using TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits) key-exchange "
		    "X25519 server-signature RSA-PSS (2048 bits) server-digest SHA256"),
		.peer_cert = SPAN("No client certificate requested"),
		.login = SPAN("jo"),
		.by = SPAN("mail.example"),
		.mail_name = SPAN("Postfix"),
		.with = SPAN("ESMTPSA"),
		.id = SPAN("4Qx7"),
		.recipient = SPAN("a@b"),
		.wall_ns = UINT64_C(1795420800) * NS_PER_S,
	};
	struct str out = STR_INIT(4096);

	(void)state;
	received_put(&out, &r);
	expect_text("all", str_span(&out),
	    "Received: from mx.example (client.example [192.0.2.1])\r\n"
	    "\t(using TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits)\r\n"
	    " key-exchange X25519 server-signature RSA-PSS (2048 bits) server-digest SHA256)\r\n"
	    "\t(No client certificate requested)\r\n"
	    "\t(Authenticated sender: jo)\r\n"
	    "\tby mail.example (Postfix) with ESMTPSA id 4Qx7\r\n"
	    "\tfor <a@b>; Mon, 23 Nov 2026 08:00:00 +0000\r\n");
	str_reset(&out);
	r.helo = span_str("x) by evil; Mon\r\nX: y");
	r.tls = r.peer_cert = r.login = r.recipient = span_lit("");
	received_put(&out, &r);
	expect_text("forged", str_span(&out),
	    "Received: from x??by?evil??Mon??X:?y (client.example [192.0.2.1])\r\n"
	    "\tby mail.example (Postfix) with ESMTPSA id 4Qx7;\r\n"
	    "\tMon, 23 Nov 2026 08:00:00 +0000\r\n");
	str_reset(&out);
	r.address = r.with = span_lit("");
	received_put(&out, &r);
	expect_text("local", str_span(&out),
	    "Received: by mail.example (Postfix) id 4Qx7;\r\n\tMon, 23 Nov 2026 08:00:00 "
	    "+0000\r\n");
	str_free(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_blocks),
		cmocka_unit_test(test_scan),
		cmocka_unit_test(test_long_name),
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_bombs),
		cmocka_unit_test(test_fold),
		cmocka_unit_test(test_fold_random),
		cmocka_unit_test(test_message_ids),
		cmocka_unit_test(test_received),
	};

	setenv("TZ", "UTC", 1);
	tzset();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
