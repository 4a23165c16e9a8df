/*
 * SEARCH: each key, alone and joined, over messages of all shapes (RFC 9051 6.4.4). A row is a
 * command and its whole answer. Then what is no search, and what abuses it. Run by make check.
 */
#include "config.h"

#include "tests/unit/imapd/rig.h"

#include "base/mem.h"
#include "tests/unit/unit.h"

#define FIRST                                                                                  \
	"Date: Mon, 23 Nov 2026 23:30:00 -0500\n"                                              \
	"From: \"A. Nna\" <anna@example.org>\nTo: bert@example.net,\n carl@example.net\n"      \
	"Cc: =?iso-8859-1?q?J=F6rg?= <joerg@example.org>\nBcc: dora@example.org\n"             \
	"Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe_aus?= =?utf-8?q?_K=C3=B6ln?=\nX-Long: one\n two\n" \
	"X-Empty:\n\nHello, World.\n\nBye.\n"

#define SECOND                                                                                \
	"Date: Tue, 24 Nov 2026 00:30:00 +0000\nFrom: bert@example.net\nMIME-Version: 1.0\n"  \
	"Subject: parts\nContent-Type: multipart/mixed; boundary=b1\n\npreamble-word\n--b1\n" \
	"Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: "                \
	"quoted-printable\n\nCaf=C3=A9 soft=\nware\n--b1\nContent-Type: message/rfc822\n\n"   \
	"Subject: inner =?utf-8?b?w4TDtsO8?=\nContent-Type: multipart/alternative; "          \
	"boundary=b2\n\n"                                                                     \
	"--b2\nContent-Type: text/plain; charset=iso-8859-1\n\nd\xe9j\xe0 vu\n"               \
	"--b2\nContent-Type: text/html\n\n<p>html-word\n--b2--\n--b1\nContent-Type: "         \
	"application/octet-stream\nContent-Disposition: attachment; filename=report.bin\n"    \
	"Content-Transfer-Encoding: base64\n\nYmluLXdvcmQK\n--b1\nContent-Type: text/plain\n" \
	"Content-Transfer-Encoding: base64\n\nYmFzZTY0LXdvcmQK\n--b1--\n"

static int
make_mailbox(void **state)
{
	struct rig *r;
	struct err err = ERR_NONE;
	uint64_t work;

	if (rig_make(state) != 0)
		return -1;
	r = *state;
	assert_int_equal(
	    mailbox_keyword_bit(r->mb, span_lit("$Work"), true, &work, &err), VERDICT_OK);
	foreign_file(r->place, "cur/0.a:2,FS", FIRST, 10000);
	must_refresh(r->mb);
	must_add(r->mb, SECOND, MAIL_SEEN | MAIL_ANSWERED, work);
	must_add(r->mb, "Subject: third\n\nshort\n", MAIL_DELETED | MAIL_DRAFT, 0);
	must_add(r->mb, "", MAIL_FORWARDED, 0);
	/* UIDs and numbers are not the same. */
	must_add(r->mb, "gone", 0, 0);
	must_add(r->mb, "From: x\n\n\xff\xfe not utf-8 \xc3", MAIL_FLAGGED, 0);
	assert_int_equal(
	    mailbox_expunge(r->mb, (struct uid_set){ &(struct uid_range){ 5, 5 }, 1 }, &err),
	    VERDICT_OK);
	rig_select(r, false);
	return 0;
}

