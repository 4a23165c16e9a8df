/*
 * FETCH: each item and section, over messages of all shapes, as a client is told (RFC 9051 6.4.5,
 * 7.5.2). A row is a command and its whole answer. Then what cannot be in a row: long messages in
 * pieces, files that changed or vanished, clients that leave. Run by make check.
 */
#include "config.h"

#include "tests/unit/imapd/rig.h"

#include <sys/stat.h>

#include "base/mem.h"
#include "tests/unit/unit.h"

#define PLAIN                                                                                      \
	"Date: Mon, 23 Nov 2026 08:00:00 +0100\n"                                                  \
	"From: \"A. Nna\" <anna@example.org>\nTo: bert@example.net, carl@example.net\n"            \
	"Subject: =?utf-8?q?gr=C3=BC=C3=9Fe?=\nX-Long: one\n two\nMessage-ID: <1@example.org>\n\n" \
	"Hello.\n\nBye.\n"

#define MIXED                                                                                    \
	"From: anna@example.org\nMIME-Version: 1.0\n"                                            \
	"Content-Type: multipart/mixed; boundary=b1\n\npreamble\n--b1\n"                         \
	"Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: "                   \
	"quoted-printable\n\nh=C3=A9\n--b1\nContent-Type: message/rfc822\n\n"                    \
	"Subject: inner\nContent-Type: multipart/alternative; boundary=b2\n\n--b2\n\nin plain\n" \
	"--b2\nContent-Type: text/html\n\n<p>\n--b2--\n--b1\nContent-Type: "                     \
	"application/octet-stream\nContent-Transfer-Encoding: base64\n\nAAEC\n--b1--\n"

static int
make_mailbox(void **state)
{
	struct rig *r;

	if (rig_make(state) != 0)
		return -1;
	r = *state;
	must_add(r->mb, PLAIN, 0, 0);
	must_add(r->mb, MIXED, MAIL_SEEN | MAIL_FLAGGED, 0);
	must_add(r->mb, "", MAIL_SEEN, 0);
	/* By another program: nothing is known of it, and it has CRs already. */
	foreign_file(r->place, "cur/1.a:2,FT", "Subject: a\r\n\r\nb\r\nc", 10000);
	rig_select(r, false);
	return 0;
}

