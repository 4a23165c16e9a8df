/* Addresses on their way through tables: completed, cut, joined. */
#ifndef REWRITE_ADDRESS_H
#define REWRITE_ADDRESS_H

#include "rewrite/search.h"

/* An address with its canonical text, which tables are asked with. */
struct named {
	struct address a;
	struct span text;
};

/*
 * TEXT as an address with a domain: myorigin when it has none, mydomain behind one of a single
 * label when append_dot_mydomain says so. Lies in ARENA. VERDICT_PERM, as of address_parse.
 */
enum verdict named_parse(const struct rewrite *rw, struct span text, struct arena *arena,
    struct named *out, struct err *err);
/* A with EXTENSION ("+x") behind its user. */
enum verdict named_extend(
    const struct named *a, struct span extension, struct arena *arena, struct named *out);
/* For lookups; VERDICT_TEMP when it cannot be told whether the domain is ours. */
enum verdict named_keys(
    const struct rewrite *rw, const struct named *a, struct table_address *out, struct err *err);

/*
 * What a table says an address is: a list of addresses, or "@domain", which keeps the user of FROM.
 * EXTENSION is put behind each user. FN gets them one by one; VERDICT_TEMP (and logged: WHAT is the
 * parameter) when one is malformed or there is none.
 */
typedef enum verdict named_fn(const struct named *a, void *arg, struct err *err);
enum verdict named_each(const struct rewrite *rw, const char *what, const struct named *from,
    struct span value, struct span extension, struct arena *arena, named_fn *fn, void *arg,
    struct err *err);

/* Is WORD in the list TEXT of words? */
bool words_have(struct span text, struct span word);

#endif
