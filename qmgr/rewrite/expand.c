/*
 * The expansion of one recipient: canonical, virtual aliases, local aliases, until nothing changes
 * any more. Addresses that wait are an array that grows at its end, so nothing recurses; each knows
 * which one it came from. An address is taken through a table only if none of those that it came
 * from is the same and went through that table: a loop A -> B -> A ends at A, and an alias that
 * names itself keeps its own copy. Called by resolve.c and sender.c, on a fiber.
 *
 * Limits: virtual_alias_recursion_limit steps from the first address,
 * virtual_alias_expansion_limit addresses that come of it, WAITING_FACTOR times as many on the way;
 * beyond them nothing is delivered and the sender tries again (451 4.6.0): a part of a list is
 * never silently left out.
 */
#include "rewrite/expand.h"

#include "base/log.h"
#include "rewrite/aliases.h"
#include "rewrite/classes.h"

#define WAITING_FACTOR 4
#define YIELD_EVERY    32 /* addresses, then others run */

enum way { WAY_VIRTUAL = 1 << 0, WAY_ALIAS = 1 << 1 };

struct node {
	struct named name;
	const struct node *from;
	unsigned depth;
	unsigned ways; /* tables that it went through */
	bool fresh;    /* as a user wrote it: canonical_maps come first */
};

struct work {
	struct expansion *e;
	struct node **v;
	size_t n, room, at;
	const struct node *parent; /* of what is added now */
	bool fresh;
	uint32_t unknown;  /* of the recipients, nobody's */
	struct err nobody; /* the first of them */
	uint32_t leaves_room;
};

static enum verdict
too_much(const struct work *w, const char *what, struct err *err)
{
	log_event(LOG_LEVEL_WARNING,
	    "%s: unreasonable %s of aliases -- message not accepted, try again later",
	    log_escape(w->v[0]->name.text), what);
	return err_mail(err, 451, "4.6.0", "Alias expansion error");
}

static enum verdict
no_memory(struct err *err)
{
	return err_mail(err, 452, "4.3.1", "Insufficient system storage");
}

static enum verdict
work_add(const struct named *name, void *arg, struct err *err)
{
	struct work *w = arg;
	const struct conf *conf = w->e->rw->conf;
	struct node *node;

	if (w->parent && w->parent->depth >= conf->virtual_alias_recursion_limit)
		return too_much(w, "nesting", err);
	if (w->n >= conf->virtual_alias_expansion_limit * WAITING_FACTOR)
		return too_much(w, "number", err);
	if (w->n == w->room) {
		size_t room = w->room ? w->room * 2 : 8;
		struct node **more = arena_alloc_array(w->e->arena, room, sizeof(struct node *));
		if (!more)
			return no_memory(err);
		for (size_t i = 0; i < w->n; i++)
			more[i] = w->v[i];
		w->v = more;
		w->room = room;
	}
	node = arena_alloc(w->e->arena, sizeof(*node));
	if (!node)
		return no_memory(err);
	*node = (struct node){ .name = *name, .from = w->parent, .fresh = w->fresh };
	node->depth = w->parent ? w->parent->depth + 1 : 0;
	w->v[w->n++] = node;
	return VERDICT_OK;
}

static bool
went(const struct node *node, enum way way)
{
	for (const struct node *n = node->from; n; n = n->from)
		if ((n->ways & way) && span_eq_nocase(n->name.text, node->name.text))
			return true;
	return false;
}

/* VERDICT_OK: it was an alias, and what it stands for waits now. */
static enum verdict
go_virtual(struct work *w, struct node *node, struct err *err)
{
	struct rewrite *rw = w->e->rw;
	bool propagate = words_have(rw->conf->propagate_unmatched_extensions, span_lit("virtual"));
	struct search s = search_of(&rw->lists[LIST_VIRTUAL_ALIASES]);
	enum verdict v;

	if (rw->lists[LIST_VIRTUAL_ALIASES].n == 0 || went(node, WAY_VIRTUAL))
		return VERDICT_ABSENT;
	v = named_keys(rw, &node->name, &s.address, err);
	if (v == VERDICT_OK)
		v = search_run(&s, SEARCH_ADDRESS, err);
	if (v == VERDICT_OK) {
		node->ways |= WAY_VIRTUAL;
		w->parent = node;
		w->fresh = false;
		v = named_each(rw, "virtual_alias_maps", &node->name, str_span(&s.value),
		    propagate ? s.extension : span_lit(""), w->e->arena, work_add, w, err);
	}
	search_free(&s);
	return v;
}

static enum verdict
go_alias(struct work *w, struct node *node, const struct route *route, struct err *err)
{
	enum verdict v;

	if (route->class != ADDRESS_LOCAL || !route_is_ours(route) || went(node, WAY_ALIAS))
		return VERDICT_ABSENT;
	node->ways |= WAY_ALIAS;
	w->parent = node;
	w->fresh = true;
	v = alias_each(w->e->rw, &node->name, w->e->arena, work_add, w, err);
	if (v == VERDICT_ABSENT)
		node->ways &= ~(unsigned)WAY_ALIAS;
	return v;
}

