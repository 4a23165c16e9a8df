/*
 * Lists of domains as mydestination and relay_domains hold them: names, /file (a file with more of
 * the list), type:table (a domain that the table has), "!" before any of them for "not". The first
 * item that matches decides.
 */
#ifndef TABLE_MATCH_H
#define TABLE_MATCH_H

#include "table/table.h"

enum table_match_how {
	TABLE_MATCH_NAMES,     /* items match themselves alone */
	TABLE_MATCH_DOTTED,    /* ".example.com" matches what is below it */
	TABLE_MATCH_SUBDOMAINS /* "example.com" matches itself and what is below it */
};

struct table_match;

/*
 * Never NULL. Tables are opened in SET and files watched there. VERDICT_TEMP: something could not
 * be opened, then whatever is not decided by an item before it cannot be told; VERDICT_PERM: an
 * item means nothing and is left out.
 */
enum verdict table_match_open(struct table_set *set, struct span text, enum table_match_how how,
    struct table_match **out, struct err *err);
void table_match_free(struct table_match *m);
/* VERDICT_OK, VERDICT_ABSENT, VERDICT_TEMP. DOMAIN in lower case. */
enum verdict table_match_domain(const struct table_match *m, struct span domain, struct err *err);

#endif