static const struct rig_case rows[] = {
	{ "FETCH 1:2 FLAGS", "* 1 FETCH (FLAGS ())\n"
			     "* 2 FETCH (FLAGS (\\Flagged \\Seen))\n"
			     "OK\n" },
	{ "UID FETCH 3:* (FLAGS)", "* 3 FETCH (UID 3 FLAGS (\\Seen))\n"
				   "* 4 FETCH (UID 4 FLAGS (\\Flagged \\Deleted))\n"
				   "OK\n" },
	{ "FETCH 1 (RFC822.SIZE UID UID FLAGS FLAGS)",
	    "* 1 FETCH (UID 1 RFC822.SIZE 218 FLAGS ())\n"
	    "OK\n" },
	{ "FETCH 4 FAST", "* 4 FETCH (FLAGS (\\Flagged \\Deleted) INTERNALDATE \"19-May-1997 "
			  "00:00:00 +0000\" RFC822.SIZE 18)\n"
			  "OK\n" },
	{ "FETCH 4 ALL",
	    "* 4 FETCH (FLAGS (\\Flagged \\Deleted) INTERNALDATE \"19-May-1997 00:00:00 +0000\" "
	    "RFC822.SIZE 18 ENVELOPE (NIL \"a\" NIL NIL NIL NIL NIL NIL NIL NIL))\n"
	    "OK\n" },
	{ "FETCH 2 (ENVELOPE BODY)",
	    "* 2 FETCH (ENVELOPE (NIL NIL ((NIL NIL \"anna\" \"example.org\")) ((NIL NIL \"anna\" "
	    "\"example.org\")) ((NIL NIL \"anna\" \"example.org\")) NIL NIL NIL NIL NIL) BODY "
	    "((\"text\" \"plain\" (\"charset\" \"utf-8\") NIL NIL \"quoted-printable\" 7 "
	    "0)(\"message\" \"rfc822\" NIL NIL NIL \"7bit\" 130 (NIL \"inner\" NIL NIL NIL NIL NIL "
	    "NIL NIL NIL) ((\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 8 "
	    "0)(\"text\" \"html\" NIL NIL NIL \"7bit\" 3 0) \"alternative\") 10)(\"application\" "
	    "\"octet-stream\" NIL NIL NIL \"base64\" 4) \"mixed\"))\n"
	    "OK\n" },
	{ "FETCH 2 BODYSTRUCTURE",
	    "* 2 FETCH (BODYSTRUCTURE ((\"text\" \"plain\" (\"charset\" \"utf-8\") NIL NIL "
	    "\"quoted-printable\" 7 0 NIL NIL NIL NIL)(\"message\" \"rfc822\" NIL NIL NIL \"7bit\" "
	    "130 (NIL \"inner\" NIL NIL NIL NIL NIL NIL NIL NIL) ((\"text\" \"plain\" (\"charset\" "
	    "\"us-ascii\") NIL NIL \"7bit\" 8 0 NIL NIL NIL NIL)(\"text\" \"html\" NIL NIL NIL "
	    "\"7bit\" 3 0 NIL NIL NIL NIL) \"alternative\" (\"boundary\" \"b2\") NIL NIL NIL) 10 "
	    "NIL NIL NIL NIL)(\"application\" \"octet-stream\" NIL NIL NIL \"base64\" 4 NIL NIL "
	    "NIL NIL) \"mixed\" (\"boundary\" \"b1\") NIL NIL NIL))\n"
	    "OK\n" },
	{ "FETCH 1 ENVELOPE",
	    "* 1 FETCH (ENVELOPE (\"Mon, 23 Nov 2026 08:00:00 +0100\" "
	    "\"=?utf-8?q?gr=C3=BC=C3=9Fe?=\" ((\"A. Nna\" NIL \"anna\" \"example.org\")) ((\"A. "
	    "Nna\" NIL \"anna\" \"example.org\")) ((\"A. Nna\" NIL \"anna\" \"example.org\")) "
	    "((NIL NIL \"bert\" \"example.net\")(NIL NIL \"carl\" \"example.net\")) NIL NIL NIL "
	    "\"<1@example.org>\"))\n"
	    "OK\n" },
	{ "FETCH 3 (RFC822 RFC822.HEADER RFC822.TEXT BODY.PEEK[1] BODY.PEEK[HEADER.FIELDS (From)])",
	    "* 3 FETCH (RFC822 {0}\n"
	    " RFC822.HEADER {0}\n"
	    " RFC822.TEXT {0}\n"
	    " BODY[1] {0}\n"
	    " BODY[HEADER.FIELDS (From)] {2}\n"
	    "\n"
	    ")\n"
	    "OK\n" },
	{ "FETCH 3 (ENVELOPE BODY RFC822.SIZE)",
	    "* 3 FETCH (ENVELOPE (NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL) BODY (\"text\" "
	    "\"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 0 0) RFC822.SIZE 0)\n"
	    "OK\n" },
	{ "FETCH 4 (BODY.PEEK[] BODY.PEEK[TEXT]<0.2> BODY.PEEK[TEXT]<1.3> BODY.PEEK[TEXT]<5.2> "
	  "BODY.PEEK[TEXT]<6.100>)",
	    "* 4 FETCH (BODY[] {18}\n"
	    "Subject: a\n"
	    "\n"
	    "b\n"
	    "c BODY[TEXT]<0> {2}\n"
	    "b BODY[TEXT]<1> {3}\n"
	    "\n"
	    "c BODY[TEXT]<5> {0}\n"
	    " BODY[TEXT]<6> {0}\n"
	    ")\n"
	    "OK\n" },
	{ "FETCH 1 BODY.PEEK[HEADER]", "* 1 FETCH (BODY[HEADER] {202}\n"
				       "Date: Mon, 23 Nov 2026 08:00:00 +0100\n"
				       "From: \"A. Nna\" <anna@example.org>\n"
				       "To: bert@example.net, carl@example.net\n"
				       "Subject: =?utf-8?q?gr=C3=BC=C3=9Fe?=\n"
				       "X-Long: one\n"
				       " two\n"
				       "Message-ID: <1@example.org>\n"
				       "\n"
				       ")\n"
				       "OK\n" },
	{ "FETCH 1 (BODY.PEEK[TEXT] BODY.PEEK[TEXT]<3.7> BODY.PEEK[TEXT]<7.1> BODY.PEEK[TEXT]<8.1> "
	  "BODY.PEEK[TEXT]<100.1>)",
	    "* 1 FETCH (BODY[TEXT] {16}\n"
	    "Hello.\n"
	    "\n"
	    "Bye.\n"
	    " BODY[TEXT]<3> {7}\n"
	    "lo.\n"
	    "\n"
	    " BODY[TEXT]<7> {1}\n"
	    "\n"
	    " BODY[TEXT]<8> {1}\n"
	    " BODY[TEXT]<100> {0}\n"
	    ")\n"
	    "OK\n" },
	{ "FETCH 1 (BODY.PEEK[TEXT]<0.9223372036854775807> "
	  "BODY.PEEK[TEXT]<9223372036854775807.9223372036854775807>)",
	    "* 1 FETCH (BODY[TEXT]<0> {16}\n"
	    "Hello.\n"
	    "\n"
	    "Bye.\n"
	    " BODY[TEXT]<9223372036854775807> {0}\n"
	    ")\n"
	    "OK\n" },
	{ "FETCH 1 BODY.PEEK[HEADER.FIELDS (from X-Long)]",
	    "* 1 FETCH (BODY[HEADER.FIELDS (from X-Long)] {56}\n"
	    "From: \"A. Nna\" <anna@example.org>\n"
	    "X-Long: one\n"
	    " two\n"
	    "\n"
	    ")\n"
	    "OK\n" },
	{ "FETCH 1 BODY.PEEK[HEADER.FIELDS (Subject \"To\" \"a b\" Message-ID)]<2.30>",
	    "* 1 FETCH (BODY[HEADER.FIELDS (Subject To \"a b\" Message-ID)]<2> {30}\n"
	    ": bert@example.net, carl@examp)\n"
	    "OK\n" },
	{ "FETCH 1 BODY.PEEK[HEADER.FIELDS.NOT (FROM DATE TO)]",
	    "* 1 FETCH (BODY[HEADER.FIELDS.NOT (FROM DATE TO)] {88}\n"
	    "Subject: =?utf-8?q?gr=C3=BC=C3=9Fe?=\n"
	    "X-Long: one\n"
	    " two\n"
	    "Message-ID: <1@example.org>\n"
	    "\n"
	    ")\n"
	    "OK\n" },
	{ "FETCH 2 (BODY.PEEK[1] BODY.PEEK[1.MIME] BODY.PEEK[2.2.MIME] BODY.PEEK[3])",
	    "* 2 FETCH (BODY[1] {7}\n"
	    "h=C3=A9 BODY[1.MIME] {88}\n"
	    "Content-Type: text/plain; charset=utf-8\n"
	    "Content-Transfer-Encoding: quoted-printable\n"
	    "\n"
	    " BODY[2.2.MIME] {27}\n"
	    "Content-Type: text/html\n"
	    "\n"
	    " BODY[3] {4}\n"
	    "AAEC)\n"
	    "OK\n" },
	{ "FETCH 2 (BODY.PEEK[2] BODY.PEEK[2.TEXT] BODY.PEEK[2.1])",
	    "* 2 FETCH (BODY[2] {130}\n"
	    "Subject: inner\n"
	    "Content-Type: multipart/alternative; boundary=b2\n"
	    "\n"
	    "--b2\n"
	    "\n"
	    "in plain\n"
	    "--b2\n"
	    "Content-Type: text/html\n"
	    "\n"
	    "<p>\n"
	    "--b2-- BODY[2.TEXT] {62}\n"
	    "--b2\n"
	    "\n"
	    "in plain\n"
	    "--b2\n"
	    "Content-Type: text/html\n"
	    "\n"
	    "<p>\n"
	    "--b2-- BODY[2.1] {8}\n"
	    "in plain)\n"
	    "OK\n" },
	{ "FETCH 2 (BODY.PEEK[2.HEADER] BODY.PEEK[2.HEADER.FIELDS (SUBJECT)])",
	    "* 2 FETCH (BODY[2.HEADER] {68}\n"
	    "Subject: inner\n"
	    "Content-Type: multipart/alternative; boundary=b2\n"
	    "\n"
	    " BODY[2.HEADER.FIELDS (SUBJECT)] {18}\n"
	    "Subject: inner\n"
	    "\n"
	    ")\n"
	    "OK\n" },
	{ "FETCH 2 (BODY.PEEK[4] BODY.PEEK[1.1] BODY.PEEK[1.HEADER] BODY.PEEK[2.3] "
	  "BODY.PEEK[4294967295])",
	    "* 2 FETCH (BODY[4] NIL BODY[1.1] NIL BODY[1.HEADER] NIL BODY[2.3] NIL "
	    "BODY[4294967295] NIL)\n"
	    "OK\n" },
	{ "FETCH 2 (BINARY.SIZE[3] BINARY.PEEK[1] BINARY.PEEK[1]<1.3> BINARY.SIZE[1] "
	  "BINARY.PEEK[9] BINARY.SIZE[])",
	    "* 2 FETCH (BINARY.SIZE[3] 3 BINARY[1] {3}\n"
	    "h\xc3"
	    "\xa9"
	    " BINARY[1]<1> {2}\n"
	    "\xc3"
	    "\xa9"
	    " BINARY.SIZE[1] 3 BINARY[9] NIL BINARY.SIZE[] 469)\n"
	    "OK\n" },
	{ "FETCH 1 BODY[]<0.5>", "* 1 FETCH (BODY[]<0> {5}\n"
				 "Date: FLAGS (\\Seen))\n"
				 "OK\n" },
	{ "FETCH 1 (UID BODY[TEXT])", "* 1 FETCH (UID 1 BODY[TEXT] {16}\n"
				      "Hello.\n"
				      "\n"
				      "Bye.\n"
				      ")\n"
				      "OK\n" },
	{ "FETCH 4:* (EMAILID THREADID)", "* 4 FETCH (EMAILID (M457d0c18182dccf5) THREADID NIL)\n"
					  "OK\n" },
};

