/*
 * What a server gets to see of a message, byte for byte: dots, line ends that are none (ABUSE 4),
 * long lines, blocks that end anywhere; and MAIL and RCPT with the parameters of each extension.
 */
#include "config.h"

#include "smtp/envelope.h"
#include "tests/unit/smtp/stage.h"

#define SCRIPT                                                                   \
	"> 220 h\n< EHLO\n> 250 h\n< MAIL\n> 250 Ok\n< RCPT\n> 250 Ok\n< DATA\n" \
	"> 354 go\ndata\n> 250 2.0.0 Ok\n< QUIT\neof\n"

static const struct {
	const char *name;
	const char *content;
	const char *wire;
	size_t limit;
} contents[] = {
	{ "plain", "a: b\r\n\r\nc\r\n", "a: b\r\n\r\nc\r\n.\r\n", 0 },
	{ "dots", ".a\r\n..b\r\n.\r\nc.\r\n", "..a\r\n...b\r\n..\r\nc.\r\n.\r\n", 0 },
	{ "empty", "", ".\r\n", 0 },
	{ "the last line has no end", "abc", "abc\r\n.\r\n", 0 },
	{ "a dot alone at the end", "abc\r\n.", "abc\r\n..\r\n.\r\n", 0 },
	{ "bare LF", "a\nb\n.\nc\r\n", "a\r\nb\r\n..\r\nc\r\n.\r\n", 0 },
	{ "LF dot CR LF", "a\n.\r\nMAIL FROM:<x>\r\n", "a\r\n..\r\nMAIL FROM:<x>\r\n.\r\n", 0 },
	{ "bare CR", "a\rb\r.\rc\r\n", "a b . c\r\n.\r\n", 0 },
	{ "CR LF dot CR", "a\r\n.\rb\r\n", "a\r\n.. b\r\n.\r\n", 0 },
	{ "CR CR LF", "a\r\r\n.\r\n", "a \r\n..\r\n.\r\n", 0 },
	{ "CR at the end", "a\r", "a \r\n.\r\n", 0 },
	{ "a line as long as may be", "12345678\r\nx\r\n", "12345678\r\nx\r\n.\r\n", 8 },
	{ "a line too long", "123456789\r\nx\r\n", "12345678\r\n 9\r\nx\r\n.\r\n", 8 },
	{ "a line very long", "123456789012345678\r\n", "12345678\r\n 9012345\r\n 678\r\n.\r\n",
	    8 },
	{ "a long line of dots", "..........\r\n", ".........\r\n ..\r\n.\r\n", 8 },
	{ "a long line with bare LF", "123456789\n1\n", "12345678\r\n 9\r\n1\r\n.\r\n", 8 },
	{ "characters stay whole", "1234567\xc3\xa9\r\n", "1234567\r\n \xc3\xa9\r\n.\r\n", 8 },
	{ "bytes that are no characters", "\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\r\n",
	    "\x80\x80\x80\x80\x80\x80\x80\x80\r\n \x80\x80\r\n.\r\n", 8 },
};

SUSPENDS
static void
deliver(struct stage *s)
{
	stage_deliver(s);
}

static void
content_is_sent_as_meant(void **state UNUSED)
{
	static struct stage s;

	for (size_t i = 0; i < ARRAY_LEN(contents); i++) {
		loop_init();
		stage_set(&s);
		stage_content(&s, span_str(contents[i].content));
		s.conf.smtp_line_length_limit = contents[i].limit;
		s.msg.longest_line = 100;
		s.peers[0].scripts[0] = SCRIPT;
		stage_run(&s, deliver);
		expect_text(contents[i].name, str_span(&s.results), "0 sent 2.0.0 250 2.0.0 Ok\n");
		expect_text(contents[i].name, str_span(&s.peers[0].message), contents[i].wire);
		stage_free(&s);
	}
}

/* Larger than a block; the blocks' ends fall upon every part of a line's end. */
static void
blocks_may_end_anywhere(void **state UNUSED)
{
	static struct stage s;

	for (unsigned shift = 0; shift < 5; shift++) {
		struct str content = STR_INIT(1 << 20), wire = STR_INIT(1 << 20);
		str_printf(&content, "%.*s", (int)shift, "xxxxx");
		str_printf(&wire, "%.*s", (int)shift, "xxxxx");
		for (unsigned i = 0; i < 50000; i++) {
			str_puts(&content, ".\r\n");
			str_puts(&wire, i == 0 && shift ? ".\r\n" : "..\r\n");
		}
		str_puts(&wire, ".\r\n");
		loop_init();
		stage_set(&s);
		stage_content(&s, str_span(&content));
		s.msg.longest_line = shift & 1 ? 10000 : 10;
		s.peers[0].scripts[0] = SCRIPT;
		stage_run(&s, deliver);
		assert_true(span_eq(str_span(&s.peers[0].message), str_span(&wire)));
		stage_free(&s);
		str_free(&content);
		str_free(&wire);
	}
}

