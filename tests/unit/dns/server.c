/*
 * The scripted name server (server.h): one UDP socket, one fiber, a table. Used by the tests of the
 * dns daemon. Answers are not compressed, but for the owner, and may be as long as UDP carries;
 * EDNS is passed over. Negative answers bring an SOA record, so that they may be cached.
 */
#include "config.h"

#include "tests/unit/dns/server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cclass.h"
#include "base/mem.h"
#include "base/str.h"
#include "tests/unit/unit.h"

#define PACKET_MAX 65000
#define TTL	   300
#define ROWS_MAX   4096

enum { TYPE_SOA = 6, TYPE_RRSIG = 46, CLASS_IN = 1 };

void
wire_put_number(struct str *out, uint64_t n, size_t width)
{
	while (width-- > 0)
		str_putc(out, (char)(n >> (8 * width)));
}

void
wire_put_name(struct str *out, const char *text)
{
	struct span rest = span_str(text), label;

	while (span_token(&rest, span_lit("."), &label)) {
		str_putc(out, (char)label.n);
		str_put(out, label);
	}
	str_putc(out, 0);
}

static struct span
keep(struct span s)
{
	return span_of(mem_strdup(s), s.n);
}

static struct zone_row *
row_new(struct dns_server *s, const char *owner)
{
	struct str wire = STR_INIT(256);
	struct zone_row *row;

	if (!s->rows)
		s->rows = mem_alloc_array(ROWS_MAX, sizeof(*s->rows));
	assert_true(s->rows_n < ROWS_MAX);
	row = &s->rows[s->rows_n++];
	wire_put_name(&wire, owner);
	row->owner = keep(str_span(&wire));
	row->data = keep(span_lit(""));
	str_free(&wire);
	return row;
}

void
zone_add(struct dns_server *s, const char *owner, uint16_t type, struct span data)
{
	struct zone_row *row = row_new(s, owner);

	row->type = type;
	mem_free((void *)(uintptr_t)row->data.p);
	row->data = keep(data);
}

void
zone_manner(struct dns_server *s, const char *owner, enum manner manner)
{
	row_new(s, owner)->manner = manner;
}

static void
add_address(struct dns_server *s, const char *owner, uint16_t type, int family, const char *address)
{
	struct in6_addr bytes;

	assert_int_equal(inet_pton(family, address, &bytes), 1);
	zone_add(s, owner, type, span_of(&bytes, family == AF_INET ? 4 : 16));
}

void
zone_a(struct dns_server *s, const char *owner, const char *address)
{
	add_address(s, owner, DNS_A, AF_INET, address);
}

void
zone_aaaa(struct dns_server *s, const char *owner, const char *address)
{
	add_address(s, owner, DNS_AAAA, AF_INET6, address);
}

void
zone_mx(struct dns_server *s, const char *owner, uint16_t preference, const char *host)
{
	struct str data = STR_INIT(300);

	wire_put_number(&data, preference, 2);
	wire_put_name(&data, host);
	zone_add(s, owner, DNS_MX, str_span(&data));
	str_free(&data);
}

void
zone_cname(struct dns_server *s, const char *owner, const char *target)
{
	struct str data = STR_INIT(300);

	wire_put_name(&data, target);
	zone_add(s, owner, DNS_CNAME, str_span(&data));
	str_free(&data);
}

/* An answer as it is made. */
struct reply {
	struct str answers;
	unsigned answers_n;
	struct str authority;
	unsigned authority_n;
	unsigned rcode;
	bool silent;
};

static void
put_record(struct str *out, struct span owner, uint16_t type, struct span data)
{
	str_put(out, owner);
	wire_put_number(out, type, 2);
	wire_put_number(out, CLASS_IN, 2);
	wire_put_number(out, TTL, 4);
	wire_put_number(out, data.n, 2);
	str_put(out, data);
}

static bool
same_name(struct span a, struct span b)
{
	return span_eq_nocase(a, b);
}

/* All rows of OWNER and TYPE, with their signature. */
static size_t
reply_put_set(struct dns_server *s, struct reply *r, struct span owner, uint16_t type)
{
	struct span *set = mem_alloc_array(s->rows_n + 1, sizeof(*set));
	struct str signature = STR_INIT(1024);
	size_t n = 0;

	for (size_t i = 0; i < s->rows_n; i++) {
		const struct zone_row *row = &s->rows[i];
		if (row->type == type && same_name(row->owner, owner))
			set[n++] = row->data;
	}
	for (size_t i = 0; i < n; i++)
		put_record(&r->answers, owner, type, set[i]);
	r->answers_n += (unsigned)n;
	if (n && s->signer && signer_covers(s->signer, owner)) {
		signer_put_signature(s->signer, owner, type, TTL, set, n, &signature);
		put_record(&r->answers, owner, TYPE_RRSIG, str_span(&signature));
		r->answers_n++;
	}
	str_free(&signature);
	mem_free(set);
	return n;
}

static enum manner
manner_of(const struct dns_server *s, struct span owner, bool *known, struct span *alias)
{
	enum manner manner = MANNER_ANSWER;

	for (size_t i = 0; i < s->rows_n; i++) {
		const struct zone_row *row = &s->rows[i];
		if (!same_name(row->owner, owner))
			continue;
		*known = true;
		manner = row->manner ? row->manner : manner;
		if (row->type == DNS_CNAME)
			*alias = row->data;
	}
	return manner;
}

