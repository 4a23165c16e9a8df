/*
 * SEARCH's keys as a client writes them: RFC 9051 9 (search-program). Called by cmd_search.c. The
 * tree lies in the command's arena, bounded by LIMIT_IMAP_KEYS; groups that are open lie on a stack
 * of their own, which is the tree's links (ABUSE 30): parentheses, NOT and OR nest as deep as the
 * count of keys allows, and cost nobody's stack anything. Strings are checked and folded here,
 * once.
 */
#include "config.h"

#include "imapd/search.h"

#include "base/utf8.h"
#include "imapd/saved.h"

struct parser {
	struct session *s;
	struct args *a;
	struct search *out;
	struct search_node *group; /* the innermost that is open */
	size_t keys;
};

static struct search_node *
node_add(struct parser *p, enum search_join join)
{
	struct search_node *node = NULL;

	if (p->keys < LIMIT_IMAP_KEYS)
		node = arena_alloc(p->a->arena, sizeof(*node));
	if (!node) {
		args_fail(p->a, "There are too many keys to search for");
		return NULL;
	}
	p->keys++;
	node->join = join;
	node->parent = p->group;
	if (p->group && p->group->last)
		p->group->last->next = node;
	else if (p->group)
		p->group->child = node;
	if (p->group)
		p->group->last = node;
	return node;
}

static bool
group_open(struct parser *p, enum search_join join)
{
	struct search_node *node = node_add(p, join);

	if (node)
		p->group = node;
	return node != NULL;
}

/* TEXT as it is compared: UTF-8, folded. */
static bool
take_text(struct parser *p, struct span *out)
{
	struct span text;
	char *mine;

	if (!args_astring(p->a, &text))
		return false;
	if (!utf8_valid(text))
		return args_fail(p->a, "A string is not in the charset");
	mine = arena_alloc(p->a->arena, text.n + 1);
	if (!mine)
		return args_fail(p->a, "The command is too long");
	if (text.n > 0)
		memcpy(mine, text.p, text.n);
	fold_in_place(mine, text.n);
	*out = span_of(mine, text.n);
	return true;
}

typedef bool take_fn(struct parser *p, struct search_node *node);

static bool
take_nothing(struct parser *p UNUSED, struct search_node *node UNUSED)
{
	return true;
}

static bool
take_string(struct parser *p, struct search_node *node)
{
	node->field = node->key->field;
	return args_space(p->a) && take_text(p, &node->text);
}

static bool
take_field(struct parser *p, struct search_node *node)
{
	if (!args_space(p->a) || !args_astring(p->a, &node->field) || !args_space(p->a) ||
	    !take_text(p, &node->text))
		return false;
	if (cache_wants_header(node->field))
		node->cost = SEARCH_CACHE;
	return true;
}

static bool
take_date(struct parser *p, struct search_node *node)
{
	return args_space(p->a) && args_date(p->a, &node->day);
}

static bool
take_number(struct parser *p, struct search_node *node)
{
	return args_space(p->a) && args_number(p->a, INT64_MAX, &node->number);
}

static bool
take_seconds(struct parser *p, struct search_node *node)
{
	uint32_t seconds;

	if (!args_space(p->a) || !args_nz_number(p->a, &seconds))
		return false;
	node->number = seconds;
	return true;
}

/* A keyword that the mailbox does not have is no error: no message has it. */
static bool
take_keyword(struct parser *p, struct search_node *node)
{
	struct span name;

	if (!args_space(p->a) || !args_atom(p->a, &name))
		return false;
	if (span_eq_nocase(name, span_lit("$Forwarded")))
		node->field = name;
	else
		(void)mailbox_keyword_bit(
		    view_mailbox(p->s->view), name, false, &node->number, NULL);
	return true;
}

static bool
take_set(struct parser *p, struct search_node *node, bool uids)
{
	struct args_set set;

	return args_set(p->a, &set) &&
	       set_resolve(p->a, &set, p->s->view, uids, saved_uids(p->s->saved), &node->set);
}

static bool
take_uids(struct parser *p, struct search_node *node)
{
	return args_space(p->a) && take_set(p, node, true);
}

static bool
take_numbers(struct parser *p, struct search_node *node)
{
	return take_set(p, node, false);
}

/* "MODSEQ 5", "MODSEQ "/flags/\\Seen" all 5": there is one modseq for all that a message has. */
static bool
take_modseq(struct parser *p, struct search_node *node)
{
	struct span name;

	if (!args_space(p->a))
		return false;
	if (args_next_is(p->a, '"')) {
		if (!args_string(p->a, &name) || !args_space(p->a))
			return false;
		if (!args_word(p->a, "all") && !args_word(p->a, "shared") &&
		    !args_word(p->a, "priv"))
			return args_fail(p->a, "A kind of metadata is none");
		if (!args_space(p->a))
			return false;
	}
	p->out->modseq = true;
	return args_number(p->a, INT64_MAX, &node->number);
}

