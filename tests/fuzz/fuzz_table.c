/*
 * Fuzz target for the text of lookup tables: the first line is the type and a key ("pcre key"), the
 * rest is a table in braces, as it may stand in main.cf. Any text becomes a table, or says why it
 * is none; what it answers is found, absent or failed.
 */
#include "config.h"

#include "table/find.h"
#include "table/match.h"
#include "tests/fuzz/fuzz.h"

static bool
count_entry(struct span key, UNUSED struct span value, UNUSED void *arg)
{
	assert(key.n > 0 || value.n == 0);
	return true;
}

static void
check_table(struct span spec, struct span key)
{
	struct str value = STR_INIT(4096);
	struct err err = ERR_NONE;
	struct table *t;
	enum verdict opened = table_open(spec, &t, &err), v;

	assert(opened == VERDICT_OK || opened == VERDICT_TEMP || opened == VERDICT_PERM);
	v = table_lookup(t, key, &value, &err);
	assert(v == VERDICT_OK || v == VERDICT_ABSENT || v == VERDICT_TEMP);
	assert(opened == VERDICT_OK || v == VERDICT_TEMP);
	table_walk(t, count_entry, NULL, &err);
	table_close(t);
	str_free(&value);
}

static void
check_find(struct span spec, struct span key)
{
	struct table_set *set = table_set_new();
	struct table_address a = { .delimiters = SPAN("+-"), .ours = true };
	struct str value = STR_INIT(4096);
	struct err err = ERR_NONE;
	struct table_list list;
	struct table_match *m;
	struct span extension;

	span_cut(key, '@', &a.local, &a.domain);
	if (table_list_open(set, spec, &list, &err) == VERDICT_OK) {
		table_find_address(&list, &a, &value, &extension, &err);
		assert(extension.n == 0 || span_ends(a.local, extension));
		table_find_access(&list, &a, true, &value, &err);
		table_find_transport(&list, &a, false, &value, &err);
		table_find_client(&list, a.domain, &value, &err);
	}
	table_list_free(&list);
	/* No file is to be opened by what the fuzzer writes. */
	if (span_find(spec, '/') == spec.n) {
		table_match_open(set, spec, TABLE_MATCH_SUBDOMAINS, &m, &err);
		if (a.domain.n > 0)
			table_match_domain(m, a.domain, &err);
		table_match_free(m);
	}
	str_free(&value);
	table_set_free(set);
}

FUZZ(data)
{
	static const struct span types[] = { SPAN("pcre"), SPAN("cidr"), SPAN("inline"),
		SPAN("texthash"), SPAN("regexp") };
	struct span head, rules, type, key;
	struct str spec = STR_INIT(8192);
	size_t i = 0;

	span_cut(span_head(data, 4096), '\n', &head, &rules);
	span_cut(head, ' ', &type, &key);
	while (i < ARRAY_LEN(types) && !span_eq(types[i], type))
		i++;
	if (i < ARRAY_LEN(types)) {
		str_printf(&spec, "%.*s:{", SPAN_ARG(type));
		str_put(&spec, rules);
		str_putc(&spec, '}');
		check_table(str_span(&spec), key);
		check_find(str_span(&spec), key);
	}
	str_free(&spec);
}
