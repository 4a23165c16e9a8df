/*
 * Rewrite's answers as smtpd keeps them: for whom, how long, from which rewrite, and how many. Run
 * by make check; touches nothing outside the process.
 */
#include "config.h"

#include <stdio.h>

#include "base/time.h"
#include "smtpd/resolved.h"
#include "tests/unit/unit.h"

static const struct ipc_channel *const one = (const void *)&one;
static const struct ipc_channel *const another = (const void *)&another;

static void
keep(struct resolved *r, const struct resolved_about *about, const char *nexthop)
{
	struct item_recipient to = { .address = about->recipient, .nexthop = span_str(nexthop) };
	struct msg_resolved answer = { .class = 1, .recipients = { &to, 1 } };

	resolved_keep(r, about, &answer);
}

static void
test_found(UNUSED void **state)
{
	static const struct {
		const char *name;
		struct resolved_about about;
		const char *want; /* NULL: nothing is found */
	} rows[] = {
		{ "the same", { one, SPAN("a@x"), SPAN("b@y"), 100 }, "hop" },
		{ "the null sender", { one, SPAN(""), SPAN("b@y"), 100 }, "null" },
		{ "later", { one, SPAN("a@x"), SPAN("b@y"), LIMIT_RESOLVED_NS + 99 }, "hop" },
		{ "too late", { one, SPAN("a@x"), SPAN("b@y"), LIMIT_RESOLVED_NS + 100 }, NULL },
		{ "another sender", { one, SPAN("c@x"), SPAN("b@y"), 100 }, NULL },
		{ "another recipient", { one, SPAN("a@x"), SPAN("B@y"), 100 }, NULL },
		{ "another rewrite", { another, SPAN("a@x"), SPAN("b@y"), 100 }, NULL },
	};
	struct resolved r;

	resolved_init(&r);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct msg_resolved found;
		struct arena arena;
		bool there;

		keep(&r, &rows[0].about, "old");
		keep(&r, &rows[0].about, "hop");
		keep(&r, &rows[1].about, "null");
		arena_init(&arena, 4096);
		there = resolved_find(&r, &rows[i].about, &arena, &found);
		expect_number(rows[i].name, there, rows[i].want != NULL);
		if (there) {
			expect_number(rows[i].name, found.class, 1);
			expect_number(rows[i].name, found.recipients.n, 1);
			expect_text(rows[i].name, found.recipients.v[0].nexthop, rows[i].want);
		}
		arena_free(&arena);
	}
	resolved_free(&r);
}

/* Never more than the limit, and the newest is always there. */
static void
test_many(UNUSED void **state)
{
	struct msg_resolved found;
	struct resolved r;
	struct arena arena;
	char name[24];

	resolved_init(&r);
	arena_init(&arena, 1u << 20);
	for (unsigned i = 0; i < 3 * LIMIT_RESOLVED; i++) {
		struct resolved_about about = { one, span_lit("a@x"), span_str(name), 1 };

		snprintf(name, sizeof(name), "user%u@y", i);
		about.recipient = span_str(name);
		keep(&r, &about, "hop");
		assert_true(r.map.count <= LIMIT_RESOLVED);
		assert_true(resolved_find(&r, &about, &arena, &found));
	}
	arena_free(&arena);
	resolved_free(&r);
}

/* What a large alias leads to is not kept. */
static void
test_large(UNUSED void **state)
{
	static struct item_recipient to[500];
	struct resolved_about about = { one, span_lit("a@x"), span_lit("list@y"), 1 };
	struct msg_resolved answer = { .recipients = { to, ARRAY_LEN(to) } }, found;
	struct resolved r;
	struct arena arena;

	for (size_t i = 0; i < ARRAY_LEN(to); i++)
		to[i].address = span_lit("member@y");
	resolved_init(&r);
	arena_init(&arena, 1u << 20);
	resolved_keep(&r, &about, &answer);
	assert_false(resolved_find(&r, &about, &arena, &found));
	arena_free(&arena);
	resolved_free(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_found),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_large),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