/* RFC 9394 3.3: of the messages 1, 3 and 4. */
static const struct rig_case parts[] = {
	{ "UID FETCH 1,3:* UID (PARTIAL 1:2)", "* 1 FETCH (UID 1)\n* 3 FETCH (UID 3)\nOK\n" },
	{ "UID FETCH 1,3:* UID (PARTIAL 2:2)", "* 3 FETCH (UID 3)\nOK\n" },
	{ "UID FETCH 1,3:* UID (PARTIAL 3:1)",
	    "* 1 FETCH (UID 1)\n* 3 FETCH (UID 3)\n* 4 FETCH (UID 4)\nOK\n" },
	{ "UID FETCH 1,3:* UID (PARTIAL 3:4294967295)", "* 4 FETCH (UID 4)\nOK\n" },
	{ "UID FETCH 1,3:* UID (PARTIAL -1:-2)", "* 3 FETCH (UID 3)\n* 4 FETCH (UID 4)\nOK\n" },
	{ "UID FETCH 1,3:* UID (PARTIAL -3:-9)", "* 1 FETCH (UID 1)\nOK\n" },
	{ "UID FETCH 1,3:* UID (PARTIAL 4:9)", "OK\n" },
	{ "UID FETCH 1,3:* UID (PARTIAL -4:-9)", "OK\n" },
	{ "UID FETCH 9 UID (PARTIAL 1:9)", "OK\n" },
};

