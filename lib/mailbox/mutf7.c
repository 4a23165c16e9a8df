/*
 * Modified UTF-7 (RFC 3501 5.1.3): how IMAP4rev1 and Maildir++ write mailbox names that are not
 * ASCII. Called by name.c and by imapd. Owns nothing. Strict: the reader takes one text for one
 * name, so surrogates must pair, bits left over must be zero and ASCII must stand for itself.
 */
#include "base/cursor.h"
#include "base/utf8.h"
#include "mailbox/name.h"

static const char mutf7_digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,";

struct bits {
	uint32_t value;
	unsigned n;
};

static bool
stands_for_itself(int32_t c)
{
	return c >= 0x20 && c <= 0x7e;
}

static void
put_unit(struct str *out, struct bits *bits, uint32_t unit)
{
	bits->value = bits->value << 16 | unit;
	bits->n += 16;
	while (bits->n >= 6) {
		bits->n -= 6;
		str_putc(out, mutf7_digits[bits->value >> bits->n & 0x3f]);
	}
	bits->value &= 0x3f;
}

static void
put_point(struct str *out, struct bits *bits, uint32_t c)
{
	if (c < 0x10000) {
		put_unit(out, bits, c);
		return;
	}
	put_unit(out, bits, 0xd800 + ((c - 0x10000) >> 10));
	put_unit(out, bits, 0xdc00 + ((c - 0x10000) & 0x3ff));
}

static void
put_shift_end(struct str *out, struct bits *bits)
{
	if (bits->n > 0)
		str_putc(out, mutf7_digits[bits->value << (6 - bits->n) & 0x3f]);
	str_putc(out, '-');
	*bits = (struct bits){ 0, 0 };
}

bool
mutf7_put(struct str *out, struct span text)
{
	struct cursor c = cursor_of(text);
	struct bits bits = { 0, 0 };
	bool shifted = false;

	while (!cursor_done(&c)) {
		int32_t point = utf8_next(&c);

		if (point < 0)
			return false;
		if (shifted && stands_for_itself(point)) {
			put_shift_end(out, &bits);
			shifted = false;
		}
		if (point == '&') {
			str_puts(out, "&-");
		} else if (stands_for_itself(point)) {
			str_putc(out, (char)point);
		} else {
			if (!shifted)
				str_putc(out, '&');
			shifted = true;
			put_point(out, &bits, (uint32_t)point);
		}
	}
	if (shifted)
		put_shift_end(out, &bits);
	return !out->full;
}

/* One UTF-16 unit more; HIGH is the first half of a pair, or 0. */
static bool
take_unit(struct str *out, uint32_t unit, uint32_t *high)
{
	if (*high) {
		uint32_t point = 0x10000 + ((*high - 0xd800) << 10) + (unit - 0xdc00);

		if (unit < 0xdc00 || unit > 0xdfff)
			return false;
		*high = 0;
		return utf8_put(out, point);
	}
	if (unit >= 0xd800 && unit < 0xdc00) {
		*high = unit;
		return true;
	}
	return !stands_for_itself((int32_t)unit) && utf8_put(out, unit);
}

static bool
take_shifted(struct span digits, struct str *out)
{
	struct bits bits = { 0, 0 };
	uint32_t high = 0;

	for (size_t i = 0; i < digits.n; i++) {
		const char *at = memchr(mutf7_digits, digits.p[i], sizeof(mutf7_digits) - 1);

		if (!at)
			return false;
		bits.value = bits.value << 6 | (uint32_t)(at - mutf7_digits);
		bits.n += 6;
		if (bits.n < 16)
			continue;
		bits.n -= 16;
		if (!take_unit(out, bits.value >> bits.n & 0xffff, &high))
			return false;
		bits.value &= (UINT32_C(1) << bits.n) - 1;
	}
	return high == 0 && bits.n < 6 && bits.value == 0;
}

bool
mutf7_parse(struct span text, struct str *out)
{
	struct cursor c = cursor_of(text);
	bool after_shift = false;

	while (!cursor_done(&c)) {
		int byte = cursor_next(&c);
		struct span digits;

		if (!stands_for_itself(byte))
			return false;
		if (byte != '&') {
			str_putc(out, (char)byte);
			after_shift = false;
			continue;
		}
		if (!cursor_until(&c, '-', &digits))
			return false;
		/* Two shifts in a row could have been one. */
		if (digits.n > 0 && (after_shift || !take_shifted(digits, out)))
			return false;
		if (digits.n == 0)
			str_putc(out, '&');
		after_shift = digits.n > 0;
	}
	return !out->full;
}
