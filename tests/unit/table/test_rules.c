/*
 * pcre and cidr tables: order, flags, if and endif, negation, replacement, and what becomes of
 * malformed lines and of patterns that take too long.
 */
#include "config.h"

#include "base/time.h"
#include "tests/unit/table/table_unit.h"

struct row {
	const char *name;
	const char *rules; /* of a table in braces */
	const char *key;
	const char *value; /* NULL: absent; "!": failed */
	const char *note;  /* part of what is noted; NULL: nothing is */
};

static void
check_rows(const char *type, const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct str spec = STR_INIT(4096);
		struct table *t;

		str_printf(&spec, "%s:{ %s }", type, rows[i].rules);
		t = table_of(str_cstr(&spec));
		expect_lookup(t, span_str(rows[i].key), rows[i].value);
		if (rows[i].note)
			assert_true(span_find_span(table_notes(t), span_str(rows[i].note)) <
				    table_notes(t).n);
		else
			expect_text(rows[i].name, table_notes(t), "");
		table_close(t);
		str_free(&spec);
	}
}

static void
test_pcre(UNUSED void **state)
{
	static const struct row rows[] = {
		{ "first wins", "{/a/ 1} {/ab/ 2}", "ab", "1", NULL },
		{ "second", "{/^a$/ 1} {/ab/ 2}", "ab", "2", NULL },
		{ "none", "{/^a$/ 1}", "ab", NULL, NULL },
		{ "no case", "{/ABC/ 1}", "abc", "1", NULL },
		{ "i turns case on", "{/ABC/i 1}", "abc", NULL, NULL },
		{ "another delimiter", "{#a/b# 1}", "a/b", "1", NULL },
		{ "delimiter in it", "{/a\\/b/ 1}", "a/b", "1", NULL },
		{ "dot matches LF", "{/a.b/ 1}", "a\nb", "1", NULL },
		{ "s turns that off", "{/a.b/s 1}", "a\nb", NULL, NULL },
		{ "m", "{/^b/m 1}", "a\nb", "1", NULL },
		{ "x", "{/a  b/x 1}", "ab", "1", NULL },
		{ "A", "{/b/A 1}", "ab", NULL, NULL },
		{ "groups", "{/^(.*)@(.*)$/ $2+${1}+$(2) $$1}", "u@d", "d+u+d $1", NULL },
		{ "group not set", "{/^(a)|(b)$/ [$1][$2]}", "b", "[][b]", NULL },
		{ "key is text", "{/^(.*)$/ <$1>}", "$1${1}$$", "<$1${1}$$>", NULL },
		{ "braces in a pattern", "{/^a{2,3}$/ 1}", "aaa", "1", NULL },
		{ "negated", "{!/a/ 1}", "b", "1", NULL },
		{ "negated, matches", "{!/a/ 1}", "a", NULL, NULL },
		{ "negated with blanks", "{! /a/ 1}", "b", "1", NULL },
		{ "not bytes but 8 bit", "{/\xe9/ 1}", "\xe9", "1", NULL },
		{ "any bytes", "{/^.$/ 1}", "\xff", "1", NULL },
		{ "if", "{if /a/} {/b/ 1} {endif} {/b/ 2}", "ab", "1", NULL },
		{ "if not", "{if /a/} {/b/ 1} {endif} {/b/ 2}", "b", "2", NULL },
		{ "if negated", "{if !/a/} {/b/ 1} {endif} {/b/ 2}", "b", "1", NULL },
		{ "if in if", "{if /a/} {IF /b/} {/c/ 1} {endif} {/c/ 2} {ENDIF} {/c/ 3}", "ac",
		    "2", NULL },
		{ "if in if, out", "{if /a/} {if /b/} {/c/ 1} {endif} {/c/ 2} {endif} {/c/ 3}",
		    "bc", "3", NULL },
		{ "if is no pattern", "{iffy 1}", "x", NULL, "no pattern, as /pattern/" },
		{ "endif alone", "{endif} {/a/ 1}", "a", "1", "endif without if" },
		{ "if alone", "{if /a/} {/b/ 1}", "ab", "1", "if without endif" },
		{ "bad if guards all the same", "{if /(/} {/b/ 1} {endif}", "b", NULL, "ignored" },
		{ "bad negated if too", "{if !/(/} {/b/ 1} {endif}", "b", NULL, "ignored" },
		{ "bad pattern", "{/(/ 1} {/a/ 2}", "a", "2", "rule 1: " },
		{ "no end", "{/abc 1}", "abc", NULL, "the pattern has no end" },
		{ "flag", "{/a/z 1}", "a", NULL, "an unknown flag" },
		{ "too few groups", "{/(a)/ $2}", "a", NULL, "more than the pattern has" },
		{ "group of a negated", "{!/(a)/ $1}", "b", NULL, "behind a negated pattern" },
		{ "stray dollar", "{/a/ $x}", "a", NULL, "neither $n nor $$" },
		{ "no value", "{/a/}", "a", "", "it is empty" },
		{ "empty", "", "a", NULL, NULL },
	};

	check_rows("pcre", rows, ARRAY_LEN(rows));
	check_rows("regexp", rows, 3);
}

/* The default of smtpd_forbidden_commands. */
static void
test_regexp(UNUSED void **state)
{
	struct table *t = table_of("regexp:{{/^[^A-Z]/ Bogus}}");

	expect_lookup(t, span_lit("\x16\x03\x01"), "Bogus");
	expect_lookup(t, span_lit("mail"), NULL);
	assert_true(table_is_pattern(t));
	table_close(t);
}

