/*
 * Reads DNS answers: RFC 1035 4.1 (message, compression), 3.3 (A, CNAME, MX, PTR, TXT), RFC 3596
 * (AAAA), RFC 6698 2.1 (TLSA), RFC 2308 5 (how long "not there" holds). Called by resolver.c with
 * what libunbound gives, and by the fuzzer. Owns nothing: results lie in the caller's arena. A
 * record whose data does not end exactly where its length says is left out and told of; a name that
 * points forward, or has bytes that no host name has, is no name. Bounds: LIMIT_DNS_RECORDS,
 * LIMIT_DNS_CHAIN.
 */
#include "dns/packet.h"

#include "base/cursor.h"
#include "base/str.h"

#define HEADER_SIZE  12
#define NAME_WIRE    255 /* bytes of a name in wire form, RFC 1035 3.1 */
#define LABEL_MAX    63
#define POINTER_BITS 0xc0

enum rcode { RCODE_OK = 0, RCODE_NXDOMAIN = 3 };

enum { TYPE_SOA = 6, CLASS_IN = 1 };

/* A record before its data is looked at. */
struct raw {
	struct span owner; /* wire form, lower case, not compressed; in the arena */
	uint16_t type;
	uint16_t class;
	uint32_t ttl;
	size_t data_at;
	size_t data_n;
};

struct reader {
	struct span packet;
	size_t at;
	struct arena *arena;
};

static bool
get_number(struct span s, size_t at, size_t width, uint32_t *out)
{
	uint32_t n = 0;

	if (at > s.n || s.n - at < width)
		return false;
	for (size_t i = 0; i < width; i++)
		n = n << 8 | (unsigned char)s.p[at + i];
	*out = n;
	return true;
}

/* A pointer leads backwards only, so that each name ends. */
static bool
follow_pointer(struct span packet, size_t *at, size_t *floor)
{
	uint32_t to;

	if (!get_number(packet, *at, 2, &to))
		return false;
	to &= 0x3fff;
	if (to >= *floor)
		return false;
	*at = *floor = to;
	return true;
}

/* The name at *AT, expanded and in lower case; *AT moves behind it. */
static bool
read_name(struct span packet, size_t *at, struct str *out)
{
	size_t pos = *at, floor = *at, end = 0;

	str_reset(out);
	for (;;) {
		unsigned n = pos < packet.n ? (unsigned char)packet.p[pos] : LABEL_MAX + 1u;
		if ((n & POINTER_BITS) == POINTER_BITS) {
			end = end ? end : pos + 2;
			if (!follow_pointer(packet, &pos, &floor))
				return false;
			continue;
		}
		if (n > LABEL_MAX || packet.n - pos <= n)
			return false;
		str_putc(out, (char)n);
		for (size_t i = 1; i <= n; i++)
			str_putc(out, ascii_lower(packet.p[pos + i]));
		pos += n + 1;
		if (n == 0)
			break;
	}
	*at = end ? end : pos;
	return !out->full;
}

/* "mx.example.org"; empty for the root. False: a byte that would mean something else in text. */
static bool
name_text(struct span wire, struct str *out)
{
	size_t at = 0;

	str_reset(out);
	while (at < wire.n && wire.p[at] != 0) {
		size_t n = (unsigned char)wire.p[at++];
		if (out->n)
			str_putc(out, '.');
		for (size_t i = 0; i < n; i++, at++) {
			char c = wire.p[at];
			if (c <= ' ' || c >= 127 || c == '.' || c == '\\')
				return false;
			str_putc(out, c);
		}
	}
	return !out->full;
}

static bool
keep_name(struct reader *r, struct span wire, struct span *out)
{
	struct str text = STR_INIT(LIMIT_DOMAIN);
	bool good = name_text(wire, &text);

	*out = good ? arena_dup(r->arena, str_span(&text)) : span_lit("");
	str_free(&text);
	return good && out->p;
}

/* A name that fills the data from FROM to its end. */
static bool
read_data_name(struct reader *r, const struct raw *raw, size_t from, struct span *out)
{
	struct str wire = STR_INIT(NAME_WIRE);
	size_t at = raw->data_at + from;
	bool good = raw->data_n > from && read_name(r->packet, &at, &wire) &&
		    at == raw->data_at + raw->data_n && keep_name(r, str_span(&wire), out);

	str_free(&wire);
	return good;
}