static void
test_parts(void **state)
{
	rig_expect(*state, parts, ARRAY_LEN(parts));
}

/* RFC 9051 6.4.5 (BINARY): NULs need another kind of literal; what is no encoding cannot be undone.
 */
static void
test_binary(void **state)
{
	struct rig *r = *state;

	expect_span("NUL", rig_run(r, "FETCH 2 BINARY.PEEK[3]"),
	    span_lit("* 2 FETCH (BINARY[3] ~{3}\r\n\0\1\2)\r\nOK\r\n"));
	expect_span("a part of it", rig_run(r, "FETCH 2 BINARY.PEEK[3]<1.1>"),
	    span_lit("* 2 FETCH (BINARY[3]<1> ~{1}\r\n\1)\r\nOK\r\n"));
	foreign_file(r->place, "cur/3.b:2,", "Content-Transfer-Encoding: x-zip\n\nx", 10000);
	rig_select(r, false);
	expect_text("encoding", rig_run(r, "FETCH 5 BINARY.PEEK[1]"), "NO [UNKNOWN-CTE]\r\n");
	expect_text("size", rig_run(r, "FETCH 5 BINARY.SIZE[1]"), "NO [UNKNOWN-CTE]\r\n");
}

static void
test_items(void **state)
{
	rig_expect(*state, rows, ARRAY_LEN(rows));
}