static const struct {
	const char *name;
	unsigned features;
	struct msg_deliver msg;
	struct item_target target;
	const char *mail, *rcpt;
} envelopes[] = {
	{ "nothing offered", 0,
	    { .sender = SPAN("a@b"), .flags = MESSAGE_8BIT, .ret = 1, .envid = SPAN("x") },
	    { .address = SPAN("c@d"), .notify = DSN_NEVER, .orcpt = SPAN("rfc822;c@d") },
	    "MAIL FROM:<a@b>", "RCPT TO:<c@d>" },
	{ "null sender, SIZE", EHLO_SIZE, { .sender = SPAN("") }, { .address = SPAN("c@d") },
	    "MAIL FROM:<> SIZE=7", "RCPT TO:<c@d>" },
	{ "8BITMIME for 8 bits", EHLO_8BITMIME, { .sender = SPAN("a@b"), .flags = MESSAGE_8BIT },
	    { .address = SPAN("c@d") }, "MAIL FROM:<a@b> BODY=8BITMIME", "RCPT TO:<c@d>" },
	{ "8BITMIME for 7 bits", EHLO_8BITMIME, { .sender = SPAN("a@b") },
	    { .address = SPAN("c@d") }, "MAIL FROM:<a@b>", "RCPT TO:<c@d>" },
	{ "SMTPUTF8", EHLO_SMTPUTF8 | EHLO_8BITMIME,
	    { .sender = SPAN("\xc3\xa9@b"), .flags = MESSAGE_SMTPUTF8 }, { .address = SPAN("c@d") },
	    "MAIL FROM:<\xc3\xa9@b> SMTPUTF8", "RCPT TO:<c@d>" },
	{ "DSN", EHLO_DSN, { .sender = SPAN("a@b"), .ret = 2, .envid = SPAN("x+y=z") },
	    { .address = SPAN("c@d"),
		.notify = DSN_SUCCESS | DSN_FAILURE | DSN_DELAY,
		.orcpt = SPAN("rfc822;o+x@d") },
	    "MAIL FROM:<a@b> RET=HDRS ENVID=x+2By+3Dz",
	    "RCPT TO:<c@d> NOTIFY=SUCCESS,FAILURE,DELAY ORCPT=rfc822;o+2Bx@d" },
	{ "DSN, never", EHLO_DSN, { .sender = SPAN("a@b"), .ret = 1 },
	    { .address = SPAN("c@d"), .notify = DSN_NEVER }, "MAIL FROM:<a@b> RET=FULL",
	    "RCPT TO:<c@d> NOTIFY=NEVER" },
	{ "DSN, nothing asked", EHLO_DSN, { .sender = SPAN("a@b") },
	    { .address = SPAN("\"c d\"@d") }, "MAIL FROM:<a@b>", "RCPT TO:<\"c d\"@d>" },
	{ "controls in the sender", 0, { .sender = SPAN("a\r\n@b") }, { .address = SPAN("c\n@d") },
	    NULL, NULL },
};

static void
envelopes_are_written(void **state UNUSED)
{
	for (size_t i = 0; i < ARRAY_LEN(envelopes); i++) {
		struct msg_deliver msg = envelopes[i].msg;
		struct item_target target = envelopes[i].target;
		struct delivery d = { .msg = &msg, .size = 7 };
		struct ehlo ehlo = { .features = envelopes[i].features };
		struct str mail = STR_INIT(1000), rcpt = STR_INIT(1000);

		msg.targets.v = &target;
		msg.targets.n = 1;
		expect_number(envelopes[i].name, envelope_put_mail(&mail, &d, &ehlo),
		    envelopes[i].mail != NULL);
		expect_number(envelopes[i].name, envelope_put_rcpt(&rcpt, &d, 0, &ehlo),
		    envelopes[i].rcpt != NULL);
		if (envelopes[i].mail) {
			expect_text(envelopes[i].name, str_span(&mail), envelopes[i].mail);
			expect_text(envelopes[i].name, str_span(&rcpt), envelopes[i].rcpt);
		}
		str_free(&mail);
		str_free(&rcpt);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(content_is_sent_as_meant),
		cmocka_unit_test(blocks_may_end_anywhere),
		cmocka_unit_test(envelopes_are_written),
	};

	return cmocka_run_group_tests_name("content", tests, NULL, NULL);
}
