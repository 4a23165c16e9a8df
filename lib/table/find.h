/*
 * Which keys are tried for an address, a domain or a client, in which order: the patterns of
 * virtual(5), access(5), transport(5). Patterns (pcre, cidr) are tried on the first, whole key
 * alone.
 */
#ifndef TABLE_FIND_H
#define TABLE_FIND_H

#include "table/table.h"

struct table_address {
	struct span local;	/* as in the address's canonical text: quoted where it must be */
	struct span domain;	/* may be empty */
	struct span delimiters; /* recipient_delimiter: any of these bytes begins the extension;
				   empty: none does */
	bool ours;		/* a domain of this host: "user" alone is tried too */
};

/* Where the extension begins in LOCAL: local.n when there is none. Quoted ones and owner- addresses
 * have none. */
size_t table_extension_at(struct span local, struct span delimiters);

/*
 * virtual(5), canonical(5): user+ext@domain, user@domain, user+ext, user (when ours), @domain.
 * *EXTENSION_OUT is what the key that was found lacked of the address, with its delimiter ("+ext"),
 * else empty. It may be NULL.
 */
enum verdict table_find_address(const struct table_list *list, const struct table_address *a,
    struct str *value_out, struct span *extension_out, struct err *err);
/* aliases(5): user+ext, user. */
enum verdict table_find_local(const struct table_list *list, const struct table_address *a,
    struct str *value_out, struct span *extension_out, struct err *err);
/* access(5): user+ext@domain, user@domain, domain and its parents, user+ext@, user@. */
enum verdict table_find_access(const struct table_list *list, const struct table_address *a,
    bool parents, struct str *value_out, struct err *err);
/* transport(5): user+ext@domain, user@domain, domain and its parents, "*". */
enum verdict table_find_transport(const struct table_list *list, const struct table_address *a,
    bool parents, struct str *value_out, struct err *err);
/* domain, then its parents: "example.com" when PARENTS (parent_domain_matches_subdomains), else
 * ".example.com". */
enum verdict table_find_domain(const struct table_list *list, struct span domain, bool parents,
    struct str *value_out, struct err *err);
/* 192.0.2.7, 192.0.2, 192.0, 192; 2001:db8::7, 2001:db8:, 2001:db8, 2001. */
enum verdict table_find_client(
    const struct table_list *list, struct span address, struct str *value_out, struct err *err);

#endif