/* What is no FETCH (RFC 9051 9; ABUSE 30). */
static const char *const wrong[] = {
	"FETCH",
	"FETCH 1",
	"FETCH 1 ",
	"FETCH  1 FLAGS",
	"FETCH x FLAGS",
	"FETCH 0 FLAGS",
	"FETCH 5 FLAGS",
	"FETCH 1:5 FLAGS",
	"FETCH 4294967295 FLAGS",
	"FETCH 4294967296 FLAGS",
	"FETCH 1 FLAGSX",
	"FETCH 1 (FLAGS",
	"FETCH 1 FLAGS)",
	"FETCH 1 (FLAGS ALL)",
	"FETCH 1 ()",
	"FETCH 1 (FLAGS  UID)",
	"FETCH 1 BODY[",
	"FETCH 1 BODY[]x",
	"FETCH 1 BODY[FOO]",
	"FETCH 1 BODY[MIME]",
	"FETCH 1 BODY[0]",
	"FETCH 1 BODY[1.]",
	"FETCH 1 BODY[1..2]",
	"FETCH 1 BODY[.1]",
	"FETCH 1 BODY[1.2.FOO]",
	"FETCH 1 BODY[1 ]",
	"FETCH 1 BODY[HEADER.FIELDS]",
	"FETCH 1 BODY[HEADER.FIELDS ()]",
	"FETCH 1 BODY[HEADER.FIELDS (A]",
	"FETCH 1 BODY[HEADER.FIELDS (A) ]",
	"FETCH 1 BODY[HEADER.FIELDS (\"A]",
	"FETCH 1 BODY[]<>",
	"FETCH 1 BODY[]<0>",
	"FETCH 1 BODY[]<0.0>",
	"FETCH 1 BODY[]<0.1",
	"FETCH 1 BODY[]<9223372036854775808.1>",
	"FETCH 1 BODY[]<0.9223372036854775808>",
	"FETCH 1 RFC822[]",
	"FETCH 1 BINARY[TEXT]",
	"FETCH 1 BINARY.SIZE[1]<0.5>",
	"FETCH 1 FLAGS (CHANGEDSINCE)",
	"FETCH 1 FLAGS (CHANGEDSINCE 9223372036854775808)",
	"FETCH 1 FLAGS (FOO 1)",
	"FETCH 1 FLAGS (CHANGEDSINCE 1",
	"FETCH 1 FLAGS (CHANGEDSINCE 1 VANISHED)",
	"UID FETCH 1 FLAGS (VANISHED)",
	"FETCH 1 FLAGS (PARTIAL 1:2)",
	"UID FETCH 1 FLAGS (PARTIAL)",
	"UID FETCH 1 FLAGS (PARTIAL 0:2)",
	"UID FETCH 1 FLAGS (PARTIAL 1:-2)",
	"UID FETCH 1 FLAGS (CHANGEDSINCE 1 VANISHED)",
};

static void
test_wrong(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
		expect_text(wrong[i], rig_run(*state, wrong[i]), "BAD\r\n");
}