static bool
keep_data(struct reader *r, struct span data, struct item_dns_record *out)
{
	out->data = arena_dup(r->arena, data);
	return out->data.p != NULL;
}

static struct span
raw_data(const struct reader *r, const struct raw *raw)
{
	return span_of(r->packet.p + raw->data_at, raw->data_n);
}

static bool
read_a(struct reader *r, const struct raw *raw, struct item_dns_record *out)
{
	return raw->data_n == 4 && keep_data(r, raw_data(r, raw), out);
}

static bool
read_aaaa(struct reader *r, const struct raw *raw, struct item_dns_record *out)
{
	return raw->data_n == 16 && keep_data(r, raw_data(r, raw), out);
}

static bool
read_host(struct reader *r, const struct raw *raw, struct item_dns_record *out)
{
	return read_data_name(r, raw, 0, &out->name);
}

static bool
read_mx(struct reader *r, const struct raw *raw, struct item_dns_record *out)
{
	uint32_t preference;

	if (!get_number(raw_data(r, raw), 0, 2, &preference))
		return false;
	out->preference = (uint16_t)preference;
	return read_data_name(r, raw, 2, &out->name);
}

static bool
read_txt(struct reader *r, const struct raw *raw, struct item_dns_record *out)
{
	struct cursor c = cursor_of(raw_data(r, raw));
	struct str joined = STR_INIT(LIMIT_DNS_DATA);
	bool good = !cursor_done(&c);

	while (good && !cursor_done(&c)) {
		struct span text;
		good = cursor_take(&c, (size_t)cursor_next(&c), &text) && str_put(&joined, text);
	}
	good = good && keep_data(r, str_span(&joined), out);
	str_free(&joined);
	return good;
}

/* RFC 6698 2.1: three numbers, then at least a byte. What they mean is for DANE to judge. */
static bool
read_tlsa(struct reader *r, const struct raw *raw, struct item_dns_record *out)
{
	struct span data = raw_data(r, raw);

	if (data.n < 4)
		return false;
	out->usage = (uint8_t)data.p[0];
	out->selector = (uint8_t)data.p[1];
	out->matching = (uint8_t)data.p[2];
	return keep_data(r, span_from(data, 3), out);
}

static const struct {
	uint16_t type;
	bool (*read)(struct reader *r, const struct raw *raw, struct item_dns_record *out);
} data_readers[] = {
	{ DNS_A, read_a },
	{ DNS_AAAA, read_aaaa },
	{ DNS_CNAME, read_host },
	{ DNS_MX, read_mx },
	{ DNS_NS, read_host },
	{ DNS_PTR, read_host },
	{ DNS_TLSA, read_tlsa },
	{ DNS_TXT, read_txt },
};

static bool
read_data(struct reader *r, const struct raw *raw, struct item_dns_record *out)
{
	for (size_t i = 0; i < ARRAY_LEN(data_readers); i++)
		if (data_readers[i].type == raw->type)
			return data_readers[i].read(r, raw, out);
	return false;
}

/* The next record's head; its data lies within the packet. OWNER's bytes are the builder's. */
static bool
read_raw(struct reader *r, struct str *owner, struct raw *out)
{
	uint32_t type, class, ttl, n;

	if (!read_name(r->packet, &r->at, owner) || !get_number(r->packet, r->at, 2, &type) ||
	    !get_number(r->packet, r->at + 2, 2, &class) ||
	    !get_number(r->packet, r->at + 4, 4, &ttl) ||
	    !get_number(r->packet, r->at + 8, 2, &n) || r->packet.n - r->at - 10 < n)
		return false;
	*out = (struct raw){ .owner = str_span(owner),
		.type = (uint16_t)type,
		.class = (uint16_t) class,
		.ttl = ttl > INT32_MAX ? 0 : ttl, /* RFC 2181 8 */
		.data_at = r->at + 10,
		.data_n = n };
	r->at = out->data_at + n;
	return true;
}

/* Where the CNAMEs have led so far. */
struct chain {
	struct str name; /* wire form */
	unsigned length;
	uint32_t ttl;
};

