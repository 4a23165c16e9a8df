/*
 * Arguments of commands: strings, numbers, dates, names and sets, right and wrong (RFC 9051 9), and
 * which messages of a mailbox a set names. Tables of what is read, what it is, and what is left.
 * Run by make check.
 */
#include "config.h"

#include "imapd/set.h"
#include "tests/unit/imapd/rig.h"

#include "base/mem.h"
#include "tests/unit/unit.h"

#define WRONG "(wrong)"

static struct arena arena;

static struct args
args_of(struct span text)
{
	arena_reset(&arena);
	return (struct args){ .in = cursor_of(text), .arena = &arena };
}

typedef bool take_fn(struct args *a, struct span *out);

static bool
take_utf8_mailbox(struct args *a, struct span *out)
{
	a->utf8 = true;
	return args_mailbox(a, out);
}

static const struct {
	take_fn *take;
	const char *in, *want, *rest;
} strings[] = {
	{ args_atom, "FLAGS x", "FLAGS", " x" },
	{ args_atom, "a.b-c_d!#$&'+,/:;<=>?@[^`|}~ x", "a.b-c_d!#$&'+,/:;<=>?@[^`|}~", " x" },
	{ args_atom, "a]", "a", "]" },
	{ args_atom, "a%", "a", "%" },
	{ args_atom, "", WRONG, NULL },
	{ args_atom, "(", WRONG, NULL },
	{ args_atom, "\"a\"", WRONG, NULL },
	{ args_atom, "\xc3\xa4", WRONG, NULL },
	{ args_string, "\"a b\" c", "a b", " c" },
	{ args_string, "\"\"", "", "" },
	{ args_string, "\"a\\\"b\\\\c\"", "a\"b\\c", "" },
	{ args_string, "\"\\\\\"", "\\", "" },
	{ args_string, "\"\xc3\xa4\"", "\xc3\xa4", "" },
	{ args_string, "\"a", WRONG, NULL },
	{ args_string, "\"a\\", WRONG, NULL },
	{ args_string, "\"a\\\"", WRONG, NULL },
	{ args_string, "\"a\\b\"", WRONG, NULL },
	{ args_string, "\"a\r\nb\"", WRONG, NULL },
	{ args_string, "\"a\nb\"", WRONG, NULL },
	{ args_string, "{3}\r\na\"b)", "a\"b", ")" },
	{ args_string, "{3+}\r\na\r\n x", "a\r\n", " x" },
	{ args_string, "{0}\r\n", "", "" },
	{ args_string, "{4}\r\nabc", WRONG, NULL },
	{ args_string, "{4294967295}\r\nabc", WRONG, NULL },
	{ args_string, "{18446744073709551616}\r\nabc", WRONG, NULL },
	{ args_string, "{-1}\r\nabc", WRONG, NULL },
	{ args_string, "{}\r\nabc", WRONG, NULL },
	{ args_string, "{3\r\nabc", WRONG, NULL },
	{ args_string, "{3}\nabc", WRONG, NULL },
	{ args_string, "{3}abc", WRONG, NULL },
	{ args_string, "{3-}\r\nabc", WRONG, NULL },
	{ args_string, "a", WRONG, NULL },
	{ args_string, "", WRONG, NULL },
	{ args_astring, "a]b c", "a]b", " c" },
	{ args_astring, "\"a\"", "a", "" },
	{ args_astring, "NIL", "NIL", "" },
	{ args_astring, "(", WRONG, NULL },
	{ args_astring, "", WRONG, NULL },
	{ args_nstring, "nil x", "", " x" },
	{ args_nstring, "NILx", WRONG, NULL },
	{ args_nstring, "\"NIL\"", "NIL", "" },
	{ args_nstring, "\"\"", "", "" },
	{ args_mailbox, "inbox", "INBOX", "" },
	{ args_mailbox, "\"InBoX/a\" x", "INBOX/a", " x" },
	{ args_mailbox, "{6}\r\nDrafts", "Drafts", "" },
	{ args_mailbox, "R&AOQ-ume", "R\xc3\xa4ume", "" },
	{ args_mailbox, "Ra&AwgA-", WRONG, NULL },
	{ args_mailbox, "a&-b", "a&b", "" },
	{ args_mailbox, "Ra&Awg-ume", "R\xc3\xa4ume", "" },
	{ take_utf8_mailbox, "\"R\xc3\xa4ume\"", "R\xc3\xa4ume", "" },
	{ take_utf8_mailbox, "\"Ra\xcc\x88ume\"", "R\xc3\xa4ume", "" },
	{ take_utf8_mailbox, "a&b", "a&b", "" },
	{ take_utf8_mailbox, "\"\xff\"", WRONG, NULL },
	{ args_mailbox, "\"R\xc3\xa4ume\"", WRONG, NULL },
	{ args_mailbox, "&", WRONG, NULL },
	{ args_mailbox, "&AOQ", WRONG, NULL },
	{ args_mailbox, "&AGE-", WRONG, NULL },
	{ args_mailbox, "&2AA-", WRONG, NULL },
	{ args_mailbox, "\"\"", WRONG, NULL },
	{ args_mailbox, "/", WRONG, NULL },
	{ args_mailbox, "a//b", WRONG, NULL },
	{ args_mailbox, "\"a\x01\"", WRONG, NULL },
	{ args_pattern, "*", "*", "" },
	{ args_pattern, "a%b*]x y", "a%b*]x", " y" },
	{ args_pattern, "\"\"", "", "" },
	{ args_pattern, "R&AOQ-%", "R\xc3\xa4%", "" },
	{ args_pattern, "", WRONG, NULL },
	{ args_pattern, "&AOQ", WRONG, NULL },
};

