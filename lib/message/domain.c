/*
 * Domain names and address literals: RFC 5321 4.1.2 and 4.1.3. Called by the address parser, by
 * smtpd's HELO checks and by whoever reads a host name from a peer. Pure functions over spans,
 * linear, bounded by LIMIT_DOMAIN. They never look anything up and never accept a byte that could
 * end a line or an argument.
 */
#include "config.h"

#include "message/domain.h"

#include "base/cursor.h"
#include "base/limits.h"
#include "base/num.h"
#include "base/utf8.h"

#define LABEL_MAX 63 /* bytes: RFC 1035 2.3.4 */

static const struct span ipv6_tag = SPAN("[IPv6:");

static bool
label_byte_valid(char c, unsigned flags)
{
	if (cclass_is(c, CC_LDH) || c == '_')
		return true;
	return (flags & DOMAIN_UTF8) != 0 && cclass_is(c, CC_8BIT);
}

static bool
label_valid(struct span label, unsigned flags)
{
	if (label.n == 0 || label.n > LABEL_MAX)
		return false;
	if (label.p[0] == '-' || label.p[label.n - 1] == '-')
		return false;
	for (size_t i = 0; i < label.n; i++) {
		if (!label_byte_valid(label.p[i], flags))
			return false;
	}
	return true;
}

/* A name of digits and dots would be taken for an IPv4 address further on. */
static bool
name_is_numeric(struct span name)
{
	for (size_t i = 0; i < name.n; i++) {
		if (name.p[i] != '.' && !cclass_is(name.p[i], CC_DIGIT))
			return false;
	}
	return true;
}

bool
domain_valid(struct span name, unsigned flags)
{
	struct span label;
	struct span rest = name;
	bool more;

	if (name.n == 0 || name.n > LIMIT_DOMAIN || name_is_numeric(name))
		return false;
	do {
		more = span_cut(rest, '.', &label, &rest);
		if (!label_valid(label, flags))
			return false;
	} while (more);
	return (flags & DOMAIN_UTF8) == 0 || utf8_valid(name);
}

bool
domain_is_fqdn(struct span name, unsigned flags)
{
	return domain_valid(name, flags) && span_find(name, '.') < name.n;
}

static bool
ipv4_parse(struct span text, uint8_t byte_out[4])
{
	struct span part;
	uint64_t v;
	bool more = true;

	for (int i = 0; i < 4; i++) {
		if (!more)
			return false;
		more = span_cut(text, '.', &part, &text);
		if (part.n > 3 || (part.n > 1 && part.p[0] == '0') || !num_parse_u64(part, 255, &v))
			return false;
		byte_out[i] = (uint8_t)v;
	}
	return !more;
}

/* The bytes of an IPv6 address while it is read: those after "::" move to the end when all are
 * known. */
struct ipv6_reader {
	uint8_t byte[16];
	size_t used;
	size_t gap; /* where "::" stood, 17: nowhere yet */
};

static bool
ipv6_group(struct ipv6_reader *r, struct span group, bool last)
{
	uint64_t v;

	if (last && span_find(group, '.') < group.n) {
		if (r->used > 12 || !ipv4_parse(group, r->byte + r->used))
			return false;
		r->used += 4;
		return true;
	}
	if (r->used > 14 || group.n > 4 || !num_parse_hex(group, &v))
		return false;
	r->byte[r->used++] = (uint8_t)(v >> 8);
	r->byte[r->used++] = (uint8_t)v;
	return true;
}

static bool
ipv6_finish(struct ipv6_reader *r)
{
	size_t tail;

	if (r->gap > 16)
		return r->used == 16;
	if (r->used > 14)
		return false;
	tail = r->used - r->gap;
	memmove(r->byte + 16 - tail, r->byte + r->gap, tail);
	memset(r->byte + r->gap, 0, 16 - r->used);
	return true;
}

static bool
ipv6_parse(struct span text, uint8_t byte_out[16])
{
	struct ipv6_reader r = { .gap = 17 };
	struct span group;
	bool more = true;

	if (span_starts(text, span_lit("::"))) {
		r.gap = 0;
		text = span_from(text, 2);
		more = text.n > 0;
	}
	while (more) {
		more = span_cut(text, ':', &group, &text);
		if (!ipv6_group(&r, group, !more))
			return false;
		if (!span_starts(text, span_lit(":")))
			continue;
		if (r.gap <= 16)
			return false;
		r.gap = r.used;
		text = span_from(text, 1);
		more = text.n > 0;
	}
	if (!ipv6_finish(&r))
		return false;
	memcpy(byte_out, r.byte, 16);
	return true;
}

bool
domain_ip_parse(struct span text, struct domain_ip *out)
{
	*out = (struct domain_ip){ 0 };
	if (ipv4_parse(text, out->byte))
		out->size = 4;
	else if (ipv6_parse(text, out->byte))
		out->size = 16;
	return out->size != 0;
}

bool
domain_literal_parse(struct span text, struct domain_ip *out)
{
	bool tagged = span_starts_nocase(text, ipv6_tag);
	size_t head = tagged ? ipv6_tag.n : 1;

	*out = (struct domain_ip){ 0 };
	if (text.n <= head || text.p[0] != '[' || text.p[text.n - 1] != ']')
		return false;
	text = span_of(text.p + head, text.n - head - 1);
	if (!domain_ip_parse(text, out))
		return false;
	if ((out->size == 16) == tagged)
		return true;
	out->size = 0;
	return false;
}

bool
domain_helo_parse(struct span text, unsigned flags, struct domain_ip *out)
{
	*out = (struct domain_ip){ 0 };
	return domain_literal_parse(text, out) || domain_valid(text, flags);
}

struct span
domain_canonical(struct span domain, struct arena *arena)
{
	struct span copy = arena_dup(arena, domain);
	size_t from = 0;
	char *p;

	if (!copy.p)
		return copy;
	p = (char *)(uintptr_t)copy.p;
	if (span_starts_nocase(copy, ipv6_tag)) {
		memcpy(p, ipv6_tag.p, ipv6_tag.n);
		from = ipv6_tag.n;
	}
	for (size_t i = from; i < copy.n; i++)
		p[i] = ascii_lower(p[i]);
	return copy;
}
