/*
 * Restrictions: what each says and how that is logged, the rules of evaluation (first match,
 * deferrals, warn_if_reject, classes, delayed rejects), what access tables may say, block lists,
 * and which configurations are refused at start.
 */
#include "config.h"

#include "smtpd/access/check.h"
#include "tests/unit/smtpd/world.h"
#include "tests/unit/unit.h"

#define HELLO "S: 220\nC: EHLO c.test\nS* 250 \n"
#define MAIL  HELLO "C: MAIL FROM:<a@b.test>\n"
#define RCPT  MAIL "C: RCPT TO:<user@example.test>\nS: 250\n"
/* A recipient of ours is taken when no list says otherwise. */
#define TAKEN  RCPT "S: 250 2.1.5\n"
#define LIST   "smtpd_recipient_restrictions = "
#define QUEUED "C: DATA\nS: 354\nC: x\nC: .\nS: 250 2.0.0\n"

static const struct world_entry entries[] = {
	{ "hash:/a", "<>", "REJECT no bounces" },
	{ "hash:/a", "ok@b.test", "OK" },
	{ "hash:/a", "reject@b.test", "REJECT" },
	{ "hash:/a", "text@b.test", "REJECT 5.7.9 go away" },
	{ "hash:/a", "defer@b.test", "DEFER later" },
	{ "hash:/a", "550@b.test", "550 no such thing" },
	{ "hash:/a", "450@b.test", "450" },
	{ "hash:/a", "421@b.test", "421 4.3.2 good bye" },
	{ "hash:/a", "999@b.test", "1234567" },
	{ "hash:/a", "299@b.test", "299 text" },
	{ "hash:/a", "dunno@b.test", "DUNNO" },
	{ "hash:/a", "hold@b.test", "HOLD for looking at" },
	{ "hash:/a", "discard@b.test", "discard" },
	{ "hash:/a", "redirect@b.test", "REDIRECT other@example.test" },
	{ "hash:/a", "nowhere@b.test", "REDIRECT" },
	{ "hash:/a", "bcc@b.test", "BCC watch@example.test" },
	{ "hash:/a", "prepend@b.test", "PREPEND X-Seen: by us" },
	{ "hash:/a", "field@b.test", "PREPEND no field" },
	{ "hash:/a", "info@b.test", "INFO seen" },
	{ "hash:/a", "warn@b.test", "WARN beware" },
	{ "hash:/a", "filter@b.test", "FILTER smtp:x" },
	{ "hash:/a", "empty@b.test", "" },
	{ "hash:/a", "list@b.test", "check_recipient_access hash:/b, reject" },
	{ "hash:/a", "class@b.test", "strict" },
	{ "hash:/a", "slip@b.test", "rejekt" },
	{ "hash:/a", "fails@b.test", "!" },
	{ "hash:/a", "permit@b.test", "DEFER_IF_PERMIT 4.7.5 busy" },
	{ "hash:/a", "ifreject@b.test", "DEFER_IF_REJECT" },
	{ "hash:/b", "user@example.test", "DUNNO" },
	{ "hash:/c", "127.0.0.2", "REJECT bad network" },
	{ "hash:/c", "c.test", "REJECT bad name" },
	{ "hash:/o", "a@b.test", "joe, ann" },
	{ "hash:/o", "fails@b.test", "!" },
};

static const struct world_record records[] = {
	{ "2.0.0.127.in-addr.arpa", DNS_PTR, "h.c.test" },
	{ "h.c.test", DNS_A, "127.0.0.2" },
	{ "2.0.0.127.bl.test", DNS_A, "127.0.0.4" },
	{ "2.0.0.127.bl.test", DNS_TXT, "known for it" },
	{ "2.0.0.127.dead.test", DNS_A, "127.0.0.1" },
	{ "2.0.0.127.quota.test", DNS_A, "127.255.255.254" },
	{ "2.0.0.127.hijack.test", DNS_A, "10.0.0.1" },
	{ "2.0.0.127.fails.test", DNS_A, "!" },
	{ "bad.test.rhs.test", DNS_A, "127.0.0.2" },
	{ "h.c.test.rhs.test", DNS_A, "127.0.0.2" },
	{ "mx.test", DNS_MX, "x.test" },
	{ "a.test", DNS_A, "192.0.2.1" },
	{ "null.test", DNS_MX, "" },
	{ "fails.test", DNS_MX, "!" },
	{ "empty.test", DNS_TXT, "x" },
};

