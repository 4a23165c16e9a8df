/*
 * A hash table from spans to pointers, seeded per process (SipHash-1-3), so that no peer can choose
 * keys that collide. Open addressing, grows at 3/4 full. The map does not copy keys: they live in
 * the owner's value.
 */
#ifndef BASE_MAP_H
#define BASE_MAP_H

#include "base/span.h"

struct map_slot;

struct map {
	struct map_slot *slots;
	size_t count;
	size_t cap; /* a power of two, or 0 */
	bool nocase;
};

void map_init(struct map *m);
/* Keys that differ in ASCII case alone are the same. */
void map_init_nocase(struct map *m);
void map_free(struct map *m);
/* NULL when KEY is not there. */
void *map_get(const struct map *m, struct span key);
/* VALUE is not NULL; a value that was there is returned, and its key span replaced too. */
void *map_put(struct map *m, struct span key, void *value);
/* The value that was there, or NULL. */
void *map_remove(struct map *m, struct span key);
/* Walks in no order: start with *pos = 0, until it is NULL. The map must not change meanwhile. */
void *map_next(const struct map *m, size_t *pos);

/* The seeded hash itself, for tables with another shape. */
uint64_t map_hash(struct span key);

#endif
