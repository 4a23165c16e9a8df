/*
 * $name in all its forms: what each becomes; what is wrong with what does not become anything; the
 * bounds on depth, steps and size; who refers to whom. The variables are a table here: no file is
 * read. Run by make check.
 */
#include "config.h"

#include "conf/expand.h"
#include "tests/unit/unit.h"

struct variable {
	const char *name, *value;
};

static const struct variable variables[] = {
	{ "a", "1" },
	{ "b", "<$a>" },
	{ "c", "$b$b" },
	{ "empty", "" },
	{ "hollow", "$empty" },
	{ "ten", "10" },
	{ "self", "x$self" },
	{ "loop_1", "$loop_2" },
	{ "loop_2", "${a?{$loop_1}}" },
	{ "words", "two words" },
	{ "level", "3.10" },
};

static bool
lookup(struct span name, bool test, struct span *value_out, void *arg)
{
	for (size_t i = 0; i < ARRAY_LEN(variables); i++)
		if (span_eq(name, span_str(variables[i].name))) {
			*value_out = span_str(variables[i].value);
			return true;
		}
	if (!test)
		str_printf(arg, "%.*s ", SPAN_ARG(name));
	return false;
}

static const struct {
	const char *text, *want, *undefined;
} good_texts[] = {
	{ "", "", "" },
	{ "plain", "plain", "" },
	{ "$a", "1", "" },
	{ "${a}", "1", "" },
	{ "$(a)", "1", "" },
	{ "x$a.y", "x1.y", "" },
	{ "$b", "<1>", "" },
	{ "$c", "<1><1>", "" },
	{ "$$a", "$a", "" },
	{ "$$$a$$", "$1$", "" },
	{ "$nobody|", "|", "nobody " },
	{ "${nobody}|", "|", "nobody " },
	{ "${a?yes}", "yes", "" },
	{ "${a?{yes}}", "yes", "" },
	{ "${a?{$b}}", "<1>", "" },
	{ "${a:no}", "", "" },
	{ "${empty?yes}", "", "" },
	{ "${empty:no}", "no", "" },
	{ "${hollow?yes}", "", "" },
	{ "${hollow:{no}}", "no", "" },
	{ "${nobody?yes}", "", "" },
	{ "${nobody:no}", "no", "" },
	{ "${nobody?{$other}}", "", "" },
	{ "${a?{yes}:{no}}", "yes", "" },
	{ "${empty?{yes}:{no}}", "no", "" },
	{ "${empty ? {yes} : {no} }", "no", "" },
	{ "${a?{}:{no}}|", "|", "" },
	{ "${a?{${empty?{x}:{${b}}}}:{no}}", "<1>", "" },
	{ "${{$a} == {1} ? {same}:{other}}", "same", "" },
	{ "${{$a} == {01} ? {same}:{other}}", "same", "" },
	{ "${{$a}=={1}?{same}:{other}}", "same", "" },
	{ "${{$a} != {1} ? {other}:{same}}", "same", "" },
	{ "${{$ten} > {9} ? {more}:{less}}", "more", "" },
	{ "${{$ten} < {9} ? {less}:{more}}", "more", "" },
	{ "${{x10} > {x9} ? {more}:{less}}", "less", "" },
	{ "${{$ten} >= {10} ? {more}:{less}}", "more", "" },
	{ "${{$ten} <= {9} ? {less}:{more}}", "more", "" },
	{ "${{$level} <level {3.9} ? {old}:{new}}", "new", "" },
	{ "${{$level} >=level {3.10.0} ? {new}:{old}}", "new", "" },
	{ "${{2} <level {3.6} ? {old}:{new}}", "old", "" },
	{ "${{$words} == {two words} ? {same}}", "same", "" },
	{ "${{a} == {b} ? {same}}|", "|", "" },
	{ "${{} == {} ? {same}}", "same", "" },
	{ "before ${{$c} == {<1><1>} ? {$b}:{}} after", "before <1> after", "" },
	{ "a { b } $a", "a { b } 1", "" },
};

static void
test_values(UNUSED void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(good_texts); i++) {
		struct str out = STR_INIT(1000), undefined = STR_INIT(1000);
		const struct conf_expand how = { lookup, &undefined, true };
		struct err err = ERR_NONE;

		if (conf_expand(&how, span_str(good_texts[i].text), &out, &err) != VERDICT_OK)
			fail_msg("%s: %s", good_texts[i].text, err.text);
		expect_text(good_texts[i].text, str_span(&out), good_texts[i].want);
		expect_text(good_texts[i].text, str_span(&undefined), good_texts[i].undefined);
		str_free(&out);
		str_free(&undefined);
	}
}

