/*
 * Base64 and quoted-printable as streams: RFC 2045 6.7, 6.8. Called by imapd (BINARY, SEARCH), by
 * local's filters and for encoded words. State is a few bytes, output never more than input but for
 * what was held back; time is linear. Never stops at an error: a reader wants what is readable, and
 * a filter must see the same.
 */
#include "config.h"

#include "message/decode.h"
#include "message/token.h"

#define BLANKS_MAX 64 /* held back: more blanks at a line's end are taken for text */
#define HELD_MAX   (BLANKS_MAX + 4)

static const struct {
	struct span name;
	enum encoding encoding;
} encodings[] = {
	{ SPAN("7bit"), ENCODING_IDENTITY },
	{ SPAN("8bit"), ENCODING_IDENTITY },
	{ SPAN("binary"), ENCODING_IDENTITY },
	{ SPAN("base64"), ENCODING_BASE64 },
	{ SPAN("quoted-printable"), ENCODING_QUOTED_PRINTABLE },
};

struct span
encoding_name(struct span value)
{
	struct cursor c = cursor_of(value);

	token_skip_cfws(&c);
	return cursor_run(&c, CC_TOKEN);
}

enum encoding
encoding_parse(struct span value)
{
	struct span name = encoding_name(value);

	if (name.n == 0)
		return ENCODING_IDENTITY;
	for (size_t i = 0; i < ARRAY_LEN(encodings); i++) {
		if (span_eq_nocase(name, encodings[i].name))
			return encodings[i].encoding;
	}
	return ENCODING_UNKNOWN;
}

static uint32_t
base64_digit(char c)
{
	if (cclass_is(c, CC_UPPER))
		return (uint32_t)(c - 'A');
	if (cclass_is(c, CC_LOWER))
		return (uint32_t)(c - 'a' + 26);
	if (cclass_is(c, CC_DIGIT))
		return (uint32_t)(c - '0' + 52);
	return c == '+' ? 62 : 63;
}

/* The bytes of an unfinished group; one digit alone is none. */
static char *
base64_flush(struct decoder *d, char *to)
{
	if (d->count == 1)
		d->broken = true;
	if (d->count >= 2)
		*to++ = (char)(d->bits >> (d->count * 6 - 8));
	if (d->count == 3)
		*to++ = (char)(d->bits >> 2);
	d->count = 0;
	d->bits = 0;
	return to;
}

static char *
base64_byte(struct decoder *d, char c, char *to)
{
	if (!cclass_is(c, CC_BASE64)) {
		if (c == '=')
			return base64_flush(d, to);
		d->broken |= !cclass_is(c, CC_SPACE);
		return to;
	}
	d->bits = d->bits << 6 | base64_digit(c);
	if (++d->count < 4)
		return to;
	*to++ = (char)(d->bits >> 16);
	*to++ = (char)(d->bits >> 8);
	*to++ = (char)d->bits;
	d->count = 0;
	d->bits = 0;
	return to;
}

enum qp_state { QP_TEXT, QP_CR, QP_EQUALS, QP_HEX, QP_SOFT };

/* Blanks and a CR that were held back and turned out to be text. */
static char *
qp_flush(struct decoder *d, char *to)
{
	for (unsigned i = 0; i < d->count; i++)
		*to++ = d->blanks >> i & 1 ? '\t' : ' ';
	d->count = 0;
	d->blanks = 0;
	if (d->state == QP_CR)
		*to++ = '\r';
	if (d->state == QP_CR)
		d->state = QP_TEXT;
	return to;
}

static int
hex_digit(char c)
{
	if (!cclass_is(c, CC_HEX))
		return -1;
	return cclass_is(c, CC_DIGIT) ? c - '0' : ascii_lower(c) - 'a' + 10;
}

