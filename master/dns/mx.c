/*
 * Which hosts take mail for a domain, in which order, at which addresses: RFC 5321 5.1 (preference,
 * implicit MX), RFC 7505 (null MX), RFC 2181 10.3 (an MX that is an alias is wrong, but is
 * followed, as everybody does). Called by requests.c on a fiber. All addresses are looked up at
 * once. Of more than LIMIT_DNS_HOSTS the best are kept; of hosts named twice the better one. What
 * is no host name (an address as MX) stays in the list as DNS_INVALID: the sender has to hear of
 * it.
 */
#include "dns/mx.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/rand.h"
#include "message/domain.h"

/* An MX record with its lot among those of equal preference. */
struct candidate {
	const struct item_dns_record *record;
	uint64_t lot;
};

struct host_lookups {
	struct lookup *ipv4; /* NULL: not wanted */
	struct lookup *ipv6;
};

static int
candidate_cmp(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;

	if (x->record->preference != y->record->preference)
		return x->record->preference < y->record->preference ? -1 : 1;
	return x->lot < y->lot ? -1 : x->lot > y->lot;
}

static bool
hosts_have(const struct list_dns_host *hosts, struct span name)
{
	for (uint32_t i = 0; i < hosts->n; i++)
		if (span_eq_nocase(hosts->v[i].name, name))
			return true;
	return false;
}

static void
hosts_add(struct list_dns_host *hosts, struct span name, uint16_t preference)
{
	struct domain_ip ip;
	struct item_dns_host *h = &hosts->v[hosts->n];

	if (hosts_have(hosts, name))
		return;
	hosts->n++;
	*h = (struct item_dns_host){ .preference = preference, .name = name, .canonical = name };
	h->ipv4 = h->ipv6 = span_lit("");
	h->status = DNS_NODATA;
	/* Also what another library might take for an address: "127.1", "1". */
	if (domain_ip_parse(name, &ip) || !domain_valid(name, 0))
		h->status = DNS_INVALID;
}

/* RFC 7505 3: "." alone; beside others it is no host. */
static void
hosts_choose(const struct msg_dns_answer *mx, struct arena *arena, struct msg_dns_mx_answer *out)
{
	struct candidate *v = mem_alloc_array(mx->records.n, sizeof(*v));

	for (uint32_t i = 0; i < mx->records.n; i++)
		v[i] = (struct candidate){ &mx->records.v[i], rand_u64() };
	qsort(v, mx->records.n, sizeof(*v), candidate_cmp);
	for (uint32_t i = 0; i < mx->records.n && out->hosts.n < LIMIT_DNS_HOSTS; i++) {
		struct span name = arena_dup(arena, v[i].record->name);
		if (name.p && name.n > 0)
			hosts_add(&out->hosts, name, v[i].record->preference);
	}
	out->null_mx = out->hosts.n == 0;
	mem_free(v);
}

SUSPENDS
static void
find_hosts(struct resolver *r, const struct msg_dns_mx *ask, struct arena *arena,
    struct msg_dns_mx_answer *out)
{
	struct lookup *l = lookup_start(r, ask->domain, DNS_MX);
	const struct msg_dns_answer *mx = lookup_wait(l);

	out->status = mx->status;
	out->secure = mx->secure;
	if (mx->status == DNS_FOUND) {
		hosts_choose(mx, arena, out);
	} else if (mx->status == DNS_NODATA) {
		out->implicit = true;
		out->status = DNS_FOUND;
		hosts_add(&out->hosts, ask->domain, 0);
	}
	lookup_drop(l);
}

/* The worse news of two families: what may change comes before what will not. */
static enum dns_status
status_of_both(enum dns_status a, enum dns_status b)
{
	static const enum dns_status order[] = { DNS_FOUND, DNS_BOGUS, DNS_SERVFAIL, DNS_TIMEOUT,
		DNS_NXDOMAIN, DNS_NODATA, DNS_INVALID };

	for (size_t i = 0; i < ARRAY_LEN(order); i++)
		if (a == order[i] || b == order[i])
			return order[i];
	return DNS_SERVFAIL;
}

/* Addresses one behind the other; SIZE bytes each. */
static struct span
join_addresses(const struct msg_dns_answer *answer, size_t size, struct arena *arena)
{
	size_t n = size_min(answer->records.n, LIMIT_DNS_ADDRESSES);
	char *p = arena_alloc(arena, n * size + 1);

	if (!p)
		return span_lit("");
	for (size_t i = 0; i < n; i++)
		memcpy(p + i * size, answer->records.v[i].data.p, size);
	return span_of(p, n * size);
}

/* What one family's answer adds to what is known of the host. */
SUSPENDS
static void
host_take(struct item_dns_host *h, struct lookup *l, size_t size, struct arena *arena, bool first)
{
	const struct msg_dns_answer *answer;

	if (!l)
		return;
	answer = lookup_wait(l);
	if (answer->status == DNS_FOUND) {
		*(size == 4 ? &h->ipv4 : &h->ipv6) = join_addresses(answer, size, arena);
		struct span canonical = arena_dup(arena, answer->canonical);
		if (canonical.n)
			h->canonical = canonical;
	}
	h->secure = (first || h->secure) && answer->secure;
	h->status = (uint8_t)(first ? answer->status : status_of_both(h->status, answer->status));
	lookup_drop(l);
}

SUSPENDS
static void
find_addresses(struct resolver *r, const struct msg_dns_mx *ask, struct arena *arena,
    struct list_dns_host *hosts)
{
	struct host_lookups lookups[LIMIT_DNS_HOSTS] = { { NULL, NULL } };

	for (uint32_t i = 0; i < hosts->n; i++) {
		if (hosts->v[i].status == DNS_INVALID)
			continue;
		if (ask->families & DNS_IPV4)
			lookups[i].ipv4 = lookup_start(r, hosts->v[i].name, DNS_A);
		if (ask->families & DNS_IPV6)
			lookups[i].ipv6 = lookup_start(r, hosts->v[i].name, DNS_AAAA);
	}
	for (uint32_t i = 0; i < hosts->n; i++) {
		host_take(&hosts->v[i], lookups[i].ipv4, 4, arena, true);
		host_take(&hosts->v[i], lookups[i].ipv6, 16, arena, lookups[i].ipv4 == NULL);
	}
}

SUSPENDS
void
mx_find(struct resolver *r, const struct msg_dns_mx *ask, struct arena *arena,
    struct msg_dns_mx_answer *out)
{
	*out = (struct msg_dns_mx_answer){ .status = DNS_SERVFAIL };
	out->hosts.v = arena_alloc_array(arena, LIMIT_DNS_HOSTS, sizeof(*out->hosts.v));
	if (!out->hosts.v)
		return;
	if (ask->direct) {
		out->status = DNS_FOUND;
		hosts_add(&out->hosts, ask->domain, 0);
	} else {
		find_hosts(r, ask, arena, out);
	}
	find_addresses(r, ask, arena, &out->hosts);
	/* Without MX records whether there is such a domain is what its addresses say. */
	if (out->implicit)
		out->status = out->hosts.v[0].status;
}
