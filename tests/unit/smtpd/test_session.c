/*
 * smtpd's dialogue, from the greeting to QUIT: each command right, in a wrong state and malformed;
 * what is queued; log lines in the shapes that fail2ban and pflogsumm read. ABUSE 1 to 10 and 12 as
 * far as no restriction is concerned.
 */
#include "config.h"

#include "tests/unit/smtpd/world.h"
#include "tests/unit/unit.h"

#define HELLO "S: 220 mx.example.test ESMTP Postern\nC: EHLO c.test\nS* 250 \n"
#define OPEN  "mynetworks = 127.0.0.0/8\n"

struct row {
	const char *name;
	const char *dialogue;
	unsigned commits;
	const char *committed; /* is in what was queued; NULL: not looked at */
	const char *logged;    /* is in the log; NULL */
	const char *main_cf;
};

static const struct row rows[] = {
	{ "a message",
	    HELLO "C: MAIL FROM:<a@b.test> SIZE=100\nC: RCPT TO:<user@example.test>\nC: DATA\n"
		  "S: 250 2.1.0 Ok\nS: 250 2.1.5 Ok\nS: 354 End data with <CR><LF>.<CR><LF>\n"
		  "C: Subject: x\nC: \nC: ..dot\nC: .\nS: 250 2.0.0 Ok: queued as \nC: QUIT\nS: "
		  "221 2.0.0 Bye\nEOF\n",
	    1,
	    "to=<user@example.test>\nReceived: from c.test (unknown [127.0.0.2])\r\n\tby "
	    "mx.example.test (Postern) with ESMTP id ",
	    ": client=unknown[127.0.0.2]\n", NULL },
	{ "dots are taken off",
	    HELLO
	    "C: MAIL FROM:<>\nC: RCPT TO:<user@example.test>\nC: DATA\nS: 250\nS: 250\nS: 354\n"
	    "C: ..dot\nC: .\nS: 250 2.0.0\n",
	    1, "\r\n.dot\r\n", "connect from unknown[127.0.0.2]\n", NULL },
	{ "counts at the end",
	    HELLO
	    "C: NOOP\nS: 250 2.0.0 Ok\nC: RCPT TO:<x@y.test>\nS: 503 5.5.1\nC: QUIT\nS: 221\n",
	    0, NULL,
	    "disconnect from unknown[127.0.0.2] ehlo=1 rcpt=0/1 noop=1 quit=1 commands=3/4\n",
	    NULL },
	{ "hello",
	    "S: 220\nC: HELO c.test\nS: 250 mx.example.test\nC: EHLO\nS: 501 5.5.4 Syntax: EHLO "
	    "hostname\n",
	    0, NULL, NULL, NULL },
	{ "extensions",
	    "S: 220\nC: EHLO c.test\nS: 250-mx.example.test\nS: 250-PIPELINING\nS: 250-SIZE "
	    "10240000\n"
	    "S: 250-VRFY\nS: 250-ENHANCEDSTATUSCODES\nS: 250-8BITMIME\nS: 250-DSN\nS: "
	    "250-SMTPUTF8\nS: 250 CHUNKING\n",
	    0, NULL, NULL, NULL },
	{ "extensions withheld",
	    "S: 220\nC: EHLO c.test\nS: 250-mx.example.test\nS: 250 SIZE 10240000\n", 0, NULL, NULL,
	    "smtpd_discard_ehlo_keywords = pipelining, vrfy, enhancedstatuscodes, 8bitmime, dsn, "
	    "smtputf8, chunking\n" },
	{ "without a hello", "S: 220\nC: MAIL FROM:<a@b.test>\nS: 250 2.1.0\n", 0, NULL, NULL,
	    NULL },
	{ "a hello is demanded",
	    "S: 220\nC: MAIL FROM:<a@b.test>\nS: 503 5.5.1 Error: send HELO/EHLO first\n", 0, NULL,
	    NULL, "smtpd_helo_required = yes\n" },
	{ "nested MAIL",
	    HELLO "C: MAIL FROM:<a@b.test>\nC: MAIL FROM:<c@b.test>\nS: 250\nS: 503 5.5.1 Error: "
		  "nested MAIL command\n",
	    0, NULL, NULL, NULL },
	{ "DATA without recipients",
	    HELLO "C: MAIL FROM:<a@b.test>\nC: RCPT TO:<unknown@example.test>\nC: DATA\nS: 250\nS: "
		  "550 5.1.1\nS: 554 5.5.1 Error: no valid recipients\n",
	    0, NULL, NULL, NULL },
	{ "an unknown recipient",
	    HELLO "C: MAIL FROM:<a@b.test>\nC: RCPT TO:<unknown@example.test>\nS: 250\n"
		  "S: 550 5.1.1 <unknown@example.test>: Recipient address rejected: User unknown "
		  "in local recipient table\n",
	    0, NULL,
	    "NOQUEUE: reject: RCPT from unknown[127.0.0.2]: 550 5.1.1 <unknown@example.test>: "
	    "Recipient address rejected: User unknown in local recipient table; from=<a@b.test> "
	    "to=<unknown@example.test> proto=ESMTP helo=<c.test>\n",
	    NULL },
	{ "strangers are not relayed for",
	    HELLO "C: MAIL FROM:<a@b.test>\nC: RCPT TO:<x@far.test>\nS: 250\n"
		  "S: 454 4.7.1 <x@far.test>: Relay access denied\n",
	    0, NULL,
	    "NOQUEUE: reject: RCPT from unknown[127.0.0.2]: 454 4.7.1 <x@far.test>: Relay access "
	    "denied; from=<a@b.test> to=<x@far.test> proto=ESMTP helo=<c.test>\n",
	    NULL },
	{ "our networks are",
	    HELLO "C: MAIL FROM:<a@b.test>\nC: RCPT TO:<x@far.test>\nS: 250\nS: 250 2.1.5\n", 0,
	    NULL, NULL, OPEN },
	{ "postmaster", HELLO "C: MAIL FROM:<>\nC: RCPT TO:<postmaster>\nS: 250\nS: 250 2.1.5\n", 0,
	    NULL, NULL, "smtpd_recipient_restrictions = reject\n" },
	{ "an alias of two",
	    HELLO
	    "C: MAIL FROM:<a@b.test>\nC: RCPT TO:<team@example.test> NOTIFY=FAILURE\nC: RCPT "
	    "TO:<a@example.test>\nC: DATA\nS: 250\nS: 250\nS: 250\nS: 354\nC: x\nC: .\nS: 250\n",
	    1,
	    " to=<a@example.test>(team@example.test)[ 4] to=<b@example.test>(team@example.test)[ "
	    "4]\n",
	    NULL, NULL },
	{ "wrong paths",
	    HELLO "C: MAIL FROM:<a@b.test\nS: 501 5.1.7\nC: MAIL FROM\nS: 501 5.5.4 Syntax: MAIL "
		  "FROM:<address>\nC: MAIL FROM:<a@b@c.test>\nS: 501 5.1.7\n",
	    0, NULL,
	    "warning: Illegal address syntax from unknown[127.0.0.2] in MAIL command: <a@b.test\n",
	    NULL },
	{ "DSN",
	    HELLO "C: MAIL FROM:<a@b.test> RET=HDRS ENVID=QQ+2B1\nC: RCPT TO:<user@example.test> "
		  "NOTIFY=SUCCESS,DELAY ORCPT=rfc822;Bob+40here\nC: DATA\nS: 250\nS: 250\nS: "
		  "354\nC: x\nC: .\nS: 250\n",
	    1,
	    "envid=QQ+1 ret=2 flags=0 client=unknown[127.0.0.2] "
	    "to=<user@example.test>[rfc822;Bob@here 10]\n",
	    NULL, NULL },
	{ "parameters of no sense",
	    HELLO
	    "C: MAIL FROM:<a@b.test> SIZE=x\nC: MAIL FROM:<a@b.test> SIZE=99999999999999999999\nC: "
	    "MAIL FROM:<a@b.test> SIZE=1 SIZE=2\nC: MAIL FROM:<a@b.test> RET=ALL\n"
	    "C: MAIL FROM:<a@b.test> ENVID=+0D+0A\nC: MAIL FROM:<a@b.test> ENVID=+\nC: MAIL "
	    "FROM:<a@b.test> FOO=1\nC: MAIL FROM:<a@b.test> SIZE\nC: MAIL FROM:<a@b.test> "
	    "SIZE=10240001\nC: MAIL FROM:<a@b.test> BODY=9BIT\n"
	    "S: 501\nS: 501\nS: 501\nS: 501\nS: 501\nS: 501\nS: 555 5.5.4\nS: 501\nS: 552 "
	    "5.3.4\nS: 501\n"
	    "C: MAIL FROM:<a@b.test> BODY=8BITMIME\nC: RCPT TO:<user@example.test> "
	    "NOTIFY=NEVER,DELAY\nC: RCPT TO:<user@example.test> NOTIFY=SUCCESS,SUCCESS\nC: RCPT "
	    "TO:<user@example.test> ORCPT=rfc822;+0\n"
	    "C: RCPT TO:<user@example.test> NOTIFY=\nS: 250\nS: 501\nS: 501\nS: 501\nS: 501\n",
	    0, NULL, NULL, NULL },
	{ "SMTPUTF8",
	    HELLO "C: MAIL FROM:<\xc3\xbc@b.test>\nS: 553 5.6.7\nC: MAIL FROM:<\xc3\xbc@b.test> "
		  "SMTPUTF8\nC: RCPT TO:<user@example.test>\nC: DATA\nS: 250\nS: 250\nS: 354\nC: "
		  "x\nC: .\nS: 250\n",
	    1, "with UTF8SMTP id", NULL, NULL },
	{ "too many recipients",
	    HELLO "C: MAIL FROM:<a@b.test>\nC: RCPT TO:<a@example.test>\nC: RCPT "
		  "TO:<b@example.test>\nS: 250\nS: 250\nS: 452 4.5.3 Error: too many recipients\n",
	    0, NULL, NULL, "smtpd_recipient_limit = 1\n" },
	{ "RSET forgets",
	    HELLO "C: MAIL FROM:<a@b.test>\nC: RCPT TO:<a@example.test>\nC: RSET\nC: RCPT "
		  "TO:<a@example.test>\nC: DATA\nS: 250\nS: 250\nS: 250 2.0.0\nS: 503 5.5.1 Error: "
		  "need MAIL\nS: 503 5.5.1\n",
	    0, NULL, NULL, NULL },
	{ "EHLO forgets",
	    HELLO "C: MAIL FROM:<a@b.test>\nC: RCPT TO:<a@example.test>\nS: 250\nS: 250\nC: EHLO "
		  "d.test\nS* 250 \nC: RCPT TO:<a@example.test>\nS: 503\n",
	    0, NULL, NULL, NULL },
	{ "VRFY forgets nothing",
	    HELLO "C: MAIL FROM:<a@b.test>\nC: RCPT TO:<a@example.test>\nC: VRFY x\nS: 250\nS: "
		  "250\nS: 252 2.0.0\nC: DATA\nS: 354\nC: x\nC: .\nS: 250\n",
	    1, NULL, NULL, NULL },
	{ "small commands",
	    HELLO "C: VRFY\nS: 501\nC: EXPN x\nS: 502 5.5.1\nC: HELP\nS: 214 2.0.0 Commands: HELO "
		  "EHLO\nC: NOOP x y\nS: 250\nC: RSET x\nS: 501\nC: FOO\nS: 500 5.5.2 Error: "
		  "command not recognized\nC: ETRN x\nS: 500\n",
	    0, NULL, NULL, NULL },
	{ "VRFY is disabled", HELLO "C: VRFY x\nS: 502 5.5.1 VRFY command is disabled\n", 0, NULL,
	    NULL, "disable_vrfy_command = yes\n" },
	{ "a browser",
	    "S: 220\nC: GET / HTTP/1.1\nS: 221 2.7.0 Error: I can break rules, too. "
	    "Goodbye.\nEOF\n",
	    0, NULL, "warning: non-SMTP command from unknown[127.0.0.2]: GET / HTTP/1.1\n", NULL },
	{ "no letter", "S: 220\nC: {\"a\":1}\nS: 221 2.7.0\nEOF\n", 0, NULL, NULL, NULL },
	{ "control characters",
	    HELLO "R: NO\\0OP\\r\\n\nS: 500 5.5.2\nR: NO\\rOP\\r\\n\nS: 500 5.5.2 Error: bare <CR> "
		  "in command\n",
	    0, NULL, NULL, NULL },
	{ "bare LF is a line end", HELLO "R: NOOP\\n\nS: 250\n", 0, NULL, NULL,
	    "smtpd_forbid_bare_newline = normalize\n" },
	{ "or is refused",
	    HELLO "R: NOOP\\n\nS: 521 5.5.2 mx.example.test Error: bare <LF> received\nEOF\n", 0,
	    NULL, NULL, NULL },
	{ "ahead of the greeting's reply",
	    "R: EHLO c.test\\r\\nMAIL FROM:<a@b.test>\\r\\n\nS: 220\nS: 554 5.5.0 Error: SMTP "
	    "protocol synchronization\nEOF\n",
	    0, NULL,
	    "improper command pipelining after EHLO from unknown[127.0.0.2]: MAIL "
	    "FROM:<a@b.test>\\015\\012\n",
	    NULL },
	{ "ahead of 354",
	    HELLO "C: MAIL FROM:<a@b.test>\nC: RCPT TO:<a@example.test>\nC: DATA\nC: x\nC: .\nS: "
		  "250\nS: 250\nS: 554 5.5.0\nEOF\n",
	    0, NULL, "improper command pipelining after DATA from", NULL },
	{ "who may go ahead",
	    HELLO "C: MAIL FROM:<a@b.test>\nC: RCPT TO:<a@example.test>\nC: DATA\nC: x\nC: .\nS: "
		  "250\nS: 250\nS: 354\nS: 250\n",
	    1, NULL, NULL, "smtpd_forbid_unauth_pipelining = no\n" },
	{ "ends of data that are none",
	    HELLO "C: MAIL FROM:<a@b.test>\nC: RCPT TO:<a@example.test>\nC: DATA\nS: 250\nS: "
		  "250\nS: 354\n"
		  "R: x\\n.\\ny\\r\\n.\\nz\\n.\\r\\n\\r.\\r\\r\\n.\\r\\r\\n\\0.\\r\\nMAIL "
		  "FROM:<evil@b.test>\\r\\n.\\r\\n\nS: 250\nC: NOOP\nS: 250\n",
	    1, "MAIL FROM:<evil@b.test>", NULL, "smtpd_forbid_bare_newline = normalize\n" },
	{ "bare LF in content is refused",
	    HELLO "C: MAIL FROM:<a@b.test>\nC: RCPT TO:<a@example.test>\nC: DATA\nS: 250\nS: "
		  "250\nS: 354\nR: x\\ny\\r\\n.\\r\\n\nS: 550 5.5.2 mx.example.test Error: bare "
		  "<LF> received\nC: NOOP\nS: 250\n",
	    0, NULL, "notes=bare_lf\n", NULL },
	{ "too big",
	    HELLO "C: MAIL FROM:<a@b.test>\nC: RCPT TO:<a@example.test>\nC: DATA\nS: 250\nS: "
		  "250\nS: 354\nC: 0123456789012345678901234567890123456789\nC: .\nS: 552 5.3.4 "
		  "Error: message file too big\n"
		  "C: MAIL FROM:<a@b.test>\nC: RCPT TO:<unknown@example.test>\nS: 250\nS: 550\n",
	    0, NULL,
	    "reject: END-OF-MESSAGE from unknown[127.0.0.2]: 552 5.3.4 Error: message file too "
	    "big; from=<a@b.test> proto=ESMTP helo=<c.test>\n",
	    "message_size_limit = 20\n" },
	{ "our fields do not count",
	    HELLO "C: MAIL FROM:<a@b.test>\nC: RCPT TO:<a@example.test>\nC: DATA\nS: 250\nS: "
		  "250\nS: 354\nC: 123456789012345678\nC: .\nS: 250\n",
	    1, NULL, NULL, "message_size_limit = 20\n" },
	{ "a circle",
	    HELLO
	    "C: MAIL FROM:<a@b.test>\nC: RCPT TO:<a@example.test>\nC: DATA\nS: 250\nS: 250\nS: "
	    "354\nC: Received: 1\nC: X: y\nC: received: 2\nC: \nC: Received: 3\nC: .\nS: 250\n"
	    "C: MAIL FROM:<a@b.test>\nC: RCPT TO:<a@example.test>\nC: DATA\nS: 250\nS: 250\nS: "
	    "354\nC: Received: 1\nC: received: 2\nC: RECEIVED: 3\nC: .\nS: 554 5.4.6 Error: too "
	    "many hops\n",
	    1, NULL, NULL, "hopcount_limit = 2\n" },
	{ "errors end it",
	    HELLO "C: FOO\nC: FOO\nS: 500\nS: 500\nS: 421 4.7.0 mx.example.test Error: too many "
		  "errors\nEOF\n",
	    0, NULL, "too many errors after UNKNOWN from unknown[127.0.0.2]\n",
	    "smtpd_hard_error_limit = 2\n" },
	{ "junk becomes errors",
	    HELLO "C: NOOP\nS: 250\nC: NOOP\nS: 250\nC: NOOP\nS: 250\nS: 421 4.7.0\nEOF\n", 0, NULL,
	    NULL, "smtpd_junk_command_limit = 1\nsmtpd_hard_error_limit = 2\n" },
	{ "a client that leaves", HELLO "C: MAIL FROM:<a@b.test>\nS: 250\n", 0, NULL,
	    "lost connection after MAIL from unknown[127.0.0.2]\n", NULL },
	{ "a client that waits too long",
	    "S: 220\nS: 421 4.4.2 mx.example.test Error: timeout exceeded\nEOF\n", 0, NULL,
	    "timeout after CONNECT from unknown[127.0.0.2]\n", "smtpd_timeout = 1s\n" },
	{ "soft_bounce",
	    HELLO "C: FOO\nS: 400 4.5.2\nC: MAIL FROM:<a@b.test>\nC: RCPT TO:<x@far.test>\nS: "
		  "250\nS: 454 4.7.1\n",
	    0, NULL, NULL,
	    "soft_bounce = yes\nsmtpd_relay_restrictions = reject_unauth_destination\n" },
	{ "chunks",
	    HELLO
	    "C: MAIL FROM:<a@b.test>\nC: RCPT TO:<a@example.test>\nR: BDAT 5\\r\\nab\\r\\n.BDAT 5 "
	    "LAST\\r\\n\\r\\nx\\r\\nQUIT\\r\\n\n"
	    "S: 250\nS: 250\nS: 250 2.0.0 Ok: 5 bytes\nS: 250 2.0.0 Ok: queued as\nS: 221\nEOF\n",
	    1, "\r\nab\r\n.\r\nx\r\n", NULL, NULL },
	{ "an empty last chunk",
	    HELLO "C: MAIL FROM:<a@b.test>\nC: RCPT TO:<a@example.test>\nR: BDAT 1\\r\\nxBDAT 0 "
		  "LAST\\r\\n\nS: 250\nS: 250\nS: 250\nS: 250 2.0.0 Ok: queued\n",
	    1, NULL, NULL, NULL },
	{ "chunks out of order",
	    HELLO "R: BDAT 4\\r\\nDATABDAT 0 LAST\\r\\n\nS: 503 5.5.1\nS: 503\nC: MAIL "
		  "FROM:<a@b.test>\nR: BDAT 6 LAST\\r\\nQUIT\\r\\n\nS: 250\nS: 554 5.5.1\nC: "
		  "NOOP\nS: 250\n",
	    0, NULL, NULL, NULL },
	{ "DATA after BDAT",
	    HELLO "C: MAIL FROM:<a@b.test>\nC: RCPT TO:<a@example.test>\nR: BDAT 1\\r\\nx\nS: "
		  "250\nS: 250\nS: 250\nC: DATA\nS: 503 5.5.1\nC: RCPT TO:<a@example.test>\nS: "
		  "503\nC: MAIL FROM:<a@b.test>\nS: 503\nR: BDAT 1 LAST\\r\\ny\nS: 250\n",
	    1, NULL, NULL, NULL },
	{ "chunk sizes of no sense", HELLO "C: BDAT 9223372036854775808\nS: 501 5.5.4\nEOF\n", 0,
	    NULL, NULL, NULL },
	{ "BDAT error, then DATA",
	    HELLO "C: MAIL FROM:<a@b.test>\nC: RCPT TO:<a@example.test>\nR: BDAT "
		  "21\\r\\n012345678901234567890\nS: 250\nS: 250\nS: 552\nC: DATA\nS: 503 5.5.1 "
		  "Error: need MAIL\nR: BDAT 1 LAST\\r\\nx\nS: 503\n",
	    0, NULL, NULL, "message_size_limit = 20\n" },
	{ "a chunk that ends early",
	    HELLO "C: MAIL FROM:<a@b.test>\nC: RCPT TO:<a@example.test>\nR: BDAT 100\\r\\nx\nS: "
		  "250\nS: 250\n",
	    0, NULL, "lost connection after BDAT from", NULL },
	{ "addresses that mean something elsewhere",
	    HELLO
	    "C: MAIL FROM:<a@b.test>\nS: 250\nC: RCPT TO:<\"|sh -c x\"@example.test>\nS: 250\nC: "
	    "RCPT TO:<;id;@example.test>\nS: 501\nR: RCPT TO:<\"a\\0b\"@example.test>\\r\\n\nS: "
	    "500\nC: RCPT TO:<../../etc/x@example.test>\nS: 250\n"
	    "C: RCPT TO:<\"\">\nS: 501\nC: RCPT TO:<@a.test,@b.test:user@example.test>\nS: 250\nC: "
	    "RCPT TO:<user@[127.0.0.1.2]>\nS: 501\nC: RCPT TO:g:a@example.test;\nS: 501\n",
	    0, NULL, NULL, NULL },
};

