/*
 * SMTP paths and addresses: RFC 5321 4.1.2, with RFC 6531 3.3 for UTF-8. Called by smtpd for MAIL
 * and RCPT, by smtp, bounce, rewrite and the tools for text that address_put wrote. One pass over a
 * cursor, no recursion, bounded by LIMIT_ADDRESS; results lie in the caller's arena. Never accepts
 * a control character, so no address can end a line, a header or a queue record.
 */
#include "config.h"

#include "message/address.h"

#include "base/cursor.h"
#include "base/utf8.h"
#include "message/domain.h"

static enum verdict
syntax_error(unsigned flags, struct err *err)
{
	if (flags & PATH_SENDER)
		return err_mail(err, 501, "5.1.7", "Bad sender address syntax");
	return err_mail(err, 501, "5.1.3", "Bad recipient address syntax");
}

/* "@a,@b:" before the mailbox. False: it began like a route and is none. */
static bool
route_skip(struct cursor *c, unsigned flags)
{
	struct span hop;
	struct domain_ip ip;

	if (cursor_peek(c) != '@')
		return true;
	while (cursor_skip(c, '@')) {
		const char *from = c->p;

		while (!cursor_done(c) && *c->p != ',' && *c->p != ':')
			c->p++;
		hop = span_of(from, (size_t)(c->p - from));
		if (!domain_helo_parse(hop, flags & PATH_UTF8 ? DOMAIN_UTF8 : 0, &ip))
			return false;
		if (!cursor_skip(c, ','))
			return cursor_skip(c, ':');
	}
	return false;
}

/* Quoted-string of RFC 5321: qtextSMTP is 32-126 but for the two that a backslash must precede. */
static bool
local_quoted(struct cursor *c, struct str *out)
{
	while (!cursor_done(c)) {
		int byte = cursor_next(c);

		if (byte == '"')
			return out->n > 0;
		if (byte == '\\')
			byte = cursor_next(c);
		if (byte < 32 || byte == 127)
			return false;
		str_putc(out, (char)byte);
	}
	return false;
}

static bool
local_dotted(struct cursor *c, struct str *out)
{
	while (!cursor_done(c) && (*c->p == '.' || cclass_is(*c->p, CC_ATEXT | CC_8BIT)))
		str_putc(out, *c->p++);
	return out->n > 0;
}

static bool
local_parse(struct cursor *c, struct str *out)
{
	bool ok = cursor_skip(c, '"') ? local_quoted(c, out) : local_dotted(c, out);

	return ok && !out->full && out->n <= LIMIT_LOCALPART;
}

static bool
domain_byte(char c)
{
	return cclass_is(c, CC_LDH | CC_8BIT) || c == '.' || c == '_';
}

static bool
domain_parse(struct cursor *c, unsigned flags, struct span *out)
{
	const char *from = c->p;
	struct domain_ip ip;

	if (cursor_skip(c, '[')) {
		struct span inside;

		if (!cursor_until(c, ']', &inside))
			return false;
		*out = span_of(from, (size_t)(c->p - from));
		return domain_literal_parse(*out, &ip);
	}
	while (!cursor_done(c) && domain_byte(*c->p))
		c->p++;
	*out = span_of(from, (size_t)(c->p - from));
	/* "host.example." is how DNS writes it; mail means the same domain. */
	if (out->n > 1 && out->p[out->n - 1] == '.')
		out->n--;
	return domain_valid(*out, flags & PATH_UTF8 ? DOMAIN_UTF8 : 0);
}

static enum verdict
address_keep(struct span local, struct span domain, struct arena *arena, struct address *out,
    struct err *err)
{
	struct address a = { .local = arena_dup(arena, local) };

	if (domain.n > 0)
		a.domain = domain_canonical(domain, arena);
	if (!a.local.p || (domain.n > 0 && !a.domain.p))
		return err_mail(err, 452, "4.3.1", "Insufficient system storage");
	for (size_t i = 0; i < local.n; i++)
		a.utf8 |= cclass_is(local.p[i], CC_8BIT);
	for (size_t i = 0; i < domain.n; i++)
		a.utf8 |= cclass_is(domain.p[i], CC_8BIT);
	*out = a;
	return VERDICT_OK;
}

/* Local-part [ "@" domain ], at the cursor. */
static enum verdict
mailbox_parse(
    struct cursor *c, unsigned flags, struct arena *arena, struct address *out, struct err *err)
{
	struct str local = STR_INIT(LIMIT_ADDRESS);
	struct span domain = { 0 };
	enum verdict v;
	bool ok = local_parse(c, &local);

	if (ok) {
		if (cursor_skip(c, '@'))
			ok = domain_parse(c, flags, &domain);
		else
			ok = (flags & PATH_NO_DOMAIN) != 0;
	}
	if (ok && (flags & PATH_UTF8))
		ok = utf8_valid(str_span(&local));
	v = ok ? address_keep(str_span(&local), domain, arena, out, err) : syntax_error(flags, err);
	str_free(&local);
	return v;
}

