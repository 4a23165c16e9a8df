/*
 * Fuzz target for the small parsers of lib/base: what is read and written again must be the same,
 * what is shown must be printable, and two ways to the same answer must agree.
 */
#include "config.h"

#include "base/base64.h"
#include "base/cursor.h"
#include "base/num.h"
#include "base/utf8.h"
#include "tests/fuzz/fuzz.h"

static void
check_codes(struct span data)
{
	struct str bytes = STR_INIT(1 << 20), again = STR_INIT(1 << 20);

	/* The strict reader takes one text for one value. */
	if (base64_parse(data, &bytes)) {
		assert(base64_put(&again, str_span(&bytes)));
		assert(span_eq(str_span(&again), data));
	}
	str_reset(&bytes);
	str_reset(&again);
	if (hex_parse(data, &bytes)) {
		assert(hex_put(&again, str_span(&bytes)));
		assert(span_eq_nocase(str_span(&again), data));
	}
	str_reset(&bytes);
	str_reset(&again);
	if (base64_put(&bytes, data)) {
		assert(base64_parse(str_span(&bytes), &again));
		assert(span_eq(str_span(&again), data));
	}
	str_free(&bytes);
	str_free(&again);
}

static void
check_utf8(struct span data)
{
	struct cursor c = cursor_of(data);
	struct str again = STR_INIT(1 << 20);
	char shown[100];
	size_t taken;

	for (int32_t point = utf8_next(&c); point >= 0; point = utf8_next(&c))
		utf8_put(&again, (uint32_t)point);
	assert(utf8_valid(data) == cursor_done(&c));
	assert(again.full || span_starts(data, str_span(&again)));
	taken = utf8_escape(data, true, shown, sizeof(shown));
	assert(taken <= data.n && utf8_valid(span_str(shown)));
	assert(taken == data.n || strlen(shown) > sizeof(shown) - 6);
	for (size_t i = 0; shown[i]; i++)
		assert(!cclass_is(shown[i], CC_CTL));
	str_free(&again);
}

static void
check_numbers(struct span data)
{
	struct cursor c = cursor_of(data);
	struct str again = STR_INIT(100);
	uint64_t v, w;

	if (num_parse_u64(data, UINT64_MAX, &v)) {
		assert(cursor_u64(&c, v, &w) && v == w && cursor_done(&c));
		str_put_u64(&again, v);
		assert(span_ends(data, str_span(&again)));
	}
	if (num_parse_octal(data, UINT64_MAX, &v)) {
		str_reset(&again);
		str_printf(&again, "%jo", (uintmax_t)v);
		assert(span_ends(data, str_span(&again)));
	}
	if (num_parse_hex(data, &v)) {
		str_reset(&again);
		str_printf(&again, "%jx", (uintmax_t)v);
		assert(span_ends_nocase(data, str_span(&again)));
	}
	str_free(&again);
}

/* The first byte of each pair says what to do, the second with what. */
static void
check_cursor(struct span data)
{
	struct cursor script = cursor_of(data), c = cursor_of(data);
	struct span got;
	uint64_t v;

	while (cursor_left(&script) >= 2) {
		int step = cursor_next(&script) % 6, with = cursor_next(&script);
		size_t before = cursor_left(&c);
		bool moved = false;

		if (step == 0)
			moved = cursor_skip(&c, (char)with);
		else if (step == 1)
			moved = cursor_until(&c, (char)with, &got);
		else if (step == 2)
			moved = cursor_take(&c, (size_t)with % 8, &got) && with % 8;
		else if (step == 3)
			moved = cursor_u64(&c, UINT64_MAX, &v);
		else if (step == 4)
			moved = cursor_run(&c, 1u << with % 15).n > 0;
		else
			moved = cursor_next(&c) >= 0;
		assert(moved == (cursor_left(&c) < before));
		assert(cursor_left(&c) <= before);
	}
}

FUZZ(data)
{
	check_codes(data);
	check_utf8(data);
	check_numbers(data);
	check_cursor(data);
}
