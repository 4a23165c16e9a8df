/*
 * ESMTP parameters (RFC 5321 4.1.2), xtext (RFC 3461 4) and original recipients (RFC 3461 4.2, RFC
 * 6533 3). Called by smtpd to read them, by smtp and bounce to write them. Linear, bounded by the
 * command line and LIMIT_ESMTP_PARAMS. Never lets through a decoded CR, LF or NUL: these values end
 * up in headers and on other servers' command lines.
 */
#include "config.h"

#include "message/esmtp.h"

#include "base/base64.h"
#include "base/cursor.h"
#include "base/num.h"
#include "base/utf8.h"

static enum verdict
params_error(struct err *err, const char *what)
{
	return err_mail(err, 501, "5.5.4", "Syntax error in parameters: %s", what);
}

static struct span
value_take(struct cursor *c, bool utf8)
{
	const char *from = c->p;

	while (!cursor_done(c)) {
		char byte = *c->p;

		if (byte == ' ' || byte == '=' || cclass_is(byte, CC_CTL))
			break;
		if (cclass_is(byte, CC_8BIT) && !utf8)
			break;
		c->p++;
	}
	return span_of(from, (size_t)(c->p - from));
}

static bool
param_take(struct cursor *c, bool utf8, struct esmtp_param *out)
{
	out->key = cursor_run(c, CC_LDH);
	if (out->key.n == 0 || out->key.p[0] == '-')
		return false;
	out->has_value = cursor_skip(c, '=');
	if (out->has_value) {
		out->value = value_take(c, utf8);
		if (out->value.n == 0 || (utf8 && !utf8_valid(out->value)))
			return false;
	}
	return cursor_done(c) || *c->p == ' ';
}

enum verdict
esmtp_params_parse(struct span text, bool utf8, struct esmtp_params *out, struct err *err)
{
	struct cursor c = cursor_of(text);

	out->count = 0;
	for (;;) {
		struct esmtp_param param = { 0 };

		while (cursor_skip(&c, ' '))
			continue;
		if (cursor_done(&c))
			return VERDICT_OK;
		if (!param_take(&c, utf8, &param))
			return params_error(err, "malformed");
		if (esmtp_param_find(out, param.key))
			return params_error(err, "given twice");
		if (out->count == LIMIT_ESMTP_PARAMS)
			return params_error(err, "too many");
		out->v[out->count++] = param;
	}
}

const struct esmtp_param *
esmtp_param_find(const struct esmtp_params *params, struct span key)
{
	for (size_t i = 0; i < params->count; i++) {
		if (span_eq_nocase(params->v[i].key, key))
			return &params->v[i];
	}
	return NULL;
}

/* "+XX" after the plus; -1 when it is not two capital hex digits. */
static int
xtext_hex(struct cursor *c)
{
	struct span digits;
	uint64_t v;

	if (!cursor_take(c, 2, &digits) || !num_parse_hex(digits, &v))
		return -1;
	if (cclass_is(digits.p[0], CC_LOWER) || cclass_is(digits.p[1], CC_LOWER))
		return -1;
	return (int)v;
}

bool
xtext_parse(struct span text, struct str *out)
{
	struct cursor c = cursor_of(text);
	size_t before = out->n;

	while (!cursor_done(&c)) {
		int byte = cursor_next(&c);

		if (byte == '+')
			byte = xtext_hex(&c);
		else if (!cclass_is((char)byte, CC_XTEXT))
			byte = -1;
		if (byte < 32 || byte > 126 || !str_putc(out, (char)byte)) {
			str_cut(out, before);
			return false;
		}
	}
	return true;
}

bool
xtext_put(struct str *out, struct span bytes)
{
	for (size_t i = 0; i < bytes.n; i++) {
		if (cclass_is(bytes.p[i], CC_XTEXT))
			str_putc(out, bytes.p[i]);
		else
			str_printf(out, "+%02X", (unsigned char)bytes.p[i]);
	}
	return !out->full;
}

/* "\x{HEX}" after the backslash (RFC 6533 3: EmbeddedUnicodeChar). */
static bool
unicode_escape(struct cursor *c, struct str *out)
{
	struct span hex;
	uint64_t v;

	if (!cursor_skip(c, 'x') || !cursor_skip(c, '{') || !cursor_until(c, '}', &hex))
		return false;
	if (hex.n < 2 || hex.n > 6 || !num_parse_hex(hex, &v) || v < 32 || v == 127 || v > 0x10ffff)
		return false;
	return utf8_put(out, (uint32_t)v);
}

static bool
orcpt_unicode(struct span text, bool utf8, struct str *out)
{
	struct cursor c = cursor_of(text);

	while (!cursor_done(&c)) {
		int byte = cursor_next(&c);
		bool ok;

		if (byte == '\\')
			ok = unicode_escape(&c, out);
		else if (byte == '+')
			ok =
			    (byte = xtext_hex(&c)) >= 32 && byte < 127 && str_putc(out, (char)byte);
		else if (byte > 127)
			ok = utf8 && str_putc(out, (char)byte);
		else
			ok = cclass_is((char)byte, CC_XTEXT) && str_putc(out, (char)byte);
		if (!ok)
			return false;
	}
	return true;
}

bool
orcpt_parse(struct span value, bool utf8, struct str *out)
{
	size_t before = out->n;
	size_t at;
	struct span type;
	struct span address;
	bool ok;

	if (!span_cut(value, ';', &type, &address) || type.n == 0 || address.n == 0)
		return false;
	for (size_t i = 0; i < type.n; i++) {
		if (!cclass_is(type.p[i], CC_LDH))
			return false;
	}
	for (size_t i = 0; i < type.n; i++)
		str_putc(out, ascii_lower(type.p[i]));
	str_putc(out, ';');
	at = out->n;
	if (span_eq_nocase(type, span_lit("utf-8")))
		ok = orcpt_unicode(address, utf8, out);
	else
		ok = xtext_parse(address, out);
	ok = ok && !out->full && utf8_valid(span_from(str_span(out), at));
	if (!ok)
		str_cut(out, before);
	return ok;
}

static void
unicode_put(struct str *out, struct span address)
{
	struct cursor c = cursor_of(address);

	while (!cursor_done(&c)) {
		int32_t code = utf8_next(&c);

		if (code < 0) {
			c.p++;
			code = 0xfffd;
		}
		if (code < 128 && code != '\\' && cclass_is((char)code, CC_XTEXT))
			str_putc(out, (char)code);
		else
			str_printf(out, "\\x{%02X}", (unsigned)code);
	}
}

bool
orcpt_put(struct str *out, struct span decoded, bool utf8)
{
	struct span type;
	struct span address;

	if (!span_cut(decoded, ';', &type, &address))
		return false;
	str_put(out, type);
	str_putc(out, ';');
	if (!span_eq_nocase(type, span_lit("utf-8")))
		return xtext_put(out, address);
	if (!utf8) {
		unicode_put(out, address);
		return !out->full;
	}
	for (size_t i = 0; i < address.n; i++) {
		if (address.p[i] != '\\' && cclass_is(address.p[i], CC_XTEXT | CC_8BIT))
			str_putc(out, address.p[i]);
		else
			str_printf(out, "\\x{%02X}", (unsigned char)address.p[i]);
	}
	return !out->full;
}