static const struct rig_case keys[] = {
	{ "SEARCH ALL", "* SEARCH 1 2 3 4 5\nOK\n" },
	{ "UID SEARCH ALL", "* SEARCH 1 2 3 4 6\nOK\n" },
	{ "SEARCH ANSWERED", "* SEARCH 2\nOK\n" },
	{ "SEARCH UNANSWERED", "* SEARCH 1 3 4 5\nOK\n" },
	{ "SEARCH DELETED", "* SEARCH 3\nOK\n" },
	{ "SEARCH UNDELETED", "* SEARCH 1 2 4 5\nOK\n" },
	{ "SEARCH DRAFT", "* SEARCH 3\nOK\n" },
	{ "SEARCH UNDRAFT", "* SEARCH 1 2 4 5\nOK\n" },
	{ "SEARCH FLAGGED", "* SEARCH 1 5\nOK\n" },
	{ "SEARCH UNFLAGGED", "* SEARCH 2 3 4\nOK\n" },
	{ "SEARCH SEEN", "* SEARCH 1 2\nOK\n" },
	{ "SEARCH UNSEEN", "* SEARCH 3 4 5\nOK\n" },
	{ "SEARCH KEYWORD $work", "* SEARCH 2\nOK\n" },
	{ "SEARCH UNKEYWORD $Work", "* SEARCH 1 3 4 5\nOK\n" },
	{ "SEARCH KEYWORD $forwarded", "* SEARCH 4\nOK\n" },
	{ "SEARCH KEYWORD nosuch", "* SEARCH\nOK\n" },
	{ "SEARCH UNKEYWORD nosuch", "* SEARCH 1 2 3 4 5\nOK\n" },
	{ "SEARCH NEW", "* SEARCH\nOK\n" },
	{ "SEARCH OLD", "* SEARCH 1 2 3 4 5\nOK\n" },
	{ "SEARCH RECENT", "* SEARCH\nOK\n" },
	{ "SEARCH BEFORE 20-May-1997", "* SEARCH 1\nOK\n" },
	{ "SEARCH BEFORE 19-May-1997", "* SEARCH\nOK\n" },
	{ "SEARCH ON \"19-May-1997\"", "* SEARCH 1\nOK\n" },
	{ "SEARCH ON 1-Jan-1960", "* SEARCH\nOK\n" },
	{ "SEARCH SINCE 1-Jan-1960", "* SEARCH 1 2 3 4 5\nOK\n" },
	{ "SEARCH NOT SINCE 20-May-1997", "* SEARCH 1\nOK\n" },
	{ "SEARCH SENTBEFORE 24-Nov-2026", "* SEARCH 1\nOK\n" },
	{ "SEARCH SENTON 23-Nov-2026", "* SEARCH 1\nOK\n" },
	{ "SEARCH SENTON 24-Nov-2026", "* SEARCH 2\nOK\n" },
	{ "SEARCH SENTSINCE 1-Jan-1990", "* SEARCH 1 2\nOK\n" },
	{ "SEARCH LARGER 0", "* SEARCH 1 2 3 5\nOK\n" },
	{ "SEARCH LARGER 23", "* SEARCH 1 2 3 5\nOK\n" },
	{ "SEARCH LARGER 24", "* SEARCH 1 2 3 5\nOK\n" },
	{ "SEARCH SMALLER 25", "* SEARCH 4\nOK\n" },
	{ "SEARCH SMALLER 1", "* SEARCH 4\nOK\n" },
	{ "SEARCH OLDER 100000000", "* SEARCH 1\nOK\n" },
	{ "SEARCH YOUNGER 100000000", "* SEARCH 2 3 4 5\nOK\n" },
	{ "SEARCH FROM anna", "* SEARCH 1\nOK\n" },
	{ "SEARCH FROM \"A. NNA\"", "* SEARCH 1\nOK\n" },
	{ "SEARCH FROM \"\"", "* SEARCH 1 2 5\nOK\n" },
	{ "SEARCH TO \"bert@example.net, carl\"", "* SEARCH 1\nOK\n" },
	{ "SEARCH CC \"J\xc3"
	  "\xb6"
	  "RG\"",
	    "* SEARCH 1\nOK\n" },
	{ "SEARCH CC \"J\xc3"
	  "\x96"
	  "RG\"",
	    "* SEARCH 1\nOK\n" },
	{ "SEARCH BCC dora", "* SEARCH 1\nOK\n" },
	{ "SEARCH SUBJECT \"gr\xc3"
	  "\xbc"
	  "\xc3"
	  "\x9f"
	  "e aus k\xc3"
	  "\x96"
	  "LN\"",
	    "* SEARCH 1\nOK\n" },
	{ "SEARCH SUBJECT parts", "* SEARCH 2\nOK\n" },
	{ "SEARCH HEADER X-Long \"one two\"", "* SEARCH 1\nOK\n" },
	{ "SEARCH HEADER X-Empty \"\"", "* SEARCH 1\nOK\n" },
	{ "SEARCH HEADER x-empty x", "* SEARCH\nOK\n" },
	{ "SEARCH HEADER Subject \"\"", "* SEARCH 1 2 3\nOK\n" },
	{ "SEARCH HEADER X-None \"\"", "* SEARCH\nOK\n" },
	{ "SEARCH BODY \"hello, world\"", "* SEARCH 1\nOK\n" },
	{ "SEARCH BODY Subject", "* SEARCH 2\nOK\n" },
	{ "SEARCH BODY \"caf\xc3"
	  "\x89"
	  " software\"",
	    "* SEARCH 2\nOK\n" },
	{ "SEARCH BODY inner", "* SEARCH 2\nOK\n" },
	{ "SEARCH BODY \"\xc3"
	  "\xa4"
	  "\xc3"
	  "\xb6"
	  "\xc3"
	  "\xbc"
	  "\"",
	    "* SEARCH 2\nOK\n" },
	{ "SEARCH BODY \"D\xc3"
	  "\x89"
	  "J\xc3"
	  "\x80"
	  " VU\"",
	    "* SEARCH 2\nOK\n" },
	{ "SEARCH BODY html-word", "* SEARCH 2\nOK\n" },
	{ "SEARCH BODY bin-word", "* SEARCH\nOK\n" },
	{ "SEARCH BODY base64-word", "* SEARCH 2\nOK\n" },
	{ "SEARCH BODY report.bin", "* SEARCH 2\nOK\n" },
	{ "SEARCH BODY preamble-word", "* SEARCH\nOK\n" },
	{ "SEARCH BODY parts", "* SEARCH\nOK\n" },
	{ "SEARCH BODY \"\"", "* SEARCH 1 2 3 4 5\nOK\n" },
	{ "SEARCH BODY \"not utf-8\"", "* SEARCH 5\nOK\n" },
	{ "SEARCH TEXT parts", "* SEARCH 2\nOK\n" },
	{ "SEARCH TEXT \"subject: third\"", "* SEARCH 3\nOK\n" },
	{ "SEARCH TEXT \"x-long: one two\"", "* SEARCH 1\nOK\n" },
	{ "SEARCH TEXT \"hello, world\"", "* SEARCH 1\nOK\n" },
	{ "SEARCH TEXT \"third short\"", "* SEARCH\nOK\n" },
	{ "SEARCH 2:3", "* SEARCH 2 3\nOK\n" },
	{ "SEARCH *", "* SEARCH 5\nOK\n" },
	{ "SEARCH 4:*", "* SEARCH 4 5\nOK\n" },
	{ "SEARCH 5,1", "* SEARCH 1 5\nOK\n" },
	{ "SEARCH UID 6", "* SEARCH 5\nOK\n" },
	{ "SEARCH UID 5", "* SEARCH\nOK\n" },
	{ "SEARCH UID 7:*", "* SEARCH 5\nOK\n" },
	{ "UID SEARCH UID 7:*", "* SEARCH 6\nOK\n" },
	{ "UID SEARCH 5", "* SEARCH 6\nOK\n" },
	{ "SEARCH UID *:4294967295", "* SEARCH 5\nOK\n" },
	{ "SEARCH UID 4294967295:1", "* SEARCH 1 2 3 4 5\nOK\n" },
	{ "SEARCH UID 4294967295", "* SEARCH\nOK\n" },
	{ "SEARCH NOT NOT 2", "* SEARCH 2\nOK\n" },
	{ "SEARCH NOT (SEEN)", "* SEARCH 3 4 5\nOK\n" },
	{ "SEARCH OR 1 3", "* SEARCH 1 3\nOK\n" },
	{ "SEARCH OR OR 1 2 OR 3 4", "* SEARCH 1 2 3 4\nOK\n" },
	{ "SEARCH OR (SEEN FLAGGED) DELETED", "* SEARCH 1 3\nOK\n" },
	{ "SEARCH SEEN FLAGGED", "* SEARCH 1\nOK\n" },
	{ "SEARCH (SEEN) (NOT FLAGGED)", "* SEARCH 2\nOK\n" },
	{ "SEARCH ((((SEEN))) NOT (FLAGGED))", "* SEARCH 2\nOK\n" },
	{ "SEARCH BODY hello SEEN FROM anna", "* SEARCH 1\nOK\n" },
	{ "SEARCH OR BODY hello DELETED", "* SEARCH 1 3\nOK\n" },
	{ "SEARCH NOT OR SEEN DELETED", "* SEARCH 4 5\nOK\n" },
	{ "SEARCH CHARSET utf-8 SUBJECT k\xc3"
	  "\xb6"
	  "ln",
	    "BAD\n" },
	{ "SEARCH CHARSET \"US-ASCII\" SEEN", "* SEARCH 1 2\nOK\n" },
	{ "SEARCH CHARSET KOI8-R SEEN", "NO [BADCHARSET (US-ASCII UTF-8)]\n" },
	{ "SEARCH RETURN () SEEN", "* ESEARCH (TAG \"a1\") ALL 1:2\nOK\n" },
	{ "SEARCH RETURN (ALL) 1:3", "* ESEARCH (TAG \"a1\") ALL 1:3\nOK\n" },
	{ "SEARCH RETURN (MIN MAX COUNT) UNSEEN",
	    "* ESEARCH (TAG \"a1\") MIN 3 MAX 5 COUNT 3\nOK\n" },
	{ "SEARCH RETURN (MIN) UNSEEN", "* ESEARCH (TAG \"a1\") MIN 3\nOK\n" },
	{ "UID SEARCH RETURN (MAX ALL) ALL", "* ESEARCH (TAG \"a1\") UID MAX 6 ALL 1:4,6\nOK\n" },
	{ "SEARCH RETURN (COUNT) KEYWORD nosuch", "* ESEARCH (TAG \"a1\") COUNT 0\nOK\n" },
	{ "SEARCH RETURN (MIN MAX ALL) KEYWORD nosuch", "* ESEARCH (TAG \"a1\")\nOK\n" },
	{ "SEARCH $", "* SEARCH\nOK\n" },
	{ "SEARCH RETURN (SAVE) UNSEEN", "OK\n" },
	{ "SEARCH $", "* SEARCH 3 4 5\nOK\n" },
	{ "SEARCH NOT $", "* SEARCH 1 2\nOK\n" },
	{ "SEARCH RETURN (SAVE MIN) SEEN", "* ESEARCH (TAG \"a1\") MIN 1\nOK\n" },
	{ "SEARCH UID $", "* SEARCH 1\nOK\n" },
	{ "SEARCH RETURN (SAVE MAX) SEEN", "* ESEARCH (TAG \"a1\") MAX 2\nOK\n" },
	{ "SEARCH $", "* SEARCH 2\nOK\n" },
	{ "SEARCH RETURN (SAVE MIN MAX) ALL", "* ESEARCH (TAG \"a1\") MIN 1 MAX 5\nOK\n" },
	{ "SEARCH $", "* SEARCH 1 5\nOK\n" },
	{ "SEARCH RETURN (SAVE MIN COUNT) ALL", "* ESEARCH (TAG \"a1\") MIN 1 COUNT 5\nOK\n" },
	{ "SEARCH $", "* SEARCH 1 2 3 4 5\nOK\n" },
	{ "UID FETCH $ UID", "* 1 FETCH (UID 1)\n* 2 FETCH (UID 2)\n* 3 FETCH (UID 3)\n* 4 FETCH "
			     "(UID 4)\n* 5 FETCH (UID 6)\nOK\n" },
	{ "SEARCH RETURN (SAVE) CHARSET KOI8-R SEEN", "NO [BADCHARSET (US-ASCII UTF-8)]\n" },
	{ "SEARCH $", "* SEARCH\nOK\n" },
	{ "SEARCH RETURN (PARTIAL 2:3) ALL", "* ESEARCH (TAG \"a1\") PARTIAL (2:3 2:3)\nOK\n" },
	{ "UID SEARCH RETURN (PARTIAL -1:-2) ALL",
	    "* ESEARCH (TAG \"a1\") UID PARTIAL (-1:-2 4,6)\nOK\n" },
	{ "SEARCH RETURN (PARTIAL 4:9) ALL", "* ESEARCH (TAG \"a1\") PARTIAL (4:9 4:5)\nOK\n" },
	{ "SEARCH RETURN (PARTIAL -9:-4) ALL", "* ESEARCH (TAG \"a1\") PARTIAL (-9:-4 1:2)\nOK\n" },
	{ "SEARCH RETURN (PARTIAL 6:9 COUNT) ALL",
	    "* ESEARCH (TAG \"a1\") COUNT 5 PARTIAL (6:9 NIL)\nOK\n" },
	{ "SEARCH THREADID T1", "* SEARCH\nOK\n" },
};