static void
test_dialogues(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct row *r = &rows[i];
		struct world_plan plan = { .main_cf = r->main_cf };
		struct world w;

		if (!world_begin(&w, &plan))
			fail_msg("%s: %s", r->name, w.err.text);
		world_talk(&w, r->name, r->dialogue);
		expect_number(r->name, w.commits, r->commits);
		if (r->committed &&
		    span_find_span(str_span(&w.committed), span_str(r->committed)) == w.committed.n)
			fail_msg("%s: not queued: \"%s\", but:\n%s", r->name, r->committed,
			    str_cstr(&w.committed));
		if (r->logged)
			expect_logged(&w, r->name, r->logged);
		world_end(&w);
	}
}

/* A line without end, and one that is only too long. */
static void
test_long_lines(void **state)
{
	struct world_plan plan = { .main_cf = "smtpd_timeout = 5s\n" };
	struct str dialogue = STR_INIT(8u << 20);
	struct world w;

	(void)state;
	assert_true(world_begin(&w, &plan));
	str_puts(&dialogue, HELLO "C: NOOP ");
	for (int i = 0; i < 3000; i++)
		str_putc(&dialogue, 'x');
	str_puts(&dialogue, "\nS: 500 5.5.2 Error: line too long\nC: NOOP ");
	for (int i = 0; i < (4 << 20); i++)
		str_putc(&dialogue, 'x');
	str_puts(&dialogue, "\nS: 500 5.5.2 Error: line too long\nC: NOOP\nS: 250\n");
	world_talk(&w, "long lines", str_cstr(&dialogue));
	str_free(&dialogue);
	world_end(&w);
}

