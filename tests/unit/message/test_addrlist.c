/*
 * Address lists: RFC 5322 3.4, the examples of its appendix A, what mailers write, and what
 * attackers do (ABUSE 23). Entries are shown as [name|route|local|domain], a group's begin as {name
 * and its end as }. Writing quotes what needs it.
 */
#include "config.h"

#include "message/addrlist.h"
#include "tests/unit/message/test.h"

static const struct {
	const char *in, *want;
} lists[] = {
	{ "", "" },
	{ " \r\n ", "" },
	{ ",,,", "" },
	{ "a@b", "[||a|b]" },
	{ "<a@b>", "[||a|b]" },
	{ "a@b, c@d", "[||a|b][||c|d]" },
	{ "Joe Doe <a@b>", "[Joe Doe||a|b]" },
	{ "\"Joe Q. Doe\" <a@b>", "[Joe Q. Doe||a|b]" },
	{ "Joe Q. Doe <a@b>", "[Joe Q. Doe||a|b]" },
	{ "\"Doe, Joe\" <a@b>, x@y", "[Doe, Joe||a|b][||x|y]" },
	{ "\"a \\\" b\" <a@b>", "[a \" b||a|b]" },
	{ "=?utf-8?q?J=C3=B6?= <a@b>", "[=?utf-8?q?J=C3=B6?=||a|b]" },
	{ "a@b (Joe Doe)", "[Joe Doe||a|b]" },
	{ "(Joe) a@b", "[Joe||a|b]" },
	{ "a@b (Joe (old) Doe)", "[Joe (old) Doe||a|b]" },
	{ "Mary Smith <mary@x.test>, jdoe@example.org, Who? <one@y.test>",
	    "[Mary Smith||mary|x.test][||jdoe|example.org][Who?||one|y.test]" },
	{ "A Group:Ed Jones <c@a.test>,joe@where.test,John <jdoe@one.test>;",
	    "{A Group[Ed Jones||c|a.test][||joe|where.test][John||jdoe|one.test]}" },
	{ "Undisclosed recipients:;", "{Undisclosed recipients}" },
	{ "(Empty list)(start)Hidden recipients  :(nobody(that I know))  ;",
	    "{Hidden recipients}" },
	{ "g: a@b; c@d", "{g[||a|b]}[||c|d]" },
	{ "g: a@b, ; , h:;", "{g[||a|b]}{h}" },
	{ "g: a@b", "{g[||a|b]}" },
	{ "g: h: a@b;", "{g[h:||a|b]}" },
	{ ": a@b;", "{[||a|b]}" },
	{ "Pete(A nice \\) chap) <pete(his account)@silly.test(his host)>",
	    "[Pete||pete|silly.test]" },
	{ "John <jdoe@machine. example>", "[John||jdoe|machine.example]" },
	{ "jdoe@test   . example", "[||jdoe|test.example]" },
	{ "<@node.test,@x:john.q.public@example.com>",
	    "[|@node.test,@x|john.q.public|example.com]" },
	{ "\"a b\"@c", "[||a b|c]" },
	{ "Joe \"a b\"@c", "[Joe||a b|c]" },
	{ "a@[1.2.3.4]", "[||a|[1.2.3.4]]" },
	{ "a@[1.2.3.4", "[||a|[1.2.3.4]" },
	{ "a", "[||a|]" },
	{ "Joe Doe", "[||Joe Doe|]" },
	{ "a@", "[||a|]" },
	{ "@b", "[|||b]" },
	{ "<>", "[|||]" },
	{ "<a", "[||a|]" },
	{ "<a@b", "[||a|b]" },
	{ "Joe <a@b> junk, c@d", "[Joe||a|b][||c|d]" },
	{ "Joe <a@b, c@d", "[Joe||a|b][||c|d]" },
	{ "a@b c@d, e@f", "[||a|b][||e|f]" },
	{ "\"Joe <a@b>, c@d", "[||Joe <a@b>, c@d|]" },
	{ "a@b; c@d", "[||a|b][||c|d]" },
	{ "a@b;;;c@d", "[||a|b][||c|d]" },
	{ "J\xc3\xb6rg <j\xc3\xb6@b\xc3\xbc.example>",
	    "[J\xc3\xb6rg||j\xc3\xb6|b\xc3\xbc.example]" },
	{ "<<a@b>>", "[||a|b]" },
	{ ">a@b", "[||>a|b]" },
	{ ")a@b", "[||)a|b]" },
	{ "a@b (comment ends in \\", "[comment ends in \\||a|b]" },
	{ "\\", "[||\\|]" },
	{ "a\r\n @b,\r\n\tc@d", "[||a|b][||c|d]" },
};