/* Exponential without limits: it fails within the bound, and is never "no match". */
static void
test_pcre_limits(UNUSED void **state)
{
	static const char *const specs[] = {
		"pcre:{ {/^(a+)+$/ x} }",
		"pcre:{ {/^(a|a)*[bd]/ x} }",
		"pcre:{ {/^(?:(a?){80}){80}$/ x} }",
	};
	char key[4096];
	uint64_t from = time_mono();

	memset(key, 'a', sizeof(key));
	key[sizeof(key) - 1] = 'c';
	for (size_t i = 0; i < ARRAY_LEN(specs); i++) {
		struct table *t = table_of(specs[i]);
		expect_lookup(t, span_of(key, sizeof(key)), "!");
		table_close(t);
	}
	assert_true(time_mono() - from < 5 * NS_PER_S);
}

static void
test_deep_if(UNUSED void **state)
{
	struct str spec = STR_INIT(1 << 20);
	struct table *t;

	str_puts(&spec, "pcre:{ {/z/ 0} ");
	for (int i = 0; i < 80; i++)
		str_puts(&spec, "{if /a/} ");
	str_puts(&spec, "{/a/ 1} }");
	t = table_of(str_cstr(&spec));
	expect_lookup(t, span_lit("a"), NULL);
	expect_lookup(t, span_lit("z"), "0");
	assert_true(span_find_span(table_notes(t), span_lit("64 deep")) < table_notes(t).n);
	table_close(t);
	str_free(&spec);
}

static void
test_cidr(UNUSED void **state)
{
	static const struct row rows[] = {
		{ "address", "{192.0.2.7 a}", "192.0.2.7", "a", NULL },
		{ "network", "{192.0.2.0/24 a}", "192.0.2.255", "a", NULL },
		{ "outside", "{192.0.2.0/24 a}", "192.0.3.0", NULL, NULL },
		{ "first of two, wide", "{192.0.0.0/16 w} {192.0.2.0/24 n}", "192.0.2.1", "w",
		    NULL },
		{ "first of two, narrow", "{192.0.2.0/24 n} {192.0.0.0/16 w}", "192.0.2.1", "n",
		    NULL },
		{ "same twice", "{192.0.2.0/24 a} {192.0.2.0/24 b}", "192.0.2.1", "a", NULL },
		{ "odd prefix", "{192.0.2.8/29 a}", "192.0.2.15", "a", NULL },
		{ "odd prefix, outside", "{192.0.2.8/29 a}", "192.0.2.16", NULL, NULL },
		{ "all", "{0.0.0.0/0 a}", "203.0.113.1", "a", NULL },
		{ "all of IPv4 is none of IPv6", "{0.0.0.0/0 a}", "2001:db8::1", NULL, NULL },
		{ "IPv6", "{2001:db8::/32 a}", "2001:DB8:ffff::1", "a", NULL },
		{ "IPv6 in brackets", "{[2001:db8::]/33 a}", "2001:db8:7fff::1", "a", NULL },
		{ "IPv6 whole", "{::1 a}", "::1", "a", NULL },
		{ "negated", "{!192.0.2.0/24 out}", "192.0.3.1", "out", NULL },
		{ "negated, inside", "{!192.0.2.0/24 out}", "192.0.2.1", NULL, NULL },
		{ "if",
		    "{if 192.0.2.0/24} {192.0.2.1 one} {0.0.0.0/0 rest} {endif} {0.0.0.0/0 else}",
		    "192.0.2.2", "rest", NULL },
		{ "if not", "{if 192.0.2.0/24} {0.0.0.0/0 rest} {endif} {0.0.0.0/0 else}",
		    "192.0.3.2", "else", NULL },
		{ "if negated", "{if !192.0.2.0/24} {0.0.0.0/0 rest} {endif} {0.0.0.0/0 else}",
		    "192.0.3.2", "rest", NULL },
		{ "host bits", "{192.0.2.1/24 a}", "192.0.2.1", NULL, "bits behind the prefix" },
		{ "no network", "{example.com a}", "192.0.2.1", NULL, "is no network" },
		{ "prefix too long", "{192.0.2.0/33 a}", "192.0.2.0", NULL, "is no network" },
		{ "a name is in no network", "{0.0.0.0/0 a}", "example.com", NULL, NULL },
		{ "a network is no address", "{192.0.2.0/24 a}", "192.0.2.0/24", NULL, NULL },
		{ "no value", "{192.0.2.1}", "192.0.2.1", "", "it is empty" },
	};

	check_rows("cidr", rows, ARRAY_LEN(rows));
}

static void
test_cidr_large(UNUSED void **state)
{
	static const char *const names[] = { "c" };
	struct str text = STR_INIT(8 << 20);
	struct place p;
	struct table *t;
	uint64_t from;

	place_make(&p);
	for (unsigned i = 0; i < 100000; i++)
		str_printf(&text, "10.%u.%u.%u %u\n", i >> 16, i >> 8 & 255, i & 255, i);
	place_put(&p, "c", str_span(&text));
	t = table_of(place_spec(&p, "cidr:", "c").p);
	from = time_mono();
	for (unsigned i = 0; i < 1000; i++)
		expect_lookup(t, span_lit("10.1.134.159"), "99999");
	/* A linear search would take 0.3 s and more. */
	assert_true(time_mono() - from < 100 * NS_PER_MS);
	expect_lookup(t, span_lit("10.1.134.160"), NULL);
	table_close(t);
	str_free(&text);
	place_drop(&p, names, ARRAY_LEN(names));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pcre),
		cmocka_unit_test(test_regexp),
		cmocka_unit_test(test_pcre_limits),
		cmocka_unit_test(test_deep_if),
		cmocka_unit_test(test_cidr),
		cmocka_unit_test(test_cidr_large),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
