/*
 * Messages made to hurt whoever reads them (ABUSE 23, 24): each is asked for in all the ways that
 * make imapd look inside, by FETCH and by SEARCH. Every command ends within a second of work, with
 * an answer that is legal, and the session goes on. Run by make check.
 */
#include "config.h"

#include "tests/unit/imapd/rig.h"

#include "base/mem.h"
#include "tests/unit/message/imap_syntax.h"

static const struct {
	const char *name;
	const char *head, *repeat, *tail;
	size_t count;
} bombs[] = {
	{ "abuse 23: depth", "Content-Type: multipart/mixed; boundary=b\n\n",
	    "--b\nContent-Type: multipart/mixed; boundary=b\n\n", "", 100000 },
	{ "abuse 23: parts", "Content-Type: multipart/mixed; boundary=b\n\n", "--b\n\n", "--b--\n",
	    1000000 },
	{ "abuse 23: messages in messages", "Content-Type: message/rfc822\n\n",
	    "Content-Type: message/rfc822\n\n", "x\n", 100000 },
	{ "abuse 23: no final boundary", "Content-Type: multipart/mixed; boundary=b\n\n--b\n\n",
	    "text\n", "", 100000 },
	{ "abuse 23: boundary of another", "Content-Type: multipart/mixed; boundary=b\n\n",
	    "--b\nContent-Type: multipart/mixed; boundary=bb\n\n--bb\n\n", "--bb--\n--b--\n",
	    10000 },
	{ "abuse 23: folds", "Subject: a\n", " b\n", "\nx\n", 200000 },
	{ "abuse 23: fields", "", "X-Field: x\n", "\nx\n", 100000 },
	{ "abuse 23: parameters", "Content-Type: text/plain", "; name*0*=a", "\n\nx\n", 100000 },
	{ "abuse 23: encoded words", "Subject:", " =?utf-8?q?=C3=A4?=", "\n\nx\n", 50000 },
	{ "abuse 23: addresses", "To: a@b", ", \"A\" <a@example.org>", "\n\nx\n", 40000 },
	{ "abuse 23: comments", "To: ", "(", "\\\n\nx\n", 500000 },
	{ "abuse 23: groups", "To: ", "g:", "\n\nx\n", 300000 },
	{ "abuse 23: quotes", "To: ", "\"", "\\\n\nx\n", 500001 },
	{ "abuse 23: languages", "Content-Language: ", "a,", "\n\nx\n", 300000 },
	{ "abuse 24: base64 cut off",
	    "Content-Type: text/plain\nContent-Transfer-Encoding: base64\n\n", "YWJj", "YW",
	    500000 },
	{ "abuse 24: quoted-printable cut off", "Content-Transfer-Encoding: quoted-printable\n\n",
	    "=C3=A4=\n", "=C", 200000 },
	{ "abuse 24: UTF-8 cut off", "Content-Type: text/plain; charset=utf-8\n\n", "\xc3\xa4",
	    "\xc3", 500000 },
	{ "abuse 24: charset with a path",
	    "Content-Type: text/plain; charset=\"../../../etc/x\"\n\n", "\xe4", "\n", 500000 },
	{ "one line", "Subject: x\n\n", "aaaaaaaaaaaaaaaa", "", 300000 },
	{ "line ends alone", "", "\n", "", 2000000 },
	{ "CRs alone", "\n", "\r", "", 2000000 },
	{ "needles almost found", "\n", "needleneedl", "x", 300000 },
};

/* Ends with the tagged OK; what is before is one legal answer each. */
static const char *const fetches[] = {
	"FETCH 1 ENVELOPE",
	"FETCH 1 BODY",
	"FETCH 1 BODYSTRUCTURE",
	"FETCH 1 BODY.PEEK[1.1.1.1]",
	"FETCH 1 BODY.PEEK[HEADER.FIELDS (To Subject)]",
	"FETCH 1 BODY.PEEK[HEADER.FIELDS.NOT (X-None)]<5.1000>",
	"FETCH 1 BODY.PEEK[1000.MIME]",
	"FETCH 1 (BODY.PEEK[] RFC822.SIZE)",
	"FETCH 1 BINARY.PEEK[1]<0.1000>",
};

static const char *const searches[] = {
	"SEARCH SUBJECT needleneedlf",
	"SEARCH TO needleneedlf",
	"SEARCH HEADER X-Field needleneedlf",
	"SEARCH BODY needleneedlf",
	"SEARCH TEXT needleneedlf",
};

static void
make_bomb(struct rig *r, size_t i)
{
	struct str text = STR_INIT(32u << 20);

	str_puts(&text, bombs[i].head);
	for (size_t k = 0; k < bombs[i].count; k++)
		str_puts(&text, bombs[i].repeat);
	str_puts(&text, bombs[i].tail);
	assert_false(text.full);
	foreign_bytes(r, "cur/1.bomb:2,", str_span(&text));
	rig_select(r, false);
	str_free(&text);
}

/* "* 1 FETCH (...)" and the end. */
static void
expect_fetched(const char *name, struct span said)
{
	struct span end = span_lit("\r\nOK\r\n"), answer = said;

	if (!span_ends(said, end))
		fail_msg(
		    "%s: does not end with OK: %.*s", name, (int)size_min(said.n, 200), said.p);
	answer = span_head(said, said.n - end.n);
	assert_true(span_starts(answer, span_lit("* 1 FETCH (")));
	expect_legal(name, span_from(answer, 10));
}

static void
run_bomb(struct rig *r, size_t i)
{
	struct str name = STR_INIT(256);

	for (size_t k = 0; k < ARRAY_LEN(fetches); k++) {
		uint64_t started = cpu_now();

		str_reset(&name);
		str_printf(&name, "%s, %s", bombs[i].name, fetches[k]);
		rig_run(r, fetches[k]);
		expect_quick(str_cstr(&name), started);
		expect_fetched(str_cstr(&name), str_span(&r->said));
	}
	for (size_t k = 0; k < ARRAY_LEN(searches); k++) {
		uint64_t started = cpu_now();

		str_reset(&name);
		str_printf(&name, "%s, %s", bombs[i].name, searches[k]);
		rig_run(r, searches[k]);
		expect_quick(str_cstr(&name), started);
		expect_text(str_cstr(&name), str_span(&r->said), "* SEARCH\r\nOK\r\n");
	}
	str_free(&name);
}

static void
test_bombs(void **state)
{
	struct rig *r = *state;

	for (size_t i = 0; i < ARRAY_LEN(bombs); i++) {
		make_bomb(r, i);
		run_bomb(r, i);
		/* Again, with what was cached. */
		run_bomb(r, i);
		foreign_remove(r->place, "cur/1.bomb:2,");
		rig_select(r, false);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_bombs, rig_make, rig_remove),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
