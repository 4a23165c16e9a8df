/*
 * inline:{ key=value, { key = text with blanks }, ... }: a small table in main.cf itself.
 */
#include "table/driver.h"
#include "table/entries.h"

static void
inline_entry(struct table *t, struct span text, unsigned number)
{
	struct span key, value;
	bool cut = span_cut(text, '=', &key, &value);

	key = span_trim(key);
	if (!cut || key.n == 0 || key.n > LIMIT_TABLE_KEY)
		table_note(t, number, "expected format: key=value");
	else if (entries_add(t->state, key, span_trim(value)) == ENTRIES_DUPLICATE)
		table_note(t, number, "duplicate entry: \"%.*s\"", SPAN_ARG(key));
}

static enum verdict
inline_open(struct table *t, struct span name, struct err *err)
{
	t->state = entries_new();
	if (name.n < 2 || name.p[0] != '{')
		return err_set(err, VERDICT_PERM, "%s: write inline:{ key=value, ... }", t->spec);
	return table_read(t, name, inline_entry, err);
}

static enum verdict
inline_lookup(struct table *t, struct span key, struct str *out, struct err *err)
{
	(void)err;
	return entries_get(t->state, key, out);
}

static enum verdict
inline_walk(struct table *t, table_walk_fn *fn, void *arg, struct err *err)
{
	(void)err;
	entries_walk(t->state, fn, arg);
	return VERDICT_OK;
}

static void
inline_close(struct table *t)
{
	entries_free(t->state);
}

const struct table_driver table_driver_inline = {
	"inline",
	0,
	inline_open,
	inline_lookup,
	inline_walk,
	inline_close,
};
