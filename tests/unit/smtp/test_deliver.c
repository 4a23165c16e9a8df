/*
 * Deliveries against scripted servers: each class of reply at each step, hosts that fail in each
 * way, what is tried next and what is told of it (RFC 5321 4.2, 5.1; ABUSE 36, 37). A row is the
 * servers' scripts, the recipients, and what becomes of them.
 */
#include "config.h"

#include <fnmatch.h>

#include "tests/unit/smtp/stage.h"

#define HI	"> 220 h ESMTP\n< EHLO me.example\n> 250 h\n"
#define HI_PIPE "> 220 h ESMTP\n< EHLO me.example\n> 250-h\n> 250-PIPELINING\n> 250 SIZE 10000\n"
#define MAIL	"< MAIL FROM:<from@me.example>\n> 250 2.1.0 Ok\n"
#define RCPT	"< RCPT TO:<to@dest.example>\n> 250 2.1.5 Ok\n"
#define DATA	"< DATA\n> 354 go\ndata\n"
#define DONE	"> 250 2.0.0 Ok: queued as X\n"
#define BYE	"< QUIT\neof\n"
#define GOOD	HI MAIL RCPT DATA DONE BYE
#define RSET	"< RSET\n> 250 Ok\n"

struct row {
	const char *name;
	const char *hosts;
	const char *scripts[PEERS][2];
	unsigned recipients; /* 0: one */
	const char *want;    /* globs, a line for each result */
	bool no_host;
	void (*set)(struct stage *s);
};

static void
keep_5xx(struct stage *s)
{
	s->conf.smtp_skip_5xx_greeting = false;
}

static void
be_hasty(struct stage *s)
{
	s->conf.smtp_helo_timeout = s->conf.smtp_mail_timeout = s->conf.smtp_rcpt_timeout =
	    s->conf.smtp_data_init_timeout = s->conf.smtp_data_done_timeout = NS_PER_S / 20;
}

static void
be_large(struct stage *s)
{
	s->msg.flags = MESSAGE_8BIT;
	s->extents[1].size = 20000;
}

static void
need_utf8(struct stage *s)
{
	s->msg.flags = MESSAGE_8BIT | MESSAGE_SMTPUTF8;
}

static void
utf8_unused(struct stage *s)
{
	s->msg.flags = MESSAGE_SMTPUTF8;
}

static void
null_mx(struct stage *s)
{
	s->mx = VERDICT_PERM;
}

static void
no_domain(struct stage *s)
{
	s->mx = VERDICT_ABSENT;
}

static void
no_dns(struct stage *s)
{
	s->mx = VERDICT_TEMP;
}

static void
bad_address(struct stage *s)
{
	s->targets[0].address = span_lit("to\r\nDATA@dest.example");
}

static void
short_file(struct stage *s)
{
	s->extents[1].size += 10;
}

static void
one_host(struct stage *s)
{
	s->conf.smtp_mx_session_limit = 1;
}

static void
be_lmtp(struct stage *s)
{
	s->client.lmtp = true;
}

