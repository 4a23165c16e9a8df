/* Lookups of rewrite: those of lib/table, run where libdb and PCRE2 have a deep stack. */
#ifndef REWRITE_SEARCH_H
#define REWRITE_SEARCH_H

#include "rewrite/rewrite.h"
#include "table/find.h"

/* What is looked for in LIST; the result lies in it until search_free. */
struct search {
	const struct table_list *list;
	struct table_address address;
	struct span key;
	bool parents;
	const struct table_match *match; /* SEARCH_MATCH */
	struct str value;
	struct span extension; /* of the address, that the key which was found has not got */
};

enum search_how {
	SEARCH_KEY, /* the key as it is */
	SEARCH_ADDRESS,
	SEARCH_LOCAL,
	SEARCH_ACCESS,
	SEARCH_TRANSPORT,
	SEARCH_DOMAIN,
	SEARCH_CLIENT,
	SEARCH_MATCH, /* is key, a domain, in match? */
};

/* LIST may be NULL, or empty: nothing is found then. */
struct search search_of(const struct table_list *list);
void search_free(struct search *s);
/*
 * VERDICT_OK, VERDICT_ABSENT, or VERDICT_TEMP, which is logged; *ERR is then 451 4.3.0. Never
 * suspends.
 */
enum verdict search_run(struct search *s, enum search_how how, struct err *err);

#endif