static void
test_keys(void **state)
{
	rig_expect(*state, keys, ARRAY_LEN(keys));
}

/* What is no SEARCH (RFC 9051 9). */
static const char *const wrong[] = {
	"SEARCH ",
	"SEARCH  ALL",
	"SEARCH ALL ",
	"SEARCH ALLX",
	"SEARCH ALL)",
	"SEARCH (ALL",
	"SEARCH ()",
	"SEARCH ( ALL)",
	"SEARCH (ALL )",
	"SEARCH NOT",
	"SEARCH NOT ",
	"SEARCH NOT)",
	"SEARCH OR 1",
	"SEARCH OR 1 ",
	"SEARCH OR (1) (2",
	"SEARCH (OR 1)",
	"SEARCH FROM",
	"SEARCH FROM ",
	"SEARCH FROM \"a",
	"SEARCH FROM \"a\\b\"",
	"SEARCH FROM {3}\r\nab",
	"SEARCH FROM {3}ab",
	"SEARCH FROM {99999999999}\r\nab",
	"SEARCH FROM \"\xff\"",
	"SEARCH FROM \"\xc3\"",
	"SEARCH HEADER Subject",
	"SEARCH ON 32-Jan-2000",
	"SEARCH ON 1-Jan-00",
	"SEARCH ON Jan-1-2000",
	"SEARCH LARGER -1",
	"SEARCH LARGER 9223372036854775808",
	"SEARCH YOUNGER 0",
	"SEARCH KEYWORD",
	"SEARCH KEYWORD \\Seen",
	"SEARCH UID",
	"SEARCH UID 0",
	"SEARCH UID x",
	"SEARCH UID 1:",
	"SEARCH UID 1,",
	"SEARCH UID ,1",
	"SEARCH UID 1:2:3",
	"SEARCH UID 4294967296",
	"SEARCH 0",
	"SEARCH 6",
	"SEARCH 1:6",
	"SEARCH $,1",
	"SEARCH MODSEQ",
	"SEARCH MODSEQ \"/flags/\\\\Seen\" some 1",
	"SEARCH CHARSET",
	"SEARCH CHARSET utf-8",
	"SEARCH CHARSET utf-8 ",
	"SEARCH ALL CHARSET utf-8",
	"SEARCH RETURN",
	"SEARCH RETURN ALL",
	"SEARCH RETURN ( ) ALL",
	"SEARCH RETURN (ALL",
	"SEARCH RETURN (FOO) ALL",
	"SEARCH RETURN (ALL)",
	"SEARCH RETURN (PARTIAL) ALL",
	"SEARCH RETURN (PARTIAL 1) ALL",
	"SEARCH RETURN (PARTIAL 0:5) ALL",
	"SEARCH RETURN (PARTIAL 1:-5) ALL",
	"SEARCH RETURN (ALL PARTIAL 1:5) ALL",
};

