/*
 * Folders: made, listed, renamed with what is below, deleted, subscribed; UIDVALIDITY that never
 * comes again. Run by make check.
 */
#include "config.h"

#include "base/time.h"
#include "tests/unit/mailbox/place.h"
#include "tests/unit/unit.h"

struct tree_row {
	const char *act; /* create, rename, delete, on, off */
	const char *name;
	const char *to;
	enum verdict v;
	const char *list; /* all folders after it but INBOX; subscriptions for on and off */
};

static const struct tree_row tree_rows[] = {
	{ "create", "A", NULL, VERDICT_OK, "A" },
	{ "create", "A", NULL, VERDICT_PERM, "A" },
	{ "create", "A/B/C", NULL, VERDICT_OK, "A A/B/C" },
	{ "create", "inbox", NULL, VERDICT_PERM, "A A/B/C" },
	{ "create", "x*", NULL, VERDICT_PERM, "A A/B/C" },
	{ "create", "a//b", NULL, VERDICT_PERM, "A A/B/C" },
	{ "create", "AB", NULL, VERDICT_OK, "A A/B/C AB" },
	{ "create", "../x", NULL, VERDICT_OK, "../x A A/B/C AB" },
	{ "rename", "A", "Z/Y", VERDICT_OK, "../x AB Z/Y Z/Y/B/C" },
	{ "rename", "A", "Q", VERDICT_ABSENT, "../x AB Z/Y Z/Y/B/C" },
	{ "rename", "Z/Y", "Z/Y/X", VERDICT_PERM, "../x AB Z/Y Z/Y/B/C" },
	{ "rename", "Z/Y", "AB", VERDICT_PERM, "../x AB Z/Y Z/Y/B/C" },
	{ "rename", "INBOX", "I", VERDICT_PERM, "../x AB Z/Y Z/Y/B/C" },
	{ "rename", "Z", "\xc3\x84", VERDICT_OK, "../x AB \xc3\x84/Y \xc3\x84/Y/B/C" },
	{ "delete", "\xc3\x84/Y", NULL, VERDICT_OK, "../x AB \xc3\x84/Y/B/C" },
	{ "delete", "\xc3\x84/Y", NULL, VERDICT_ABSENT, "../x AB \xc3\x84/Y/B/C" },
	{ "delete", "INBOX", NULL, VERDICT_PERM, "../x AB \xc3\x84/Y/B/C" },
	{ "on", "Inbox", NULL, VERDICT_OK, "" },
	{ "on", "\xc3\x84/Y.Z", NULL, VERDICT_OK, "\xc3\x84/Y.Z" },
	{ "on", "AB", NULL, VERDICT_OK, "AB \xc3\x84/Y.Z" },
	{ "on", "AB", NULL, VERDICT_OK, "AB \xc3\x84/Y.Z" },
	{ "off", "none", NULL, VERDICT_OK, "AB \xc3\x84/Y.Z" },
	{ "off", "\xc3\x84/Y.Z", NULL, VERDICT_OK, "AB" },
	{ "off", "a//b", NULL, VERDICT_PERM, "AB" },
};

static enum verdict
tree_act(struct maildir *md, const struct tree_row *row, struct err *err)
{
	struct span act = span_str(row->act), name = span_str(row->name);

	if (span_eq(act, span_lit("create")))
		return tree_create(md, name, err);
	if (span_eq(act, span_lit("rename")))
		return tree_rename(md, name, span_str(row->to), err);
	if (span_eq(act, span_lit("delete")))
		return tree_delete(md, name, err);
	return tree_subscribe(md, name, span_eq(act, span_lit("on")), err);
}

static void
test_tree(void **state)
{
	struct place *p = *state;

	for (size_t i = 0; i < ARRAY_LEN(tree_rows); i++) {
		const struct tree_row *row = &tree_rows[i];
		struct str said = STR_INIT(65536);
		struct tree_names names;
		struct err err = ERR_NONE;
		enum verdict v = tree_act(p->md, row, &err);

		if (v != row->v)
			fail_msg("%s %s: %d %s", row->act, row->name, v, err.text);
		v = row->act[0] == 'o' ? tree_subscribed(p->md, &names, &err)
				       : tree_list(p->md, &names, &err);
		assert_int_equal(v, VERDICT_OK);
		expect_text(row->name, names.v[0], "INBOX");
		for (size_t k = 1; k < names.n; k++)
			str_printf(&said, "%s%.*s", k > 1 ? " " : "", SPAN_ARG(names.v[k]));
		expect_text(row->name, str_span(&said), row->list);
		tree_names_free(&names);
		str_free(&said);
	}
	tree_sweep(p->md);
}

static void
test_deleted_under_us(void **state)
{
	struct place *p = *state;
	struct err err = ERR_NONE;
	struct mailbox *mb;
	uint32_t validity;

	assert_int_equal(tree_create(p->md, span_lit("A"), &err), VERDICT_OK);
	mb = must_open(p->md, "A");
	must_add(mb, "x\n", 0, 0);
	validity = mailbox_uidvalidity(mb);
	assert_int_equal(tree_rename(p->md, span_lit("A"), span_lit("B"), &err), VERDICT_OK);
	assert_int_equal(must_add(mb, "y\n", 0, 0), 2);
	struct mailbox *other = must_open(p->md, "B");
	assert_int_equal(mailbox_count(other), 2);
	assert_int_equal(mailbox_uidvalidity(other), validity);
	expect_span("id", mailbox_id(other), mailbox_id(mb));
	mailbox_close(other);
	assert_int_equal(tree_delete(p->md, span_lit("B"), &err), VERDICT_OK);
	assert_int_equal(mailbox_refresh(mb, &err), VERDICT_ABSENT);
	mailbox_close(mb);
	assert_int_equal(mailbox_open(p->md, span_lit("B"), &mb, &err), VERDICT_ABSENT);
	assert_int_equal(tree_create(p->md, span_lit("B"), &err), VERDICT_OK);
	mb = must_open(p->md, "B");
	assert_true(mailbox_uidvalidity(mb) > validity);
	mailbox_close(mb);
	/* A clock that was set back gives no old one out. */
	time_set_wall(1000 * NS_PER_S);
	uint32_t later;
	assert_int_equal(tree_new_uidvalidity(p->md, &later, &err), VERDICT_OK);
	assert_true(later > validity);
	time_set_wall(0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_tree, place_make, place_remove),
		cmocka_unit_test_setup_teardown(test_deleted_under_us, place_make, place_remove),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
