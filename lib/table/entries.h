/* Keys and values in memory, for the types that are read whole. Keys come folded. */
#ifndef TABLE_ENTRIES_H
#define TABLE_ENTRIES_H

#include "base/arena.h"
#include "base/map.h"
#include "table/table.h"

struct entries {
	struct arena arena;
	struct map by_key;
};

struct entries *entries_new(void);
/* E may be NULL. */
void entries_free(struct entries *e);
enum entries_added { ENTRIES_ADDED, ENTRIES_DUPLICATE, ENTRIES_FULL };
/* Both are copied, the key in lower case. What was there first stays. */
enum entries_added entries_add(struct entries *e, struct span key, struct span value);
/* VERDICT_OK and the value behind what OUT holds, or VERDICT_ABSENT. */
enum verdict entries_get(const struct entries *e, struct span key, struct str *out);
void entries_walk(const struct entries *e, table_walk_fn *fn, void *arg);

#endif