struct row {
	const char *name;
	const char *main_cf;
	const char *dialogue;
	const char *logged;    /* NULL: not looked at */
	const char *committed; /* NULL: nothing is queued */
};

/* One restriction, and the reply to RCPT. */
#define SAYS(restriction, answer) \
	restriction, LIST restriction "\n", RCPT "S: " answer "\n", NULL, NULL
/* One action of a table, for the sender of its name. */
#define ACTION(sender, answer)                        \
	sender, LIST "check_sender_access hash:/a\n", \
	    HELLO "C: MAIL FROM:<" sender             \
		  "@b.test>\nC: RCPT TO:<user@example.test>\nS: 250\nS: " answer "\n"
#define SENDER(address, restriction, answer)                                                       \
	restriction " " address, LIST restriction "\n",                                            \
	    HELLO "C: MAIL FROM:<" address ">\nC: RCPT TO:<user@example.test>\nS: 250\nS: " answer \
		  "\n",                                                                            \
	    NULL, NULL
#define GREETS(name, restriction, answer)                                          \
	restriction " " name, LIST restriction "\n",                               \
	    "S: 220\nC: EHLO " name "\nS* 250 \nC: MAIL FROM:<a@b.test>\nC: RCPT " \
	    "TO:<user@example.test>\nS: 250\nS: " answer "\n",                     \
	    NULL, NULL