/* Without SMTPUTF8 a byte above 127 has no meaning; said apart, since the client can mend it. */
static enum verdict
ascii_check(struct span text, unsigned flags, struct err *err)
{
	if (flags & PATH_UTF8)
		return VERDICT_OK;
	for (size_t i = 0; i < text.n; i++) {
		if (cclass_is(text.p[i], CC_8BIT))
			return err_mail(
			    err, 553, "5.6.7", "Must declare SMTPUTF8 to send unicode address");
	}
	return VERDICT_OK;
}

/* The path's text, brackets and all: up to the first blank or ">" outside of quotes. */
static struct span
path_extent(struct span args)
{
	struct cursor c = cursor_of(args);
	bool quoted = false;

	while (!cursor_done(&c)) {
		int byte = cursor_next(&c);

		if (byte == '\\' && !cursor_done(&c))
			c.p++;
		else if (byte == '"')
			quoted = !quoted;
		else if (!quoted && (byte == ' ' || byte == '>'))
			return span_head(args, args.n - cursor_left(&c) - (byte == ' '));
	}
	return args;
}

enum verdict
path_parse(
    struct span *args, unsigned flags, struct arena *arena, struct address *out, struct err *err)
{
	struct span path = path_extent(*args);
	struct span after = span_from(*args, path.n);
	struct cursor c = cursor_of(path);
	bool bracket = cursor_skip(&c, '<');
	enum verdict v;

	*out = (struct address){ 0 };
	if (path.n > LIMIT_ADDRESS || (!bracket && !(flags & PATH_BARE)))
		return syntax_error(flags, err);
	v = ascii_check(path, flags, err);
	if (v != VERDICT_OK)
		return v;
	if (bracket && (flags & PATH_NULL) && cursor_peek(&c) == '>') {
		c.p++;
	} else {
		if (!route_skip(&c, flags))
			return syntax_error(flags, err);
		v = mailbox_parse(&c, flags, arena, out, err);
		if (v != VERDICT_OK)
			return v;
		if (bracket && !cursor_skip(&c, '>'))
			return syntax_error(flags, err);
	}
	if (!cursor_done(&c) || (after.n > 0 && after.p[0] != ' '))
		return syntax_error(flags, err);
	*args = after;
	return VERDICT_OK;
}

enum verdict
address_parse(
    struct span text, unsigned flags, struct arena *arena, struct address *out, struct err *err)
{
	struct cursor c = cursor_of(text);
	enum verdict v;

	*out = (struct address){ 0 };
	if (text.n == 0 && (flags & PATH_NULL))
		return VERDICT_OK;
	if (text.n > LIMIT_ADDRESS)
		return syntax_error(flags, err);
	v = ascii_check(text, flags, err);
	if (v == VERDICT_OK)
		v = mailbox_parse(&c, flags, arena, out, err);
	if (v == VERDICT_OK && !cursor_done(&c))
		v = syntax_error(flags, err);
	return v;
}

bool
address_eq(const struct address *a, const struct address *b)
{
	return span_eq(a->local, b->local) && span_eq(a->domain, b->domain);
}

/* RFC 5321 Dot-string: atoms with single dots between them. */
static bool
local_is_dot_string(struct span local)
{
	bool dot = true;

	for (size_t i = 0; i < local.n; i++) {
		if (local.p[i] == '.' && dot)
			return false;
		dot = local.p[i] == '.';
		if (!dot && !cclass_is(local.p[i], CC_ATEXT | CC_8BIT))
			return false;
	}
	return !dot;
}

bool
address_put_local(struct str *out, struct span local)
{
	if (local_is_dot_string(local))
		return str_put(out, local);
	str_putc(out, '"');
	for (size_t i = 0; i < local.n; i++) {
		char c = cclass_is(local.p[i], CC_CTL) ? '?' : local.p[i];

		if (c == '"' || c == '\\')
			str_putc(out, '\\');
		str_putc(out, c);
	}
	return str_putc(out, '"');
}

bool
address_put(struct str *out, const struct address *a)
{
	if (address_is_null(a))
		return !out->full;
	address_put_local(out, a->local);
	if (a->domain.n > 0) {
		str_putc(out, '@');
		str_put(out, a->domain);
	}
	return !out->full;
}

bool
address_put_path(struct str *out, const struct address *a)
{
	str_putc(out, '<');
	address_put(out, a);
	return str_putc(out, '>');
}

struct span
address_text(const struct address *a, struct arena *arena)
{
	/* Quoting at most doubles the local part. */
	struct str text = STR_INIT(2 * LIMIT_ADDRESS + LIMIT_DOMAIN);
	struct span kept;

	address_put(&text, a);
	kept = text.n > 0 ? arena_dup(arena, str_span(&text)) : span_lit("");
	str_free(&text);
	return kept;
}

bool
address_split(struct span canonical, struct span *local_out, struct span *domain_out)
{
	size_t at = span_rfind(canonical, '@');

	/* A quoted local part without a domain may hold an "@": then a quote, which no domain has,
	 * stands after it. */
	if (at < canonical.n && canonical.p[canonical.n - 1] == '"')
		at = canonical.n;
	*local_out = span_head(canonical, at);
	*domain_out = span_from(canonical, at + 1);
	return at < canonical.n;
}