/* "FETCH 1 BODY[1.1.1...]" of N numbers. */
static struct span
run_deep(struct rig *r, size_t n)
{
	struct str command = STR_INIT(1u << 20);
	struct span said;

	str_puts(&command, "FETCH 2 BODY.PEEK[1");
	for (size_t i = 1; i < n; i++)
		str_puts(&command, ".1");
	str_puts(&command, "]");
	said = rig_run_span(r, str_span(&command));
	str_free(&command);
	return said;
}

static void
test_abuse_30_deep_section(void **state)
{
	assert_true(span_ends(run_deep(*state, 100), span_lit(" NIL)\r\nOK\r\n")));
	expect_text("1000 numbers", run_deep(*state, 1000), "BAD\r\n");
	expect_text("100000 numbers", run_deep(*state, 100000), "BAD\r\n");
}

static void
test_seen(void **state)
{
	static const struct rig_case peeks[] = {
		{ "FETCH 1 (BODY.PEEK[]<0.1> RFC822.HEADER ENVELOPE)", NULL },
		{ "FETCH 1 FLAGS", "* 1 FETCH (FLAGS ())\nOK\n" },
	};
	static const struct rig_case reads[] = {
		{ "FETCH 1 (BODY[TEXT]<0.1>)",
		    "* 1 FETCH (BODY[TEXT]<0> {1}\nH FLAGS (\\Seen))\nOK\n" },
		{ "FETCH 1 FLAGS", "* 1 FETCH (FLAGS (\\Seen))\nOK\n" },
		{ "UID FETCH 4 (FLAGS RFC822.TEXT)",
		    "* 4 FETCH (UID 4 FLAGS (\\Flagged \\Deleted \\Seen) RFC822.TEXT {4}\n"
		    "b\nc)\nOK\n" },
	};
	struct rig *r = *state;

	rig_run(r, peeks[0].command);
	rig_expect(r, &peeks[1], 1);
	rig_select(r, true);
	rig_run(r, "FETCH 1 BODY[]");
	rig_expect(r, &peeks[1], 1);
	rig_select(r, false);
	rig_expect(r, reads, ARRAY_LEN(reads));
}

static void
test_changed_since(void **state)
{
	struct rig *r = *state;
	struct str command = STR_INIT(256);
	const struct mailbox_store flag = { MAILBOX_ADD_FLAGS, MAIL_FLAGGED, 0, UINT64_MAX };
	struct uid_range range;
	struct err err = ERR_NONE;
	uint64_t before = mailbox_modseq(r->mb);
	struct str want = STR_INIT(256);

	assert_int_equal(
	    mailbox_store_flags(r->mb, set_of(&range, 3, 3), &flag, NULL, &err), VERDICT_OK);
	str_printf(&command, "FETCH 1:* UID (CHANGEDSINCE %llu)", (unsigned long long)before);
	str_printf(&want, "* 3 FETCH (UID 3 MODSEQ (%llu))\r\nOK\r\n",
	    (unsigned long long)mailbox_modseq(r->mb));
	expect_span("changed", rig_run(r, str_cstr(&command)), str_span(&want));
	assert_true(r->s.enabled & ENABLED_CONDSTORE);
	str_free(&command);
	str_free(&want);
}

/* A message of SIZE bytes with line ends of all sorts, and what a client is to see of it. */
static void
make_rough(struct str *file, struct str *wire, size_t size)
{
	static const char *const bits[] = { "\n", "\r\n", "\r", "x", "some words, and more of them",
		"\n\n", "\r\r\n", "\t" };
	uint32_t dice = 12345;
	char before = 0;

	str_puts(file, "Subject: rough\n\n");
	while (file->n < size) {
		dice = dice * 1103515245 + 12345;
		str_puts(file, bits[dice >> 16 & 7]);
		if ((dice >> 20 & 1023) == 0)
			str_putc(file, '\0');
	}
	for (size_t i = 0; i < file->n; i++) {
		if (file->p[i] == '\n' && before != '\r')
			str_putc(wire, '\r');
		before = file->p[i];
		str_putc(wire, before ? before : (char)0x80);
	}
}

