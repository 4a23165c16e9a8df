/* Local aliases: aliases(5), in alias_maps. */
#ifndef REWRITE_ALIASES_H
#define REWRITE_ALIASES_H

#include "rewrite/address.h"

/*
 * What the alias of the local address A stands for, one by one. VERDICT_ABSENT: it is none;
 * VERDICT_TEMP: it names a command, a file or :include:, or is malformed.
 */
enum verdict alias_each(const struct rewrite *rw, const struct named *a, struct arena *arena,
    named_fn *fn, void *arg, struct err *err);

/*
 * canonical.c: SPECIFIC (by the side of the mail that the address is on), then canonical_maps;
 * *A becomes what they make of it.
 */
enum verdict canonical_apply(const struct rewrite *rw, enum rewrite_list specific, struct named *a,
    struct arena *arena, struct err *err);

#endif
