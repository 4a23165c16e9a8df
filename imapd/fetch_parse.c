/*
 * What FETCH can be asked for, and how: RFC 9051 6.4.5 and 9 (fetch, fetch-att), RFC 3501, RFC 7162
 * 7. Called by cmd_fetch.c. The items lie in the command's arena, LIMIT_IMAP_ITEMS at most; each
 * has its label made once, for all messages. UID is told first, wherever it was asked for, as
 * clients expect.
 */
#include "config.h"

#include "imapd/fetch.h"

#define LABEL_MOST 65536 /* bytes of all that a label may be: a list of fields */

struct parser {
	struct args *a;
	struct fetch *out;
	struct fetch_item *v;
};

static const struct {
	struct span name;
	struct span items;
} macros[] = {
	{ SPAN("ALL"), SPAN("FLAGS INTERNALDATE RFC822.SIZE ENVELOPE") },
	{ SPAN("FAST"), SPAN("FLAGS INTERNALDATE RFC822.SIZE") },
	{ SPAN("FULL"), SPAN("FLAGS INTERNALDATE RFC822.SIZE ENVELOPE BODY") },
};

static bool
make_label(struct args *a, struct fetch_item *item)
{
	struct str label = STR_INIT(LABEL_MOST);

	str_put(&label, item->kind->shown.n ? item->kind->shown : item->kind->name);
	if (item->kind->traits & FETCH_SECTION)
		section_put(&label, &item->section);
	if (!label.full)
		item->label = arena_dup(a->arena, str_span(&label));
	str_free(&label);
	return item->label.p || args_fail(a, "An item to fetch is too long");
}

/* The item's name: letters, digits and dots. */
static struct span
take_name(struct args *a)
{
	const char *from = a->in.p;

	while (cursor_run(&a->in, CC_ALNUM).n > 0 || cursor_skip(&a->in, '.'))
		;
	return span_of(from, a->in.p == from ? 0 : (size_t)(a->in.p - from));
}

static bool
take_section(struct args *a, struct fetch_item *item)
{
	unsigned traits = item->kind->traits;

	if (!section_parse(a, (traits & FETCH_TEXTS) != 0, &item->section))
		return false;
	return !item->section.partial || (traits & FETCH_PARTIAL) ||
	       args_fail(a, "This item has no range of bytes");
}

static bool
add_item(struct parser *p, struct fetch_item *item)
{
	if (p->out->n == LIMIT_IMAP_ITEMS)
		return args_fail(p->a, "There are too many items to fetch");
	if (!make_label(p->a, item))
		return false;
	p->v[p->out->n++] = *item;
	return true;
}

static bool
take_item(struct parser *p)
{
	struct fetch *out = p->out;
	struct args *a = p->a;
	struct span name = take_name(a);
	const struct fetch_kind *kind = fetch_kind_find(name, args_next_is(a, '['));
	struct fetch_item item = { .kind = kind };

	if (!kind)
		return args_fail(a, "There is no such item to fetch");
	item.section.what = kind->what;
	if ((kind->traits & FETCH_SECTION) && !take_section(a, &item))
		return false;
	if (span_eq(kind->name, span_lit("UID"))) {
		out->uid = true;
		return true;
	}
	out->condstore = out->condstore || (kind->traits & FETCH_CONDSTORE);
	if (kind->traits & FETCH_FLAGS) {
		if (out->flags)
			return true;
		out->flags = true;
	}
	out->seen = out->seen || (kind->traits & FETCH_SEEN);
	return add_item(p, &item);
}

static bool
take_list(struct parser *p)
{
	if (!args_open(p->a))
		return false;
	do {
		if (!take_item(p))
			return false;
	} while (cursor_skip(&p->a->in, ' '));
	return args_close(p->a);
}

static bool
take_macro(struct parser *p, struct span items)
{
	struct args inner = { .in = cursor_of(items), .arena = p->a->arena };
	struct parser q = { &inner, p->out, p->v };
	bool good = true;

	do
		good = good && take_item(&q);
	while (good && cursor_skip(&inner.in, ' '));
	return good || args_fail(p->a, inner.bad);
}

static bool
take_items(struct parser *p)
{
	if (args_next_is(p->a, '('))
		return take_list(p);
	for (size_t i = 0; i < ARRAY_LEN(macros); i++) {
		if (args_word(p->a, macros[i].name.p))
			return take_macro(p, macros[i].items);
	}
	return take_item(p);
}

/* "(CHANGEDSINCE 12345 VANISHED PARTIAL 1:50)" */
static bool
take_modifiers(struct args *a, bool uid, struct fetch *out)
{
	if (!args_open(a))
		return false;
	do {
		if (args_word(a, "CHANGEDSINCE")) {
			if (!args_space(a) || !args_number(a, INT64_MAX, &out->changed_since))
				return false;
			out->condstore = true;
		} else if (uid && args_word(a, "VANISHED")) {
			out->vanished = true;
		} else if (uid && args_word(a, "PARTIAL")) {
			if (!args_space(a) || !args_part(a, &out->part))
				return false;
		} else {
			return args_fail(a, "There is no such modifier of FETCH");
		}
	} while (cursor_skip(&a->in, ' '));
	if (out->vanished && !out->condstore)
		return args_fail(a, "VANISHED needs CHANGEDSINCE");
	return args_close(a);
}

bool
fetch_parse(struct args *a, bool uid, struct fetch *out)
{
	struct parser p = { .a = a, .out = out };
	bool modseq;

	*out = (struct fetch){ .uid = uid };
	p.v = arena_alloc_array(a->arena, LIMIT_IMAP_ITEMS, sizeof(*p.v));
	out->item = p.v;
	if (!p.v)
		return args_fail(a, "The command is too long");
	if (!take_items(&p))
		return false;
	modseq = out->condstore;
	if (cursor_skip(&a->in, ' ') && !take_modifiers(a, uid, out))
		return false;
	if (modseq || !out->condstore)
		return true;
	/* RFC 7162 3.1.4.1: CHANGEDSINCE tells it, asked for or not. */
	return add_item(
	    &p, &(struct fetch_item){ .kind = fetch_kind_find(span_lit("MODSEQ"), false) });
}