static bool
take_object(struct parser *p, struct search_node *node)
{
	return args_space(p->a) && args_atom(p->a, &node->text);
}

static take_fn *const takers[] = {
	[SEARCH_NOTHING] = take_nothing,
	[SEARCH_STRING] = take_string,
	[SEARCH_FIELD] = take_field,
	[SEARCH_DATE] = take_date,
	[SEARCH_NUMBER] = take_number,
	[SEARCH_SECONDS] = take_seconds,
	[SEARCH_KEYWORD] = take_keyword,
	[SEARCH_UIDS] = take_uids,
	[SEARCH_NUMBERS] = take_numbers,
	[SEARCH_MODSEQ] = take_modseq,
	[SEARCH_OBJECT] = take_object,
};

/* A key that is no group. */
static bool
take_leaf(struct parser *p)
{
	const struct search_key *key = &search_set_key;
	struct search_node *node;
	struct span name;
	bool set = args_next_is(p->a, '*') || args_next_is(p->a, '$') ||
		   (!cursor_done(&p->a->in) && cclass_is(*p->a->in.p, CC_DIGIT));

	if (!set) {
		if (!args_atom(p->a, &name))
			return false;
		key = search_key_find(name);
		if (!key)
			return args_fail(p->a, "There is no such key to search for");
	}
	node = node_add(p, SEARCH_LEAF);
	if (!node)
		return false;
	node->key = key;
	node->cost = key->cost;
	return takers[key->arg](p, node);
}

/* A key, or the begin of one; *DONE: it is complete. */
static bool
take_key(struct parser *p, bool *done)
{
	*done = false;
	if (cursor_skip(&p->a->in, '('))
		return group_open(p, SEARCH_AND);
	if (args_word(p->a, "NOT"))
		return group_open(p, SEARCH_NOT) && args_space(p->a);
	if (args_word(p->a, "OR"))
		return group_open(p, SEARCH_OR) && args_space(p->a);
	*done = true;
	return take_leaf(p);
}

/* Puts a group's parts in order: the cheapest first, otherwise as they came. */
static void
group_sort(struct search_node *group)
{
	struct search_node *first[SEARCH_COSTS] = { NULL }, *last[SEARCH_COSTS] = { NULL };
	struct search_node *next, **at = &group->child;

	for (struct search_node *n = group->child; n; n = next) {
		next = n->next;
		n->next = NULL;
		if (last[n->cost])
			last[n->cost]->next = n;
		else
			first[n->cost] = n;
		last[n->cost] = n;
	}
	for (unsigned cost = 0; cost < SEARCH_COSTS; cost++) {
		if (!first[cost])
			continue;
		*at = first[cost];
		at = &last[cost]->next;
		group->last = last[cost];
		group->cost = (enum search_cost)cost;
	}
}

static void
group_close(struct parser *p)
{
	group_sort(p->group);
	p->group = p->group->parent;
}

/* After a key: closes what it completes. True: another key follows. *END: none does. */
static bool
take_end(struct parser *p, bool *end)
{
	struct search_node *g;

	*end = false;
	for (;;) {
		g = p->group;
		if (g->join == SEARCH_NOT || (g->join == SEARCH_OR && g->child != g->last)) {
			group_close(p);
		} else if (g->join == SEARCH_AND && g->parent && args_next_is(p->a, ')')) {
			args_close(p->a);
			group_close(p);
		} else {
			break;
		}
	}
	*end = !g->parent && cursor_done(&p->a->in);
	return *end || args_space(p->a);
}

/* "CHARSET utf-8 " */
static bool
take_charset(struct parser *p)
{
	struct span name;

	if (!args_word(p->a, "CHARSET"))
		return true;
	if (!args_space(p->a) || !args_astring(p->a, &name) || !args_space(p->a))
		return false;
	p->out->bad_charset =
	    !span_eq_nocase(name, span_lit("UTF-8")) && !span_eq_nocase(name, span_lit("US-ASCII"));
	return true;
}

bool
search_parse(struct session *s, struct args *a, struct search *out)
{
	struct parser p = { .s = s, .a = a, .out = out };
	bool done, end = false;

	*out = (struct search){ .root = NULL };
	if (!take_charset(&p) || out->bad_charset || !group_open(&p, SEARCH_AND))
		return out->bad_charset && !a->bad;
	out->root = p.group;
	while (!end) {
		if (!take_key(&p, &done) || (done && !take_end(&p, &end)))
			return false;
	}
	group_sort(p.group);
	return true;
}
