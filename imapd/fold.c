/*
 * Case folding and substring search for SEARCH: RFC 9051 6.4.4 wants strings found whatever their
 * case. Called by search_*.c. A finder owns a window of one piece and the end of the one before, so
 * that a text of any length costs no more memory than a block; folding changes no length, so that
 * pieces may be cut anywhere. Linear: memmem does the looking.
 */
#include "config.h"

#include "imapd/fold.h"

#include "base/cclass.h"

#define WINDOW_MAX (1u << 24) /* bytes: a piece and a needle, each bounded by its maker */

/* Letters of two bytes whose small form has two bytes too (Unicode's simple case folding). PAIRS:
 * large and small letters take turns, the first is large. */
static const struct {
	uint16_t first, last;
	int16_t delta;
	bool pairs;
} ranges[] = {
	{ 0x00c0, 0x00d6, 32, false },
	{ 0x00d8, 0x00de, 32, false },
	{ 0x0100, 0x012f, 1, true },
	{ 0x0132, 0x0137, 1, true },
	{ 0x0139, 0x0148, 1, true },
	{ 0x014a, 0x0177, 1, true },
	{ 0x0178, 0x0178, 0xff - 0x178, false },
	{ 0x0179, 0x017e, 1, true },
	{ 0x01cd, 0x01dc, 1, true },
	{ 0x01de, 0x01ef, 1, true },
	{ 0x01f8, 0x021f, 1, true },
	{ 0x0222, 0x0233, 1, true },
	{ 0x0386, 0x0386, 38, false },
	{ 0x0388, 0x038a, 37, false },
	{ 0x038c, 0x038c, 64, false },
	{ 0x038e, 0x038f, 63, false },
	{ 0x0391, 0x03a1, 32, false },
	{ 0x03a3, 0x03ab, 32, false },
	{ 0x03c2, 0x03c2, 1, false },
	{ 0x0400, 0x040f, 80, false },
	{ 0x0410, 0x042f, 32, false },
	{ 0x0460, 0x0481, 1, true },
	{ 0x048a, 0x04bf, 1, true },
	{ 0x04d0, 0x052f, 1, true },
	{ 0x0531, 0x0556, 48, false },
};

static unsigned
fold_point(unsigned c)
{
	for (size_t i = 0; i < ARRAY_LEN(ranges) && c >= ranges[i].first; i++) {
		if (c > ranges[i].last)
			continue;
		if (ranges[i].pairs && ((c - ranges[i].first) & 1))
			return c;
		return (unsigned)((int)c + ranges[i].delta);
	}
	return c;
}

/* The characters of two bytes; all others have none to fold. */
static void
fold_pairs(char *p, size_t n)
{
	for (size_t i = 0; i + 1 < n; i++) {
		unsigned a = (unsigned char)p[i], b = (unsigned char)p[i + 1], c;

		if (a < 0xc3 || a > 0xd5 || (b & 0xc0) != 0x80)
			continue;
		c = fold_point((a & 0x1f) << 6 | (b & 0x3f));
		p[i] = (char)(0xc0 | c >> 6);
		p[++i] = (char)(0x80 | (c & 0x3f));
	}
}

#define EACH(byte) (UINT64_C(0x0101010101010101) * (byte))

/* Eight bytes at once: a letter's 0x20 comes from the carries of two sums that only capitals tell
 * apart. */
static uint64_t
fold_eight(uint64_t x)
{
	uint64_t low = x & EACH(0x7f);
	uint64_t from_a = low + EACH(0x80 - 'A'), beyond_z = low + EACH(0x7f - 'Z');

	return x | ((from_a ^ beyond_z) & ~x & EACH(0x80)) >> 2;
}

void
fold_in_place(char *p, size_t n)
{
	uint64_t high = 0, x;
	size_t i = 0;

	for (; n - i >= sizeof(x); i += sizeof(x)) {
		memcpy(&x, p + i, sizeof(x));
		high |= x;
		x = fold_eight(x);
		memcpy(p + i, &x, sizeof(x));
	}
	for (; i < n; i++) {
		high |= (unsigned char)p[i];
		p[i] = ascii_lower(p[i]);
	}
	if (high & EACH(0x80))
		fold_pairs(p, n);
}

void
finder_init(struct finder *f, struct span needle)
{
	*f = (struct finder){ .needle = needle, .found = needle.n == 0 };
	str_init(&f->window, WINDOW_MAX);
}

void
finder_free(struct finder *f)
{
	str_free(&f->window);
}

void
finder_next_text(struct finder *f)
{
	str_reset(&f->window);
	f->folded = 0;
}

/* How much of the window can be folded now: the first byte of a pair waits for the second. */
static size_t
foldable(const struct finder *f)
{
	size_t n = f->window.n;

	return n > f->folded && (unsigned char)f->window.p[n - 1] >= 0xc3 ? n - 1 : n;
}

bool
finder_feed(struct finder *f, struct span piece)
{
	size_t end, keep;

	if (f->found || !str_put(&f->window, piece))
		return f->found;
	end = foldable(f);
	fold_in_place(f->window.p + f->folded, end - f->folded);
	f->folded = end;
	f->found = span_find_span(span_head(str_span(&f->window), end), f->needle) < end;
	/* What the needle may have begun in. */
	keep = size_min(f->window.n, f->needle.n + 1);
	f->folded -= size_min(f->folded, f->window.n - keep);
	str_drop(&f->window, f->window.n - keep);
	return f->found;
}