/* clang-format off: a table */
static const struct row rows[] = {
	{ SAYS("permit", "250 2.1.5") },
	{ SAYS(
	    "reject", "554 5.7.1 <user@example.test>: Recipient address rejected: Access denied") },
	{ SAYS("defer",
	    "450 4.3.2 <user@example.test>: Recipient address rejected: Try again later") },
	{ SAYS("defer_if_permit", "450 4.7.0 <user@example.test>: Recipient address rejected: "
				  "defer_if_permit requested") },
	{ SAYS("defer_if_reject", "250") },
	{ SAYS("defer_if_reject, reject", "450 4.7.0 <user@example.test>: Recipient address "
					  "rejected: defer_if_reject requested") },
	{ SAYS("permit, reject", "250") },
	{ SAYS("reject_plaintext_session", "450 4.7.1 <user@example.test>: Recipient address "
					   "rejected: Session encryption is required") },
	{ SAYS("reject_unauth_pipelining", "250") },
	{ SAYS("permit_mynetworks, reject", "554") },
	{ SAYS("permit_inet_interfaces, reject", "250") },
	{ SAYS("permit_sasl_authenticated, reject", "554") },
	{ SAYS("permit_auth_destination, reject", "250") },
	{ SAYS("reject_unauth_destination", "250") },
	{ SAYS("sleep 0", "250") },
	{ "relaying", "smtpd_relay_restrictions = reject_unauth_destination\n",
	    MAIL
	    "C: RCPT TO:<x@far.test>\nS: 250\nS: 554 5.7.1 <x@far.test>: Relay access denied\n",
	    "NOQUEUE: reject: RCPT from h.c.test[127.0.0.2]: 554 5.7.1 <x@far.test>: Relay access "
	    "denied; from=<a@b.test> to=<x@far.test> proto=ESMTP helo=<c.test>\n",
	    NULL },
	{ "relay domains are ours", "smtpd_relay_restrictions = reject_unauth_destination\n",
	    MAIL "C: RCPT TO:<x@relay.test>\nS: 250\nS: 250\n", NULL, NULL },
	{ "rewrite is away", "",
	    MAIL "C: RCPT TO:<temp@example.test>\nS: 250\nS: 451 4.3.0 <temp@example.test>: "
		 "Temporary lookup failure\n",
	    NULL, NULL },
	{ "a permit in relay does not reach recipient",
	    "smtpd_relay_restrictions = permit_inet_interfaces, reject\n" LIST "reject\n",
	    RCPT "S: 554\n", NULL, NULL },
	{ "unknown before policy", LIST "reject_unlisted_recipient, defer\n",
	    MAIL "C: RCPT TO:<unknown@example.test>\nS: 250\nS: 550 5.1.1\n", NULL, NULL },
	{ "reject codes", "reject_code = 550\n" LIST "reject\n", RCPT "S: 550 5.7.1\n", NULL,
	    NULL },
	{ "a code of another class", "reject_code = 450\n" LIST "reject\n", RCPT "S: 450 4.7.1\n",
	    NULL, NULL },

	{ "warn_if_reject", LIST "warn_if_reject reject, permit\n", TAKEN,
	    "NOQUEUE: reject_warning: RCPT from h.c.test[127.0.0.2]: 554 5.7.1 "
	    "<user@example.test>: Recipient address rejected: Access denied; from=<a@b.test> "
	    "to=<user@example.test> proto=ESMTP helo=<c.test>\n",
	    NULL },
	{ "warn_if_reject of a class",
	    "smtpd_restriction_classes = c\nc = reject\n" LIST "warn_if_reject c\n", TAKEN,
	    "reject_warning:", NULL },
	{ "warn_if_reject of a deferral", LIST "warn_if_reject defer_if_permit\n", TAKEN,
	    "reject_warning: RCPT from h.c.test[127.0.0.2]: 450 4.7.0", NULL },
	{ "a class",
	    "smtpd_restriction_classes = c, d\nc = d, reject\nd = permit_sasl_authenticated\n" LIST
	    "c\n",
	    RCPT "S: 554\n", NULL, NULL },
	{ "a class that permits", "smtpd_restriction_classes = c\nc = permit\n" LIST "c, reject\n",
	    TAKEN, NULL, NULL },
	{ "a class of itself", "smtpd_restriction_classes = c\nc = c\n" LIST "c\n",
	    RCPT "S: 451 4.3.5 Server configuration error\n", "restrictions lead to themselves",
	    NULL },

	{ "client", "smtpd_client_restrictions = reject\n",
	    RCPT "S: 554 5.7.1 <h.c.test[127.0.0.2]>: Client host rejected: Access denied\n", NULL,
	    NULL },
	{ "helo", "smtpd_helo_restrictions = reject\n",
	    RCPT "S: 554 5.7.1 <c.test>: Helo command rejected: Access denied\n", NULL, NULL },
	{ "sender", "smtpd_sender_restrictions = reject\n",
	    RCPT "S: 554 5.7.1 <a@b.test>: Sender address rejected: Access denied\n", NULL, NULL },
	{ "data", "smtpd_data_restrictions = reject\n",
	    TAKEN
	    "C: DATA\nS: 554 5.7.1 <DATA>: Data command rejected: Access denied\nC: DATA\nS: 503\n",
	    ": reject: DATA from h.c.test[127.0.0.2]: 554 5.7.1 <DATA>: Data command rejected: "
	    "Access denied; from=<a@b.test> to=<user@example.test> proto=ESMTP helo=<c.test>\n",
	    NULL },
	{ "end of data", "smtpd_end_of_data_restrictions = reject\n",
	    TAKEN "C: DATA\nS: 354\nC: x\nC: .\nS: 554 5.7.1 <END-OF-MESSAGE>: End-of-data "
		  "rejected: Access denied\n"
		  "C: MAIL FROM:<a@b.test>\nS: 250\nC: DATA\nS: 554 5.5.1\n",
	    ": reject: END-OF-MESSAGE from h.c.test[127.0.0.2]: 554 5.7.1 <END-OF-MESSAGE>: "
	    "End-of-data rejected",
	    NULL },
	{ "client, at once", "smtpd_delay_reject = no\nsmtpd_client_restrictions = reject\n",
	    "S: 554 5.7.1 <h.c.test[127.0.0.2]>: Client host rejected: Access denied\nC: EHLO "
	    "c.test\nS: 503 5.7.0 Error: access denied for h.c.test[127.0.0.2]\nC: QUIT\nS: 221\n",
	    "NOQUEUE: reject: CONNECT from h.c.test[127.0.0.2]: 554 5.7.1 <h.c.test[127.0.0.2]>: "
	    "Client host rejected: Access denied; proto=SMTP\n",
	    NULL },
	{ "helo, at once", "smtpd_delay_reject = no\nsmtpd_helo_restrictions = reject\n",
	    "S: 220\nC: EHLO c.test\nS: 554 5.7.1 <c.test>: Helo command rejected\nC: VRFY x\nS: "
	    "252\n",
	    "NOQUEUE: reject: EHLO from h.c.test[127.0.0.2]: 554 5.7.1 <c.test>: Helo command "
	    "rejected: Access denied; proto=ESMTP helo=<c.test>\n",
	    NULL },
	{ "sender, at once", "smtpd_delay_reject = no\nsmtpd_sender_restrictions = reject\n",
	    MAIL
	    "S: 554 5.7.1 <a@b.test>: Sender address rejected\nC: MAIL FROM:<a@b.test>\nS: 554\n",
	    NULL, NULL },
	{ "deferred at MAIL, refused at RCPT",
	    "smtpd_delay_reject = no\nsmtpd_sender_restrictions = defer_if_permit\n",
	    RCPT "S: 450 4.7.0 <a@b.test>: Sender address rejected: defer_if_permit requested\n",
	    NULL, NULL },
	{ "a recipient table in a list of senders",
	    "smtpd_sender_restrictions = check_recipient_access hash:/b\n", TAKEN, NULL, NULL },

	{ GREETS("c..test", "reject_invalid_helo_hostname",
	    "501 5.5.2 <c..test>: Helo command rejected: Invalid name") },
	{ GREETS("[127.0.0.2]", "reject_invalid_helo_hostname", "250") },
	{ GREETS("[127.0.0.2", "reject_invalid_helo_hostname", "501") },
	{ GREETS("c", "reject_non_fqdn_helo_hostname",
	    "504 5.5.2 <c>: Helo command rejected: need fully-qualified hostname") },
	{ GREETS("[IPv6:::1]", "reject_non_fqdn_helo_hostname", "250") },
	{ GREETS("mx.test", "reject_unknown_helo_hostname", "250") },
	{ GREETS("a.test", "reject_unknown_helo_hostname", "250") },
	{ GREETS("no.test", "reject_unknown_helo_hostname",
	    "450 4.7.1 <no.test>: Helo command rejected: Host not found") },
	{ SENDER("a@b", "reject_non_fqdn_sender",
	    "504 5.5.2 <a@b>: Sender address rejected: need fully-qualified address") },
	{ SENDER("a", "reject_non_fqdn_sender", "504 5.5.2 <a>") },
	{ SENDER("", "reject_non_fqdn_sender", "250") },
	{ SENDER("a@mx.test", "reject_unknown_sender_domain", "250") },
	{ SENDER("a@a.test", "reject_unknown_sender_domain", "250") },
	{ SENDER("a@no.test", "reject_unknown_sender_domain",
	    "450 4.1.8 <a@no.test>: Sender address rejected: Domain not found") },
	{ SENDER("a@empty.test", "reject_unknown_sender_domain", "450 4.1.8") },
	{ SENDER("a@null.test", "reject_unknown_sender_domain",
	    "550 5.7.27 <a@null.test>: Sender address rejected: Domain null.test does not accept "
	    "mail (nullMX)") },
	{ SENDER("a@fails.test", "reject_unknown_sender_domain", "450 4.1.8") },
	{ SENDER("a@fails.test", "reject_unknown_sender_domain, reject",
	    "554 5.7.1 <user@example.test>") },
	{ SENDER("a@example.test", "reject_unknown_sender_domain", "250") },
	{ SENDER("a@[192.0.2.1]", "reject_unknown_sender_domain", "250") },
	{ SENDER("unknown@example.test", "reject_unlisted_sender",
	    "550 5.1.0 <unknown@example.test>: Sender address rejected: User unknown in local "
	    "recipient table") },
	{ SENDER("unknown@example.test", "permit", "250") },
	{ SAYS("reject_non_fqdn_recipient", "250") },
	{ "an unknown recipient's domain",
	    "mynetworks = 127.0.0.0/8\n" LIST "reject_unknown_recipient_domain\n",
	    MAIL "C: RCPT TO:<x@no.test>\nS: 250\nS: 450 4.1.2 <x@no.test>: Recipient address "
		 "rejected: Domain not found\n",
	    NULL, NULL },
	{ "a null MX", "mynetworks = 127.0.0.0/8\n" LIST "reject_unknown_recipient_domain\n",
	    MAIL "C: RCPT TO:<x@null.test>\nS: 250\nS: 550 5.1.10\n", NULL, NULL },
	{ "unlisted senders by parameter", "smtpd_reject_unlisted_sender = yes\n",
	    HELLO "C: MAIL FROM:<unknown@example.test>\nC: RCPT TO:<user@example.test>\nS: 250\nS: "
		  "550 5.1.0\n",
	    NULL, NULL },

	{ SAYS("reject_unknown_client_hostname", "250") },
	{ "no name", "smtpd_peername_lookup = no\n" LIST "reject_unknown_client_hostname\n",
	    RCPT "S: 450 4.7.25 Client host rejected: cannot find your hostname, [127.0.0.2]\n",
	    "NOQUEUE: reject: RCPT from unknown[127.0.0.2]: 450 4.7.25 Client host rejected: "
	    "cannot find your hostname, [127.0.0.2]; from=<a@b.test>",
	    NULL },
	{ "no reverse name",
	    "smtpd_peername_lookup = no\nunknown_client_reject_code = 550\n" LIST
	    "reject_unknown_reverse_client_hostname\n",
	    RCPT
	    "S: 550 5.7.25 Client host rejected: cannot find your reverse hostname, [127.0.0.2]\n",
	    NULL, NULL },

	{ SAYS("reject_rbl_client bl.test", "554 5.7.1 Service unavailable; Client host "
					    "[127.0.0.2] blocked using bl.test; known for it") },
	{ SAYS("reject_rbl_client bl.test=127.0.0.[2..3], reject_rbl_client bl.test=127.0.0.[5;6]",
	    "250") },
	{ SAYS("reject_rbl_client bl.test=127.0.0.[2..3;4]", "554") },
	{ SAYS("reject_rbl_client dead.test, reject_rbl_client quota.test, reject_rbl_client "
	       "hijack.test, reject_rbl_client none.test",
	    "250") },
	{ SAYS("reject_rbl_client quota.test=127.255.255.[0..255]", "250") },
	{ SAYS("reject_rbl_client fails.test", "250") },
	{ SAYS("reject_rhsbl_client rhs.test",
	    "554 5.7.1 Service unavailable; Client host [h.c.test] blocked using rhs.test") },
	{ SENDER("a@bad.test", "reject_rhsbl_sender rhs.test",
	    "554 5.7.1 Service unavailable; Sender address [bad.test] blocked using rhs.test") },
	{ GREETS("bad.test", "reject_rhsbl_helo rhs.test",
	    "554 5.7.1 Service unavailable; Helo command [bad.test] blocked using rhs.test") },
	{ SAYS("reject_rhsbl_recipient rhs.test", "250") },
	{ "a reply of one's own",
	    "default_rbl_reply = $rbl_code 5.7.8 $client_address is bad "
	    "($rbl_domain$rbl_reason)\nmaps_rbl_reject_code = 550\n" LIST
	    "reject_rbl_client bl.test\n",
	    RCPT "S: 550 5.7.8 127.0.0.2 is bad (bl.testknown for it)\n", NULL, NULL },

	{ ACTION("ok", "250"), NULL, NULL },
	{ ACTION("none", "250"), NULL, NULL },
	{ ACTION("dunno", "250"), NULL, NULL },
	{ ACTION("reject", "554 5.7.1 <reject@b.test>: Sender address rejected: Access denied"),
	    NULL, NULL },
	{ ACTION("text", "554 5.7.9 <text@b.test>: Sender address rejected: go away"), NULL, NULL },
	{ ACTION("defer", "450 4.7.1 <defer@b.test>: Sender address rejected: later"), NULL, NULL },
	{ ACTION("550", "550 5.7.1 <550@b.test>: Sender address rejected: no such thing"), NULL,
	    NULL },
	{ ACTION("450", "450 4.7.1 <450@b.test>: Sender address rejected: Access denied"), NULL,
	    NULL },
	{ ACTION("421", "421 4.3.2 <421@b.test>: Sender address rejected: good bye\nEOF"), NULL,
	    NULL },
	{ ACTION("999", "250"), NULL, NULL },
	{ ACTION("299", "451 4.3.5 Server configuration error"),
	    "warning: access table hash:/a: \"299\" is no reply code", NULL },
	{ ACTION("permit", "450 4.7.5 <permit@b.test>: Sender address rejected: busy"), NULL,
	    NULL },
	{ ACTION("ifreject", "250"), NULL, NULL },
	{ ACTION("hold", "250\n" QUEUED),
	    "NOQUEUE: hold: RCPT from h.c.test[127.0.0.2]: <hold@b.test>: Sender address for "
	    "looking at; from=<hold@b.test>",
	    "flags=16 " },
	{ ACTION("discard", "250\n" QUEUED),
	    "NOQUEUE: discard: RCPT from h.c.test[127.0.0.2]: <discard@b.test>: Sender address "
	    "triggers DISCARD action;",
	    NULL },
	{ ACTION("redirect", "250\n" QUEUED), "NOQUEUE: redirect: RCPT from",
	    " to=<other@example.test>[ 1]\n" },
	{ ACTION("nowhere", "451 4.3.5"), NULL, NULL },
	{ ACTION("bcc", "250\n" QUEUED), NULL,
	    " to=<user@example.test> to=<watch@example.test>[ 1]\n" },
	{ ACTION("prepend", "250\n" QUEUED), NULL, "\nX-Seen: by us\r\nReceived: " },
	{ ACTION("field", "451 4.3.5"), NULL, NULL },
	{ ACTION("info", "250"),
	    "NOQUEUE: info: RCPT from h.c.test[127.0.0.2]: <info@b.test>: Sender address seen;",
	    NULL },
	{ ACTION("warn", "250"), "NOQUEUE: warn: RCPT from", NULL },
	{ ACTION("filter", "451 4.3.5"), "FILTER is not supported", NULL },
	{ ACTION("empty", "451 4.3.5"), "without an action", NULL },
	{ ACTION("list", "554 5.7.1 <list@b.test>: Sender address rejected: Access denied"), NULL,
	    NULL },
	{ ACTION("slip", "451 4.3.5"), "rejekt is no restriction", NULL },
	{ ACTION("fails", "451 4.3.5"), "warning: table hash:/a: lookup of \"fails@b.test\" failed",
	    NULL },
	{ SENDER("", "check_sender_access hash:/a",
	    "554 5.7.1 <>: Sender address rejected: no bounces") },
	{ SAYS("check_client_access hash:/c",
	    "554 5.7.1 <h.c.test[127.0.0.2]>: Client host rejected: bad network") },
	{ SAYS(
	    "check_helo_access hash:/c", "554 5.7.1 <c.test>: Helo command rejected: bad name") },
	{ SAYS("hash:/b, reject", "554") },

	{ "whose sender: nobody's, nobody logged in",
	    "smtpd_sender_login_maps = hash:/o\n" LIST "reject_sender_login_mismatch\n",
	    HELLO "C: MAIL FROM:<x@b.test>\nC: RCPT TO:<user@example.test>\nS: 250\nS: 250\n", NULL,
	    NULL },
	{ "whose sender: somebody's",
	    "smtpd_sender_login_maps = hash:/o\n" LIST "reject_sender_login_mismatch\n",
	    RCPT "S: 553 5.7.1 <a@b.test>: Sender address rejected: not logged in\n", NULL, NULL },
	{ "whose sender: it fails",
	    "smtpd_sender_login_maps = hash:/o\n" LIST
	    "reject_unauthenticated_sender_login_mismatch\n",
	    HELLO
	    "C: MAIL FROM:<fails@b.test>\nC: RCPT TO:<user@example.test>\nS: 250\nS: 451 4.3.0\n",
	    NULL, NULL },
	{ "rewritten senders", "sender_canonical_maps = hash:/x\n",
	    HELLO
	    "C: MAIL FROM:<old@b.test>\nC: RCPT TO:<user@example.test>\nS: 250\nS: 250\n" QUEUED,
	    NULL, "from=<new@b.test>" },
	{ "rewriting fails", "sender_canonical_maps = hash:/x\n",
	    HELLO "C: MAIL FROM:<temp@b.test>\nC: RCPT TO:<user@example.test>\nS: 250\nS: 250\nC: "
		  "DATA\nS: 354\nC: x\nC: .\nS: 451 4.3.0\n",
	    NULL, NULL },
};
/* clang-format on */

