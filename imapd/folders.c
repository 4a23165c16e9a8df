/*
 * All names that LIST and LSUB choose from (RFC 9051 6.3.9, RFC 5258 3): the mailboxes of the tree,
 * the levels above them that are no mailboxes, and names that are subscribed and gone. Called by
 * cmd_list.c, once a command. The number of names is bounded by LIMIT_MAILBOX_FOLDERS and
 * LIMIT_MAILBOX_DEPTH.
 */
#include "imapd/folders.h"

#include <stdlib.h>

#include "base/mem.h"
#include "mailbox/name.h"

static struct entry *
entry_get(struct folders *f, struct span name)
{
	struct entry *e = map_get(&f->by_name, name);

	if (e)
		return e;
	e = mem_alloc(sizeof(*e));
	e->name = name;
	map_put(&f->by_name, name, e);
	return e;
}

/* Marks the levels above NAME. */
static void
mark_above(struct folders *f, struct span name, bool exists)
{
	for (size_t i = 1; i < name.n; i++) {
		struct entry *e;

		if (name.p[i] != MAILBOX_SEPARATOR)
			continue;
		e = entry_get(f, span_head(name, i));
		e->has_children = e->has_children || exists;
		e->subscribed_below = e->subscribed_below || !exists;
	}
}

static int
entry_compare(const void *pa, const void *pb)
{
	const struct entry *const *a = pa, *const *b = pb;
	bool ai = mailbox_name_is_inbox((*a)->name), bi = mailbox_name_is_inbox((*b)->name);

	return ai != bi ? bi - ai : span_cmp((*a)->name, (*b)->name);
}

static void
folders_sort(struct folders *f)
{
	size_t at = 0;
	struct entry *e;

	f->v = mem_alloc_array(f->by_name.count + 1, sizeof(struct entry *));
	while ((e = map_next(&f->by_name, &at)) != NULL)
		f->v[f->n++] = e;
	qsort(f->v, f->n, sizeof(struct entry *), entry_compare);
}

enum verdict
folders_read(struct maildir *md, struct folders *out, struct err *err)
{
	enum verdict v;

	*out = (struct folders){ .v = NULL };
	map_init(&out->by_name);
	v = tree_list(md, &out->tree, err);
	if (v == VERDICT_OK)
		v = tree_subscribed(md, &out->subscribed, err);
	/* No file: nothing was ever subscribed. */
	if (v == VERDICT_ABSENT)
		v = VERDICT_OK;
	if (v != VERDICT_OK)
		return v;
	for (size_t i = 0; i < out->tree.n; i++) {
		entry_get(out, out->tree.v[i])->exists = true;
		mark_above(out, out->tree.v[i], true);
	}
	for (size_t i = 0; i < out->subscribed.n; i++) {
		entry_get(out, out->subscribed.v[i])->subscribed = true;
		mark_above(out, out->subscribed.v[i], false);
	}
	folders_sort(out);
	return VERDICT_OK;
}

void
folders_free(struct folders *f)
{
	for (size_t i = 0; i < f->n; i++)
		mem_free(f->v[i]);
	mem_free(f->v);
	map_free(&f->by_name);
	tree_names_free(&f->tree);
	tree_names_free(&f->subscribed);
}
