/*
 * Sequence sets as a client writes them: RFC 9051 9 (sequence-set), RFC 5182 ("$"); and the ranges
 * of results of RFC 9394. Called through
 * args.h. What comes out is sorted and disjoint, however it was written, so that no message is
 * fetched or changed twice and 100,000 ranges cost a sort (ABUSE 30).
 */
#include "config.h"

#include <stdlib.h>

#include "imapd/args.h"

#include "base/limits.h"

#define RANGES_FIRST 16 /* then it doubles */

static bool
take_number(struct args *a, uint32_t *out)
{
	if (cursor_skip(&a->in, '*')) {
		*out = ARGS_STAR;
		return true;
	}
	if (!args_nz_number(a, out))
		return false;
	if (*out == ARGS_STAR)
		*out = ARGS_STAR - 1;
	return true;
}

static bool
take_range(struct args *a, struct args_range *out)
{
	if (!take_number(a, &out->first))
		return false;
	out->last = out->first;
	if (cursor_skip(&a->in, ':') && !take_number(a, &out->last))
		return false;
	if (out->first > out->last)
		*out = (struct args_range){ out->last, out->first };
	return true;
}

static int
range_cmp(const void *a, const void *b)
{
	const struct args_range *x = a, *y = b;

	return (x->first > y->first) - (x->first < y->first);
}

/* Puts together what overlaps or touches; returns how many are left. */
static size_t
ranges_merge(struct args_range *v, size_t n)
{
	size_t kept = 0;

	for (size_t i = 1; i < n; i++) {
		if (v[i].first <= v[kept].last || v[i].first - 1 == v[kept].last) {
			if (v[i].last > v[kept].last)
				v[kept].last = v[i].last;
		} else {
			v[++kept] = v[i];
		}
	}
	return kept + 1;
}

static bool
is_sorted(const struct args_range *v, size_t n)
{
	for (size_t i = 1; i < n; i++)
		if (v[i].first < v[i - 1].first)
			return false;
	return true;
}

/* Room for one more. */
static bool
ranges_grow(struct args *a, struct args_range **v, size_t n, size_t *room)
{
	struct args_range *more = NULL;

	if (n < *room)
		return true;
	*room = size_min(*room ? 2 * *room : RANGES_FIRST, LIMIT_IMAP_RANGES);
	if (n < *room)
		more = arena_alloc_array(a->arena, *room, sizeof(*more));
	if (!more)
		return args_fail(a, "A set has too many ranges");
	if (n > 0)
		memcpy(more, *v, n * sizeof(*more));
	*v = more;
	return true;
}

bool
args_set(struct args *a, struct args_set *out)
{
	struct args_range *v = NULL;
	size_t n = 0, room = 0;

	*out = (struct args_set){ .saved = cursor_skip(&a->in, '$') };
	if (out->saved)
		return true;
	do {
		if (!ranges_grow(a, &v, n, &room) || !take_range(a, &v[n++]))
			return false;
	} while (cursor_skip(&a->in, ','));
	if (!is_sorted(v, n))
		qsort(v, n, sizeof(*v), range_cmp);
	out->v = v;
	out->n = ranges_merge(v, n);
	return true;
}

bool
args_part(struct args *a, struct args_part *out)
{
	out->from_end = cursor_skip(&a->in, '-');
	if (!args_nz_number(a, &out->first))
		return false;
	if (!cursor_skip(&a->in, ':') || out->from_end != cursor_skip(&a->in, '-'))
		return args_fail(a, "A part of a result is not as it should be");
	return args_nz_number(a, &out->last);
}

void
args_part_place(const struct args_part *part, size_t count, size_t *first, size_t *last)
{
	size_t near = size_min(part->first, part->last);
	size_t far = size_min(size_max(part->first, part->last), count);

	*first = near;
	*last = far;
	if (part->from_end && near <= count) {
		*first = count - far + 1;
		*last = count - near + 1;
	}
}
