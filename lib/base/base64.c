/*
 * Base64 (RFC 4648 4) and hexadecimal: SASL exchanges, encoded words, digests, file names. Owns
 * nothing; the builder of the caller bounds the output. Reading is strict (RFC 4648 3.3, 3.5): one
 * text for one value, so that nobody can write the same credentials in two ways.
 */
#include "config.h"

#include "base/base64.h"
#include "base/cclass.h"

static const char base64_alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

bool
base64_put(struct str *out, struct span bytes)
{
	const unsigned char *in = (const unsigned char *)bytes.p;
	size_t size = bytes.n / 3 * 4 + (bytes.n % 3 ? 4 : 0);
	char *p = bytes.n > SIZE_MAX / 2 ? NULL : str_reserve(out, size);
	size_t i = 0;

	if (!p)
		return false;
	for (; i + 3 <= bytes.n; i += 3) {
		uint32_t v = (uint32_t)in[i] << 16 | (uint32_t)in[i + 1] << 8 | in[i + 2];

		*p++ = base64_alphabet[v >> 18];
		*p++ = base64_alphabet[v >> 12 & 63];
		*p++ = base64_alphabet[v >> 6 & 63];
		*p++ = base64_alphabet[v & 63];
	}
	if (i < bytes.n) {
		bool two = bytes.n - i == 2;
		uint32_t v = (uint32_t)in[i] << 16 | (two ? (uint32_t)in[i + 1] << 8 : 0);

		*p++ = base64_alphabet[v >> 18];
		*p++ = base64_alphabet[v >> 12 & 63];
		*p++ = two ? base64_alphabet[v >> 6 & 63] : '=';
		*p++ = '=';
	}
	str_grew(out, size);
	return true;
}

/* The six bits of a digit of the alphabet. */
static uint32_t
base64_digit(char c)
{
	if (cclass_is(c, CC_UPPER))
		return (uint32_t)(c - 'A');
	if (cclass_is(c, CC_LOWER))
		return (uint32_t)(c - 'a') + 26;
	if (cclass_is(c, CC_DIGIT))
		return (uint32_t)(c - '0') + 52;
	return c == '+' ? 62 : 63;
}

static size_t
base64_padding(struct span text)
{
	if (span_ends(text, span_lit("==")))
		return 2;
	return span_ends(text, span_lit("="));
}

bool
base64_parse(struct span text, struct str *out)
{
	size_t padding = base64_padding(text);
	size_t digits = text.n - padding;
	size_t size = text.n / 4 * 3 - padding;
	uint32_t v = 0;
	char *p;

	if (text.n % 4 != 0)
		return false;
	for (size_t i = 0; i < digits; i++) {
		if (!cclass_is(text.p[i], CC_BASE64))
			return false;
	}
	/* Of the last digit, what stands for no byte must be zero. */
	if (padding && base64_digit(text.p[digits - 1]) & (padding == 1 ? 3 : 15))
		return false;
	p = str_reserve(out, size);
	if (!p)
		return false;
	for (size_t i = 0; i < digits; i++) {
		v = v << 6 | base64_digit(text.p[i]);
		/* A byte is whole after the second, third and fourth digit of four. */
		if (i % 4 != 0)
			*p++ = (char)(v >> (6 - 2 * (i % 4)));
	}
	str_grew(out, size);
	return true;
}

bool
hex_put(struct str *out, struct span bytes)
{
	static const char digits[] = "0123456789abcdef";
	char *p = bytes.n > SIZE_MAX / 2 ? NULL : str_reserve(out, bytes.n * 2);

	if (!p)
		return false;
	for (size_t i = 0; i < bytes.n; i++) {
		unsigned char byte = (unsigned char)bytes.p[i];

		*p++ = digits[byte >> 4];
		*p++ = digits[byte & 15];
	}
	str_grew(out, bytes.n * 2);
	return true;
}

static unsigned
hex_digit(char c)
{
	return (unsigned)(cclass_is(c, CC_DIGIT) ? c - '0' : ascii_lower(c) - 'a' + 10);
}

bool
hex_parse(struct span text, struct str *out)
{
	char *p;

	if (text.n % 2 != 0)
		return false;
	for (size_t i = 0; i < text.n; i++) {
		if (!cclass_is(text.p[i], CC_HEX))
			return false;
	}
	p = str_reserve(out, text.n / 2);
	if (!p)
		return false;
	for (size_t i = 0; i < text.n; i += 2)
		*p++ = (char)(hex_digit(text.p[i]) << 4 | hex_digit(text.p[i + 1]));
	str_grew(out, text.n / 2);
	return true;
}
