/*
 * Fuzz target for what imapd's user half parses of a command: the first byte says as what. Whatever
 * it is, a failure leaves a reason, what is read lies within the command or its arena, a set is
 * sorted and disjoint, a section and a tree of keys hold what they say.
 */
#include "config.h"

#include <fcntl.h>
#include <stdlib.h>

#include "base/utf8.h"
#include "imapd/fetch.h"
#include "imapd/search.h"
#include "mailbox/name.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/mailbox/tree.h"

static struct arena arena;

static void
check_strings(struct args *a)
{
	struct span got;

	/* All of them, over the same text, one behind the other. */
	while (args_astring(a, &got) && (got.n == 0 || args_space(a)))
		assert(span_find(got, '\0') == got.n);
	a->bad = NULL;
	while (args_nstring(a, &got) && args_space(a))
		assert(got.p || got.n == 0);
}

static void
check_names(struct args *a)
{
	struct args start = *a;
	struct str again = STR_INIT(LIMIT_MAILBOX_NAME);
	struct span got;

	if (args_mailbox(a, &got)) {
		assert(mailbox_name_check(got, &again, NULL) == VERDICT_OK);
		assert(span_eq(got, str_span(&again)));
	}
	*a = start;
	a->utf8 = true;
	if (args_mailbox(a, &got))
		assert(utf8_valid(got));
	*a = start;
	if (args_pattern(a, &got))
		assert(utf8_valid(got));
	str_free(&again);
}

static void
check_numbers(struct args *a)
{
	struct args start = *a;
	int64_t when = 0;
	uint64_t n = 0;

	if (args_number(a, 1000, &n))
		assert(n <= 1000);
	*a = start;
	if (args_date(a, &when))
		assert(when >= -719528 && when <= 2932896);
	*a = start;
	(void)args_date_time(a, &when);
}

static void
check_set(struct args *a)
{
	struct args_set set;

	if (!args_set(a, &set) || set.saved)
		return;
	assert(set.n > 0 && set.n <= LIMIT_IMAP_RANGES);
	for (size_t i = 0; i < set.n; i++) {
		assert(set.v[i].first > 0 && set.v[i].first <= set.v[i].last);
		assert(i == 0 || set.v[i - 1].last + UINT64_C(1) < set.v[i].first);
	}
}

static void
check_fetch(struct args *a)
{
	struct fetch fetch;
	struct str shown = STR_INIT(1u << 20);

	if (fetch_parse(a, true, &fetch)) {
		assert(fetch.n <= LIMIT_IMAP_ITEMS);
		for (size_t i = 0; i < fetch.n; i++) {
			const struct fetch_item *item = &fetch.item[i];

			assert(item->kind && item->kind->put && item->label.n > 0);
			assert(item->section.depth <= LIMIT_IMAP_SECTION);
			assert(item->section.fields <= LIMIT_IMAP_FIELDS);
			/* What is shown of a section is what was asked for. */
			if (item->section.fields == 0)
				assert(span_find(item->label, '\n') == item->label.n);
		}
	}
	str_free(&shown);
}

/* A section that is shown reads as the same again. */
static void
check_section(struct args *a)
{
	struct str shown = STR_INIT(1u << 20), again = STR_INIT(1u << 20);
	struct section section, other;
	struct args b = { .arena = &arena };

	if (section_parse(a, true, &section)) {
		section.partial = false;
		section_put(&shown, &section);
		b.in = cursor_of(str_span(&shown));
		assert(shown.full || (section_parse(&b, true, &other) && cursor_done(&b.in)));
		if (!shown.full)
			section_put(&again, &other);
		assert(shown.full || span_eq(str_span(&shown), str_span(&again)));
	}
	str_free(&shown);
	str_free(&again);
}

static struct mailbox *mailbox;

/* A mailbox for keywords to be looked up in; its files are gone at once. */
static void
mailbox_make(void)
{
	struct maildir_place place = { -1, -1, SPAN("Maildir/"), SPAN("mx") };
	char path[] = "/tmp/postern-fuzz-XXXXXX";
	struct maildir *md = NULL;
	uint64_t bit;
	bool good = mkdtemp(path) != NULL;

	place.home = open(path, O_PATH | O_DIRECTORY);
	good = good && place.home >= 0 && maildir_open(&place, &md, NULL) == VERDICT_OK &&
	       mailbox_open(md, span_lit("INBOX"), &mailbox, NULL) == VERDICT_OK &&
	       mailbox_keyword_bit(mailbox, span_lit("$Work"), true, &bit, NULL) == VERDICT_OK;
	assert(good);
	tree_remove(path);
}

/* A view of it with 1000 messages that are not there. */
struct mailbox *
view_mailbox(const struct view *v UNUSED)
{
	return mailbox;
}

size_t
view_count(const struct view *v UNUSED)
{
	return 1000;
}

uint32_t
view_uid(const struct view *v UNUSED, size_t i)
{
	return (uint32_t)(2 * i + 1);
}

size_t
view_find(const struct view *v UNUSED, uint32_t uid)
{
	return size_min(uid / 2, 1000);
}

const struct mail *
view_mail(const struct view *v UNUSED, size_t i UNUSED)
{
	return NULL;
}

bool
view_is_recent(const struct view *v UNUSED, uint32_t uid)
{
	return uid % 2;
}

/* What must hold of a tree: every group has what it needs, cheap parts first, and the walk that
 * asks for nothing dearer than the index ends. */
static void
check_search(struct args *a)
{
	struct session session = { .uid = true };
	const struct search_node *n;
	struct search search;

	if (!search_parse(&session, a, &search)) {
		assert(a->bad);
		return;
	}
	if (search.bad_charset)
		return;
	assert(cursor_done(&a->in));
	n = search.root;
	while (n) {
		assert((n->join == SEARCH_LEAF) == (n->child == NULL));
		assert(n->join != SEARCH_NOT || !n->child->next);
		assert(n->join != SEARCH_OR || (n->child->next && !n->child->next->next));
		assert(!n->next || n->next->cost >= n->cost);
		assert(!n->parent || n->parent->cost >= n->cost);
		assert(n->join != SEARCH_LEAF || (n->key && n->key->match));
		if (n->child) {
			n = n->child;
			continue;
		}
		while (n && !n->next)
			n = n->parent;
		n = n ? n->next : NULL;
	}
}

typedef void check_fn(struct args *a);

static check_fn *const checks[] = { check_strings, check_names, check_numbers, check_set,
	check_fetch, check_section, check_search };

FUZZ(data)
{
	struct args a = { .arena = &arena };

	if (!mailbox)
		mailbox_make();
	if (data.n == 0)
		return;
	arena_init(&arena, LIMIT_IMAP_ARENA);
	a.in = cursor_of(span_from(data, 1));
	checks[(unsigned char)data.p[0] % ARRAY_LEN(checks)](&a);
	arena_free(&arena);
}
