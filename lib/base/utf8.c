/*
 * UTF-8 as RFC 3629 4 has it: the shortest form only, no surrogates, nothing past U+10FFFF. Called
 * wherever text of peers is taken for text, and by err and log, which show it. Owns nothing. Must
 * never let through what another program could read as a different character.
 */
#include "config.h"

#include <string.h>

#include "base/utf8.h"

/* What the bytes after a lead byte must be (RFC 3629 4); only the second one's range varies. */
struct utf8_lead {
	unsigned char first, last; /* lead bytes this row is for */
	unsigned char second_min, second_max;
	unsigned char more; /* bytes after the lead */
	unsigned char bits; /* of the lead that count */
};

static const struct utf8_lead utf8_leads[] = {
	{ 0xc2, 0xdf, 0x80, 0xbf, 1, 0x1f }, { 0xe0, 0xe0, 0xa0, 0xbf, 2, 0x0f }, /* from U+0800 */
	{ 0xe1, 0xec, 0x80, 0xbf, 2, 0x0f },
	{ 0xed, 0xed, 0x80, 0x9f, 2, 0x0f }, /* up to U+D7FF: surrogates begin there */
	{ 0xee, 0xef, 0x80, 0xbf, 2, 0x0f }, { 0xf0, 0xf0, 0x90, 0xbf, 3, 0x07 }, /* from U+10000 */
	{ 0xf1, 0xf3, 0x80, 0xbf, 3, 0x07 },
	{ 0xf4, 0xf4, 0x80, 0x8f, 3, 0x07 }, /* up to U+10FFFF */
};

static const struct utf8_lead *
lead_find(unsigned char byte)
{
	for (size_t i = 0; i < ARRAY_LEN(utf8_leads); i++) {
		if (byte >= utf8_leads[i].first && byte <= utf8_leads[i].last)
			return &utf8_leads[i];
	}
	return NULL;
}

int32_t
utf8_next(struct cursor *c)
{
	const unsigned char *p = (const unsigned char *)c->p;
	const struct utf8_lead *lead;
	uint32_t point;

	if (cursor_done(c))
		return -1;
	if (p[0] < 0x80) {
		c->p++;
		return p[0];
	}
	lead = lead_find(p[0]);
	if (!lead || cursor_left(c) <= lead->more)
		return -1;
	if (p[1] < lead->second_min || p[1] > lead->second_max)
		return -1;
	point = p[0] & lead->bits;
	for (unsigned i = 1; i <= lead->more; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return -1;
		point = point << 6 | (p[i] & 0x3f);
	}
	c->p += lead->more + 1;
	return (int32_t)point;
}

/* Steps over ASCII, eight bytes at a time: most text has nothing else. */
static void
cursor_skip_ascii(struct cursor *c)
{
	uint64_t word;

	while (cursor_left(c) >= sizeof(word)) {
		memcpy(&word, c->p, sizeof(word));
		if (word & UINT64_C(0x8080808080808080))
			return;
		c->p += sizeof(word);
	}
}

bool
utf8_valid(struct span s)
{
	struct cursor c = cursor_of(s);

	for (cursor_skip_ascii(&c); !cursor_done(&c); cursor_skip_ascii(&c)) {
		if (utf8_next(&c) < 0)
			return false;
	}
	return true;
}

bool
utf8_put(struct str *out, uint32_t codepoint)
{
	static const unsigned char lead_marks[] = { 0x00, 0xc0, 0xe0, 0xf0 };
	char bytes[4];
	unsigned more = (codepoint > 0x7f) + (codepoint > 0x7ff) + (codepoint > 0xffff);

	if (codepoint > 0x10ffff || (codepoint >= 0xd800 && codepoint <= 0xdfff))
		return false;
	for (unsigned i = more; i > 0; i--) {
		bytes[i] = (char)(0x80 | (codepoint & 0x3f));
		codepoint >>= 6;
	}
	bytes[0] = (char)(lead_marks[more] | codepoint);
	return str_put(out, span_of(bytes, more + 1));
}

size_t
utf8_cut(struct span s, size_t max)
{
	size_t n = max;

	if (s.n <= max)
		return s.n;
	/* Three bytes at most follow a lead byte; more of them are no character and may be cut
	 * anywhere. */
	while (n > 0 && max - n < 3 && ((unsigned char)s.p[n] & 0xc0) == 0x80)
		n--;
	return n;
}

static bool
point_is_printable(int32_t point)
{
	return point >= 0x20 && (point < 0x7f || point > 0x9f);
}

/* One character or byte of C as it is shown: what stays itself is pointed to, what is escaped is
 * written to ESCAPE. */
static struct span
escape_one(struct cursor *c, bool backslash, char escape[4])
{
	const char *from = c->p;
	int32_t point = utf8_next(c);
	unsigned char byte = (unsigned char)*from;

	if (point == '\\' && backslash)
		return span_lit("\\\\");
	if (point_is_printable(point))
		return span_of(from, (size_t)(c->p - from));
	/* A C1 control has two bytes: they are escaped one by one, as what follows an escape is
	 * looked at anew. */
	c->p = from + 1;
	escape[0] = '\\';
	escape[1] = (char)('0' + (byte >> 6));
	escape[2] = (char)('0' + (byte >> 3 & 7));
	escape[3] = (char)('0' + (byte & 7));
	return span_of(escape, 4);
}

size_t
utf8_escape(struct span s, bool backslash, char *out, size_t size)
{
	struct cursor c = cursor_of(s);
	size_t n = 0, taken = 0;
	char escape[4];

	assert(size > 0);
	while (!cursor_done(&c)) {
		struct span shown = escape_one(&c, backslash, escape);

		if (shown.n >= size - n)
			break;
		memcpy(out + n, shown.p, shown.n);
		n += shown.n;
		taken = s.n - cursor_left(&c);
	}
	out[n] = '\0';
	return taken;
}