static const struct row rows[] = {
	{ "all is well", "1", { { GOOD } }, 1, "0 sent 2.0.0 250 2.0.0 Ok: queued as X\n", false,
	    NULL },
	{ "the reply to the end has lines", "1",
	    { { HI MAIL RCPT DATA "> 250-2.0.0 Ok\n> 250 2.0.0 queued\n" BYE } }, 1,
	    "0 sent 2.0.0 250-2.0.0 Ok 250 2.0.0 queued\n", false, NULL },
	{ "no enhanced code", "1", { { HI MAIL RCPT DATA "> 250 thanks\n" BYE } }, 1,
	    "0 sent 2.0.0 250 thanks\n", false, NULL },
	{ "what a reply says is told printable", "1",
	    { { HI MAIL RCPT DATA "> 250 a\033[2Jb\177\n" BYE } }, 1,
	    "0 sent 2.0.0 250 a\\\\033[[]2Jb\\\\177\n", false, NULL },
	{ "a reply to content that nobody has sent is not believed", "1",
	    { { HI MAIL RCPT "< DATA\nraw 354 go\\n250 2.0.0 Ok\\n\neof\n" } }, 1,
	    "0 deferred 4.5.0 protocol error: host h1.example\\[127.0.0.1\\] said more than it "
	    "was asked while sending DATA command\n",
	    false, NULL },
	{ "bare LF ends a line of a reply", "1",
	    { { "raw 220 h\\n\n< EHLO\n> 250 h\n" MAIL RCPT DATA DONE BYE } }, 1,
	    "0 sent 2.0.0 *\n", false, NULL },
	{ "greeting of many lines", "1", { { "> 220-h\n> 220-be kind\n" GOOD } }, 1,
	    "0 sent 2.0.0 *\n", false, NULL },
	{ "HELO for who knows no EHLO", "1",
	    { { "> 220 h\n< EHLO\n> 502 5.5.2 what\n< HELO me.example\n> 250 h\n" MAIL RCPT DATA
		    DONE BYE } },
	    1, "0 sent 2.0.0 *\n", false, NULL },
	{ "neither EHLO nor HELO", "1",
	    { { "> 220 h\n< EHLO\n> 502 what\n< HELO\n> 550 5.7.1 go away\n" BYE } }, 1,
	    "0 bounced 5.7.1 host h1.example\\[127.0.0.1\\] refused to talk to me: 550 5.7.1 go "
	    "away\n",
	    true, NULL },
	{ "greeting 4xx, another host takes it", "12", { { "> 450 4.3.2 busy\n" BYE }, { GOOD } },
	    1, "0 sent 2.0.0 *\n", false, NULL },
	{ "greeting 421 everywhere", "1",
	    { { "> 421 4.3.2 busy\n"
		"eof\n" } },
	    1,
	    "0 deferred 4.3.2 host h1.example\\[127.0.0.1\\] refused to talk to me: 421 4.3.2 "
	    "busy\n",
	    true, NULL },
	{ "greeting 5xx is not believed", "1", { { "> 554 5.3.2 closed\n" BYE } }, 1,
	    "0 deferred 4.3.2 host * refused to talk to me: 554 5.3.2 closed\n", true, NULL },
	{ "greeting 5xx is believed", "1", { { "> 554 5.3.2 closed\n" BYE } }, 1,
	    "0 bounced 5.3.2 host * refused to talk to me: 554 5.3.2 closed\n", true, keep_5xx },
	{ "a host that is down is outweighed by none that says no", "31",
	    { { "> 554 5.3.2 closed\n" BYE } }, 1,
	    "0 deferred 4.4.1 connect to h3.example\\[127.0.0.3\\]:*: Connection refused\n", true,
	    keep_5xx },
	{ "nobody listens", "3", { { NULL } }, 1,
	    "0 deferred 4.4.1 connect to h3.example\\[127.0.0.3\\]:*: Connection refused\n", true,
	    NULL },
	{ "the first host is down", "31", { { GOOD } }, 1, "0 sent 2.0.0 *\n", false, NULL },
	{ "the host hangs up", "1", { { "close\n" } }, 1,
	    "0 deferred 4.4.2 lost connection with h1.example\\[127.0.0.1\\] while receiving the "
	    "initial server greeting\n",
	    true, NULL },
	{ "the host hangs up in EHLO", "1", { { "> 220 h\n< EHLO\nclose\n" } }, 1,
	    "0 deferred 4.4.2 lost connection with h1.example\\[127.0.0.1\\] while performing the "
	    "EHLO handshake\n",
	    true, NULL },
	{ "no host has an address now", "45", { { NULL } }, 1,
	    "0 deferred 4.4.3 Host or domain name not found. *name=h4.example type=A: Host not "
	    "found, try again\n",
	    true, NULL },
	{ "no host has an address ever", "5", { { NULL } }, 1,
	    "0 bounced 5.4.4 Host or domain name not found. *name=h5.example type=A: Host not "
	    "found\n",
	    false, NULL },
	{ "null MX", "1", { { NULL } }, 2,
	    "0 bounced 5.1.10 Domain dest.example does not accept mail (nullMX)\n1 bounced 5.1.10 "
	    "*\n",
	    false, null_mx },
	{ "no such domain", "1", { { NULL } }, 1, "0 bounced 5.4.3 *\n", false, no_domain },
	{ "no answer from the DNS", "1", { { NULL } }, 1, "0 deferred 4.4.3 *\n", true, no_dns },

	{ "MAIL 5xx", "12", { { HI "< MAIL\n> 550 5.1.8 no\n" BYE } }, 2,
	    "0 bounced 5.1.8 host h1.example\\[127.0.0.1\\] said: 550 5.1.8 no (in reply to MAIL "
	    "FROM "
	    "command)\n1 bounced 5.1.8 *\n",
	    false, NULL },
	{ "MAIL 4xx, the next host takes it", "12",
	    { { HI "< MAIL\n> 450 4.7.1 later\n" BYE }, { GOOD } }, 1, "0 sent 2.0.0 *\n", false,
	    NULL },
	{ "MAIL 4xx, nobody takes it", "12",
	    { { HI "< MAIL\n> 450 4.7.1 later\n" BYE }, { HI "< MAIL\n> 450 4.7.2 later\n" BYE } },
	    1,
	    "0 deferred 4.7.2 host h2.example\\[127.0.0.2\\] said: 450 4.7.2 later (in reply to "
	    "MAIL "
	    "FROM command)\n",
	    false, NULL },
	{ "MAIL 421", "1", { { HI "< MAIL\n> 421 4.3.0 bye\neof\n" } }, 1,
	    "0 deferred 4.3.0 host h1.example\\[127.0.0.1\\] said: 421 4.3.0 bye\n", false, NULL },
	{ "MAIL 3xx", "1", { { HI "< MAIL\n> 354 what?\n" BYE } }, 1,
	    "0 deferred 4.3.0 host * said: 354 what? (in reply to MAIL FROM command)\n", false,
	    NULL },

	{ "RCPT: one of each", "1",
	    { { HI MAIL RCPT
		"< RCPT\n> 550 5.1.1 unknown\n< RCPT\n> 450 4.2.0 grey\n" DATA DONE BYE } },
	    3,
	    "1 bounced 5.1.1 host * said: 550 5.1.1 unknown (in reply to RCPT TO command)\n"
	    "2 deferred 4.2.0 host * said: 450 4.2.0 grey (in reply to RCPT TO command)\n"
	    "0 sent 2.0.0 *\n",
	    false, NULL },
	{ "RCPT: all refused, no DATA", "1",
	    { { HI MAIL "< RCPT\n> 550 no\n< RCPT\n> 550 no\n" BYE } }, 2,
	    "0 bounced 5.0.0 *\n1 bounced 5.0.0 *\n", false, NULL },
	{ "RCPT: the code in the text is of another class", "1",
	    { { HI MAIL "< RCPT\n> 550 4.2.0 no\n" BYE } }, 1, "0 bounced 5.0.0 *\n", false, NULL },
	{ "RCPT: refused here, taken there", "12",
	    { { HI MAIL RCPT "< RCPT\n> 450 grey\n" DATA DONE BYE }, { GOOD } }, 2,
	    "0 sent 2.0.0 *\n1 sent 2.0.0 *\n", false, NULL },
	{ "RCPT: too many, the rest goes next", "1",
	    { { HI MAIL RCPT "< RCPT\n> 452 4.5.3 too many\n< RCPT\n> 552 too many\n" DATA DONE MAIL
		    RCPT RCPT DATA DONE BYE } },
	    3, "0 sent 2.0.0 *\n1 sent 2.0.0 *\n2 sent 2.0.0 *\n", false, NULL },
	{ "RCPT: too many from the first on", "1",
	    { { HI MAIL "< RCPT\n> 552 5.5.3 too many\n" BYE } }, 1, "0 deferred 4.5.3 *\n", false,
	    NULL },
	{ "RCPT: the connection breaks, all wait", "1", { { HI MAIL RCPT "reset\n" } }, 2,
	    "0 deferred 4.4.2 lost connection with h1.example\\[127.0.0.1\\] while sending RCPT "
	    "TO\n"
	    "1 deferred 4.4.2 *\n",
	    false, NULL },
	{ "RCPT: the connection breaks, the next host takes all", "12",
	    { { HI MAIL RCPT "reset\n" }, { HI MAIL RCPT RCPT DATA DONE BYE } }, 2,
	    "0 sent 2.0.0 *\n1 sent 2.0.0 *\n", false, NULL },
	{ "a control character in an address", "1",
	    { { HI MAIL "< NOOP\n> 250 Ok\n" RCPT DATA DONE BYE } }, 2,
	    "0 bounced 5.1.3 bad recipient address syntax\n1 sent 2.0.0 *\n", false, bad_address },

	{ "DATA 5xx", "1", { { HI MAIL RCPT "< DATA\n> 554 5.5.1 no\n" BYE } }, 1,
	    "0 bounced 5.5.1 host * said: 554 5.5.1 no (in reply to DATA command)\n", false, NULL },
	{ "DATA 4xx, another host", "12", { { HI MAIL RCPT "< DATA\n> 451 no\n" BYE }, { GOOD } },
	    1, "0 sent 2.0.0 *\n", false, NULL },
	{ "DATA 250 without a message", "1", { { HI MAIL RCPT "< DATA\n> 250 2.0.0 Ok\n" BYE } }, 1,
	    "0 deferred 4.0.0 host * said: 250 2.0.0 Ok (in reply to DATA command)\n", false,
	    NULL },
	{ "354 and a reset", "12", { { HI MAIL RCPT "< DATA\n> 354 go\nreset\n" }, { GOOD } }, 1,
	    "0 deferred 4.4.2 *may be sent more than once\n", false, NULL },
	{ "end: 5xx", "1", { { HI MAIL RCPT RCPT DATA "> 550 5.6.0 spam\n" BYE } }, 2,
	    "0 bounced 5.6.0 host * said: 550 5.6.0 spam (in reply to end of DATA command)\n"
	    "1 bounced 5.6.0 *\n",
	    false, NULL },
	{ "end: 4xx, another host", "12",
	    { { HI MAIL RCPT DATA "> 451 4.7.1 grey\n" BYE }, { GOOD } }, 1, "0 sent 2.0.0 *\n",
	    false, NULL },
	{ "end: 421 is a reply", "12", { { HI MAIL RCPT DATA "> 421 4.7.1 no\n" }, { GOOD } }, 1,
	    "0 sent 2.0.0 *\n", false, NULL },
	{ "end: silence closes the door to other hosts", "12",
	    { { HI MAIL RCPT DATA "close\n" }, { GOOD } }, 1,
	    "0 deferred 4.4.2 lost connection with h1.example\\[127.0.0.1\\] while sending end of "
	    "data -- "
	    "message may be sent more than once\n",
	    false, NULL },
	{ "the file is short: no dot", "12", { { HI MAIL RCPT "< DATA\n> 354 go\nstall\n" } }, 1,
	    "0 deferred 4.3.0 queue file read error: it is shorter than it should be\n", false,
	    short_file },

	{ "pipelined", "1", { { HI_PIPE MAIL RCPT RCPT DATA DONE BYE } }, 2,
	    "0 sent 2.0.0 *\n1 sent 2.0.0 *\n", false, NULL },
	{ "pipelined, nobody left at DATA", "1",
	    { { HI_PIPE MAIL "< RCPT\n> 550 5.1.1 no\n" DATA "> 554 no recipients\n" BYE } }, 1,
	    "0 bounced 5.1.1 *\n", false, NULL },
	{ "pipelined, the sender refused", "1",
	    { { HI_PIPE "< MAIL\n> 550 5.1.8 no\n< RCPT\n> 503 first MAIL\n< RCPT\n> 503\n< "
			"DATA\n> 503 first "
			"RCPT\n" BYE } },
	    2, "0 bounced 5.1.8 *\n1 bounced 5.1.8 *\n", false, NULL },
	{ "pipelined, 421 in the midst", "1",
	    { { HI_PIPE MAIL "< RCPT\n> 421 4.3.2 bye\nclose\n" } }, 2,
	    "0 deferred 4.3.2 host * said: 421 4.3.2 bye\n1 deferred 4.3.2 *\n", false, NULL },

	{ "larger than the server takes", "1", { { HI_PIPE BYE } }, 1,
	    "0 bounced 5.3.4 message size * exceeds size limit 10000 of server "
	    "h1.example\\[127.0.0.1\\]\n",
	    false, be_large },
	{ "UTF-8 that the server does not take", "1", { { HI_PIPE BYE } }, 1,
	    "0 bounced 5.6.7 SMTPUTF8 is required, but was not offered by host "
	    "h1.example\\[127.0.0.1\\]\n",
	    false, need_utf8 },
	{ "SMTPUTF8 without use for it", "1", { { GOOD } }, 1, "0 sent 2.0.0 *\n", false,
	    utf8_unused },

	{ "no reply at all", "1", { { "> hello?\nstall\n" } }, 1,
	    "0 deferred 4.5.0 protocol error: host h1.example\\[127.0.0.1\\] said: hello? while "
	    "*\n",
	    true, NULL },
	{ "a code that is none", "1", { { "> 999 x\nstall\n" } }, 1, "0 deferred 4.5.0 *\n", true,
	    NULL },
	{ "a line without end", "1",
	    { { "pour 1 220 "
		"stall\n" } },
	    1, "0 deferred 4.*\n", true, be_hasty },
	{ "a reply without end", "1", { { "pour 5000 220-more\nstall\n" } }, 1,
	    "0 deferred 4.5.0 protocol error: *\n", true, NULL },
	{ "EHLO keywords without end", "1",
	    { { "> 220 h\n< EHLO\npour 5000 250-KEYWORD with arguments\nstall\n" } }, 1,
	    "0 deferred 4.5.0 protocol error: *\n", true, NULL },
	{ "slow in the greeting", "1", { { "stall\n" } }, 1,
	    "0 deferred 4.4.2 conversation with h1.example\\[127.0.0.1\\] timed out while "
	    "receiving the "
	    "initial server greeting\n",
	    true, be_hasty },
	{ "slow in MAIL", "1", { { HI "< MAIL\nstall\n" } }, 1,
	    "0 deferred 4.4.2 conversation with * timed out while sending MAIL FROM\n", false,
	    be_hasty },
	{ "slow in RCPT", "1", { { HI MAIL "< RCPT\nstall\n" } }, 1,
	    "0 deferred 4.4.2 conversation with * timed out while sending RCPT TO\n", false,
	    be_hasty },
	{ "slow in DATA", "1", { { HI MAIL RCPT "< DATA\nstall\n" } }, 1,
	    "0 deferred 4.4.2 conversation with * timed out while sending DATA command\n", false,
	    be_hasty },
	{ "slow at the end", "12", { { HI MAIL RCPT DATA "stall\n" }, { GOOD } }, 1,
	    "0 deferred 4.4.2 conversation with * timed out while sending end of data -- message "
	    "may be "
	    "sent more than once\n",
	    false, be_hasty },
	{ "drip by drip is no reply", "1", { { "raw 2\nraw 2\nraw 0\nstall\n" } }, 1,
	    "0 deferred 4.4.2 *\n", true, be_hasty },

	{ "two sessions are enough", "112", { { "> 450 no\n" BYE, "> 450 no\n" BYE }, { GOOD } }, 1,
	    "0 deferred 4.0.0 *\n", true, NULL },
	{ "one session is enough", "12", { { HI "< MAIL\n> 450 no\n" BYE }, { GOOD } }, 1,
	    "0 deferred 4.0.0 host h1.example\\[127.0.0.1\\] said: *\n", false, one_host },

	{ "LMTP: a reply for each", "1",
	    { { "> 220 h\n< LHLO me.example\n> 250 h\n" MAIL RCPT
		"< RCPT\n> 550 5.1.1 no\n" RCPT DATA "> 250 2.0.0 one\n> 452 4.2.2 full\n" BYE } },
	    3,
	    "1 bounced 5.1.1 *\n0 sent 2.0.0 250 2.0.0 one\n2 deferred 4.2.2 host * said: 452 "
	    "4.2.2 full "
	    "(in reply to end of DATA command)\n",
	    false, be_lmtp },
	{ "LMTP: no HELO instead", "1", { { "> 220 h\n< LHLO\n> 502 what\n" BYE } }, 1,
	    "0 bounced 5.0.0 host * refused to talk to me: 502 what\n", true, be_lmtp },
	{ "LMTP: the second reply does not come", "1",
	    { { "> 220 h\n< LHLO\n> 250 h\n" MAIL RCPT RCPT DATA "> 250 2.0.0 one\nclose\n" } }, 2,
	    "0 sent 2.0.0 250 2.0.0 one\n1 deferred 4.4.2 *may be sent more than once\n", false,
	    be_lmtp },
};

