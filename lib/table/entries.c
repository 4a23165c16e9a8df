/*
 * A map of keys and values with the memory they lie in. Used by texthash, inline and unix. Owns
 * copies of all. Limit: ENTRIES_MEMORY. Must never replace a value that is there: the first line
 * counts, as in Postfix.
 */
#include "table/entries.h"

#include "base/cclass.h"
#include "base/mem.h"

#define ENTRIES_MEMORY ((size_t)1 << 30) /* bytes: a file of LIMIT_TABLE_FILE with short lines */

struct entry {
	struct span key;
	struct span value;
};

struct entries *
entries_new(void)
{
	struct entries *e = mem_alloc(sizeof(*e));

	arena_init(&e->arena, ENTRIES_MEMORY);
	map_init(&e->by_key);
	return e;
}

void
entries_free(struct entries *e)
{
	if (!e)
		return;
	map_free(&e->by_key);
	arena_free(&e->arena);
	mem_free(e);
}

enum entries_added
entries_add(struct entries *e, struct span key, struct span value)
{
	struct entry *entry = arena_alloc(&e->arena, sizeof(*entry) + key.n + value.n);
	char *p;

	if (!entry)
		return ENTRIES_FULL;
	p = (char *)(entry + 1);
	for (size_t i = 0; i < key.n; i++)
		p[i] = ascii_lower(key.p[i]);
	entry->key = span_of(p, key.n);
	entry->value = span_of(p + key.n, value.n);
	if (value.n > 0)
		memcpy(p + key.n, value.p, value.n);
	if (map_get(&e->by_key, entry->key))
		return ENTRIES_DUPLICATE;
	map_put(&e->by_key, entry->key, entry);
	return ENTRIES_ADDED;
}

enum verdict
entries_get(const struct entries *e, struct span key, struct str *out)
{
	const struct entry *entry = map_get(&e->by_key, key);

	if (!entry)
		return VERDICT_ABSENT;
	str_put(out, entry->value);
	return VERDICT_OK;
}

void
entries_walk(const struct entries *e, table_walk_fn *fn, void *arg)
{
	size_t pos = 0;
	const struct entry *entry;

	while ((entry = map_next(&e->by_key, &pos)) != NULL)
		if (!fn(entry->key, entry->value, arg))
			return;
}
