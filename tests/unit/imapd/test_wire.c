/*
 * Tests of how commands lie on the wire: tags, literals at the end of lines, flag lists, special
 * uses, and the record of a parked session. Each is a table of what is read and what comes out of
 * it.
 */
#include "tests/unit/unit.h"

#include "imapd/flags.h"
#include "imapd/park.h"
#include "imapd/use.h"
#include "imapd/wire.h"
#include "mailbox/mailbox.h"

static void
test_literals(void **state UNUSED)
{
	static const struct {
		const char *line;
		bool found, waits;
		uint64_t size;
		size_t at;
	} rows[] = {
		{ "a LOGIN {5}", true, true, 5, 8 },
		{ "a LOGIN {5+}", true, false, 5, 8 },
		{ "{0}", true, true, 0, 0 },
		{ "{007}", true, true, 7, 0 },
		{ "x {18446744073709551615}", true, true, UINT64_MAX, 2 },
		{ "x {99999999999999999999999999+}", true, false, UINT64_MAX, 2 },
		{ "x {}", false, false, 0, 0 },
		{ "x {+}", false, false, 0, 0 },
		{ "x {5-}", false, false, 0, 0 },
		{ "x {5} ", false, false, 0, 0 },
		{ "x 5}", false, false, 0, 0 },
		{ "5}", false, false, 0, 0 },
		{ "+}", false, false, 0, 0 },
		{ "}", false, false, 0, 0 },
		{ "", false, false, 0, 0 },
		{ "x \"{5}\"", false, false, 0, 0 },
	};
	struct literal lit;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		bool found = literal_parse(span_str(rows[i].line), &lit);

		expect_number(rows[i].line, found, rows[i].found);
		if (!found)
			continue;
		expect_number(rows[i].line, lit.waits, rows[i].waits);
		expect_number(rows[i].line, (int64_t)lit.size, (int64_t)rows[i].size);
		expect_number(rows[i].line, (int64_t)lit.at, (int64_t)rows[i].at);
	}
}

static void
test_tags(void **state UNUSED)
{
	static const struct {
		const char *text;
		const char *tag; /* NULL: none */
	} rows[] = {
		{ "a1 NOOP", "a1" },
		{ "A.b-c_d]e NOOP", "A.b-c_d]e" },
		{ "a", "a" },
		{ "", NULL },
		{ " NOOP", NULL },
		{ "+ NOOP", NULL },
		{ "a+b NOOP", "a" },
		{ "* NOOP", NULL },
		{ "(a NOOP", NULL },
		{ "\"a\" NOOP", NULL },
		{ "{1}", NULL },
	};
	struct str long_tag = STR_INIT(2 * LIMIT_IMAP_TAG);
	struct span tag;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct args a = { .in = cursor_of(span_str(rows[i].text)) };
		bool found = args_tag(&a, &tag);

		expect_number(rows[i].text, found, rows[i].tag != NULL);
		if (found)
			expect_text(rows[i].text, tag, rows[i].tag);
	}
	while (long_tag.n <= LIMIT_IMAP_TAG)
		str_putc(&long_tag, 't');
	struct args a = { .in = cursor_of(str_span(&long_tag)) };
	assert_false(args_tag(&a, &tag));
	str_free(&long_tag);
}

static void
test_flag_lists(void **state UNUSED)
{
	static const struct {
		const char *text;
		bool bare, good;
		uint32_t letters;
		size_t names;
		size_t left; /* bytes behind it */
	} rows[] = {
		{ "()", false, true, 0, 0, 0 },
		{ "(\\Seen)", false, true, MAIL_SEEN, 0, 0 },
		{ "(\\SEEN \\deleted) x", false, true, MAIL_SEEN | MAIL_DELETED, 0, 2 },
		{ "($Forwarded $Junk NonJunk)", false, true, MAIL_FORWARDED, 2, 0 },
		{ "\\Seen \\Draft", true, true, MAIL_SEEN | MAIL_DRAFT, 0, 0 },
		{ "(\\Answered a)", true, true, MAIL_ANSWERED, 1, 0 },
		{ "\\Seen", false, false, 0, 0, 0 },
		{ "(\\Recent)", false, false, 0, 0, 0 },
		{ "(\\*)", false, false, 0, 0, 0 },
		{ "(\\)", false, false, 0, 0, 0 },
		{ "(\\Seen", false, false, 0, 0, 0 },
		{ "(\\Seen  \\Draft)", false, false, 0, 0, 0 },
		{ "( \\Seen)", false, false, 0, 0, 0 },
		{ "(\"a\")", false, false, 0, 0, 0 },
		{ "", true, false, 0, 0, 0 },
		{ "(a\\b)", false, false, 0, 0, 0 },
	};
	struct arena arena;
	struct flags flags;

	arena_init(&arena, LIMIT_IMAP_ARENA);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct args a = { .in = cursor_of(span_str(rows[i].text)), .arena = &arena };
		bool good = flags_parse(&a, rows[i].bare, &flags);

		expect_number(rows[i].text, good, rows[i].good);
		expect_number(rows[i].text, a.bad != NULL, !rows[i].good);
		if (!good)
			continue;
		expect_number(rows[i].text, flags.letters, rows[i].letters);
		expect_number(rows[i].text, (int64_t)flags.names_n, (int64_t)rows[i].names);
		expect_number(rows[i].text, (int64_t)cursor_left(&a.in), (int64_t)rows[i].left);
	}
	arena_free(&arena);
}

