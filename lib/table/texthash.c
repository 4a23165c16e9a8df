/*
 * texthash:/file, the text that postmap would make a hash of, read into memory as it stands. Lines
 * are those of postmap(1); a line that is none is noted and left out, of two with one key the first
 * counts.
 */
#include "table/driver.h"
#include "table/entries.h"

static void
texthash_line(struct table *t, struct span line, unsigned number)
{
	struct span key, value;
	const char *why;
	enum entries_added added;

	if (!table_split_line(line, &key, &value, &why)) {
		table_note(t, number, "%s: ignored", why);
		return;
	}
	added = entries_add(t->state, key, value);
	if (added == ENTRIES_DUPLICATE)
		table_note(t, number, "duplicate entry: \"%.*s\"", SPAN_ARG(key));
	else if (added == ENTRIES_FULL)
		table_note(t, number, "too much for memory: ignored");
}

static enum verdict
texthash_open(struct table *t, struct span name, struct err *err)
{
	t->state = entries_new();
	return table_read(t, name, texthash_line, err);
}

static enum verdict
texthash_lookup(struct table *t, struct span key, struct str *out, struct err *err)
{
	(void)err;
	return entries_get(t->state, key, out);
}

static enum verdict
texthash_walk(struct table *t, table_walk_fn *fn, void *arg, struct err *err)
{
	(void)err;
	entries_walk(t->state, fn, arg);
	return VERDICT_OK;
}

static void
texthash_close(struct table *t)
{
	entries_free(t->state);
}

const struct table_driver table_driver_texthash = {
	"texthash",
	0,
	texthash_open,
	texthash_lookup,
	texthash_walk,
	texthash_close,
};
