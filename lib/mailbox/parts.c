/*
 * MIME trees in the cache (FORMAT). Called by add.c for what is delivered, and by imapd. Parts come
 * in the order of the text, each with its depth, so that neither way recurses. The cache lies in
 * the account's own directory: lengths, depths and numbers are checked, and offsets are only
 * offsets (who reads the message reads what is there).
 */
#include "mailbox/parts.h"

#include "base/cursor.h"
#include "base/limits.h"

#define VARINT_MOST 10 /* bytes of 64 bits, 7 at a time */

static void
put_number(struct str *out, uint64_t n)
{
	while (n >= 0x80) {
		str_putc(out, (char)(0x80 | (n & 0x7f)));
		n >>= 7;
	}
	str_putc(out, (char)n);
}

static bool
get_number(struct cursor *c, uint64_t *out)
{
	*out = 0;
	for (unsigned i = 0; i < VARINT_MOST; i++) {
		int byte = cursor_next(c);

		if (byte < 0)
			return false;
		*out |= (uint64_t)(byte & 0x7f) << 7 * i;
		if (byte < 0x80)
			return true;
	}
	return false;
}

/* A text that is not there is told from an empty one. */
static void
put_text(struct str *out, struct span text)
{
	put_number(out, text.p ? text.n + 1 : 0);
	str_put(out, text);
}

static bool
get_text(struct cursor *c, struct span *out)
{
	uint64_t n;

	*out = span_of(NULL, 0);
	if (!get_number(c, &n))
		return false;
	return n == 0 || cursor_take(c, n - 1, out);
}

static void
put_texts(struct str *out, const struct span *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		put_text(out, v[i]);
}

static bool
get_texts(struct cursor *c, struct span *v, size_t n)
{
	bool good = true;

	for (size_t i = 0; i < n && good; i++)
		good = get_text(c, &v[i]);
	return good;
}

static void
put_extent(struct str *out, const struct mime_extent *x)
{
	put_number(out, x->at);
	put_number(out, x->size);
	put_number(out, x->crlf_size);
	put_number(out, x->lines);
}

static bool
get_extent(struct cursor *c, struct mime_extent *x)
{
	return get_number(c, &x->at) && get_number(c, &x->size) && get_number(c, &x->crlf_size) &&
	       get_number(c, &x->lines);
}

bool
parts_put(struct str *out, const struct mime_part *root)
{
	for (const struct mime_part *p = root; p; p = mime_next(root, p)) {
		unsigned depth = 0;

		for (const struct mime_part *up = p; up != root; up = up->parent)
			depth++;
		put_number(out, depth);
		put_number(out, p->kind);
		put_text(out, p->type);
		put_text(out, p->subtype);
		put_texts(out, p->field, MIME_FIELDS);
		put_number(out, p->envelope != NULL);
		if (p->envelope)
			put_texts(out, p->envelope, ENVELOPE_FIELDS);
		put_extent(out, &p->header);
		put_extent(out, &p->body);
	}
	return !out->full;
}

/* One part, not yet in the tree. */
static struct mime_part *
get_part(struct cursor *c, struct arena *arena, uint64_t *depth)
{
	struct mime_part *p = arena_alloc(arena, sizeof(*p));
	uint64_t kind, has_envelope;
	struct span *envelope;

	if (!p || !get_number(c, depth) || !get_number(c, &kind) || kind > MIME_MESSAGE ||
	    !get_text(c, &p->type) || !get_text(c, &p->subtype) ||
	    !get_texts(c, p->field, MIME_FIELDS) || !get_number(c, &has_envelope) ||
	    has_envelope > 1)
		return NULL;
	p->kind = (enum mime_kind)kind;
	if (has_envelope) {
		envelope = arena_alloc_array(arena, ENVELOPE_FIELDS, sizeof(*envelope));
		if (!envelope || !get_texts(c, envelope, ENVELOPE_FIELDS))
			return NULL;
		p->envelope = envelope;
	}
	return get_extent(c, &p->header) && get_extent(c, &p->body) ? p : NULL;
}

/* Below its parent, which is on the way from the part before it to the root. */
static bool
part_join(struct mime_part *before, uint64_t before_depth, struct mime_part *p, uint64_t depth)
{
	struct mime_part *parent = before;

	if (depth == 0 || depth > before_depth + 1 || depth > LIMIT_MIME_DEPTH)
		return false;
	for (; before_depth + 1 > depth; before_depth--)
		parent = parent->parent;
	if (!parent || parent->kind == MIME_LEAF || (parent->kind == MIME_MESSAGE && parent->child))
		return false;
	p->parent = parent;
	if (parent->last)
		parent->last->next = p;
	else
		parent->child = p;
	parent->last = p;
	return true;
}

const struct mime_part *
parts_get(struct span bytes, struct arena *arena)
{
	struct cursor c = cursor_of(bytes);
	struct mime_part *root, *before;
	uint64_t depth, before_depth = 0;

	before = root = get_part(&c, arena, &depth);
	if (!root || depth != 0)
		return NULL;
	while (!cursor_done(&c)) {
		struct mime_part *p = get_part(&c, arena, &depth);

		if (!p || !part_join(before, before_depth, p, depth))
			return NULL;
		before = p;
		before_depth = depth;
	}
	return root;
}