static void
test_wrong(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
		expect_text(wrong[i], rig_run(*state, wrong[i]), "BAD\r\n");
}

static void
test_modseq(void **state)
{
	struct rig *r = *state;
	struct str command = STR_INIT(256), want = STR_INIT(256);
	const struct mailbox_store flag = { MAILBOX_ADD_FLAGS, MAIL_FLAGGED, 0, UINT64_MAX };
	struct uid_range range;
	struct err err = ERR_NONE;
	unsigned long long before = mailbox_modseq(r->mb), after;

	assert_int_equal(
	    mailbox_store_flags(r->mb, set_of(&range, 3, 3), &flag, NULL, &err), VERDICT_OK);
	after = mailbox_modseq(r->mb);
	str_printf(&command, "SEARCH MODSEQ %llu", before + 1);
	str_printf(&want, "* SEARCH 3 (MODSEQ %llu)\r\nOK\r\n", after);
	expect_span("plain", rig_run(r, str_cstr(&command)), str_span(&want));
	assert_true(r->s.enabled & ENABLED_CONDSTORE);
	str_reset(&command);
	str_reset(&want);
	str_printf(&command, "SEARCH RETURN (MIN) MODSEQ \"/flags/\\\\Seen\" all %llu", before + 1);
	str_printf(&want, "* ESEARCH (TAG \"a1\") MIN 3 MODSEQ %llu\r\nOK\r\n", after);
	expect_span("extended", rig_run(r, str_cstr(&command)), str_span(&want));
	str_reset(&command);
	str_printf(&command, "SEARCH MODSEQ %llu", after + 1);
	expect_text("none", rig_run(r, str_cstr(&command)), "* SEARCH\r\nOK\r\n");
	str_free(&command);
	str_free(&want);
}