SUSPENDS
static void
deliver(struct stage *s)
{
	stage_deliver(s);
}

static bool
check_row(const struct row *row, const struct stage *s, const char *results)
{
	bool good = fnmatch(row->want, results, 0) == 0;

	if (!good)
		print_error("%s:\ngot:  %swant: %sheard: %.*s", row->name, results, row->want,
		    SPAN_ARG(str_span(&s->peers[0].heard)));
	if ((s->no_host > 0) != row->no_host) {
		print_error("%s: no_host\n", row->name);
		good = false;
	}
	for (size_t i = 0; i < PEERS; i++) {
		struct span heard = str_span(&s->peers[i].heard);
		if (span_find_span(heard, span_lit("?? ")) == heard.n)
			continue;
		print_error("%s: server %zu heard %.*s", row->name, i + 1, SPAN_ARG(heard));
		good = false;
	}
	return good;
}

static void
deliveries_end_as_they_should(void **state UNUSED)
{
	static struct stage s;
	unsigned bad = 0;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct row *row = &rows[i];
		loop_init();
		stage_set(&s);
		s.hosts = row->hosts;
		s.msg.targets.n = row->recipients ? row->recipients : 1;
		for (size_t k = 0; k < PEERS; k++)
			for (size_t n = 0; n < 2; n++)
				s.peers[k].scripts[n] = row->scripts[k][n];
		if (row->set)
			row->set(&s);
		stage_run(&s, deliver);
		bad += !check_row(row, &s, str_cstr(&s.results));
		stage_free(&s);
	}
	assert_int_equal(bad, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(deliveries_end_as_they_should),
	};

	return cmocka_run_group_tests_name("deliver", tests, NULL, NULL);
}
