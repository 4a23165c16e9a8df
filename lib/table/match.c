/*
 * Lists of domains with tables and files in them. Opened by rewrite before its walls; matched for
 * each address. Files are read when the list is opened and may name files in their turn, to a depth
 * of FILES_DEEP; a stack of what is left of each is all the recursion there is. Limits:
 * LIMIT_TABLE_LIST items.
 */
#include "table/match.h"

#include "base/arena.h"
#include "base/mem.h"
#include "conf/lines.h"
#include "conf/params.h"
#include "table/driver.h"

#define FILES_DEEP  8
#define LIST_MEMORY (64u << 20) /* bytes of a list with its files */

struct match_item {
	bool negated;
	struct span name;	  /* compared without case */
	struct table *table;	  /* or NULL: a name */
	const struct err *broken; /* what could not be read; NULL: nothing */
};

struct table_match {
	enum table_match_how how;
	struct arena arena; /* files' texts, lists' texts */
	struct match_item *v;
	size_t n, room;
};

/* What is left of a list or of a file of lines that are lists. */
struct level {
	struct span rest;
	struct span text; /* further lines of a file */
	bool negated;
};

struct opening {
	struct table_match *m;
	struct table_set *set;
	struct level stack[FILES_DEEP];
	size_t depth;
	enum verdict worst;
	struct err *err;
};

static void
opening_tell(struct opening *o, enum verdict v, const struct err *why)
{
	if (o->worst != VERDICT_OK)
		return;
	o->worst = v;
	if (o->err)
		*o->err = *why;
}

static struct match_item *
item_add(struct opening *o, bool negated, struct span name)
{
	struct table_match *m = o->m;
	struct err why = ERR_NONE;

	if (m->n == LIMIT_TABLE_LIST) {
		opening_tell(o,
		    err_set(&why, VERDICT_PERM, "a list of more than %d items", LIMIT_TABLE_LIST),
		    &why);
		return NULL;
	}
	if (m->n == m->room) {
		m->room = m->room ? m->room * 2 : 8;
		m->v = mem_resize_array(m->v, m->room, sizeof(*m->v));
	}
	m->v[m->n] = (struct match_item){ .negated = negated, .name = name };
	return &m->v[m->n++];
}

/* Whether it matches cannot be told, ever. */
static void
item_break(struct opening *o, struct match_item *item, enum verdict v, const struct err *why)
{
	struct err *kept = arena_alloc(&o->m->arena, sizeof(*kept));

	assert(kept);
	*kept = *why;
	if (item)
		item->broken = kept;
	opening_tell(o, v, why);
}

/* Its lines come next, in place of its name. */
static void
file_push(struct opening *o, bool negated, struct span path)
{
	struct err why = ERR_NONE;
	struct str text;
	enum verdict v;

	if (o->depth == FILES_DEEP) {
		v = err_set(&why, VERDICT_PERM, "%.*s: files in files, more than %d deep",
		    SPAN_ARG(path), FILES_DEEP);
		item_break(o, item_add(o, negated, path), v, &why);
		return;
	}
	table_set_watch(o->set, path.p);
	v = table_read_file(path.p, &text, &why);
	if (v == VERDICT_OK) {
		struct span kept = arena_dup(&o->m->arena, str_span(&text));
		o->stack[o->depth++] = (struct level){ .text = kept, .negated = negated };
	} else {
		item_break(o, item_add(o, negated, path), v, &why);
	}
	str_free(&text);
}

static void
item_take(struct opening *o, bool negated, struct span text)
{
	struct err why = ERR_NONE;
	struct match_item *item;
	enum verdict v;

	while (text.n > 0 && text.p[0] == '!') {
		negated = !negated;
		text = span_trim(span_from(text, 1));
	}
	if (text.n == 0)
		return;
	text = arena_dup(&o->m->arena, text);
	assert(text.p);
	if (text.p[0] == '/') {
		file_push(o, negated, text);
		return;
	}
	item = item_add(o, negated, text);
	if (!item || text.p[0] == '[' || span_find(text, ':') == text.n)
		return;
	v = table_set_open(o->set, text, &item->table, &why);
	if (!item->table)
		item_break(o, item, v, &why);
	else if (v != VERDICT_OK)
		opening_tell(o, v, &why);
}

/* The next item of the innermost list; false: all are done. */
static bool
opening_next(struct opening *o, bool *not_out, struct span *item_out)
{
	enum conf_line_kind kind;

	while (o->depth > 0) {
		struct level *l = &o->stack[o->depth - 1];

		*not_out = l->negated;
		if (conf_list_next(&l->rest, item_out))
			return true;
		if (!conf_line_take(&l->text, &l->rest, &kind))
			o->depth--;
		else if (kind == CONF_LINE_COMMENT)
			l->rest = span_of(NULL, 0);
	}
	return false;
}

enum verdict
table_match_open(struct table_set *set, struct span text, enum table_match_how how,
    struct table_match **out, struct err *err)
{
	struct table_match *m = mem_alloc(sizeof(*m));
	struct opening o = { .m = m, .set = set, .depth = 1, .worst = VERDICT_OK, .err = err };
	struct span item;
	bool negated;

	m->how = how;
	arena_init(&m->arena, LIST_MEMORY);
	o.stack[0] = (struct level){ .rest = text };
	while (m->n < LIMIT_TABLE_LIST && opening_next(&o, &negated, &item))
		item_take(&o, negated, item);
	*out = m;
	return o.worst;
}

void
table_match_free(struct table_match *m)
{
	arena_free(&m->arena);
	mem_free(m->v);
	mem_free(m);
}

static bool
name_matches(enum table_match_how how, struct span name, struct span domain)
{
	if (span_eq_nocase(name, domain))
		return true;
	if (how == TABLE_MATCH_NAMES || name.n == 0 || !span_ends_nocase(domain, name))
		return false;
	if (how == TABLE_MATCH_DOTTED)
		return name.p[0] == '.';
	return domain.n > name.n && domain.p[domain.n - name.n - 1] == '.';
}

static enum verdict
table_has(enum table_match_how how, struct table *t, struct span domain, struct err *err)
{
	struct str value = STR_INIT(LIMIT_TABLE_VALUE);
	enum verdict v = table_lookup(t, domain, &value, err);

	while (v == VERDICT_ABSENT && how != TABLE_MATCH_NAMES && !table_is_pattern(t)) {
		size_t dot = span_find(span_from(domain, 1), '.') + 1;
		domain = span_from(domain, how == TABLE_MATCH_SUBDOMAINS ? dot + 1 : dot);
		if (domain.n == 0)
			break;
		v = table_lookup(t, domain, &value, err);
	}
	str_free(&value);
	return v;
}

enum verdict
table_match_domain(const struct table_match *m, struct span domain, struct err *err)
{
	for (size_t i = 0; i < m->n; i++) {
		const struct match_item *item = &m->v[i];
		enum verdict v = VERDICT_ABSENT;

		if (item->broken)
			return err_set(err, VERDICT_TEMP, "%s", item->broken->text);
		if (item->table)
			v = table_has(m->how, item->table, domain, err);
		else if (name_matches(m->how, item->name, domain))
			v = VERDICT_OK;
		if (v == VERDICT_OK)
			return item->negated ? VERDICT_ABSENT : VERDICT_OK;
		if (v != VERDICT_ABSENT)
			return v;
	}
	return VERDICT_ABSENT;
}