static void
test_revision_2(void **state)
{
	static const struct rig_case rows[] = {
		{ "SEARCH SEEN", "* ESEARCH (TAG \"a1\") ALL 1:2\nOK\n" },
		{ "UID SEARCH UNSEEN", "* ESEARCH (TAG \"a1\") UID ALL 3:4,6\nOK\n" },
		{ "SEARCH KEYWORD nosuch", "* ESEARCH (TAG \"a1\")\nOK\n" },
	};
	struct rig *r = *state;

	r->s.enabled = ENABLED_REV2;
	rig_expect(r, rows, ARRAY_LEN(rows));
}

/* PIECE N times behind HEAD, and then TAIL. */
static struct span
run_repeated(struct rig *r, const char *head, const char *piece, size_t n, const char *tail)
{
	struct str command = STR_INIT(16u << 20);
	struct span said;

	str_puts(&command, head);
	for (size_t i = 0; i < n; i++)
		str_puts(&command, piece);
	str_puts(&command, tail);
	said = rig_run_span(r, str_span(&command));
	str_free(&command);
	return said;
}

static void
test_abuse_28_parentheses(void **state)
{
	struct rig *r = *state;

	expect_text("open", run_repeated(r, "SEARCH ", "(", 1000000, ""), "BAD\r\n");
	expect_text("not", run_repeated(r, "SEARCH ", "NOT ", 1000000, "ALL"), "BAD\r\n");
	expect_text("or", run_repeated(r, "SEARCH ", "OR ", 1000000, "ALL"), "BAD\r\n");
	expect_text("closed", run_repeated(r, "SEARCH ALL", ")", 1000000, ""), "BAD\r\n");
	expect_text("quote", run_repeated(r, "SEARCH FROM \"", "x", 1000000, ""), "BAD\r\n");
}

