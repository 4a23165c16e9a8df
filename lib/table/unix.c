/*
 * unix:passwd.byname and unix:group.byname: the system's accounts and groups as /etc/passwd and
 * /etc/group hold them, read into memory; the value is the line. No name service is asked: NSS
 * modules would run inside of the walls. A line of "+" or "-" (NIS) is no account.
 */
#include "table/driver.h"
#include "table/entries.h"

static const struct {
	struct span name;
	const char *path;
} unix_files[] = {
	{ SPAN("passwd.byname"), "/etc/passwd" },
	{ SPAN("group.byname"), "/etc/group" },
};

static void
unix_take(struct entries *e, struct span text)
{
	struct span line, name, rest;

	while (text.n > 0) {
		span_cut(text, '\n', &line, &text);
		if (span_cut(line, ':', &name, &rest) && name.n > 0 && name.n <= LIMIT_TABLE_KEY &&
		    name.p[0] != '+' && name.p[0] != '-' && name.p[0] != '#')
			entries_add(e, name, line);
	}
}

static enum verdict
unix_open(struct table *t, struct span name, struct err *err)
{
	struct str text;
	enum verdict v;
	size_t i = 0;

	t->state = entries_new();
	while (i < ARRAY_LEN(unix_files) && !span_eq(unix_files[i].name, name))
		i++;
	if (i == ARRAY_LEN(unix_files))
		return err_set(err, VERDICT_PERM,
		    "%s: there are unix:passwd.byname and unix:group.byname", t->spec);
	table_watch_start(&t->watch, span_str(unix_files[i].path));
	v = table_read_file(unix_files[i].path, &text, err);
	if (v == VERDICT_OK)
		unix_take(t->state, str_span(&text));
	str_free(&text);
	return v;
}

static enum verdict
unix_lookup(struct table *t, struct span key, struct str *out, struct err *err)
{
	(void)err;
	return entries_get(t->state, key, out);
}

static enum verdict
unix_walk(struct table *t, table_walk_fn *fn, void *arg, struct err *err)
{
	(void)err;
	entries_walk(t->state, fn, arg);
	return VERDICT_OK;
}

static void
unix_close(struct table *t)
{
	entries_free(t->state);
}

const struct table_driver table_driver_unix = {
	"unix",
	0,
	unix_open,
	unix_lookup,
	unix_walk,
	unix_close,
};
