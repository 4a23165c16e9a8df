/*
 * Types of tables that need no database: texthash, inline, static, unix, fail; what opening says of
 * names that are none; and keys that peers choose, which are looked for as they are, in every type.
 */
#include "config.h"

#include "tests/unit/table/table_unit.h"

static void
test_specs(UNUSED void **state)
{
	static const struct {
		const char *text;
		bool spec;
	} rows[] = {
		{ "hash:/etc/aliases", true },
		{ "proxy:unix:passwd.byname", true },
		{ "unix:private/policy", false }, /* a service, as in check_policy_service */
		{ "mysql:/etc/x.cf", true },	  /* known, so that it is refused as a table */
		{ "example.com", false },
		{ "host:25", false },
		{ "[::1]", false },
		{ ":", false },
		{ "", false },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		expect_number(rows[i].text, table_is_spec(span_str(rows[i].text)), rows[i].spec);
}

static void
test_broken(UNUSED void **state)
{
	static const struct {
		const char *spec;
		enum verdict v;
		const char *says;
	} rows[] = {
		{ "mysql:/x", VERDICT_PERM, "mysql:/x: Postern has no tables of type mysql" },
		{ "hash:", VERDICT_PERM, "hash: is not type:name" },
		{ "plain", VERDICT_PERM, "plain is not type:name" },
		{ "texthash:/nonexistent/x", VERDICT_TEMP,
		    "open /nonexistent/x: No such file or directory" },
		{ "hash:/nonexistent/x", VERDICT_TEMP,
		    "open /nonexistent/x.db: No such file or directory" },
		{ "pcre:/", VERDICT_PERM, "/ is not a regular file" },
		{ "pcre:{{/x/ y}", VERDICT_OK, "" },
		{ "pcre:{/x/", VERDICT_PERM, "pcre:{/x/: there is no } at the end" },
		{ "inline:x", VERDICT_PERM, "inline:x: write inline:{ key=value, ... }" },
		{ "unix:shadow.byname", VERDICT_PERM,
		    "unix:shadow.byname: there are unix:passwd.byname and unix:group.byname" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct err err = ERR_NONE;
		struct table *t;

		expect_number(
		    rows[i].spec, table_open(span_str(rows[i].spec), &t, &err), rows[i].v);
		expect_text(rows[i].spec, err_text(&err), rows[i].says);
		/* Never an empty table. */
		if (rows[i].v != VERDICT_OK)
			expect_lookup(t, span_lit("x"), "!");
		table_close(t);
	}
}

static void
test_simple(UNUSED void **state)
{
	static const struct {
		const char *spec;
		const char *key;
		const char *value;
	} rows[] = {
		{ "inline:{ a=b, { c = d e }, A=z }", "a", "b" },
		{ "inline:{ a=b, { c = d e } }", "C", "d e" },
		{ "inline:{ a=b }", "b", NULL },
		{ "inline:{ a= }", "a", "" },
		{ "inline:{}", "a", NULL },
		{ "static:all", "x", "all" },
		{ "static:{ two words }", "y", "two words" },
		{ "static:x", "", NULL },
		{ "fail:why", "x", "!" },
		{ "proxy:unix:passwd.byname", "root", "root:x:0:0:root:/root:/bin/bash" },
		{ "unix:passwd.byname", "nobody-of-that-name", NULL },
		{ "unix:group.byname", "root", "root:x:0:" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct table *t = table_of(rows[i].spec);
		struct str got = STR_INIT(1024);

		/* What the line of root says is this host's affair. */
		if (span_find_span(span_str(rows[i].spec), span_lit("unix:")) <
			strlen(rows[i].spec) &&
		    rows[i].value)
			expect_number(rows[i].spec,
			    table_lookup(t, span_str(rows[i].key), &got, NULL), VERDICT_OK);
		else
			expect_lookup(t, span_str(rows[i].key), rows[i].value);
		str_free(&got);
		table_close(t);
	}
}

static void
test_texthash(UNUSED void **state)
{
	static const char text[] = "# comment\n"
				   "Alice@Example.com  alice\n"
				   "list\ta@x,\n"
				   "\n"
				   "  # between\n"
				   "  b@x\n"
				   "alice@example.com again\n"
				   "\"a b\"@x quoted\n"
				   "novalue\n"
				   "root: x\n"
				   "\"open x\n";
	static const char *const names[] = { "t" };
	struct place p;
	struct table *t;

	place_make(&p);
	place_put(&p, "t", span_str(text));
	t = table_of(place_spec(&p, "texthash:", "t").p);
	expect_lookup(t, span_lit("ALICE@example.com"), "alice");
	expect_lookup(t, span_lit("list"), "a@x, b@x");
	expect_lookup(t, span_lit("\"a b\"@x"), "quoted");
	expect_lookup(t, span_lit("novalue"), NULL);
	expect_lookup(t, span_lit("root:"), NULL);
	struct str want = STR_INIT(1024);
	str_printf(&want,
	    "%s/t, line 7: duplicate entry: \"alice@example.com\"\n"
	    "%s/t, line 9: expected format: key whitespace value: ignored\n"
	    "%s/t, line 10: this is \"key: value\": is it a file of aliases?: ignored\n"
	    "%s/t, line 11: there is a \" without its pair: ignored\n",
	    p.dir, p.dir, p.dir, p.dir);
	expect_span("notes", table_notes(t), str_span(&want));
	str_free(&want);
	table_close(t);
	place_drop(&p, names, ARRAY_LEN(names));
}

/* Item 11 of the abuse list: no key is anything but itself, and none is too long. */
static void
test_hostile_keys(UNUSED void **state)
{
	static const struct span keys[] = {
		SPAN("'"),
		SPAN("\\"),
		SPAN("*"),
		SPAN("("),
		SPAN(")"),
		SPAN("%s%n"),
		SPAN("$1"),
		SPAN("a' OR '1'='1"),
		SPAN("*)(uid=*"),
		SPAN("a@x"),
		SPAN("a@"),
		SPAN("../../etc/passwd"),
		SPAN("|sh -c x"),
		SPAN("a\nb"),
		SPAN("k\0"),
		SPAN("k\0k"),
		SPAN("\xff\xfe"),
		SPAN("\xc3\xa9"),
		SPAN(""),
	};
	static const char *const specs[] = {
		"inline:{ k=v }",
		"pcre:{ {/^k$/ v} }",
		"cidr:{ {192.0.2.0/24 v} }",
		"unix:passwd.byname",
	};
	char *large = malloc(1 << 20);

	memset(large, 'k', 1 << 20);
	for (size_t s = 0; s < ARRAY_LEN(specs); s++) {
		struct table *t = table_of(specs[s]);
		for (size_t i = 0; i < ARRAY_LEN(keys); i++)
			expect_lookup(t, keys[i], NULL);
		expect_lookup(t, span_of(large, 1 << 20), NULL);
		table_close(t);
	}
	free(large);
}

static void
test_value_too_long(UNUSED void **state)
{
	struct table *t = table_of("static:12345");
	struct str small = STR_INIT(4);
	struct err err = ERR_NONE;

	assert_int_equal(table_lookup(t, span_lit("x"), &small, &err), VERDICT_TEMP);
	expect_text("text", err_text(&err), "static:12345: the value is longer than 4 bytes");
	str_free(&small);
	table_close(t);
}

static void
test_changed(UNUSED void **state)
{
	static const char *const names[] = { "t", "new" };
	struct place p;
	struct table *t;

	place_make(&p);
	place_put(&p, "t", span_lit("a b\n"));
	t = table_of(place_spec(&p, "texthash:", "t").p);
	assert_false(table_changed(t));
	assert_false(table_changed(t));
	/* Gone: what was read stays in force. */
	assert_int_equal(unlinkat(p.fd, "t", 0), 0);
	assert_false(table_changed(t));
	assert_false(table_changed(t));
	/* There again: it counts when it has stood still. */
	place_put(&p, "t", span_lit("a\n"));
	assert_false(table_changed(t));
	place_put(&p, "new", span_lit("a bcd\n"));
	assert_int_equal(sys_renameat(p.fd, "new", p.fd, "t"), 0);
	assert_false(table_changed(t));
	assert_true(table_changed(t));
	expect_lookup(t, span_lit("a"), "b");
	table_close(t);
	place_drop(&p, names, ARRAY_LEN(names));
}

static void
test_set_and_list(UNUSED void **state)
{
	struct table_set *set = table_set_new();
	struct table_list list;
	struct err err = ERR_NONE;
	struct str value = STR_INIT(64);

	assert_int_equal(
	    table_list_open(
		set, span_lit("inline:{ a=1 }, pcre:{{/b/ 2}} fail:x inline:{ a=1 }"), &list, &err),
	    VERDICT_OK);
	assert_int_equal(list.n, 4);
	assert_ptr_equal(list.v[0], list.v[3]);
	assert_ptr_equal(table_set_find(set, span_lit("fail:x")), list.v[2]);
	assert_null(table_set_find(set, span_lit("fail:y")));
	assert_int_equal(table_list_lookup(&list, span_lit("a"), false, &value, &err), VERDICT_OK);
	expect_text("first", str_span(&value), "1");
	assert_int_equal(table_list_lookup(&list, span_lit("b"), false, &value, &err), VERDICT_OK);
	expect_text("second", str_span(&value), "2");
	/* A part of an address is nothing to a pattern; then the third fails. */
	assert_int_equal(table_list_lookup(&list, span_lit("b"), true, &value, &err), VERDICT_TEMP);
	table_list_free(&list);
	assert_int_equal(table_list_open(set, span_lit("inline:{ a=1 } example.com"), &list, &err),
	    VERDICT_PERM);
	expect_text("no table", err_text(&err), "example.com is not type:name");
	assert_int_equal(table_list_lookup(&list, span_lit("a"), false, &value, &err), VERDICT_OK);
	assert_int_equal(
	    table_list_lookup(&list, span_lit("z"), false, &value, &err), VERDICT_TEMP);
	table_list_free(&list);
	assert_int_equal(table_set_changed(set).n, 0);
	str_free(&value);
	table_set_free(set);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_specs),
		cmocka_unit_test(test_broken),
		cmocka_unit_test(test_simple),
		cmocka_unit_test(test_texthash),
		cmocka_unit_test(test_hostile_keys),
		cmocka_unit_test(test_value_too_long),
		cmocka_unit_test(test_changed),
		cmocka_unit_test(test_set_and_list),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