static void
test_abuse_30_nested(void **state)
{
	struct rig *r = *state;

	expect_text("10,000 NOTs", run_repeated(r, "SEARCH ", "NOT ", 10000, "SEEN"),
	    "* SEARCH 1 2\r\nOK\r\n");
	expect_text("7,000 ORs", run_repeated(r, "SEARCH ", "OR UID 9 ", 7000, "SEEN"),
	    "* SEARCH 1 2\r\nOK\r\n");
	expect_text("10,000 keys", run_repeated(r, "SEARCH SEEN", " NOT FLAGGED", 5000, ""),
	    "* SEARCH 2\r\nOK\r\n");
}

static void
test_abuse_30_sets(void **state)
{
	struct rig *r = *state;

	expect_text("many", run_repeated(r, "SEARCH UID 1", ",9,1:2,3", 30000, ""),
	    "* SEARCH 1 2 3\r\nOK\r\n");
	expect_text("too many", run_repeated(r, "SEARCH UID 1", ",9,1:2,3", 100000, ""), "BAD\r\n");
}

/* What is searched may be as bad as it likes (ABUSE 23, 24). */
static void
test_abuse_23_24_content(void **state)
{
	static const char *const texts[] = {
		"Content-Type: text/plain\nContent-Transfer-Encoding: base64\n\nbmVlZGxl=\nbm",
		"Content-Transfer-Encoding: quoted-printable\n\nneedle=\nneedle=C3",
		"Content-Type: text/plain; charset=\"../../../etc/passwd\"\n\nneedle \xff",
		"Content-Type: text/plain; charset=utf-16\n\nneedle",
		"Content-Type: multipart/mixed; boundary=b\n\n--b\n\n--b\n\nneedle",
		"Content-Type: text/plain; charset=\"koi8-r\n\nneedle",
		"Subject: =?koi8-r?b?bmVlZGxl?= =?utf-8?q?=C3\n\n",
	};
	static const struct rig_case rows[] = {
		{ "SEARCH UID 7:* BODY NEEDLE", "* SEARCH 6 7 8 9 10 11\nOK\n" },
		{ "SEARCH UID 7:* TEXT needle", "* SEARCH 6 7 8 9 10 11 12\nOK\n" },
		{ "SEARCH UID 7:* SUBJECT needle", "* SEARCH 12\nOK\n" },
	};
	struct rig *r = *state;

	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		must_add(r->mb, texts[i], 0, 0);
	rig_select(r, false);
	rig_expect(r, rows, ARRAY_LEN(rows));
}