static bool
follow_alias(struct reader *r, const struct raw *raw, struct chain *chain)
{
	struct str target = STR_INIT(NAME_WIRE);
	size_t at = raw->data_at;
	bool good = ++chain->length <= LIMIT_DNS_CHAIN && read_name(r->packet, &at, &target) &&
		    at == raw->data_at + raw->data_n;

	if (good) {
		str_reset(&chain->name);
		str_put(&chain->name, str_span(&target));
		chain->ttl = raw->ttl < chain->ttl ? raw->ttl : chain->ttl;
	}
	str_free(&target);
	return good;
}

/* COUNT records of the answer section. False: it breaks off, or the chain has no end. */
static bool
read_answers(struct reader *r, uint16_t type, unsigned count, struct chain *chain,
    struct msg_dns_answer *out)
{
	struct str owner = STR_INIT(NAME_WIRE);
	struct raw raw;
	bool good = true;

	for (unsigned i = 0; good && i < count; i++) {
		good = read_raw(r, &owner, &raw);
		if (!good || raw.class != CLASS_IN || !span_eq(raw.owner, str_span(&chain->name)))
			continue;
		if (raw.type == DNS_CNAME && type != DNS_CNAME) {
			good = follow_alias(r, &raw, chain);
			continue;
		}
		if (raw.type != type || out->records.n == LIMIT_DNS_RECORDS)
			continue;
		if (read_data(r, &raw, &out->records.v[out->records.n]))
			out->records.n++;
		else
			out->malformed = true;
		chain->ttl = raw.ttl < chain->ttl ? raw.ttl : chain->ttl;
	}
	str_free(&owner);
	return good;
}

/* How long "not there" holds: the lesser of the SOA's TTL and its minimum; 0 without an SOA. */
static uint32_t
read_negative_ttl(struct reader *r, unsigned count)
{
	struct str owner = STR_INIT(NAME_WIRE);
	struct raw raw;
	uint32_t ttl = 0, minimum;

	for (unsigned i = 0; i < count && ttl == 0 && read_raw(r, &owner, &raw); i++)
		if (raw.type == TYPE_SOA && raw.data_n >= 22 &&
		    get_number(r->packet, raw.data_at + raw.data_n - 4, 4, &minimum))
			ttl = raw.ttl < minimum ? raw.ttl : minimum;
	str_free(&owner);
	return ttl;
}

static bool
read_sections(struct reader *r, uint16_t type, struct chain *chain, struct msg_dns_answer *out)
{
	uint32_t flags, questions, answers, authorities;

	if (!get_number(r->packet, 2, 2, &flags) || !get_number(r->packet, 4, 2, &questions) ||
	    !get_number(r->packet, 6, 2, &answers) || !get_number(r->packet, 8, 2, &authorities) ||
	    questions != 1 || r->packet.n < HEADER_SIZE)
		return false;
	r->at = HEADER_SIZE;
	if (!read_name(r->packet, &r->at, &chain->name) || r->packet.n - r->at < 4)
		return false;
	r->at += 4;
	out->records.v = arena_alloc_array(
	    r->arena, size_min(answers, LIMIT_DNS_RECORDS), sizeof(*out->records.v));
	if (answers && !out->records.v)
		return false;
	if (!read_answers(r, type, answers, chain, out))
		return false;
	if ((flags & 0xf) == RCODE_OK)
		out->status = out->records.n ? DNS_FOUND : DNS_NODATA;
	else if ((flags & 0xf) == RCODE_NXDOMAIN && out->records.n == 0)
		out->status = DNS_NXDOMAIN;
	else
		return false;
	out->ttl = out->status == DNS_FOUND ? chain->ttl : read_negative_ttl(r, authorities);
	/* What cannot be read may be what was looked for: that it is not there, nobody has said. */
	return out->status == DNS_FOUND || !out->malformed;
}

void
packet_read(struct span packet, uint16_t type, struct arena *arena, struct msg_dns_answer *out)
{
	struct reader r = { .packet = packet, .arena = arena };
	struct chain chain = { .name = STR_INIT(NAME_WIRE), .ttl = INT32_MAX };

	*out = (struct msg_dns_answer){ .canonical = span_lit("") };
	if (!read_sections(&r, type, &chain, out)) {
		out->status = DNS_SERVFAIL;
		out->records.n = 0;
		out->ttl = 0;
	}
	if (chain.name.n && !keep_name(&r, str_span(&chain.name), &out->canonical))
		out->canonical = span_lit("");
	str_free(&chain.name);
}