/* The one literal of an answer. */
static struct span
literal_of(const char *what, struct span said)
{
	struct cursor c = cursor_of(span_from(said, span_find(said, '{')));
	struct span out = { NULL, 0 };
	uint64_t n;

	if (!cursor_skip(&c, '{') || !cursor_u64(&c, UINT32_MAX, &n) ||
	    !cursor_word(&c, span_lit("}\r\n")) || !cursor_take(&c, n, &out))
		fail_msg("%s: no literal in an answer of %zu bytes", what, said.n);
	if (!span_starts(cursor_rest(&c), span_lit(")\r\nOK\r\n")))
		fail_msg("%s: the literal of %zu bytes is not followed by the end", what, out.n);
	return out;
}

static void
expect_piece(struct rig *r, struct span wire, size_t from, size_t count)
{
	struct str command = STR_INIT(256);
	struct span want = span_head(span_from(wire, from), count);

	str_printf(&command, "FETCH 5 BODY.PEEK[]<%zu.%zu>", from, count);
	if (!span_eq(literal_of(str_cstr(&command), rig_run(r, str_cstr(&command))), want))
		fail_msg("%s: other bytes than in the message", str_cstr(&command));
	str_free(&command);
}

static void
test_pieces(void **state)
{
	static const size_t sizes[] = { 4096, 100000, 262143, 262144, 300000, 5000000 };
	struct rig *r = *state;
	struct str file = STR_INIT(4u << 20), wire = STR_INIT(8u << 20);
	size_t from;

	make_rough(&file, &wire, 1200000);
	foreign_bytes(r, "cur/2.rough:2,", str_span(&file));
	rig_select(r, false);
	for (size_t k = 0; k < ARRAY_LEN(sizes); k++) {
		for (from = 0; from <= wire.n; from += sizes[k]) {
			expect_piece(r, str_span(&wire), from, sizes[k]);
			/* So that the next one need not begin at the begin. */
			if (from + sizes[k] < wire.n)
				assert_true(r->s.mark.crlf + 2 >= from + sizes[k]);
		}
	}
	for (from = 0; from < 300; from++)
		expect_piece(r, str_span(&wire), from, 1);
	for (from = 262000; from < 262300; from++)
		expect_piece(r, str_span(&wire), from, 3);
	for (from = wire.n - 5; from < wire.n + 3; from++)
		expect_piece(r, str_span(&wire), from, 2);
	if (!span_eq(literal_of("all", rig_run(r, "FETCH 5 BODY.PEEK[]")), str_span(&wire)))
		fail_msg("BODY[]: other bytes than in the message");
	assert_true(span_ends(rig_run(r, "FETCH 5 RFC822.SIZE"), span_lit(")\r\nOK\r\n")));
	str_reset(&file);
	str_printf(&file, "* 5 FETCH (RFC822.SIZE %zu)\r\nOK\r\n", wire.n);
	expect_span("size", rig_run(r, "FETCH 5 RFC822.SIZE"), str_span(&file));
	str_free(&file);
	str_free(&wire);
}

/* A file that is other than what is known of it. */
static void
test_file_changed(void **state)
{
	struct rig *r = *state;
	struct str file = STR_INIT(4u << 20), wire = STR_INIT(4u << 20);

	make_rough(&file, &wire, 400000);
	foreign_bytes(r, "cur/2.rough:2,", str_span(&file));
	rig_select(r, false);
	literal_of("before", rig_run(r, "FETCH 5 BODY.PEEK[]"));
	/* As long as before, with one line end more. */
	memset(file.p + 1000, 'x', 1000);
	file.p[1500] = '\n';
	foreign_rewrite(r, "cur/2.rough:2,", str_span(&file));
	assert_false(span_ends(rig_run(r, "FETCH 5 BODY.PEEK[]"), span_lit(")\r\nOK\r\n")));
	assert_true(r->s.quit);
	/* The next time it is known. */
	literal_of("healed", rig_run(r, "FETCH 5 BODY.PEEK[]"));
	foreign_rewrite(r, "cur/2.rough:2,", span_head(str_span(&file), 300000));
	literal_of("shorter", rig_run(r, "FETCH 5 BODY.PEEK[]"));
	foreign_rewrite(r, "cur/2.rough:2,", span_head(str_span(&file), 10));
	assert_true(span_starts(rig_run(r, "FETCH 5 BODY.PEEK[]"),
	    span_lit("* 5 FETCH (BODY[] {10}\r\nSubject: r)\r\nOK\r\n")));
	assert_true(span_starts(rig_run(r, "FETCH 5 BODY.PEEK[TEXT]"),
	    span_lit("* 5 FETCH (BODY[TEXT] {0}\r\n)\r\nOK\r\n")));
	str_free(&file);
	str_free(&wire);
}