static void
put_list(struct span in, struct str *out)
{
	struct arena arena;
	struct addrlist l;
	struct addrlist_entry e;

	arena_init(&arena, 1 << 20);
	l = addrlist_read(in, &arena);
	while (addrlist_next(&l, &e)) {
		if (e.kind == ADDRLIST_GROUP)
			str_printf(out, "{%.*s", SPAN_ARG(e.name));
		else if (e.kind == ADDRLIST_GROUP_END)
			str_putc(out, '}');
		else
			str_printf(out, "[%.*s|%.*s|%.*s|%.*s]", SPAN_ARG(e.name),
			    SPAN_ARG(e.route), SPAN_ARG(e.local), SPAN_ARG(e.domain));
		arena_reset(&arena);
	}
	arena_free(&arena);
}

static void
test_lists(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
		struct str got = STR_INIT(10000);

		put_list(span_str(lists[i].in), &got);
		expect_text(lists[i].in, str_span(&got), lists[i].want);
		str_free(&got);
	}
}

static void
test_bombs(void **state)
{
	static const char *const patterns[] = { "a@b,", "(", "((a)", "\"", "<", "g:", "g:;",
		"a:b;c", "@", "\\", "a ", ".", "a.", "[", "<@a:", ",", ";", "=?a?b?", "a(b)" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(patterns); i++) {
		struct str in = STR_INIT(1 << 20);
		struct str got = STR_INIT(8 << 20);
		uint64_t started;

		for (size_t n = 0; n < 100000; n++)
			str_puts(&in, patterns[i]);
		started = cpu_now();
		put_list(str_span(&in), &got);
		expect_quick(patterns[i], started);
		str_free(&in);
		str_free(&got);
	}
}

static void
test_arena_full(void **state)
{
	struct arena arena;
	struct addrlist l;
	struct addrlist_entry e;

	(void)state;
	arena_init(&arena, 16);
	l = addrlist_read(span_lit("a long name that fits nowhere <a@b>, c@d"), &arena);
	assert_false(addrlist_next(&l, &e));
	arena_free(&arena);
}

static void
test_put(void **state)
{
	static const struct {
		const char *name, *want;
	} rows[] = {
		{ "", "a@b" },
		{ "Joe", "Joe <a@b>" },
		{ "Joe Doe", "Joe Doe <a@b>" },
		{ "Doe, Joe", "\"Doe, Joe\" <a@b>" },
		{ "a \"b\" \\", "\"a \\\"b\\\" \\\\\" <a@b>" },
		{ "J\xc3\xb6", "=?utf-8?B?SsO2?= <a@b>" },
		{ "a\r\nb", "=?utf-8?B?YQ0KYg==?= <a@b>" },
		{ "=?x", "=?utf-8?B?PT94?= <a@b>" },
	};
	struct address a = { .local = SPAN("a"), .domain = SPAN("b") };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct str out = STR_INIT(1000);

		addrlist_put(&out, span_str(rows[i].name), &a);
		expect_text(rows[i].name, str_span(&out), rows[i].want);
		str_free(&out);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lists),
		cmocka_unit_test(test_bombs),
		cmocka_unit_test(test_arena_full),
		cmocka_unit_test(test_put),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
