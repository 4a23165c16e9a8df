/*
 * pop3d's user half, a session at a time: the replies to each command, what becomes of the messages
 * when a session ends this way or that, messages of odd forms, and unique-ids.
 */
#include "config.h"

#include "tests/unit/pop3d/rig.h"
#include "tests/unit/unit.h"

/* Three messages of 14, 13 and 16 octets as clients count them. */
static void
three_messages(const struct place *p)
{
	foreign_file(p, "cur/1.a:2,", "S: one\n\n.1\n", 1);
	foreign_file(p, "cur/2.b:2,", "S: two\n\n2\n", 2);
	foreign_file(p, "new/3.c", "S: three\n\n3\n", 3);
}

static void
test_replies(void **state)
{
	static const struct {
		const char *name, *sent, *want;
	} rows[] = {
		{ "stat", "STAT\nQUIT\n", "+OK 3 42\n+OK good-bye, 0 messages removed\n" },
		{ "list", "LIST\nlist 2\nLIST 4\nQUIT\n",
		    "+OK 3 messages (42 octets)\n1 14\n2 13\n3 15\n.\n+OK 2 13\n"
		    "-ERR no such message\n+OK good-bye, 0 messages removed\n" },
		{ "uidl", "UIDL\nUIDL 3\nQUIT\n",
		    "+OK unique-ids follow\n1 1.a\n2 2.b\n3 3.c\n.\n+OK 3 3.c\n"
		    "+OK good-bye, 0 messages removed\n" },
		{ "dots", "RETR 1\nQUIT\n",
		    "+OK 14 octets\nS: one\n\n..1\n.\n+OK good-bye, 0 messages removed\n" },
		{ "top", "TOP 2 0\nTOP 2 1\nQUIT\n",
		    "+OK the top follows\nS: two\n\n.\n+OK the top follows\nS: two\n\n2\n.\n"
		    "+OK good-bye, 0 messages removed\n" },
		{ "deleted", "DELE 2\nSTAT\nLIST\nRSET\nSTAT\nQUIT\n",
		    "+OK message 2 will be removed at QUIT\n+OK 2 29\n"
		    "+OK 2 messages (29 octets)\n1 14\n3 15\n.\n+OK no message will be removed\n"
		    "+OK 3 42\n+OK good-bye, 0 messages removed\n" },
		{ "syntax", "STAT 1\nRETR\nTOP 1\nNOOP\n",
		    "-ERR STAT\n-ERR RETR message\n-ERR TOP message lines\n"
		    "-ERR too many errors; good-bye, nothing was removed\n" },
		{ "state", "USER anna\nFROB\nNOOP\nQUIT\n",
		    "-ERR no such command, or not after the login\n"
		    "-ERR no such command, or not after the login\n+OK nothing done\n"
		    "+OK good-bye, 0 messages removed\n" },
	};
	struct place *p = *state;
	struct rig rig;

	three_messages(p);
	rig_open(&rig, p);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		rig_talk(&rig, "", rows[i].sent);
		assert_true(span_starts(str_span(&rig.said), span_lit("+OK 3 messages\n")));
		expect_text(rows[i].name, span_from(str_span(&rig.said), 15), rows[i].want);
	}
	rig_close(&rig);
}

/* How a session ends, and what is there afterwards. */
static void
test_ends(void **state)
{
	static const struct {
		const char *name, *sent;
		bool leaves;
		const char *want;
	} rows[] = {
		{ "nothing", "QUIT\n", false, "1:,2:,3:n" },
		{ "left", "DELE 1\nDELE 3\n", true, "1:,2:,3:n" },
		{ "too many errors", "DELE 1\nX\nX\nX\n", false, "1:,2:,3:n" },
		{ "reset", "DELE 1\nRSET\nQUIT\n", false, "1:,2:,3:n" },
		{ "looked at", "TOP 3 9\nQUIT\n", false, "1:,2:,3:n" },
		{ "read", "RETR 3\nQUIT\n", false, "1:,2:,3:S" },
		{ "read and left", "RETR 2\n", true, "1:,2:S,3:S" },
		{ "removed", "RETR 1\nDELE 1\nDELE 3\nQUIT\n", false, "2:S" },
	};
	struct place *p = *state;
	struct str said = STR_INIT(4096);
	struct rig rig;

	three_messages(p);
	rig_open(&rig, p);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		(rows[i].leaves ? rig_talk_and_leave : rig_talk)(&rig, "", rows[i].sent);
		must_refresh(rig.user.mailbox);
		mailbox_say(rig.user.mailbox, &said);
		expect_text(rows[i].name, str_span(&said), rows[i].want);
	}
	rig_close(&rig);
	str_free(&said);
}

