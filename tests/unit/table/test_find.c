/*
 * Which keys are asked for an address, a domain, a client, and in which order: a table that only
 * writes down what it is asked. And lists of domains.
 */
#include "config.h"

#include "base/mem.h"
#include "table/driver.h"
#include "table/match.h"
#include "tests/unit/table/table_unit.h"

/* The keys asked, "a b c"; the one that is found is in t->spec. */
struct recorder {
	struct table table;
	struct str asked;
	struct table *self;
	struct table_list list;
};

static enum verdict
record_lookup(struct table *t, struct span key, struct str *out, struct err *err)
{
	struct recorder *r = (struct recorder *)(void *)t;

	(void)err;
	str_printf(&r->asked, "%s%.*s", r->asked.n ? " " : "", SPAN_ARG(key));
	if (!span_eq(key, span_str(t->spec)))
		return VERDICT_ABSENT;
	str_puts(out, "found");
	return VERDICT_OK;
}

static const struct table_driver driver_exact = { "exact", 0, NULL, record_lookup, NULL, NULL };
static const struct table_driver driver_pattern = { "pattern", TABLE_PATTERN, NULL, record_lookup,
	NULL, NULL };

static void
recorder_init(struct recorder *r, bool pattern, const char *found)
{
	*r = (struct recorder){ .table = { .driver = pattern ? &driver_pattern : &driver_exact } };
	r->table.spec = mem_strdup(span_str(found));
	str_init(&r->table.key, LIMIT_TABLE_KEY);
	str_init(&r->asked, 4096);
	r->self = &r->table;
	r->list = (struct table_list){ &r->self, 1 };
}

static void
recorder_drop(struct recorder *r)
{
	mem_free(r->table.spec);
	str_free(&r->table.key);
	str_free(&r->asked);
}

enum how {
	ADDRESS,
	LOCAL,
	ACCESS,
	ACCESS_PARENTS,
	TRANSPORT,
	TRANSPORT_PARENTS,
	DOMAIN,
	DOMAIN_PARENTS,
	CLIENT
};

static enum verdict
find(enum how how, const struct table_list *list, const struct table_address *a, struct str *value,
    struct span *extension)
{
	struct err err = ERR_NONE;
	bool parents = how == ACCESS_PARENTS || how == TRANSPORT_PARENTS || how == DOMAIN_PARENTS;

	if (how == ADDRESS)
		return table_find_address(list, a, value, extension, &err);
	if (how == LOCAL)
		return table_find_local(list, a, value, extension, &err);
	if (how == ACCESS || how == ACCESS_PARENTS)
		return table_find_access(list, a, parents, value, &err);
	if (how == TRANSPORT || how == TRANSPORT_PARENTS)
		return table_find_transport(list, a, parents, value, &err);
	if (how == DOMAIN || how == DOMAIN_PARENTS)
		return table_find_domain(list, a->domain, parents, value, &err);
	return table_find_client(list, a->domain, value, &err);
}

