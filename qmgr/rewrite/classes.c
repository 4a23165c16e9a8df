/*
 * Whose is an address? The domain is looked for in mydestination, virtual_alias_domains,
 * virtual_mailbox_domains and relay_domains, in that order; what is in none goes to the Internet by
 * MX, or to relayhost. An address literal is ours when it is an address that we listen on. Called
 * for each address that is resolved. One row is all there is to a class.
 */
#include "rewrite/classes.h"

#include "rewrite/search.h"

static const struct class_row {
	enum address_class class;
	enum rewrite_domains domains;
	size_t transport; /* fields of struct conf */
	size_t unknown_code;
	const char *table;
} rows[] = {
	{ ADDRESS_LOCAL, DOMAINS_LOCAL, offsetof(struct conf, local_transport),
	    offsetof(struct conf, unknown_local_recipient_reject_code), "local recipient" },
	{ ADDRESS_ALIAS, DOMAINS_ALIAS, offsetof(struct conf, local_transport),
	    offsetof(struct conf, unknown_virtual_alias_reject_code), "virtual alias" },
	{ ADDRESS_VIRTUAL, DOMAINS_VIRTUAL, offsetof(struct conf, virtual_transport),
	    offsetof(struct conf, unknown_virtual_mailbox_reject_code), "virtual mailbox" },
	{ ADDRESS_RELAY, DOMAINS_RELAY, offsetof(struct conf, relay_transport),
	    offsetof(struct conf, unknown_relay_recipient_reject_code), "relay recipient" },
	/* All of it is somebody else's: nobody here knows who is there. */
	{ ADDRESS_DEFAULT, REWRITE_DOMAINS, offsetof(struct conf, default_transport),
	    offsetof(struct conf, unknown_relay_recipient_reject_code), "recipient" },
};

static const struct class_row *class_row(enum address_class class)
{
	size_t i = 0;

	while (rows[i].class != class)
		i++;
	return &rows[i];
}

static bool
literal_is_ours(const struct conf *conf, struct span domain)
{
	struct span inside = span_of(domain.p + 1, domain.n - 2);

	if (span_starts_nocase(inside, span_lit("IPv6:")))
		inside = span_from(inside, 5);
	struct span rest = conf->inet_interfaces, item;
	while (conf_list_next(&rest, &item))
		if (span_eq_nocase(item, inside))
			return true;
	rest = conf->proxy_interfaces;
	while (conf_list_next(&rest, &item))
		if (span_eq_nocase(item, inside))
			return true;
	return false;
}

enum verdict
class_of_domain(
    const struct rewrite *rw, struct span domain, enum address_class *out, struct err *err)
{
	struct search s = search_of(NULL);

	*out = ADDRESS_DEFAULT;
	if (domain.n > 2 && domain.p[0] == '[' && literal_is_ours(rw->conf, domain)) {
		*out = ADDRESS_LOCAL;
		return VERDICT_OK;
	}
	s.key = domain;
	for (size_t i = 0; i < REWRITE_DOMAINS; i++) {
		s.match = rw->domains[rows[i].domains];
		enum verdict v = search_run(&s, SEARCH_MATCH, err);
		if (v == VERDICT_OK)
			*out = rows[i].class;
		if (v != VERDICT_ABSENT)
			return v;
	}
	return VERDICT_OK;
}

struct span
class_transport(const struct conf *conf, enum address_class class)
{
	return *(
	    const struct span *)(const void *)((const char *)conf + class_row(class)->transport);
}

const char *class_table(enum address_class class)
{
	return class_row(class)->table;
}

unsigned
class_unknown_code(const struct conf *conf, enum address_class class)
{
	return (unsigned)*(
	    const uint64_t *)(const void *)((const char *)conf + class_row(class)->unknown_code);
}
