/* Address classes: whose an address is, by its domain. Postfix's ADDRESS_CLASS_README in one table.
 */
#ifndef REWRITE_CLASSES_H
#define REWRITE_CLASSES_H

#include "rewrite/rewrite.h"

/* What is nobody's is ADDRESS_DEFAULT. DOMAIN in lower case. VERDICT_TEMP: it cannot be told. */
enum verdict class_of_domain(
    const struct rewrite *rw, struct span domain, enum address_class *out, struct err *err);
/* The transport, perhaps with ":nexthop", of a class, as the configuration says it. */
struct span class_transport(const struct conf *conf, enum address_class class);
/* "local recipient", for the reply that says who does not know a user. */
const char *class_table(enum address_class class);
/* The reply code to a recipient that nobody knows. */
unsigned class_unknown_code(const struct conf *conf, enum address_class class);

#endif