static void
test_vanished(void **state)
{
	static const struct rig_case cases[] = {
		{ "FETCH 4 BODY.PEEK[]", "OK [EXPUNGEISSUED]\n" },
		{ "FETCH 4 (FLAGS BODY.PEEK[TEXT])", "OK [EXPUNGEISSUED]\n" },
		{ "FETCH 3:4 FLAGS", "* 3 FETCH (FLAGS (\\Seen))\nOK [EXPUNGEISSUED]\n" },
	};
	struct rig *r = *state;

	foreign_remove(r->place, "cur/1.a:2,FT");
	rig_expect(r, cases, ARRAY_LEN(cases));
}

/* A file that can be opened and not read: here, a directory. */
static void
test_unreadable(void **state)
{
	static const struct rig_case cases[] = {
		{ "FETCH 3:4 BODY.PEEK[]", "* 3 FETCH (BODY[] {0}\n)\nNO [UNAVAILABLE]\n" },
		{ "FETCH 3:4 (FLAGS ENVELOPE)",
		    "* 3 FETCH (FLAGS (\\Seen) ENVELOPE (NIL NIL NIL NIL NIL NIL NIL NIL NIL "
		    "NIL))\nNO [UNAVAILABLE]\n" },
		{ "FETCH 4 FLAGS", "* 4 FETCH (FLAGS (\\Flagged \\Deleted))\nOK\n" },
		{ "SEARCH BODY hello", "* SEARCH 1\nNO [UNAVAILABLE]\n" },
	};
	struct rig *r = *state;
	struct str path = STR_INIT(8192);

	str_printf(&path, "%s/Maildir/cur/1.a:2,FT", str_cstr(&r->place->path));
	foreign_remove(r->place, "cur/1.a:2,FT");
	assert_int_equal(mkdir(str_cstr(&path), 0700), 0);
	rig_expect(r, cases, ARRAY_LEN(cases));
	str_free(&path);
}

static void
test_client_leaves(void **state)
{
	struct rig *r = *state;
	struct str file = STR_INIT(4u << 20), wire = STR_INIT(8u << 20);

	make_rough(&file, &wire, 3000000);
	foreign_bytes(r, "cur/2.rough:2,", str_span(&file));
	rig_select(r, false);
	r->bytes_max = 1000;
	assert_true(rig_run(r, "FETCH 1:* BODY.PEEK[]").n < 2000000);
	str_free(&file);
	str_free(&wire);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_items, make_mailbox, rig_remove),
		cmocka_unit_test_setup_teardown(test_parts, make_mailbox, rig_remove),
		cmocka_unit_test_setup_teardown(test_binary, make_mailbox, rig_remove),
		cmocka_unit_test_setup_teardown(test_wrong, make_mailbox, rig_remove),
		cmocka_unit_test_setup_teardown(
		    test_abuse_30_deep_section, make_mailbox, rig_remove),
		cmocka_unit_test_setup_teardown(test_seen, make_mailbox, rig_remove),
		cmocka_unit_test_setup_teardown(test_changed_since, make_mailbox, rig_remove),
		cmocka_unit_test_setup_teardown(test_pieces, make_mailbox, rig_remove),
		cmocka_unit_test_setup_teardown(test_file_changed, make_mailbox, rig_remove),
		cmocka_unit_test_setup_teardown(test_vanished, make_mailbox, rig_remove),
		cmocka_unit_test_setup_teardown(test_unreadable, make_mailbox, rig_remove),
		cmocka_unit_test_setup_teardown(test_client_leaves, make_mailbox, rig_remove),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