static void
test_errors(UNUSED void **state)
{
	static const struct {
		const char *text, *want;
	} rows[] = {
		{ "$", "a $ is not followed by a name: write $$ for a dollar sign" },
		{ "a $ b", "a $ is not followed by a name: write $$ for a dollar sign" },
		{ "$-", "a $ is not followed by a name: write $$ for a dollar sign" },
		{ "${", "a ${ has no }" },
		{ "${a", "a ${ has no }" },
		{ "${a?{x}", "a ${ has no }" },
		{ "${}", "${} has no name" },
		{ "${ a}", "${ a} has no name" },
		{ "$(a", "a $( is not followed by name)" },
		{ "$()", "a $( is not followed by name)" },
		{ "${a-b}", "${a-b} is not understood: write ${name?{text}:{text}}" },
		{ "${a?{x}y}", "${a?{x}y} is not understood: write ${name?{text}:{text}}" },
		{ "${a?{x}:{y}z}", "${a?{x}:{y}z} is not understood: write ${name?{text}:{text}}" },
		{ "${{a} = {b} ? {x}}", "${{a} = {b} ? {x}} is not understood: write ${{text} == "
					"{text} ? {text}:{text}}" },
		{ "${{a} == b ? {x}}", "${{a} == b ? {x}} is not understood: write ${{text} == "
				       "{text} ? {text}:{text}}" },
		{ "${{a} == {b}}", "${{a} == {b}} is not understood: write ${name?{text}:{text}}" },
		{ "$self", "a loop: $self refers to $self" },
		{ "$loop_1", "a loop: $loop_1 refers to $loop_2 refers to $loop_1" },
		{ "01234567890123456789x", "the value is longer than 20 bytes" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct str out = STR_INIT(20), undefined = STR_INIT(1000);
		const struct conf_expand how = { lookup, &undefined, true };
		struct err err = ERR_NONE;

		assert_int_equal(
		    conf_expand(&how, span_str(rows[i].text), &out, &err), VERDICT_PERM);
		expect_text(rows[i].text, err_text(&err), rows[i].want);
		str_free(&out);
		str_free(&undefined);
	}
}

/* Values that come from elsewhere are not looked into. */
static void
test_flat(UNUSED void **state)
{
	struct str out = STR_INIT(1000), undefined = STR_INIT(1000);
	const struct conf_expand how = { lookup, &undefined, false };
	struct err err = ERR_NONE;

	assert_int_equal(conf_expand(&how, span_lit("$b ${c?{$self}}"), &out, &err), VERDICT_OK);
	expect_text("flat", str_span(&out), "<$a> x$self");
	str_free(&out);
	str_free(&undefined);
}

/* v7 is twice v6, which is twice v5, ...: without a letter in it no cap of the output helps. */
static bool
lookup_twice(struct span name, bool test UNUSED, struct span *value_out, void *arg)
{
	struct str *values = arg;
	const size_t at = (size_t)(name.p[1] - 'a');

	assert_true(at < 26);
	str_reset(&values[at]);
	if (at > 0)
		str_printf(&values[at], "$v%c$v%c", (int)('a' + at - 1), (int)('a' + at - 1));
	*value_out = str_span(&values[at]);
	return true;
}

static void
test_bounds(UNUSED void **state)
{
	struct str values[26], out = STR_INIT(1000), deep = STR_INIT(1000);
	const struct conf_expand how = { lookup_twice, values, true };
	struct err err = ERR_NONE;

	for (size_t i = 0; i < ARRAY_LEN(values); i++)
		str_init(&values[i], 100);
	assert_int_equal(conf_expand(&how, span_lit("$vf"), &out, &err), VERDICT_OK);
	assert_int_equal(out.n, 0);
	assert_int_equal(conf_expand(&how, span_lit("$vz"), &out, &err), VERDICT_PERM);
	expect_text("steps", err_text(&err), "there are more than 10000 $names to replace");
	for (size_t i = 0; i < 60; i++)
		str_puts(&deep, "${va:{");
	str_puts(&deep, "x");
	for (size_t i = 0; i < 60; i++)
		str_puts(&deep, "}}");
	assert_int_equal(conf_expand(&how, str_span(&deep), &out, &err), VERDICT_PERM);
	expect_text("depth", err_text(&err), "$names stand in each other more than 50 levels deep");
	for (size_t i = 0; i < ARRAY_LEN(values); i++)
		str_free(&values[i]);
	str_free(&out);
	str_free(&deep);
}

static void
test_references(UNUSED void **state)
{
	static const struct {
		const char *text, *want;
	} rows[] = {
		{ "", "" },
		{ "none here", "" },
		{ "$a $(b) ${c} $$d", "a b c " },
		{ "${e?{$f}:{${g}}}", "e f g " },
		{ "${{$h} == {x} ? {$i}}", "h i " },
		{ "$ $", "" },
		{ "$$$j$", "j " },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct span text = span_str(rows[i].text), name;
		struct str got = STR_INIT(1000);

		while (conf_reference_next(&text, &name))
			str_printf(&got, "%.*s ", SPAN_ARG(name));
		expect_text(rows[i].text, str_span(&got), rows[i].want);
		str_free(&got);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_flat),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_references),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
