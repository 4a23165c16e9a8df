/*
 * Tests of what LIST chooses from and how: patterns, and the names of a Maildir with the levels
 * above them. Time of patterns is bounded whatever stands in them.
 */
#include "tests/unit/unit.h"

#include "base/time.h"
#include "imapd/folders.h"
#include "imapd/pattern.h"
#include "tests/unit/mailbox/place.h"

static void
test_patterns(void **state UNUSED)
{
	static const struct {
		const char *pattern, *name;
		bool matches;
	} rows[] = {
		{ "*", "INBOX", true },
		{ "*", "a/b/c", true },
		{ "%", "a", true },
		{ "%", "a/b", false },
		{ "%/%", "a/b", true },
		{ "%/%", "a", false },
		{ "a/%", "a/b", true },
		{ "a/%", "a/", true },
		{ "a/%", "a/b/c", false },
		{ "a/*", "a/b/c", true },
		{ "a*", "a/b", true },
		{ "*c", "a/b/c", true },
		{ "%c", "a/b/c", false },
		{ "*/c", "a/b/c", true },
		{ "%/c", "a/b/c", false },
		{ "%/b/%", "a/b/c", true },
		{ "a%c", "abbc", true },
		{ "a%c", "ab/c", false },
		{ "a*c", "ab/c", true },
		{ "*b*", "abc", true },
		{ "*b*b*", "abc", false },
		{ "*%*%*", "a/b", true },
		{ "inbox", "INBOX", true },
		{ "InBoX/%", "INBOX/a", true },
		{ "inbox", "INBOXES", false },
		{ "inboxes", "INBOXES", false },
		{ "i%x", "INBOX", true },
		{ "A", "a", false },
		{ "INBOX/a", "INBOX/A", false },
		{ "", "a", false },
		{ "a", "", false },
		{ "abc", "ab", false },
		{ "ab", "abc", false },
		{ "abc*", "abc", true },
		{ "*a*", "a", true },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (pattern_match(span_str(rows[i].pattern), span_str(rows[i].name)) !=
		    rows[i].matches)
			fail_msg("%s and %s", rows[i].pattern, rows[i].name);
}

/* ABUSE 29: what makes matchers by trial and error run for years. */
static void
test_patterns_take_bounded_time(void **state UNUSED)
{
	static const char *const units[] = { "*a", "%a", "%%", "**", "*%", "a*b" };
	struct str pattern = STR_INIT(LIMIT_MAILBOX_NAME), name = STR_INIT(LIMIT_MAILBOX_NAME);
	uint64_t began = time_mono();

	while (name.n < LIMIT_MAILBOX_NAME)
		str_putc(&name, 'a');
	for (size_t i = 0; i < ARRAY_LEN(units); i++) {
		str_reset(&pattern);
		while (str_puts(&pattern, units[i]))
			;
		str_cut(&pattern, pattern.n - 1);
		for (int k = 0; k < 100; k++)
			(void)pattern_match(str_span(&pattern), str_span(&name));
	}
	assert_true(time_mono() - began < 30 * NS_PER_S);
	str_free(&pattern);
	str_free(&name);
}

static void
say(const struct folders *f, struct str *out)
{
	str_reset(out);
	for (size_t i = 0; i < f->n; i++) {
		const struct entry *e = f->v[i];

		str_printf(out, "%s%.*s:%s%s%s%s", i ? " " : "", SPAN_ARG(e->name),
		    e->exists ? "e" : "", e->subscribed ? "s" : "", e->has_children ? "c" : "",
		    e->subscribed_below ? "b" : "");
	}
}

static void
test_folders(void **state)
{
	struct place *p = *state;
	struct str out = STR_INIT(4096);
	struct folders f;

	assert_int_equal(folders_read(p->md, &f, NULL), VERDICT_OK);
	say(&f, &out);
	expect_text("none", str_span(&out), "INBOX:e");
	folders_free(&f);
	assert_int_equal(tree_create(p->md, span_lit("a/b/c"), NULL), VERDICT_OK);
	assert_int_equal(tree_create(p->md, span_lit("B"), NULL), VERDICT_OK);
	assert_int_equal(tree_subscribe(p->md, span_lit("B"), true, NULL), VERDICT_OK);
	assert_int_equal(tree_subscribe(p->md, span_lit("gone/x"), true, NULL), VERDICT_OK);
	assert_int_equal(folders_read(p->md, &f, NULL), VERDICT_OK);
	say(&f, &out);
	expect_text("some", str_span(&out), "INBOX:e B:es a:c a/b:c a/b/c:e gone:b gone/x:s");
	folders_free(&f);
	str_free(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_patterns),
		cmocka_unit_test(test_patterns_take_bounded_time),
		cmocka_unit_test_setup_teardown(test_folders, place_make, place_remove),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