static const struct {
	const char *name;
	enum how how;
	struct table_address a;
	const char *asked;
} orders[] = {
	{ "address", ADDRESS, { SPAN("u"), SPAN("d.e"), SPAN("+"), false }, "u@d.e @d.e" },
	{ "extension", ADDRESS, { SPAN("u+x"), SPAN("d.e"), SPAN("+"), false },
	    "u+x@d.e u@d.e @d.e" },
	{ "ours", ADDRESS, { SPAN("u+x"), SPAN("d.e"), SPAN("+"), true },
	    "u+x@d.e u@d.e u+x u @d.e" },
	{ "no domain", ADDRESS, { SPAN("u+x"), SPAN(""), SPAN("+"), false }, "u+x u" },
	{ "two delimiters", ADDRESS, { SPAN("u-x+y"), SPAN("d"), SPAN("+-"), false },
	    "u-x+y@d u@d @d" },
	{ "no delimiter", ADDRESS, { SPAN("u+x"), SPAN("d"), SPAN(""), false }, "u+x@d @d" },
	{ "nobody before it", ADDRESS, { SPAN("+x"), SPAN("d"), SPAN("+"), false }, "+x@d @d" },
	{ "owner", ADDRESS, { SPAN("owner-l"), SPAN("d"), SPAN("-"), false }, "owner-l@d @d" },
	{ "request", ADDRESS, { SPAN("l-request"), SPAN("d"), SPAN("-"), false },
	    "l-request@d @d" },
	{ "owner with another delimiter", ADDRESS,
	    { SPAN("owner-l+x"), SPAN("d"), SPAN("+"), false }, "owner-l+x@d owner-l@d @d" },
	{ "quoted", ADDRESS, { SPAN("\"a+b c\""), SPAN("d"), SPAN("+"), false }, "\"a+b c\"@d @d" },
	{ "folded", ADDRESS, { SPAN("User"), SPAN("d"), SPAN(""), false }, "user@d @d" },
	{ "local", LOCAL, { SPAN("u+x"), SPAN("d"), SPAN("+"), true }, "u+x u" },
	{ "access", ACCESS, { SPAN("u+x"), SPAN("a.b.c"), SPAN("+"), false },
	    "u+x@a.b.c u@a.b.c a.b.c .b.c .c u+x@ u@" },
	{ "access, parents", ACCESS_PARENTS, { SPAN("u"), SPAN("a.b.c"), SPAN("+"), false },
	    "u@a.b.c a.b.c b.c c u@" },
	{ "transport", TRANSPORT, { SPAN("u"), SPAN("a.b"), SPAN("+"), false }, "u@a.b a.b .b *" },
	{ "transport, parents", TRANSPORT_PARENTS, { SPAN("u"), SPAN("a.b"), SPAN("+"), false },
	    "u@a.b a.b b *" },
	{ "domain", DOMAIN, { SPAN(""), SPAN("a.b"), SPAN(""), false }, "a.b .b" },
	{ "domain, parents", DOMAIN_PARENTS, { SPAN(""), SPAN("a.b."), SPAN(""), false },
	    "a.b. b." },
	{ "one label", DOMAIN, { SPAN(""), SPAN("a"), SPAN(""), false }, "a" },
	{ "literal", DOMAIN, { SPAN(""), SPAN("[192.0.2.1]"), SPAN(""), false }, "[192.0.2.1]" },
	{ "dots", DOMAIN_PARENTS, { SPAN(""), SPAN(".."), SPAN(""), false }, ".." },
	{ "client", CLIENT, { SPAN(""), SPAN("192.0.2.7"), SPAN(""), false },
	    "192.0.2.7 192.0.2 192.0 192" },
	{ "client, IPv6", CLIENT, { SPAN(""), SPAN("2001:db8::7"), SPAN(""), false },
	    "2001:db8::7 2001:db8: 2001:db8 2001" },
};

static void
test_orders(UNUSED void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(orders); i++) {
		for (int pattern = 0; pattern < 2; pattern++) {
			struct span want = span_str(orders[i].asked);
			struct recorder r;
			struct str value = STR_INIT(64);

			recorder_init(&r, pattern, "?");
			expect_number(orders[i].name,
			    find(orders[i].how, &r.list, &orders[i].a, &value, NULL),
			    VERDICT_ABSENT);
			/* A pattern is asked once, with the whole, as it is. */
			if (!pattern)
				expect_span(orders[i].name, str_span(&r.asked), want);
			else if (orders[i].a.local.p[0] == 'u')
				expect_span(orders[i].name, str_span(&r.asked),
				    span_head(want, span_find(want, ' ')));
			recorder_drop(&r);
			str_free(&value);
		}
	}
}

static void
test_extensions(UNUSED void **state)
{
	static const struct {
		const char *found;
		const char *extension;
	} rows[] = {
		{ "u+x@d", "" },
		{ "u@d", "+x" },
		{ "u+x", "" },
		{ "u", "+x" },
		{ "@d", "" },
	};
	const struct table_address a = { SPAN("u+x"), SPAN("d"), SPAN("+"), true };

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct recorder r;
		struct str value = STR_INIT(64);
		struct span extension;

		recorder_init(&r, false, rows[i].found);
		expect_number(
		    rows[i].found, find(ADDRESS, &r.list, &a, &value, &extension), VERDICT_OK);
		expect_text(rows[i].found, extension, rows[i].extension);
		recorder_drop(&r);
		str_free(&value);
	}
}

static void
test_failure_stops(UNUSED void **state)
{
	struct table_set *set = table_set_new();
	const struct table_address a = { SPAN("u"), SPAN("d"), SPAN("+"), true };
	struct str value = STR_INIT(64);
	struct err err = ERR_NONE;
	struct table_list list;

	table_list_open(set, span_lit("fail:x inline:{u@d=1}"), &list, &err);
	for (enum how how = ADDRESS; how <= CLIENT; how++)
		assert_int_equal(find(how, &list, &a, &value, NULL), VERDICT_TEMP);
	table_list_free(&list);
	str_free(&value);
	table_set_free(set);
}

static void
expect_match(const char *list, enum table_match_how how, const char *domain, enum verdict want)
{
	struct table_set *set = table_set_new();
	struct table_match *m;
	struct err err = ERR_NONE;

	table_match_open(set, span_str(list), how, &m, &err);
	if (table_match_domain(m, span_str(domain), &err) != want)
		fail_msg("\"%s\" with %s", list, domain);
	table_match_free(m);
	table_set_free(set);
}

