/*
 * Fuzz target for the MIME tree and what IMAP says of it: pieces give the tree of the whole, parts
 * lie within their parents and in order, sizes agree with the bytes. The first byte says where to
 * cut.
 */
#include "config.h"

#include "message/envelope.h"
#include "message/lines.h"
#include "message/mime.h"
#include "tests/fuzz/fuzz.h"

static const struct mime_part *
parse(struct span data, size_t step, struct arena *arena)
{
	struct mime *m = mime_new(arena);
	const struct mime_part *root;

	for (; data.n > 0; data = span_from(data, step))
		mime_feed(m, span_head(data, step));
	root = mime_finish(m);
	mime_free(m);
	return root;
}

static void
check_extent(struct span data, const struct mime_extent *x)
{
	struct span text;
	size_t lines = 0;

	assert(x->at <= data.n && x->size <= data.n - x->at);
	text = span_of(data.p + x->at, x->size);
	assert(x->crlf_size == x->size + lines_count_bare_lf(text, false));
	for (size_t i = 0; i < text.n; i++)
		lines += text.p[i] == '\n';
	assert(x->lines == lines);
}

static void
check_part(struct span data, const struct mime_part *p)
{
	uint64_t end = p->body.at + p->body.size;

	check_extent(data, &p->header);
	check_extent(data, &p->body);
	assert(p->header.at + p->header.size == p->body.at);
	assert((p->kind == MIME_MESSAGE) <= (p->child && !p->child->next));
	assert(p->kind != MIME_LEAF || !p->child);
	if (p->parent)
		assert(p->header.at >= p->parent->body.at);
	if (p->parent && p->body.size > 0)
		assert(end <= p->parent->body.at + p->parent->body.size);
	if (p->next)
		assert(p->next->header.at >= end);
}

FUZZ(data)
{
	size_t step = data.n > 0 ? (unsigned char)data.p[0] % 8 + 1 : 1;
	struct str whole = STR_INIT(16 << 20), pieces = STR_INIT(16 << 20);
	const struct mime_part *root;
	struct arena arena;

	data = span_from(data, 1);
	arena_init(&arena, 4 << 20);
	root = parse(data, data.n + 1, &arena);
	for (const struct mime_part *p = root; p; p = mime_next(root, p))
		check_part(data, p);
	body_put(&whole, root, true);
	envelope_put(&whole, root);
	arena_reset(&arena);
	root = parse(data, step, &arena);
	body_put(&pieces, root, true);
	envelope_put(&pieces, root);
	assert(span_eq(str_span(&whole), str_span(&pieces)));
	str_free(&whole);
	str_free(&pieces);
	arena_free(&arena);
}