static void
test_restrictions(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct row *r = &rows[i];
		struct world_plan plan = { .main_cf = r->main_cf,
			.entries = entries,
			.entries_n = ARRAY_LEN(entries),
			.records = records,
			.records_n = ARRAY_LEN(records) };
		struct str main_cf = STR_INIT(65536);
		struct world w;

		str_printf(&main_cf, "smtpd_restriction_classes = strict\nstrict = reject\n%s",
		    r->main_cf);
		plan.main_cf = str_cstr(&main_cf);
		if (!world_begin(&w, &plan))
			fail_msg("%s: %s", r->name, w.err.text);
		world_talk(&w, r->name, r->dialogue);
		if (r->logged)
			expect_logged(&w, r->name, r->logged);
		expect_number(r->name, w.commits, r->committed ? 1 : 0);
		if (r->committed &&
		    span_find_span(str_span(&w.committed), span_str(r->committed)) == w.committed.n)
			fail_msg("%s: queued:\n%s", r->name, str_cstr(&w.committed));
		world_end(&w);
		str_free(&main_cf);
	}
}

/* Eight tables, one question. */
static void
test_one_round_trip(void **state)
{
	struct world_plan plan = {
		.main_cf = "smtpd_client_restrictions = check_client_access hash:/1, "
			   "check_client_access hash:/2\n"
			   "smtpd_helo_restrictions = check_helo_access hash:/3\n"
			   "smtpd_sender_restrictions = check_sender_access hash:/4, hash:/5\n"
			   "smtpd_recipient_restrictions = check_recipient_access hash:/6, "
			   "hash:/7, reject_rbl_client a.test\n"
			   "smtpd_relay_restrictions = check_client_access hash:/8, "
			   "reject_unauth_destination\n"
	};
	struct world w;

	(void)state;
	assert_true(world_begin(&w, &plan));
	world_talk(&w, "tables", TAKEN);
	expect_number("questions", w.lookups, 1);
	world_end(&w);
	/* Whom an earlier word permits no block list is asked about. */
	plan.main_cf =
	    LIST "permit_inet_interfaces, reject_rbl_client bl.test\nsmtpd_peername_lookup = no\n";
	assert_true(world_begin(&w, &plan));
	world_talk(&w, "block lists", TAKEN);
	expect_number("questions to the DNS", w.dns_queries, 0);
	world_end(&w);
}