static void
test_strings(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(strings); i++) {
		struct args a = args_of(span_str(strings[i].in));
		struct span got;
		bool good = strings[i].take(&a, &got);

		expect_text(strings[i].in, good ? got : span_lit(WRONG), strings[i].want);
		assert_true(good == (a.bad == NULL));
		if (good)
			expect_text(strings[i].in, cursor_rest(&a.in), strings[i].rest);
	}
}

static void
test_literal_with_nul(void **state)
{
	struct args a = args_of(span_lit("{3}\r\na\0b"));
	struct span got;

	(void)state;
	assert_false(args_string(&a, &got));
	a = args_of(span_lit("\"a\0b\""));
	assert_false(args_string(&a, &got));
}

static void
test_words(void **state)
{
	struct args a = args_of(span_lit("return (ALLx all)"));

	(void)state;
	assert_false(args_word(&a, "RETUR"));
	assert_false(args_word(&a, "RETURNS"));
	assert_true(args_word(&a, "RETURN"));
	assert_true(args_space(&a));
	assert_true(args_next_is(&a, '('));
	assert_true(args_open(&a));
	assert_false(args_word(&a, "ALL"));
	assert_true(args_word(&a, "ALLX"));
	assert_true(args_space(&a));
	assert_true(args_word(&a, "ALL"));
	assert_null(a.bad);
	assert_false(args_done(&a));
	assert_non_null(a.bad);
	assert_true(args_close(&a));
	assert_true(args_done(&a));
	assert_false(args_space(&a));
	assert_false(args_open(&a));
	assert_false(args_close(&a));
	assert_false(args_next_is(&a, '('));
}

#define NO_NUMBER INT64_MIN

static bool
take_number(struct args *a, int64_t *out)
{
	uint64_t n = 0;
	bool good = args_number(a, 1000, &n);

	*out = (int64_t)n;
	return good;
}

static bool
take_nz(struct args *a, int64_t *out)
{
	uint32_t n = 0;
	bool good = args_nz_number(a, &n);

	*out = n;
	return good;
}