/* RFC 6856 2.1. */
static void
test_utf8(void **state)
{
	static const struct {
		const char *name, *text;
		bool needs;
	} rows[] = {
		{ "ascii", "S: x\n\ngr\303\274n\n", false },
		{ "utf-8", "S: gr\303\274n\n\nx\n", true },
		{ "latin-1", "S: gr\374n\n\nx\n", false },
		{ "both", "S: gr\303\274n\nT: gr\374n\n\nx\n", false },
		{ "no body", "S: gr\303\274n", true },
		{ "not a header", "\ngr\303\274n\n", false },
	};
	struct place *p = *state;
	struct rig rig;

	rig_open(&rig, p);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		foreign_file(p, "cur/1.a:2,", rows[i].text, 1);
		age_dirs(p, ".");
		rig_talk(&rig, "", "RETR 1\nTOP 1 1\nQUIT\n");
		expect_number(rows[i].name,
		    span_find_span(str_span(&rig.said), span_lit("+OK a surrogate follows")) <
			rig.said.n,
		    rows[i].needs);
		expect_number(rows[i].name, span_find_span(str_span(&rig.said), span_lit("-ERR")),
		    (int64_t)rig.said.n);
		rig_talk(&rig, "u", "RETR 1\nTOP 1 1\nDELE 1\nQUIT\n");
		expect_number(rows[i].name, span_find_span(str_span(&rig.said), span_lit("-ERR")),
		    (int64_t)rig.said.n);
	}
	rig_close(&rig);
}

/* RFC 6858. */
static void
test_surrogates(void **state)
{
	static const struct {
		const char *name, *header, *want;
	} rows[] = {
		{ "nothing to do", "S: x\nT:\n y\n\n", "S: x\nT:\n y\n\r\n" },
		{ "subject", "Subject: gr\303\274n\n\n", "Subject: =?utf-8?B?Z3LDvG4=?=\r\n\r\n" },
		{ "a fold", "Subject: a\n gr\303\274n\nX: y\n\n",
		    "Subject: =?utf-8?B?YSBncsO8bg==?=\r\nX: y\n\r\n" },
		{ "a name", "From: J\303\266rg <j@x.y>, B <b@x.y>\n\n",
		    "From: =?utf-8?B?SsO2cmc=?= <j@x.y>, B <b@x.y>\r\n\r\n" },
		{ "an address", "To: Fred <fr\303\251d@x.y>\n\n",
		    "To: Fred <invalid@internationalized-address.invalid>\r\n\r\n" },
		{ "an address alone", "Cc: a@gr\303\274n.de\n\n",
		    "Cc: =?utf-8?B?YUBncsO8bi5kZQ==?= "
		    "<invalid@internationalized-address.invalid>\r\n\r\n" },
		{ "a group", "To: T\303\266chter: a@x.y, b@x.y;\n\n",
		    "To: =?utf-8?B?VMO2Y2h0ZXI=?=: a@x.y, b@x.y;\r\n\r\n" },
		{ "parameters",
		    "Content-Type: text/plain; name=\"gr\303\274n;x\"; charset=utf-8\n\n",
		    "Content-Type: text/plain; charset=utf-8\r\n\r\n" },
		{ "a type that is none", "Content-Type: t\303\251xt/plain\nX: y\n\n",
		    "X: y\n\r\n" },
		{ "another field", "X-Y: gr\303\274n\n more\nX: y\n\n", "X: y\n\r\n" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct str out = STR_INIT(4096);

		assert_true(surrogate_put(&out, span_str(rows[i].header)));
		expect_text(rows[i].name, str_span(&out), rows[i].want);
		str_free(&out);
	}
}

/* Messages of which a line end, the body or everything is missing, and long ones. */
static void
test_forms(void **state)
{
	struct place *p = *state;
	struct str large = STR_INIT(1 << 20);
	struct rig rig;

	foreign_file(p, "cur/1.a:2,", "", 1);
	foreign_file(p, "cur/2.b:2,", "S: x", 2);
	foreign_file(p, "cur/3.c:2,", "S: x\r\n\r\n.\r\n..", 3);
	while (large.n < 200000)
		str_puts(&large, "123456789012345678901234567890\n.\n");
	foreign_file(p, "cur/4.d:2,", str_cstr(&large), 4);
	rig_open(&rig, p);
	rig_talk(&rig, "", "RETR 1\nTOP 1 5\nRETR 2\nTOP 2 1\nRETR 3\nTOP 3 1\nQUIT\n");
	expect_text("forms", str_span(&rig.said),
	    "+OK 4 messages\n+OK 0 octets\n.\n+OK the top follows\n.\n"
	    "+OK 4 octets\nS: x\n.\n+OK the top follows\nS: x\n.\n"
	    "+OK 13 octets\nS: x\n\n..\n...\n.\n+OK the top follows\nS: x\n\n..\n.\n"
	    "+OK good-bye, 0 messages removed\n");
	rig_talk(&rig, "", "RETR 4\nQUIT\n");
	/* A line of two bytes gets a dot and a CR, which is not counted here. */
	expect_number("large", (int64_t)rig.said.n,
	    (int64_t)(large.n + large.n / 33 +
		      strlen("+OK 4 messages\n+OK 212124 octets\n.\n"
			     "+OK good-bye, 0 messages removed\n")));
	rig_close(&rig);
	str_free(&large);
}

/* Names that may be ids are ids; the others are told apart all the same. */
static void
test_unique_ids(void **state)
{
	static const char *const names[] = {
		"1736942400.M1P2Q3.mx,S=10,W=12",
		"1736942400.M1P2Q3.a-host-with-a-long-name.in-a-domain.with-a-long-name.example."
		"org",
		"1736942400.M1P2Q3.a-host-with-a-long-name.in-a-domain.with-a-long-name.example."
		"net",
		"gr\303\274n and blue",
	};
	struct place *p = *state;
	struct span rest, line, seen[ARRAY_LEN(names)];
	struct str path = STR_INIT(1024), first = STR_INIT(4096);
	size_t n = 0;
	struct rig rig;

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		str_reset(&path);
		str_printf(&path, "new/%s", names[i]);
		foreign_file(p, str_cstr(&path), "S: x\n\n", (int)i + 1);
	}
	rig_open(&rig, p);
	rig_talk(&rig, "", "UIDL\nQUIT\n");
	str_put(&first, str_span(&rig.said));
	rest = str_span(&first);
	while (span_token(&rest, span_lit("\n"), &line)) {
		if (line.p[0] < '1' || line.p[0] > '4')
			continue;
		line = span_from(line, 2);
		assert_in_range(line.n, 1, 70);
		for (size_t i = 0; i < line.n; i++)
			assert_in_range(line.p[i], '!', '~');
		for (size_t i = 0; i < n; i++)
			assert_false(span_eq(seen[i], line));
		seen[n++] = line;
	}
	assert_int_equal(n, ARRAY_LEN(names));
	assert_true(span_find_span(str_span(&first), span_str(names[0])) < first.n);
	/* The same after all were read, and without the index. */
	rig_talk(&rig, "", "RETR 1\nRETR 2\nRETR 3\nRETR 4\nQUIT\n");
	rig_close(&rig);
	foreign_remove(p, "postern.index");
	rig_open(&rig, p);
	rig_talk(&rig, "", "UIDL\nQUIT\n");
	expect_number("lines", (int64_t)rig.said.n, (int64_t)first.n);
	for (size_t i = 0; i < n; i++)
		assert_true(span_find_span(str_span(&rig.said), seen[i]) < rig.said.n);
	rig_close(&rig);
	str_free(&path);
	str_free(&first);
}

