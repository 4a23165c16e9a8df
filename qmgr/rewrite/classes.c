/*
 * Whose is an address? The domain is looked for in mydestination, virtual_alias_domains,
 * virtual_mailbox_domains and relay_domains, in that order; what is in none goes to the Internet by
 * MX, or to relayhost. A transport may be given as "service:nexthop", as in transport tables.
 * Called by rewrite for each recipient.
 */
#include "rewrite/classes.h"

bool
class_list_has(struct span list, struct span domain)
{
	struct span item;

	while (conf_list_next(&list, &item)) {
		if (span_eq_nocase(item, domain))
			return true;
		if (item.n > 1 && item.p[0] == '.' && span_ends_nocase(domain, item))
			return true;
	}
	return false;
}

static void
rule_transport(struct class_rule *out, struct span value)
{
	span_cut(value, ':', &out->transport, &out->nexthop);
}

void
class_of_domain(const struct conf *conf, struct span domain, struct class_rule *out)
{
	const struct {
		enum address_class class;
		struct span domains;
		struct span transport;
	} rows[] = {
		{ ADDRESS_LOCAL, conf->mydestination, conf->local_transport },
		{ ADDRESS_ALIAS, conf->virtual_alias_domains,
		    span_lit("error:5.1.1 User unknown") },
		{ ADDRESS_VIRTUAL, conf->virtual_mailbox_domains, conf->virtual_transport },
		{ ADDRESS_RELAY, conf->relay_domains, conf->relay_transport },
	};

	*out = (struct class_rule){ .class = ADDRESS_DEFAULT };
	if (domain.n == 0)
		domain = conf->myhostname;
	for (size_t i = 0; i < ARRAY_LEN(rows) && out->class == ADDRESS_DEFAULT; i++) {
		if (!class_list_has(rows[i].domains, domain))
			continue;
		out->class = rows[i].class;
		rule_transport(out, rows[i].transport);
	}
	if (out->class == ADDRESS_DEFAULT) {
		rule_transport(out, conf->default_transport);
		if (conf->relayhost.n)
			out->nexthop = conf->relayhost;
	}
	if (out->nexthop.n == 0)
		out->nexthop = domain;
}