static const struct {
	bool (*take)(struct args *a, int64_t *out);
	const char *in;
	int64_t want;
} numbers[] = {
	{ take_number, "0", 0 },
	{ take_number, "1000", 1000 },
	{ take_number, "1001", NO_NUMBER },
	{ take_number, "-1", NO_NUMBER },
	{ take_number, "", NO_NUMBER },
	{ take_number, "99999999999999999999", NO_NUMBER },
	{ take_nz, "1", 1 },
	{ take_nz, "4294967295", 4294967295 },
	{ take_nz, "4294967296", NO_NUMBER },
	{ take_nz, "0", NO_NUMBER },
	{ take_nz, "*", NO_NUMBER },
	{ args_date, "1-Feb-1994", 8797 },
	{ args_date, "\"01-feb-1994\"", 8797 },
	{ args_date, "29-Feb-1900", NO_NUMBER },
	{ args_date, "1-Feb-94", NO_NUMBER },
	{ args_date, "Feb-1-1994", NO_NUMBER },
	{ args_date, "\"1-Feb-1994", NO_NUMBER },
	{ args_date_time, "\"17-Jul-1996 02:44:25 -0700\"", 837596665 },
	{ args_date_time, "\" 1-Jan-1970 00:00:00 +0000\"", 0 },
	{ args_date_time, "\"01-Jan-1970 00:00:00 +0000\"", 0 },
	{ args_date_time, "\"1-Jan-1970 00:00:00 +0000\"", NO_NUMBER },
	{ args_date_time, "\"17-Jul-1996 25:44:25 -0700\"", NO_NUMBER },
	{ args_date_time, "\"17-Jul-1996 02:44:25\"", NO_NUMBER },
	{ args_date_time, "17-Jul-1996", NO_NUMBER },
};

static void
test_numbers(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
		struct args a = args_of(span_str(numbers[i].in));
		int64_t got;
		bool good = numbers[i].take(&a, &got);

		expect_number(numbers[i].in, good ? got : NO_NUMBER, numbers[i].want);
		assert_true(good == (a.bad == NULL));
	}
}

/* As the client may write it: sorted, disjoint, "*" last. */
static const struct rig_case sets[] = {
	{ "1", "1" },
	{ "*", "*" },
	{ "1:*", "1:*" },
	{ "*:1", "1:*" },
	{ "*:*", "*" },
	{ "5:2", "2:5" },
	{ "3,1,2", "1:3" },
	{ "1:3,2:5,7,6", "1:7" },
	{ "9,1:3,5", "1:3,5,9" },
	{ "2:4,1:9", "1:9" },
	{ "1,1,1", "1" },
	{ "*,3", "3,*" },
	{ "4294967295", "4294967294" },
	{ "4294967295:1", "1:4294967294" },
	{ "*:4294967295", "4294967294:*" },
	{ "$", "$" },
	{ "$,1", "$" },
	{ "0", WRONG },
	{ "1:0", WRONG },
	{ "4294967296", WRONG },
	{ "", WRONG },
	{ ",", WRONG },
	{ "1,", WRONG },
	{ "1:", WRONG },
	{ ":1", WRONG },
	{ "-1", WRONG },
};

static void
say_number(struct str *out, uint32_t n)
{
	if (n == ARGS_STAR)
		str_putc(out, '*');
	else
		str_put_u64(out, n);
}

static void
test_sets(void **state)
{
	struct str said = STR_INIT(1000);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(sets); i++) {
		struct args a = args_of(span_str(sets[i].command));
		struct args_set set;

		str_reset(&said);
		if (!args_set(&a, &set))
			str_puts(&said, WRONG);
		else if (set.saved)
			str_puts(&said, "$");
		for (size_t k = 0; !a.bad && k < set.n; k++) {
			str_puts(&said, k ? "," : "");
			say_number(&said, set.v[k].first);
			str_puts(&said, set.v[k].first < set.v[k].last ? ":" : "");
			if (set.v[k].first < set.v[k].last)
				say_number(&said, set.v[k].last);
		}
		expect_text(sets[i].command, str_span(&said), sets[i].want);
	}
	str_free(&said);
}