/* Another process holds the mailbox; then it does not. */
static void
test_lock(void **state)
{
	struct place *p = *state;
	struct maildrop other;
	struct err err = ERR_NONE;
	struct rig rig;

	three_messages(p);
	rig_open(&rig, p);
	assert_int_equal(maildrop_open(&other, &rig.user, &err), VERDICT_OK);
	rig_talk(&rig, "", "STAT\nQUIT\n");
	expect_text("said", str_span(&rig.said), "");
	expect_text(
	    "refused", str_span(&rig.refused), "[IN-USE] the mailbox has a POP3 session already");
	rig.ctx.conf.pop3d_lock_mailbox = false;
	rig_talk(&rig, "", "QUIT\n");
	expect_text("refused", str_span(&rig.refused), "");
	rig.ctx.conf.pop3d_lock_mailbox = true;
	maildrop_close(&other);
	rig_talk(&rig, "", "QUIT\n");
	expect_text("refused", str_span(&rig.refused), "");
	rig_close(&rig);
}

/* A session whose mailbox was rebuilt meanwhile touches nothing. */
SUSPENDS
static void
test_rebuilt(void **state)
{
	struct place *p = *state;
	struct maildrop drop;
	struct err err = ERR_NONE;
	struct str id = STR_INIT(100);
	size_t removed;
	struct rig rig;

	three_messages(p);
	rig_open(&rig, p);
	assert_int_equal(maildrop_open(&drop, &rig.user, &err), VERDICT_OK);
	drop.v[0].marks |= MAILDROP_DELETED;
	foreign_remove(p, "postern.index");
	must_refresh(rig.user.mailbox);
	assert_int_equal(maildrop_unique_id(&drop, &drop.v[1], &id, &err), VERDICT_TEMP);
	assert_int_equal(maildrop_update(&drop, &removed, &err), VERDICT_TEMP);
	assert_int_equal(removed, 0);
	assert_int_equal(mailbox_count(rig.user.mailbox), 3);
	maildrop_close(&drop);
	rig_close(&rig);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_replies, place_make, place_remove),
		cmocka_unit_test_setup_teardown(test_ends, place_make, place_remove),
		cmocka_unit_test_setup_teardown(test_utf8, place_make, place_remove),
		cmocka_unit_test(test_surrogates),
		cmocka_unit_test_setup_teardown(test_forms, place_make, place_remove),
		cmocka_unit_test_setup_teardown(test_unique_ids, place_make, place_remove),
		cmocka_unit_test_setup_teardown(test_lock, place_make, place_remove),
		cmocka_unit_test_setup_teardown(test_rebuilt, place_make, place_remove),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