/* What the queue refuses the client hears, and the next message begins anew (ABUSE 6). */
static void
test_queue_fails(void **state)
{
	static const char *const message = HELLO
	    "C: MAIL FROM:<a@b.test>\nC: RCPT TO:<a@example.test>\nC: DATA\nS: 250\nS: 250\nS: "
	    "354\nC: x\nC: .\n"
	    "S: 452 4.3.1\nC: RCPT TO:<a@example.test>\nS: 503\nC: MAIL FROM:<a@b.test>\nS: 250\n";
	struct world_plan commit = { .commit_fails = true }, open = { .open_fails = true };
	struct world w;

	(void)state;
	assert_true(world_begin(&w, &commit));
	world_talk(&w, "commit", message);
	expect_number("commit", w.aborts, 0);
	world_end(&w);
	assert_true(world_begin(&w, &open));
	world_talk(&w, "open",
	    HELLO "C: MAIL FROM:<a@b.test>\nC: RCPT TO:<a@example.test>\nC: DATA\nS: 250\nS: "
		  "250\nS: 452 4.3.1 Insufficient system storage\n");
	world_end(&w);
}

/* A file that was opened is given back however the transaction ends. */
static void
test_files_are_given_back(void **state)
{
	struct world_plan plan = { 0 };
	struct world w;

	(void)state;
	assert_true(world_begin(&w, &plan));
	world_talk(&w, "client gone",
	    HELLO "C: MAIL FROM:<a@b.test>\nC: RCPT TO:<a@example.test>\nC: DATA\nS: 250\nS: "
		  "250\nS: 354\nC: x\n");
	expect_number("aborts", w.aborts, 1);
	/* Gone after the dot, before 250: it has not seen it, and will come again. */
	world_talk(&w, "client gone before 250",
	    HELLO "C: MAIL FROM:<a@b.test>\nC: RCPT TO:<a@example.test>\nC: DATA\nS: 250\nS: "
		  "250\nS: 354\nC: x\nC: .\n");
	expect_number("commits", w.commits, 0);
	expect_number("aborts", w.aborts, 2);
	expect_logged(&w, "client gone", "lost connection after DATA from unknown[127.0.0.2]\n");
	world_end(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_dialogues),
		cmocka_unit_test(test_long_lines),
		cmocka_unit_test(test_queue_fails),
		cmocka_unit_test(test_files_are_given_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