static void
reply_put_soa(struct reply *r)
{
	struct str soa = STR_INIT(256);

	wire_put_name(&soa, "ns");
	wire_put_name(&soa, "postmaster");
	for (int i = 0; i < 5; i++)
		wire_put_number(&soa, 60, 4);
	put_record(&r->authority, span_lit("\0"), TYPE_SOA, str_span(&soa));
	r->authority_n++;
	str_free(&soa);
}

static void
reply_make(struct dns_server *s, struct span name, uint16_t type, struct reply *r)
{
	bool known = false;

	for (int hops = 0; hops < 20; hops++) {
		struct span alias = { NULL, 0 };
		known = false;
		enum manner manner = manner_of(s, name, &known, &alias);
		r->silent = r->silent || manner == MANNER_SILENT;
		if (manner == MANNER_SERVFAIL)
			r->rcode = 2;
		if (!alias.p || type == DNS_CNAME) {
			if (reply_put_set(s, r, name, type) > 0) {
				if (manner == MANNER_SPOILED)
					r->answers.p[name.n + 10] ^= 1;
				return;
			}
			break;
		}
		reply_put_set(s, r, name, DNS_CNAME);
		name = alias;
	}
	if (r->rcode == 0 && !known)
		r->rcode = 3;
	reply_put_soa(r);
}

static void
reply_send(struct dns_server *s, struct span question, uint16_t id, struct reply *r,
    const struct sockaddr_in *to)
{
	struct str out = STR_INIT(PACKET_MAX);

	wire_put_number(&out, id, 2);
	wire_put_number(&out, 0x8580 | r->rcode, 2);
	wire_put_number(&out, 1, 2);
	wire_put_number(&out, r->rcode == 2 ? 0 : r->answers_n, 2);
	wire_put_number(&out, r->rcode == 2 ? 0 : r->authority_n, 2);
	wire_put_number(&out, 0, 2);
	str_put(&out, question);
	if (r->rcode != 2) {
		str_put(&out, str_span(&r->answers));
		str_put(&out, str_span(&r->authority));
	}
	assert_false(out.full);
	sendto(s->fd, out.p, out.n, 0, (const struct sockaddr *)to, sizeof(*to));
	str_free(&out);
}

static void
server_answer(struct dns_server *s, struct span query, const struct sockaddr_in *from)
{
	struct reply r = { .answers = STR_INIT(PACKET_MAX), .authority = STR_INIT(PACKET_MAX) };
	size_t at = 12;
	uint16_t type;

	s->asked++;
	while (at < query.n && query.p[at] != 0)
		at += (unsigned char)query.p[at] + 1u;
	assert_true(at + 5 <= query.n);
	type = (uint16_t)((unsigned char)query.p[at + 1] << 8 | (unsigned char)query.p[at + 2]);
	reply_make(s, span_of(query.p + 12, at - 11), type, &r);
	if (!r.silent)
		reply_send(s, span_of(query.p + 12, at - 7),
		    (uint16_t)((unsigned char)query.p[0] << 8 | (unsigned char)query.p[1]), &r,
		    from);
	str_free(&r.answers);
	str_free(&r.authority);
}

FIBER_MAIN
static void
server_run(void *arg)
{
	struct dns_server *s = arg;
	struct str query = STR_INIT(4096);
	enum verdict v = VERDICT_OK;

	while (v == VERDICT_OK && !s->over) {
		struct sockaddr_in from;
		socklen_t from_n = sizeof(from);
		str_reset(&query);
		char *p = str_reserve(&query, 4096);
		ssize_t n =
		    recvfrom(s->fd, p, 4096, MSG_DONTWAIT, (struct sockaddr *)&from, &from_n);
		if (n > 0) {
			server_answer(s, span_of(p, (size_t)n), &from);
			continue;
		}
		s->watch.readable = false;
		v = fdwatch_wait_readable(&s->watch, DEADLINE_NEVER);
	}
	str_free(&query);
	fdwatch_fini(&s->watch);
	close(s->fd);
	s->fiber = NULL;
}

void
server_start(struct dns_server *s)
{
	struct sockaddr_in any = { .sin_family = AF_INET };
	socklen_t n = sizeof(any);

	any.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	s->fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	assert_true(s->fd >= 0);
	assert_int_equal(bind(s->fd, (struct sockaddr *)&any, sizeof(any)), 0);
	assert_int_equal(getsockname(s->fd, (struct sockaddr *)&any, &n), 0);
	s->port = ntohs(any.sin_port);
	fdwatch_init(&s->watch, s->fd);
	s->fiber = fiber_spawn("name server", server_run, s);
}

void
server_stop(struct dns_server *s)
{
	s->over = true;
	if (s->fiber)
		fiber_cancel(s->fiber);
	for (size_t i = 0; i < s->rows_n; i++) {
		mem_free((void *)(uintptr_t)s->rows[i].owner.p);
		mem_free((void *)(uintptr_t)s->rows[i].data.p);
	}
	mem_free(s->rows);
	s->rows = NULL;
	s->rows_n = 0;
}

void
server_put(const struct dns_server *s, struct str *out)
{
	str_printf(out, "127.0.0.1@%u\n", s->port);
}