static void
test_matches(UNUSED void **state)
{
	static const struct {
		const char *list;
		enum table_match_how how;
		const char *domain;
		enum verdict want;
	} rows[] = {
		{ "a.b, C.d", TABLE_MATCH_NAMES, "c.d", VERDICT_OK },
		{ "a.b", TABLE_MATCH_NAMES, "x.a.b", VERDICT_ABSENT },
		{ ".a.b", TABLE_MATCH_NAMES, "x.a.b", VERDICT_ABSENT },
		{ ".a.b", TABLE_MATCH_DOTTED, "x.a.b", VERDICT_OK },
		{ ".a.b", TABLE_MATCH_DOTTED, "a.b", VERDICT_ABSENT },
		{ "a.b", TABLE_MATCH_DOTTED, "x.a.b", VERDICT_ABSENT },
		{ "a.b", TABLE_MATCH_SUBDOMAINS, "x.a.b", VERDICT_OK },
		{ "a.b", TABLE_MATCH_SUBDOMAINS, "xa.b", VERDICT_ABSENT },
		{ "!x.a.b, a.b", TABLE_MATCH_SUBDOMAINS, "x.a.b", VERDICT_ABSENT },
		{ "!x.a.b, a.b", TABLE_MATCH_SUBDOMAINS, "y.a.b", VERDICT_OK },
		{ "!!a.b", TABLE_MATCH_NAMES, "a.b", VERDICT_OK },
		{ "", TABLE_MATCH_NAMES, "a.b", VERDICT_ABSENT },
		{ "inline:{a.b=x}", TABLE_MATCH_NAMES, "a.b", VERDICT_OK },
		{ "inline:{a.b=x}", TABLE_MATCH_NAMES, "c.a.b", VERDICT_ABSENT },
		{ "inline:{a.b=x}", TABLE_MATCH_SUBDOMAINS, "c.a.b", VERDICT_OK },
		{ "inline:{a.b=x}", TABLE_MATCH_DOTTED, "c.a.b", VERDICT_ABSENT },
		{ "inline:{.a.b=x}", TABLE_MATCH_DOTTED, "c.a.b", VERDICT_OK },
		{ "!inline:{a.b=x}, static:all", TABLE_MATCH_NAMES, "a.b", VERDICT_ABSENT },
		{ "!inline:{a.b=x}, static:all", TABLE_MATCH_NAMES, "z", VERDICT_OK },
		{ "a.b, fail:x", TABLE_MATCH_NAMES, "a.b", VERDICT_OK },
		{ "a.b, fail:x", TABLE_MATCH_NAMES, "c.d", VERDICT_TEMP },
		{ "hash:/nonexistent/x a.b", TABLE_MATCH_NAMES, "a.b", VERDICT_TEMP },
		{ "/nonexistent/x a.b", TABLE_MATCH_NAMES, "a.b", VERDICT_TEMP },
		{ "[192.0.2.1]", TABLE_MATCH_NAMES, "[192.0.2.1]", VERDICT_OK },
		{ "[ipv6:2001:db8::1]", TABLE_MATCH_NAMES, "[IPv6:2001:db8::1]", VERDICT_OK },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		expect_match(rows[i].list, rows[i].how, rows[i].domain, rows[i].want);
}

static void
test_match_files(UNUSED void **state)
{
	static const char *const names[] = { "a", "b" };
	struct table_set *set = table_set_new();
	struct table_match *m;
	struct err err = ERR_NONE;
	struct str text = STR_INIT(512);
	struct place p;

	place_make(&p);
	/* b holds itself: told, and bounded. */
	str_printf(&text,
	    "one.example two.example # not a comment\n# three.example\n!%s/b\nfour.example\n",
	    p.dir);
	place_put(&p, "a", str_span(&text));
	str_reset(&text);
	str_printf(&text, "five.example\n%s/b\n", p.dir);
	place_put(&p, "b", str_span(&text));
	assert_int_equal(
	    table_match_open(set, place_spec(&p, "", "a"), TABLE_MATCH_NAMES, &m, &err),
	    VERDICT_PERM);
	assert_int_equal(table_match_domain(m, span_lit("two.example"), &err), VERDICT_OK);
	assert_int_equal(table_match_domain(m, span_lit("three.example"), &err), VERDICT_TEMP);
	assert_int_equal(table_match_domain(m, span_lit("five.example"), &err), VERDICT_ABSENT);
	table_match_free(m);
	assert_int_equal(table_set_changed(set).n, 0);
	place_put(&p, "b", span_lit("five.example\n"));
	assert_int_equal(table_set_changed(set).n, 0);
	expect_span("changed", table_set_changed(set), place_spec(&p, "", "b"));
	table_set_free(set);
	str_free(&text);
	place_drop(&p, names, ARRAY_LEN(names));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_orders),
		cmocka_unit_test(test_extensions),
		cmocka_unit_test(test_failure_stops),
		cmocka_unit_test(test_matches),
		cmocka_unit_test(test_match_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