/* No client may make us keep more names than a list has room for. */
static void
test_flag_lists_are_bounded(void **state UNUSED)
{
	struct str text = STR_INIT(65536);
	struct arena arena;
	struct flags flags;

	arena_init(&arena, LIMIT_IMAP_ARENA);
	str_puts(&text, "(a");
	for (int i = 0; i < 1000; i++)
		str_puts(&text, " a");
	str_puts(&text, ")");
	struct args a = { .in = cursor_of(str_span(&text)), .arena = &arena };
	assert_false(flags_parse(&a, false, &flags));
	str_reset(&text);
	str_putc(&text, '(');
	for (int i = 0; i <= LIMIT_KEYWORD; i++)
		str_putc(&text, 'k');
	str_putc(&text, ')');
	struct args b = { .in = cursor_of(str_span(&text)), .arena = &arena };
	assert_false(flags_parse(&b, false, &flags));
	str_free(&text);
	arena_free(&arena);
}

static void
test_special_uses(void **state UNUSED)
{
	static const struct {
		const char *text;
		unsigned use;
	} rows[] = {
		{ "\\Sent", MAILBOX_SENT },
		{ "\\sent)", MAILBOX_SENT },
		{ "\\Trash", MAILBOX_TRASH },
		{ "\\Important", MAILBOX_IMPORTANT },
		{ "\\Sentx", 0 },
		{ "Sent", 0 },
		{ "\\", 0 },
		{ "", 0 },
	};
	struct str out = STR_INIT(256);

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct args a = { .in = cursor_of(span_str(rows[i].text)) };

		expect_number(rows[i].text, use_parse(&a), rows[i].use);
	}
	use_put(&out, MAILBOX_DRAFTS | MAILBOX_JUNK);
	expect_text("two", str_span(&out), " \\Drafts \\Junk");
	str_free(&out);
}

static void
test_records_of_parked_sessions(void **state UNUSED)
{
	static const struct {
		const char *record;
		bool good, selected;
	} rows[] = {
		{ "1 0", true, false },
		{ "1 3 0 7 9 5 1000 1000 INBOX", true, true },
		{ "1 3 1 7 9 5 1000 1000 A name with blanks", true, true },
		{ "2 0", false, false },
		{ "1", false, false },
		{ "", false, false },
		{ "1 3 2 7 9 5 1000 1000 INBOX", false, false },
		{ "1 3 0 4294967296 9 5 1000 1000 INBOX", false, false },
		{ "1 3 0 7 9 99999999999 1000 1000 INBOX", false, false },
		{ "1 3 0 7 9 5 1000 1000 ", false, false },
		{ "1 3 0 7 9 5 1000", false, false },
		{ "1 3 0 7 9 5 1000 1000INBOX", false, false },
		{ "tag", false, false },
	};
	struct park_record r;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		expect_number(
		    rows[i].record, park_parse(span_str(rows[i].record), &r), rows[i].good);
		if (rows[i].good)
			expect_number(rows[i].record, r.selected, rows[i].selected);
	}
	assert_true(park_parse(span_str("1 3 1 7 9 5 1000 1001 A/B"), &r));
	assert_true(r.read_only);
	expect_number("enabled", r.enabled, 3);
	expect_number("uidvalidity", r.view.uidvalidity, 7);
	expect_number("top", r.view.top, 9);
	expect_number("count", (int64_t)r.view.count, 5);
	expect_number("told", (int64_t)r.view.told, 1000);
	expect_number("synced", (int64_t)r.view.synced, 1001);
	expect_text("name", r.name, "A/B");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_literals),
		cmocka_unit_test(test_tags),
		cmocka_unit_test(test_flag_lists),
		cmocka_unit_test(test_flag_lists_are_bounded),
		cmocka_unit_test(test_special_uses),
		cmocka_unit_test(test_records_of_parked_sessions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