static void
test_refused_configurations(void **state)
{
	static const struct {
		const char *main_cf;
		const char *why;
	} bad[] = {
		{ "smtpd_relay_restrictions = permit_mynetworks\n",
		    "without it this host relays for everybody" },
		{ "smtpd_relay_restrictions = permit, reject\n", "relays for everybody" },
		{ "smtpd_relay_restrictions = warn_if_reject reject_unauth_destination\n",
		    "relays for everybody" },
		{ "smtpd_client_restrictions = rejekt\n",
		    "smtpd_client_restrictions: rejekt is no restriction" },
		{ "smtpd_client_restrictions = check_client_access\n",
		    "check_client_access needs something behind it" },
		{ "smtpd_client_restrictions = check_client_access reject\n",
		    "needs a table, type:name, not \"reject\"" },
		{ "smtpd_client_restrictions = check_policy_service inet:x\n",
		    "check_policy_service is a restriction that Postern does not have" },
		{ "smtpd_client_restrictions = sleep x\n", "sleep needs a number of seconds" },
		{ "smtpd_client_restrictions = warn_if_reject\n",
		    "warn_if_reject needs a restriction" },
		{ "smtpd_client_restrictions = reject_rbl_client =127.0.0.2\n",
		    "needs the domain of a list" },
		{ "smtpd_restriction_classes = c\nc = rejekt\n", "c: rejekt is no restriction" },
		{ "smtpd_forbidden_commands = pcre:/x\n",
		    "smtpd_forbidden_commands: of patterns only" },
		{ "smtpd_tls_security_level = encrypt\n", "smtpd_tls_chain_files" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct world_plan plan = { .main_cf = bad[i].main_cf };
		struct world w;

		if (world_begin(&w, &plan))
			fail_msg("taken: %s", bad[i].main_cf);
		if (!strstr(w.err.text, bad[i].why))
			fail_msg("%s: \"%s\"", bad[i].main_cf, w.err.text);
		world_end(&w);
	}
}

static void
test_block_list_patterns(void **state)
{
	static const struct {
		const char *pattern;
		unsigned char answer[4];
		bool lists;
	} cases[] = {
		{ "", { 127, 0, 0, 2 }, true },
		{ "", { 127, 0, 0, 1 }, false },
		{ "", { 127, 255, 255, 254 }, false },
		{ "", { 10, 0, 0, 2 }, false },
		{ "127.0.0.2", { 127, 0, 0, 2 }, true },
		{ "127.0.0.2", { 127, 0, 0, 3 }, false },
		{ "127.0.0.1", { 127, 0, 0, 1 }, true },
		{ "127.0.[1..2].[4;6;8..10]", { 127, 0, 2, 9 }, true },
		{ "127.0.[1..2].[4;6;8..10]", { 127, 0, 2, 7 }, false },
		{ "127.0.[1..2].[4;6;8..10]", { 127, 0, 3, 4 }, false },
		{ "127.0.0", { 127, 0, 0, 2 }, false },
		{ "127.0.0.2.3", { 127, 0, 0, 2 }, false },
		{ "127.0.0.[2", { 127, 0, 0, 2 }, false },
		{ "127.0.0.[..]", { 127, 0, 0, 2 }, false },
		{ "127.0.0.256", { 127, 0, 0, 0 }, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		if (rbl_matches(span_str(cases[i].pattern), span_of(cases[i].answer, 4)) !=
		    cases[i].lists)
			fail_msg("%s of %u.%u.%u.%u", cases[i].pattern, cases[i].answer[0],
			    cases[i].answer[1], cases[i].answer[2], cases[i].answer[3]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_restrictions),
		cmocka_unit_test(test_one_round_trip),
		cmocka_unit_test(test_refused_configurations),
		cmocka_unit_test(test_block_list_patterns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