static bool
has_recipient(const struct expansion *e, struct span address)
{
	for (uint32_t i = 0; i < e->recipients_n; i++)
		if (span_eq(e->recipients[i].address, address))
			return true;
	return false;
}

static enum verdict
leaf_add(struct work *w, const struct node *node, const struct route *route, struct span account,
    struct err *err)
{
	struct expansion *e = w->e;

	if (has_recipient(e, node->name.text))
		return VERDICT_OK;
	if (e->recipients_n >= e->rw->conf->virtual_alias_expansion_limit)
		return too_much(w, "number", err);
	if (route->transport.n > LIMIT_SERVICE_NAME || route->nexthop.n > LIMIT_NEXTHOP) {
		log_event(LOG_LEVEL_WARNING, "%s: transport or next hop is too long",
		    log_escape(node->name.text));
		return err_mail(err, 451, "4.3.5", "Server configuration problem");
	}
	if (e->recipients_n == w->leaves_room) {
		uint32_t room = w->leaves_room ? w->leaves_room * 2 : 4;
		struct item_recipient *more = arena_alloc_array(e->arena, room, sizeof(*more));
		if (!more)
			return no_memory(err);
		for (uint32_t i = 0; i < e->recipients_n; i++)
			more[i] = e->recipients[i];
		e->recipients = more;
		w->leaves_room = room;
	}
	e->recipients[e->recipients_n++] = (struct item_recipient){ .address = node->name.text,
		.transport = route->transport,
		.nexthop = route->nexthop,
		.account = account };
	return VERDICT_OK;
}

/*
 * Nobody. One of several in an alias must not stop the others' mail: it goes along with the
 * transport error, so that qmgr tells the sender; if all are nobody the reply does.
 */
static enum verdict
leaf_unknown(struct work *w, const struct node *node, const struct err *why, struct err *err)
{
	struct str text = STR_INIT(LIMIT_NEXTHOP);
	struct route route = { .transport = span_lit("error") };
	char dsn[12];

	if (w->unknown++ == 0)
		w->nobody = *why;
	str_printf(&text, "%s ", dsn_code_text(why->dsn, dsn));
	str_put(&text, span_head(err_text(why), text.max - text.n));
	route.nexthop = arena_dup(w->e->arena, str_span(&text));
	str_free(&text);
	return leaf_add(w, node, &route, span_lit(""), err);
}

SUSPENDS static enum verdict
node_run(struct work *w, struct node *node, struct err *err)
{
	struct expansion *e = w->e;
	struct span account = span_lit("");
	struct err why = ERR_NONE;
	struct route route;
	enum verdict v = VERDICT_OK;

	if (node->fresh)
		v = canonical_apply(e->rw, LIST_CANONICAL_RECIPIENT, &node->name, e->arena, err);
	if (v != VERDICT_OK)
		return v;
	v = go_virtual(w, node, err);
	if (v != VERDICT_ABSENT)
		return v;
	v = route_find(e->rw, &node->name, e->sender, e->arena, &route, &why);
	if (v == VERDICT_OK) {
		v = go_alias(w, node, &route, err);
		if (v != VERDICT_ABSENT)
			return v;
		v = known_check(e, &node->name, &route, &account, &why);
	}
	if (v == VERDICT_PERM)
		return leaf_unknown(w, node, &why, err);
	if (v == VERDICT_OK)
		return leaf_add(w, node, &route, account, err);
	*err = why;
	return v;
}

/* The reply is about what was asked for, whatever became of it. */
static enum verdict
name_asked(struct span asked, struct err *err)
{
	struct err why = *err;
	bool refused = why.reply != 451 && why.reply != 452;
	char dsn[12];

	if (why.reply == 0)
		return err_mail(
		    err, 451, "4.3.0", "<%.*s>: Temporary lookup failure", SPAN_ARG(asked));
	return err_mail(err, why.reply, why.dsn.class ? dsn_code_text(why.dsn, dsn) : NULL,
	    "<%.*s>: %s%s", SPAN_ARG(asked), refused ? "Recipient address rejected: " : "",
	    why.text);
}

SUSPENDS enum verdict
expand_recipient(struct expansion *e, struct span asked, struct err *err)
{
	struct work w = { .e = e, .fresh = true };
	struct named first;
	enum verdict v = named_parse(e->rw, asked, e->arena, &first, err);

	e->recipients = NULL;
	e->recipients_n = 0;
	if (v != VERDICT_OK)
		return v;
	v = class_of_domain(e->rw, first.a.domain, &e->class, err);
	if (v == VERDICT_OK)
		v = work_add(&first, &w, err);
	for (; v == VERDICT_OK && w.at < w.n; w.at++) {
		v = node_run(&w, w.v[w.at], err);
		if (v == VERDICT_OK && w.at % YIELD_EVERY == YIELD_EVERY - 1)
			v = fiber_yield();
	}
	if (v == VERDICT_OK && w.unknown == e->recipients_n) {
		v = w.nobody.verdict;
		*err = w.nobody;
	}
	return v == VERDICT_OK ? v : name_asked(asked, err);
}