/* A word across any two blocks is found. */
static void
test_long_text(void **state)
{
	struct rig *r = *state;
	struct str text = STR_INIT(4u << 20);

	for (size_t at = 65436; at < 65660; at += 7) {
		str_reset(&text);
		str_puts(&text, "Subject: x\n\n");
		while (text.n < at)
			str_putc(&text, text.n % 64 == 0 ? '\n' : 'n');
		str_puts(&text, "Nee\xc3\x84"
				"dle");
		while (text.n < 200000)
			str_putc(&text, 'n');
		foreign_bytes(r, "cur/9.long:2,", str_span(&text));
		rig_select(r, false);
		expect_text("found",
		    rig_run(r, "SEARCH UID 7:* BODY \"nee\xc3\xa4"
			       "dle\""),
		    "* SEARCH 6\r\nOK\r\n");
		expect_text("not found", rig_run(r, "SEARCH UID 7:* BODY \"needle\""),
		    "* SEARCH\r\nOK\r\n");
		foreign_remove(r->place, "cur/9.long:2,");
		rig_select(r, false);
	}
	str_free(&text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_keys, make_mailbox, rig_remove),
		cmocka_unit_test_setup_teardown(test_wrong, make_mailbox, rig_remove),
		cmocka_unit_test_setup_teardown(test_modseq, make_mailbox, rig_remove),
		cmocka_unit_test_setup_teardown(test_revision_2, make_mailbox, rig_remove),
		cmocka_unit_test_setup_teardown(
		    test_abuse_28_parentheses, make_mailbox, rig_remove),
		cmocka_unit_test_setup_teardown(test_abuse_30_nested, make_mailbox, rig_remove),
		cmocka_unit_test_setup_teardown(test_abuse_30_sets, make_mailbox, rig_remove),
		cmocka_unit_test_setup_teardown(test_abuse_23_24_content, make_mailbox, rig_remove),
		cmocka_unit_test_setup_teardown(test_long_text, make_mailbox, rig_remove),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