static char *
qp_text(struct decoder *d, char c, char *to)
{
	if (c == '\n') {
		/* RFC 2045 6.7 (3): blanks at a line's end were added on the way. */
		d->count = 0;
		d->blanks = 0;
		if (d->state == QP_CR)
			*to++ = '\r';
		d->state = QP_TEXT;
		*to++ = '\n';
		return to;
	}
	if (d->state == QP_CR || (cclass_is(c, CC_BLANK) && d->count == BLANKS_MAX))
		to = qp_flush(d, to);
	if (cclass_is(c, CC_BLANK)) {
		d->blanks |= (uint64_t)(c == '\t') << d->count++;
		return to;
	}
	if (c == '\r') {
		d->state = QP_CR;
		return to;
	}
	to = qp_flush(d, to);
	if (c == '=')
		d->state = QP_EQUALS;
	else
		*to++ = c;
	return to;
}

/* After "=", or "=" and one digit, or "=" and blanks. What is no escape stays as it is. */
static char *
qp_escape(struct decoder *d, char c, char *to)
{
	int digit = hex_digit(c);

	if (d->state == QP_HEX && digit >= 0) {
		*to++ = (char)(d->bits << 4 | (unsigned)digit);
		d->state = QP_TEXT;
		return to;
	}
	if (d->state == QP_EQUALS && digit >= 0) {
		d->bits = (unsigned)digit;
		d->blanks = (unsigned char)c;
		d->state = QP_HEX;
		return to;
	}
	if (d->state != QP_HEX && c == '\n') {
		d->state = QP_TEXT;
		return to;
	}
	if (d->state != QP_HEX && (cclass_is(c, CC_BLANK) || c == '\r')) {
		d->state = QP_SOFT;
		return to;
	}
	d->broken = true;
	*to++ = '=';
	if (d->state == QP_HEX)
		*to++ = (char)d->blanks;
	d->blanks = 0;
	d->state = QP_TEXT;
	return qp_text(d, c, to);
}

static char *
qp_byte(struct decoder *d, char c, char *to)
{
	if (d->state != QP_TEXT && d->state != QP_CR) {
		to = qp_escape(d, c, to);
		if (d->state == QP_TEXT && d->count == 0)
			d->blanks = 0;
		return to;
	}
	return qp_text(d, c, to);
}

bool
decoder_feed(struct decoder *d, struct span in, struct str *out)
{
	char *from;
	char *to;

	if (d->encoding != ENCODING_BASE64 && d->encoding != ENCODING_QUOTED_PRINTABLE)
		return str_put(out, in);
	from = to = str_reserve(out, in.n + HELD_MAX);
	if (!from)
		return false;
	for (size_t i = 0; i < in.n; i++) {
		if (d->encoding == ENCODING_BASE64)
			to = base64_byte(d, in.p[i], to);
		else
			to = qp_byte(d, in.p[i], to);
	}
	str_grew(out, (size_t)(to - from));
	return true;
}

bool
decoder_end(struct decoder *d, struct str *out)
{
	char *from = str_reserve(out, HELD_MAX);
	char *to = from;

	if (!from)
		return false;
	if (d->encoding == ENCODING_BASE64) {
		d->broken |= d->count > 0;
		to = base64_flush(d, to);
	} else if (d->state == QP_HEX) {
		d->broken = true;
		*to++ = '=';
		*to++ = (char)d->blanks;
	} else if (d->state == QP_CR) {
		*to++ = '\r';
	}
	str_grew(out, (size_t)(to - from));
	d->state = QP_TEXT;
	d->count = 0;
	return true;
}

bool
decode_put_base64(struct str *out, struct span text)
{
	struct decoder d = decoder_start(ENCODING_BASE64);

	return decoder_feed(&d, text, out) && decoder_end(&d, out);
}

bool
decode_put_q(struct str *out, struct span text)
{
	size_t i = 0;

	while (i < text.n) {
		int high = text.n - i > 2 && text.p[i] == '=' ? hex_digit(text.p[i + 1]) : -1;
		int low = high >= 0 ? hex_digit(text.p[i + 2]) : -1;

		if (low >= 0)
			str_putc(out, (char)(high << 4 | low));
		else
			str_putc(out, text.p[i] == '_' ? ' ' : text.p[i]);
		i += low >= 0 ? 3 : 1;
	}
	return !out->full;
}
