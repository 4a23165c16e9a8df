/*
 * The order of addresses: RFC 5321 5.1. Preference first, then smtp_address_preference, then lots
 * (smtp_randomize_addresses); smtp_mx_address_limit of them, both protocols among them. Called by
 * deliver.c for each destination. Hosts that are this host, and all that are no better, are dropped
 * (RFC 5321 5.1, the last paragraphs): a backup MX sends to better ones alone. That is looked at
 * for port 25 only: at another port another service answers.
 */
#include "smtp/route.h"

#include <arpa/inet.h>
#include <stdlib.h>

#include "base/rand.h"
#include "service/dns.h"

unsigned
route_families(const struct conf *conf)
{
	static const unsigned families[] = {
		[CONF_INET_ALL] = DNS_IPV4 | DNS_IPV6,
		[CONF_INET_IPV4] = DNS_IPV4,
		[CONF_INET_IPV6] = DNS_IPV6,
	};

	return families[conf->inet_protocols];
}

static struct span
ip_text(const struct domain_ip *ip, struct arena *arena)
{
	struct span text = arena_dup(arena, span_of("", 0));
	char *p = arena_alloc(arena, INET6_ADDRSTRLEN);

	if (!p || !inet_ntop(ip->size == 4 ? AF_INET : AF_INET6, ip->byte, p, INET6_ADDRSTRLEN))
		return text;
	return span_str(p);
}

static void
route_add(struct route *r, const struct hop *like, const uint8_t *bytes, uint8_t size)
{
	struct hop *h = &r->v[r->n];

	if (r->n == LIMIT_SMTP_ADDRESSES)
		return;
	r->n++;
	*h = *like;
	h->ip.size = size;
	memcpy(h->ip.byte, bytes, size);
}

static void
route_add_host(struct route *r, const struct client *c, const struct nexthop *nexthop,
    const struct item_dns_host *host)
{
	struct hop like = {
		.host = host->name, .port = nexthop->port, .preference = host->preference
	};

	for (size_t at = 0; at + 4 <= host->ipv4.n; at += 4) {
		like.lot = c->conf->smtp_randomize_addresses ? rand_u64() : r->n;
		route_add(r, &like, (const uint8_t *)host->ipv4.p + at, 4);
	}
	for (size_t at = 0; at + 16 <= host->ipv6.n; at += 16) {
		like.lot = c->conf->smtp_randomize_addresses ? rand_u64() : r->n;
		route_add(r, &like, (const uint8_t *)host->ipv6.p + at, 16);
	}
}

/* Why no host has an address: what may change comes before what will not. */
static enum verdict
no_address(const struct msg_dns_mx_answer *mx, const struct nexthop *nexthop, struct err *err)
{
	struct err one = ERR_NONE;
	enum verdict v;

	err_mail(err, 550, "5.4.4", "no address of %.*s can be used", SPAN_ARG(nexthop->name));
	for (uint32_t i = 0; i < mx->hosts.n; i++) {
		v = dns_host_verdict(&mx->hosts.v[i], &one);
		if (v == VERDICT_TEMP || i == 0)
			*err = one;
		if (v == VERDICT_TEMP)
			return v;
	}
	/* "Not there" is an answer of the DNS; of mail that is a failure. */
	err->verdict = VERDICT_PERM;
	return VERDICT_PERM;
}

static bool
is_self(const struct client *c, const struct hop *h)
{
	return own_has(&c->own, &h->ip) || span_eq_nocase(h->host, c->conf->myhostname);
}

static void
drop_loops(const struct client *c, struct route *r)
{
	unsigned least = UINT16_MAX + 1u;
	size_t kept = 0;

	for (size_t i = 0; i < r->n; i++)
		if (is_self(c, &r->v[i]) && r->v[i].preference < least)
			least = r->v[i].preference;
	for (size_t i = 0; i < r->n; i++)
		if (r->v[i].preference < least)
			r->v[kept++] = r->v[i];
	r->n = kept;
}

static int
hop_cmp(const void *a, const void *b)
{
	const struct hop *x = a, *y = b;

	if (x->preference != y->preference)
		return x->preference < y->preference ? -1 : 1;
	return x->lot < y->lot ? -1 : x->lot > y->lot;
}

