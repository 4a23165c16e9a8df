/*
 * All tables of a process, and the files that its lists are read from. Each is opened once, however
 * many parameters name it. Called by rewrite when it starts, and by its timer to find what has
 * changed. Limits: LIMIT_TABLES.
 */
#include "base/map.h"
#include "base/mem.h"
#include "table/driver.h"

struct table_set {
	struct map by_spec;
	struct table *v[LIMIT_TABLES];
	size_t n;
	struct table_watch files[LIMIT_TABLES];
	size_t files_n;
};

struct table_set *
table_set_new(void)
{
	struct table_set *set = mem_alloc(sizeof(*set));

	map_init(&set->by_spec);
	return set;
}

void
table_set_free(struct table_set *set)
{
	for (size_t i = 0; i < set->n; i++)
		table_close(set->v[i]);
	for (size_t i = 0; i < set->files_n; i++)
		table_watch_stop(&set->files[i]);
	map_free(&set->by_spec);
	mem_free(set);
}

struct table *
table_set_find(const struct table_set *set, struct span spec)
{
	return map_get(&set->by_spec, spec);
}

struct table *
table_set_at(const struct table_set *set, size_t i)
{
	return i < set->n ? set->v[i] : NULL;
}

enum verdict
table_set_open(struct table_set *set, struct span spec, struct table **out, struct err *err)
{
	enum verdict v;

	*out = table_set_find(set, spec);
	if (*out)
		return VERDICT_OK;
	if (set->n == LIMIT_TABLES) {
		/* The last one stands for all that are too many: it was opened, but not for this.
		 */
		*out = NULL;
		return err_set(err, VERDICT_PERM, "more than %d tables", LIMIT_TABLES);
	}
	v = table_open(spec, out, err);
	set->v[set->n++] = *out;
	map_put(&set->by_spec, table_spec(*out), *out);
	return v;
}

void
table_set_watch(struct table_set *set, const char *path)
{
	for (size_t i = 0; i < set->files_n; i++)
		if (strcmp(set->files[i].path, path) == 0)
			return;
	if (set->files_n < LIMIT_TABLES)
		table_watch_start(&set->files[set->files_n++], span_str(path));
}

struct span
table_set_changed(struct table_set *set)
{
	struct span found = { NULL, 0 };

	/* All are looked at: a change counts at the second look. */
	for (size_t i = 0; i < set->n; i++)
		if (table_changed(set->v[i]) && found.n == 0)
			found = table_spec(set->v[i]);
	for (size_t i = 0; i < set->files_n; i++)
		if (table_watch_changed(&set->files[i]) && found.n == 0)
			found = span_str(set->files[i].path);
	return found;
}
