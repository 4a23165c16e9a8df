/*
 * Submissions: what is written is read again as it was, what is forged is refused, and nothing that
 * is cut short passes for whole.
 */
#include "config.h"

#include "base/mem.h"
#include "message/submission.h"
#include "tests/unit/unit.h"

#define MAGIC "postern submission 1\n"

static void
test_round(void **state)
{
	const struct submission in = { .sender = SPAN("a b@example.org"),
		.name = SPAN("gr\303\274n"),
		.envid = SPAN("x+y"),
		.notify = 6,
		.ret = 2 };
	static const char *const to[] = { "one", "two@example.com", "\"a b\"@c" };
	struct str text = STR_INIT(4096);
	struct submission out;
	struct span address;
	struct err err = ERR_NONE;

	(void)state;
	assert_true(submission_put(&text, &in));
	for (size_t i = 0; i < ARRAY_LEN(to); i++)
		assert_true(submission_put_recipient(&text, span_str(to[i])));
	assert_true(submission_put_head_end(&text));
	size_t head = text.n;
	str_puts(&text, "Subject: x\n\nx\n");
	/* Cut anywhere it is not whole; and never malformed. */
	for (size_t n = 0; n < head; n++)
		assert_int_equal(
		    submission_parse(span_head(str_span(&text), n), &out, &err), VERDICT_ABSENT);
	assert_int_equal(submission_parse(str_span(&text), &out, &err), VERDICT_OK);
	assert_int_equal(out.head_size, head);
	expect_span("sender", out.sender, in.sender);
	expect_span("name", out.name, in.name);
	expect_span("envid", out.envid, in.envid);
	expect_number("notify", out.notify, 6);
	expect_number("ret", out.ret, 2);
	assert_int_equal(out.recipients_n, 3);
	for (size_t i = 0; i < ARRAY_LEN(to); i++) {
		assert_true(submission_next(&out.recipients, &address));
		expect_text("recipient", address, to[i]);
	}
	assert_false(submission_next(&out.recipients, &address));
	str_free(&text);
}

static void
test_heads(void **state)
{
	static const struct {
		const char *name;
		struct span text;
		enum verdict want;
	} rows[] = {
		{ "least", SPAN(MAGIC "sender \nrecipient a\n\n"), VERDICT_OK },
		{ "nothing", SPAN(""), VERDICT_ABSENT },
		{ "a begin", SPAN("postern sub"), VERDICT_ABSENT },
		{ "another", SPAN("hello\n"), VERDICT_PERM },
		{ "another version", SPAN("postern submission 2\n"), VERDICT_PERM },
		{ "no sender", SPAN(MAGIC "recipient a\n\n"), VERDICT_PERM },
		{ "no recipient", SPAN(MAGIC "sender a\n\n"), VERDICT_PERM },
		{ "empty recipient", SPAN(MAGIC "sender a\nrecipient \n\n"), VERDICT_PERM },
		{ "two senders", SPAN(MAGIC "sender a\nsender a\nrecipient a\n\n"), VERDICT_PERM },
		{ "a late line", SPAN(MAGIC "sender a\nrecipient a\nret 1\n\n"), VERDICT_PERM },
		{ "an unknown line", SPAN(MAGIC "sender a\nuid 0\nrecipient a\n\n"), VERDICT_PERM },
		{ "no blank", SPAN(MAGIC "sender\nrecipient a\n\n"), VERDICT_PERM },
		{ "a NUL", SPAN(MAGIC "sender a\0\nrecipient a\n\n"), VERDICT_PERM },
		{ "a CR", SPAN(MAGIC "sender a\r\nrecipient a\n\n"), VERDICT_PERM },
		{ "a DEL", SPAN(MAGIC "sender a\nrecipient a\177\n\n"), VERDICT_PERM },
		{ "notify", SPAN(MAGIC "sender a\nnotify 15\nrecipient a\n\n"), VERDICT_PERM },
		{ "notify never", SPAN(MAGIC "sender a\nnotify 1\nrecipient a\n\n"), VERDICT_OK },
		{ "notify 16", SPAN(MAGIC "sender a\nnotify 16\nrecipient a\n\n"), VERDICT_PERM },
		{ "ret 3", SPAN(MAGIC "sender a\nret 3\nrecipient a\n\n"), VERDICT_PERM },
		{ "ret -1", SPAN(MAGIC "sender a\nret -1\nrecipient a\n\n"), VERDICT_PERM },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct submission out;
		struct err err = ERR_NONE;

		expect_number(
		    rows[i].name, submission_parse(rows[i].text, &out, &err), rows[i].want);
	}
}

/* What is too long is refused without more of it being waited for. */
static void
test_limits(void **state)
{
	struct str text = STR_INIT(LIMIT_SUBMISSION_HEAD + 4096);
	struct submission out;
	struct err err = ERR_NONE;
	char *a = mem_alloc(LIMIT_ADDRESS + 100);

	(void)state;
	memset(a, 'a', LIMIT_ADDRESS + 100);
	assert_false(submission_put_recipient(&text, span_of(a, LIMIT_ADDRESS + 1)));
	assert_true(submission_put_recipient(&text, span_of(a, LIMIT_ADDRESS)));
	str_reset(&text);
	str_puts(&text, MAGIC "sender ");
	str_put(&text, span_of(a, LIMIT_ADDRESS + 100));
	assert_int_equal(submission_parse(str_span(&text), &out, &err), VERDICT_PERM);
	str_reset(&text);
	str_puts(&text, MAGIC "sender a\n");
	for (size_t i = 0; i <= LIMIT_RECIPIENTS; i++)
		str_puts(&text, "recipient a\n");
	assert_int_equal(submission_parse(str_span(&text), &out, &err), VERDICT_LIMIT);
	str_reset(&text);
	str_puts(&text, MAGIC "sender a\n");
	while (text.n < LIMIT_SUBMISSION_HEAD + 1)
		assert_true(submission_put_recipient(&text, span_of(a, LIMIT_ADDRESS)));
	assert_int_equal(submission_parse(str_span(&text), &out, &err), VERDICT_LIMIT);
	mem_free(a);
	str_free(&text);
}

static void
test_end(void **state)
{
	struct str text = STR_INIT(100);
	uint64_t size;
	uint32_t crc;

	(void)state;
	assert_true(submission_put_end(&text, UINT64_MAX, 0xdeadbeef));
	assert_int_equal(text.n, SUBMISSION_END);
	assert_true(submission_parse_end(str_span(&text), &size, &crc));
	assert_true(size == UINT64_MAX && crc == 0xdeadbeef);
	for (size_t i = 0; i < text.n; i++) {
		char c = text.p[i];

		text.p[i] = 'x';
		assert_false(submission_parse_end(str_span(&text), &size, &crc));
		text.p[i] = c;
	}
	assert_false(submission_parse_end(span_head(str_span(&text), text.n - 1), &size, &crc));
	str_free(&text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round),
		cmocka_unit_test(test_heads),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
