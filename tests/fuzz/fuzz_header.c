/*
 * Fuzz target for header blocks: reading whole and scanning in pieces must agree where the header
 * ends, fields must cover it, and a value put into a field must stay one field. The first byte says
 * where to cut.
 */
#include "config.h"

#include "message/header.h"
#include "tests/fuzz/fuzz.h"

static void
check_scan(struct span data, size_t step)
{
	struct header_scan scan = { 0 };

	for (struct span rest = data; rest.n > 0; rest = span_from(rest, step))
		header_scan_feed(&scan, span_head(rest, step));
	header_scan_end(&scan);
	assert(scan.size == header_size(data));
}

static void
check_fields(struct span data)
{
	struct header_reader r = header_read(data);
	struct header_field f, found;
	const char *last = NULL;

	while (header_next(&r, &f)) {
		assert(f.name.n > 0 && f.whole.n > f.name.n);
		assert(!last || f.whole.p == last);
		last = f.whole.p + f.whole.n;
		assert(last == r.rest.p);
		found = header_find(data, f.name);
		assert(found.whole.p && found.whole.p <= f.whole.p);
	}
}

static void
check_put(struct span data)
{
	struct str out = STR_INIT(4 * data.n + 100), plain = STR_INIT(4 * data.n + 100);
	struct header_reader r;
	struct header_field f;

	assert(header_put(&out, span_lit("X"), data));
	r = header_read(str_span(&out));
	assert(header_next(&r, &f) && f.whole.n == out.n);
	assert(header_put_unfolded(&plain, f.value));
	assert(span_find(str_span(&plain), '\n') == plain.n);
	for (struct span rest = f.whole, line; span_cut(rest, '\n', &line, &rest);)
		assert(line.n <= 999);
	str_free(&out);
	str_free(&plain);
}

static void
check_ids(struct span data)
{
	struct span id, rest = data;

	while (message_id_next(&rest, &id)) {
		assert(id.n > 2 && id.p[0] == '<' && id.p[id.n - 1] == '>');
		assert(rest.n < data.n);
	}
}

FUZZ(data)
{
	size_t step = data.n > 0 ? (unsigned char)data.p[0] % 8 + 1 : 1;

	data = span_from(data, 1);
	check_scan(data, step);
	check_fields(data);
	check_put(data);
	check_ids(data);
}
