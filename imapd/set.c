/*
 * From what a client wrote to messages of the view: RFC 9051 9, 6.4.5, 6.4.9, RFC 5182. Called
 * through set.h by FETCH, SEARCH, STORE, COPY and their kin. Lies in the command's arena; holds
 * indexes alone, which stay right while no EXPUNGE is told. Cost: two binary searches for each
 * range, whatever it holds.
 */
#include "config.h"

#include "imapd/set.h"

struct builder {
	struct set_range *v;
	size_t n;
};

/* Ranges come in ascending order, but "*" may be a message that was named before. */
static void
builder_add(struct builder *b, size_t first, size_t end)
{
	size_t before = b->n > 0 ? b->v[b->n - 1].end : 0;

	first = size_max(first, before);
	if (first >= end)
		return;
	if (b->n > 0 && first == before)
		b->v[b->n - 1].end = end;
	else
		b->v[b->n++] = (struct set_range){ first, end };
}

static void
add_uids(struct builder *b, const struct view *view, struct args_range range)
{
	size_t count = view_count(view), first = view_find(view, range.first), end = count;

	if (range.last != ARGS_STAR)
		end = view_find(view, range.last + 1);
	else if (first == count && count > 0)
		first = count - 1;
	builder_add(b, first, end);
}

static bool
add_numbers(struct args *a, struct builder *b, size_t count, struct args_range range)
{
	size_t last = range.last == ARGS_STAR ? count : range.last;
	size_t first = range.last == ARGS_STAR ? size_min(range.first, count) : range.first;

	if (first == 0 || last > count)
		return args_fail(a, "There is no message with such a number");
	builder_add(b, first - 1, last);
	return true;
}

bool
set_resolve(struct args *a, const struct args_set *from, const struct view *view, bool uids,
    struct uid_set saved, struct set *out)
{
	size_t n = from->saved ? saved.n : from->n;
	struct builder b = { arena_alloc_array(a->arena, n + 1, sizeof(*b.v)), 0 };

	if (!b.v)
		return args_fail(a, "A set has too many ranges");
	for (size_t i = 0; i < n; i++) {
		if (from->saved)
			add_uids(
			    &b, view, (struct args_range){ saved.v[i].first, saved.v[i].last });
		else if (uids)
			add_uids(&b, view, from->v[i]);
		else if (!add_numbers(a, &b, view_count(view), from->v[i]))
			return false;
	}
	*out = (struct set){ b.v, b.n };
	return true;
}

size_t
set_count(const struct set *set)
{
	size_t n = 0;

	for (size_t i = 0; i < set->n; i++)
		n += set->v[i].end - set->v[i].first;
	return n;
}

bool
set_cut(struct set *set, size_t first, size_t last, struct arena *arena)
{
	struct builder b = { arena_alloc_array(arena, set->n + 1, sizeof(*b.v)), 0 };
	size_t before = 0;

	if (!b.v)
		return false;
	for (size_t i = 0; i < set->n; i++) {
		size_t at = set->v[i].first, n = set->v[i].end - at;
		size_t skip = first - 1 > before ? size_min(first - 1 - before, n) : 0;
		size_t end = last > before ? size_min(last - before, n) : 0;

		builder_add(&b, at + skip, at + end);
		before += n;
	}
	*set = (struct set){ b.v, b.n };
	return true;
}

void
set_uids(const struct set *set, const struct view *view, struct uid_list *out)
{
	for (size_t i = 0; i < set->n; i++)
		/* No message comes between two of the view: new ones have higher UIDs. */
		uid_list_add_range(out, (struct uid_range){ view_uid(view, set->v[i].first),
					    view_uid(view, set->v[i].end - 1) });
}

size_t
set_first(struct set_walk *walk, struct set set)
{
	*walk = (struct set_walk){ .set = set };
	if (set.n == 0)
		return SET_END;
	return walk->i = set.v[0].first;
}

size_t
set_next(struct set_walk *walk)
{
	if (++walk->i < walk->set.v[walk->range].end)
		return walk->i;
	if (++walk->range == walk->set.n)
		return SET_END;
	return walk->i = walk->set.v[walk->range].first;
}