/* Many ranges are put in order at the cost of a sort; too many are refused. */
static void
test_abuse_30_many_ranges(void **state)
{
	struct str text = STR_INIT(4u << 20);
	struct args_set set;
	struct args a;

	(void)state;
	for (unsigned i = 100000; i > 0; i--)
		str_printf(&text, "%u%s", 2 * i, i > 1 ? "," : "");
	a = args_of(str_span(&text));
	assert_true(args_set(&a, &set));
	assert_int_equal(set.n, 100000);
	assert_int_equal(set.v[0].first, 2);
	assert_int_equal(set.v[99999].last, 200000);
	str_puts(&text, ",1");
	a = args_of(str_span(&text));
	assert_false(args_set(&a, &set));
	str_free(&text);
}

/* Messages with the UIDs 1, 2, 4 and 5: as UIDs, and as sequence numbers; indexes are told. */
static const struct {
	const char *set, *uids, *numbers;
} named[] = {
	{ "1:*", "0-3", "0-3" },
	{ "*", "3", "3" },
	{ "1", "0", "0" },
	{ "2:4", "1-2", "1-3" },
	{ "3", "", "2" },
	{ "4,1", "0,2", "0,3" },
	{ "5", "3", WRONG },
	{ "5:*", "3", "3" },
	{ "9:*", "3", "3" },
	{ "*:9", "3", "3" },
	{ "9", "", WRONG },
	{ "6:9", "", WRONG },
	{ "1:9", "0-3", WRONG },
	{ "1,9:*", "0,3", "0,3" },
	{ "5,9:*", "3", WRONG },
	{ "4294967295:1", "0-3", WRONG },
	{ "*:4294967295", "3", "3" },
	{ "4294967295", "", WRONG },
	{ "$", "1,3", "1,3" },
};

static void
say_named(struct rig *r, const char *text, bool uids, struct str *said)
{
	static const struct uid_range ranges[] = { { 2, 3 }, { 5, 5 }, { 7, 9 } };
	struct args a = args_of(span_str(text));
	struct args_set set;
	struct set got;

	str_reset(said);
	assert_true(args_set(&a, &set));
	if (!set_resolve(&a, &set, r->s.view, uids, (struct uid_set){ ranges, 3 }, &got)) {
		str_puts(said, WRONG);
		return;
	}
	for (size_t i = 0; i < got.n; i++) {
		str_printf(said, "%s%zu", i ? "," : "", got.v[i].first);
		if (got.v[i].end > got.v[i].first + 1)
			str_printf(said, "-%zu", got.v[i].end - 1);
	}
}

static void
test_named(void **state)
{
	struct rig *r = *state;
	struct str said = STR_INIT(1000);
	struct uid_range range;
	struct err err = ERR_NONE;

	for (int i = 0; i < 5; i++)
		must_add(r->mb, "x", 0, 0);
	mailbox_expunge(r->mb, set_of(&range, 3, 3), &err);
	rig_select(r, false);
	for (size_t i = 0; i < ARRAY_LEN(named); i++) {
		say_named(r, named[i].set, true, &said);
		expect_text(named[i].set, str_span(&said), named[i].uids);
		say_named(r, named[i].set, false, &said);
		expect_text(named[i].set, str_span(&said), named[i].numbers);
	}
	str_free(&said);
}

/* In a mailbox without messages there is no last one. */
static void
test_named_empty(void **state)
{
	struct str said = STR_INIT(1000);

	say_named(*state, "1:*", true, &said);
	expect_text("UIDs", str_span(&said), "");
	say_named(*state, "1:*", false, &said);
	expect_text("numbers", str_span(&said), WRONG);
	say_named(*state, "*", false, &said);
	expect_text("the last", str_span(&said), WRONG);
	str_free(&said);
}

static int
begin(void **state)
{
	(void)state;
	arena_init(&arena, LIMIT_IMAP_ARENA);
	return 0;
}

static int
end(void **state)
{
	(void)state;
	arena_free(&arena);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_strings),
		cmocka_unit_test(test_literal_with_nul),
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_sets),
		cmocka_unit_test(test_abuse_30_many_ranges),
		cmocka_unit_test_setup_teardown(test_named, rig_make, rig_remove),
		cmocka_unit_test_setup_teardown(test_named_empty, rig_make, rig_remove),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
