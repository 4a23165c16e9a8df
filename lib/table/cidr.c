/*
 * cidr:/file and cidr:{ {net value}, ... } (cidr_table(5)): the first network that holds an address
 * gives the value. A table without if and ! is a hash of its networks: a lookup tries each prefix
 * length that occurs, at most 162, however long the table is; others are tried rule by rule. A key
 * that is no address is in no network.
 */
#include "base/map.h"
#include "base/mem.h"
#include "conf/netlist.h"
#include "table/rules.h"

#define NETWORK_KEY 18 /* bytes: size, prefix length, address */

struct cidr_rule {
	struct network net;
	char key[NETWORK_KEY];
};

struct cidr {
	struct rules rules;
	struct map by_network; /* key -> struct rule: the first with each network */
	bool lengths[2][129];  /* prefix lengths that occur, by family */
};

/* The network of PREFIX bits that ADDR is in, as a key. */
static void
network_key(const struct network *addr, unsigned bits, char key_out[NETWORK_KEY])
{
	memset(key_out, 0, NETWORK_KEY);
	key_out[0] = (char)addr->size;
	key_out[1] = (char)bits;
	memcpy(key_out + 2, addr->bytes, bits / 8);
	if (bits % 8)
		key_out[2 + bits / 8] = (char)(addr->bytes[bits / 8] & (0xff00 >> bits % 8));
}

static bool
cidr_parse(struct table *t, struct rule *rule, struct span text, unsigned number)
{
	struct cidr *c = t->state;
	struct cidr_rule *own = arena_alloc(&c->rules.arena, sizeof(*own));
	char whole[NETWORK_KEY];
	size_t i = 0;

	while (i < text.n && text.p[i] != ' ' && text.p[i] != '\t')
		i++;
	if (!own || !network_parse(span_head(text, i), &own->net)) {
		table_note(
		    t, number, "\"%.*s\" is no network: ignored", SPAN_ARG(span_head(text, i)));
		return false;
	}
	network_key(&own->net, own->net.bits, own->key);
	network_key(&own->net, own->net.size * 8, whole);
	if (memcmp(own->key + 2, whole + 2, NETWORK_KEY - 2) != 0) {
		table_note(t, number, "\"%.*s\": bits behind the prefix are set: ignored",
		    SPAN_ARG(span_head(text, i)));
		return false;
	}
	rule->pattern = own;
	rule->value = arena_dup(&c->rules.arena, span_trim(span_from(text, i)));
	if (rule->kind == RULE_VALUE && rule->value.n == 0)
		table_note(t, number, "no value behind the network: it is empty");
	return true;
}

static void
cidr_line(struct table *t, struct span line, unsigned number)
{
	struct cidr *c = t->state;

	rules_take(t, &c->rules, line, number, cidr_parse);
}

static void
cidr_index(struct cidr *c)
{
	for (size_t i = 0; i < c->rules.n && c->rules.plain; i++) {
		struct rule *rule = &c->rules.v[i];
		const struct cidr_rule *own = rule->pattern;
		struct span key = span_of(own->key, NETWORK_KEY);

		c->lengths[own->net.size == 16][own->net.bits] = true;
		if (!map_get(&c->by_network, key))
			map_put(&c->by_network, key, rule);
	}
}

static enum verdict
cidr_open(struct table *t, struct span name, struct err *err)
{
	struct cidr *c = mem_alloc(sizeof(*c));
	enum verdict v;

	t->state = c;
	rules_init(&c->rules);
	map_init(&c->by_network);
	v = table_read(t, name, cidr_line, err);
	rules_finish(t, &c->rules);
	cidr_index(c);
	return v;
}

static enum verdict
cidr_match(struct table *t, const struct rule *rule, struct span key, struct err *err)
{
	const struct cidr_rule *own = rule->pattern;

	(void)t;
	(void)err;
	return network_has(&own->net, (const struct network *)(const void *)key.p) ? VERDICT_OK
										   : VERDICT_ABSENT;
}

static const struct rule *
cidr_indexed(const struct cidr *c, const struct network *addr)
{
	const struct rule *best = NULL, *rule;
	char key[NETWORK_KEY];

	for (unsigned bits = 0; bits <= addr->size * 8; bits++) {
		if (!c->lengths[addr->size == 16][bits])
			continue;
		network_key(addr, bits, key);
		rule = map_get(&c->by_network, span_of(key, NETWORK_KEY));
		if (rule && (!best || rule < best))
			best = rule;
	}
	return best;
}

static enum verdict
cidr_lookup(struct table *t, struct span key, struct str *out, struct err *err)
{
	const struct cidr *c = t->state;
	const struct rule *rule = NULL;
	struct network addr;

	if (span_find(key, '/') < key.n || !network_parse(key, &addr))
		return VERDICT_ABSENT;
	if (c->rules.plain)
		rule = cidr_indexed(c, &addr);
	else if (rules_run(t, &c->rules, span_of(&addr, sizeof(addr)), cidr_match, &rule, err) !=
		 VERDICT_OK)
		rule = NULL;
	if (!rule)
		return VERDICT_ABSENT;
	str_put(out, rule->value);
	return VERDICT_OK;
}

static void
cidr_close(struct table *t)
{
	struct cidr *c = t->state;

	if (!c)
		return;
	map_free(&c->by_network);
	rules_free(&c->rules);
	mem_free(c);
}

const struct table_driver table_driver_cidr = {
	"cidr",
	TABLE_PATTERN,
	cidr_open,
	cidr_lookup,
	NULL,
	cidr_close,
};
