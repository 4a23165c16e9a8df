/* Address classes: whose an address is, by its domain. Postfix's ADDRESS_CLASS_README in one table.
 */
#ifndef REWRITE_CLASSES_H
#define REWRITE_CLASSES_H

#include "conf/conf.h"
#include "ipc/types.h"

struct class_rule {
	enum address_class class;
	struct span transport; /* service of master.cf */
	struct span nexthop;   /* empty: the domain */
};

/* Never fails: what is nobody's is ADDRESS_DEFAULT. DOMAIN in lower case; empty: this host. */
void class_of_domain(const struct conf *conf, struct span domain, struct class_rule *out);
/* Is DOMAIN one of LIST, which may name parents as ".parent"? */
bool class_list_has(struct span list, struct span domain);

#endif