/* As hop_cmp, IPv4 first; the other way round for IPv6. */
static int
hop_cmp_ipv4(const void *a, const void *b)
{
	const struct hop *x = a, *y = b;

	if (x->preference == y->preference && x->ip.size != y->ip.size)
		return x->ip.size < y->ip.size ? -1 : 1;
	return hop_cmp(a, b);
}

static int
hop_cmp_ipv6(const void *a, const void *b)
{
	const struct hop *x = a, *y = b;

	if (x->preference == y->preference && x->ip.size != y->ip.size)
		return x->ip.size > y->ip.size ? -1 : 1;
	return hop_cmp(a, b);
}

/* What is over the limit goes; of a protocol that would be left out the best address stays, last.
 */
static void
route_limit(struct route *r, size_t limit)
{
	size_t other = 1;

	if (limit == 0 || r->n <= limit)
		return;
	while (other < r->n && r->v[other].ip.size == r->v[0].ip.size)
		other++;
	if (limit > 1 && other >= limit && other < r->n)
		r->v[limit - 1] = r->v[other];
	r->n = limit;
}

static void
route_order(const struct client *c, struct route *r)
{
	static int (*const compare[])(const void *, const void *) = {
		[CONF_PREFER_ANY] = hop_cmp,
		[CONF_PREFER_IPV4] = hop_cmp_ipv4,
		[CONF_PREFER_IPV6] = hop_cmp_ipv6,
	};

	qsort(r->v, r->n, sizeof(*r->v), compare[c->conf->smtp_address_preference]);
	route_limit(r, c->conf->smtp_mx_address_limit);
}

enum verdict
route_build(const struct client *c, const struct nexthop *nexthop,
    const struct msg_dns_mx_answer *mx, struct arena *arena, struct route *out, struct err *err)
{
	out->n = 0;
	out->v = arena_alloc_array(arena, LIMIT_SMTP_ADDRESSES, sizeof(*out->v));
	if (!out->v)
		return err_mail(err, 451, "4.3.0", "no memory for the addresses of %.*s",
		    SPAN_ARG(nexthop->name));
	for (uint32_t i = 0; i < mx->hosts.n; i++)
		route_add_host(out, c, nexthop, &mx->hosts.v[i]);
	if (out->n == 0)
		return no_address(mx, nexthop, err);
	if (nexthop->port == c->port && !c->lmtp)
		drop_loops(c, out);
	if (out->n == 0)
		return err_mail(err, 554, "5.4.6", "mail for %.*s loops back to myself",
		    SPAN_ARG(nexthop->name));
	route_order(c, out);
	return VERDICT_OK;
}

/* A destination of one hop. */
static enum verdict
route_single(const struct nexthop *nexthop, struct arena *arena, struct route *out, struct err *err)
{
	out->n = 1;
	out->v = arena_alloc(arena, sizeof(*out->v));
	if (!out->v)
		return err_mail(err, 451, "4.3.0", "no memory");
	out->v->port = nexthop->port;
	out->v->ip = nexthop->ip;
	if (nexthop->kind == NEXTHOP_UNIX)
		out->v->path = nexthop->name;
	out->v->host = nexthop->kind == NEXTHOP_UNIX ? nexthop->name : ip_text(&nexthop->ip, arena);
	return VERDICT_OK;
}

SUSPENDS
enum verdict
route_find(struct client *c, uint64_t trace, const struct nexthop *nexthop, struct arena *arena,
    uint64_t deadline, struct route *out, struct err *err)
{
	struct msg_dns_mx ask = { .domain = nexthop->name,
		.direct = nexthop->kind == NEXTHOP_HOST,
		.families = (uint8_t)route_families(c->conf) };
	struct msg_dns_mx_answer mx;
	enum verdict v;

	if (nexthop->kind == NEXTHOP_UNIX)
		return route_single(nexthop, arena, out, err);
	if (nexthop->kind == NEXTHOP_ADDRESS) {
		v = route_single(nexthop, arena, out, err);
		if (v == VERDICT_OK && nexthop->port == c->port && !c->lmtp &&
		    own_has(&c->own, &nexthop->ip))
			v = err_mail(err, 554, "5.4.6", "mail for %.*s loops back to myself",
			    SPAN_ARG(nexthop->name));
		return v;
	}
	v = c->find_mx(c, trace, &ask, &mx, arena, deadline, err);
	if (v == VERDICT_ABSENT)
		return err->verdict = VERDICT_PERM;
	if (v != VERDICT_OK)
		return v;
	return route_build(c, nexthop, &mx, arena, out, err);
}
