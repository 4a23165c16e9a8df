/*
 * A table and the rows of all types. Called by sets and by postmap. What every type has in common
 * is here: the name, the folding of keys, the bounds of keys and values, and that a table which
 * could not be opened fails each lookup (it is never taken for an empty one).
 */
#include "table/table.h"

#include "base/cclass.h"
#include "base/mem.h"
#include "table/driver.h"

static const struct table_driver *const drivers[] = {
	&table_driver_hash,
	&table_driver_btree,
	&table_driver_texthash,
	&table_driver_inline,
	&table_driver_cidr,
	&table_driver_pcre,
	&table_driver_regexp,
	&table_driver_static,
	&table_driver_unix,
	&table_driver_fail,
};

/* Types of Postfix that we do not have: their names are known, so that they are refused as what
 * they are. */
static const struct span foreign_types =
    SPAN("cdb dbm debug environ internal ldap lmdb memcache mongodb mysql netinfo nis nisplus "
	 "pgsql pipemap randmap sdbm "
	 "socketmap sqlite tcp unionmap");

static const struct table_driver *
driver_find(struct span type)
{
	for (size_t i = 0; i < ARRAY_LEN(drivers); i++)
		if (span_eq(type, span_str(drivers[i]->type)))
			return drivers[i];
	return NULL;
}

/* "proxy:" asked another process of Postfix to do what rewrite does for all here. */
static bool
spec_split(struct span spec, struct span *type_out, struct span *name_out)
{
	const struct span proxy = span_lit("proxy:");

	if (span_starts(spec, proxy))
		spec = span_from(spec, proxy.n);
	return span_cut(spec, ':', type_out, name_out) && type_out->n > 0;
}

bool
table_is_spec(struct span text)
{
	struct span type, name, word, rest = foreign_types;

	if (!spec_split(text, &type, &name))
		return false;
	if (span_eq(type, span_lit("unix")))
		return span_ends(name, span_lit(".byname"));
	while (span_token(&rest, span_lit(" "), &word))
		if (span_eq(word, type))
			return true;
	return driver_find(type) != NULL;
}

enum verdict
table_open(struct span spec, struct table **out, struct err *err)
{
	struct table *t = mem_alloc(sizeof(*t));
	struct span type, name;
	enum verdict v = VERDICT_OK;

	t->spec = mem_strdup(span_head(spec, LIMIT_TABLE_NAME));
	str_init(&t->key, LIMIT_TABLE_KEY);
	str_init(&t->notes, LIMIT_TABLE_NOTES);
	*out = t;
	if (!spec_split(spec, &type, &name) || name.n == 0)
		v = err_set(&t->broken, VERDICT_PERM, "%s is not type:name", t->spec);
	else if (spec.n > LIMIT_TABLE_NAME)
		v = err_set(&t->broken, VERDICT_PERM, "a table's name is longer than %d bytes",
		    LIMIT_TABLE_NAME);
	else if (!(t->driver = driver_find(type)))
		v = err_set(&t->broken, VERDICT_PERM, "%s: Postern has no tables of type %.*s",
		    t->spec, SPAN_ARG(type));
	else
		v = t->driver->open(t, name, &t->broken);
	if (v != VERDICT_OK && err)
		*err = t->broken;
	return v;
}

void
table_close(struct table *t)
{
	if (t->driver)
		t->driver->close(t);
	table_watch_stop(&t->watch);
	mem_free(t->spec);
	str_free(&t->key);
	str_free(&t->notes);
	mem_free(t);
}

struct span
table_spec(const struct table *t)
{
	return span_str(t->spec);
}

struct span
table_notes(const struct table *t)
{
	return str_span(&t->notes);
}

bool
table_is_pattern(const struct table *t)
{
	return t->driver && (t->driver->flags & TABLE_PATTERN);
}

bool
table_changed(struct table *t)
{
	return table_watch_changed(&t->watch);
}

void
table_note(struct table *t, unsigned number, const char *fmt, ...)
{
	struct str text = STR_INIT(LIMIT_ERR_TEXT);
	va_list ap;

	va_start(ap, fmt);
	str_vprintf(&text, fmt, ap);
	va_end(ap);
	if (number)
		str_printf(&t->notes, "%s, %s %u: %s\n", t->watch.path ? t->watch.path : t->spec,
		    t->watch.path ? "line" : "rule", number, str_cstr(&text));
	else
		str_printf(&t->notes, "%s: %s\n", t->spec, str_cstr(&text));
	str_free(&text);
}

static struct span
key_fold(struct table *t, struct span key)
{
	str_reset(&t->key);
	for (size_t i = 0; i < key.n; i++)
		str_putc(&t->key, ascii_lower(key.p[i]));
	return str_span(&t->key);
}

enum verdict
table_lookup(struct table *t, struct span key, struct str *value_out, struct err *err)
{
	enum verdict v;

	str_reset(value_out);
	if (t->broken.verdict != VERDICT_OK)
		return err_set(err, VERDICT_TEMP, "%s", t->broken.text);
	if (!table_is_pattern(t)) {
		/* A NUL could make "a\0" of a peer the key "a" of a file that counts a NUL behind
		 * each. */
		if (key.n == 0 || key.n > LIMIT_TABLE_KEY || span_find(key, '\0') < key.n)
			return err_set(err, VERDICT_ABSENT, "no key of %s", t->spec);
		key = key_fold(t, key);
	}
	v = t->driver->lookup(t, key, value_out, err);
	if (v == VERDICT_OK && value_out->full)
		return err_set(err, VERDICT_TEMP, "%s: the value is longer than %zu bytes", t->spec,
		    value_out->max);
	return v;
}

enum verdict
table_walk(struct table *t, table_walk_fn *fn, void *arg, struct err *err)
{
	if (t->broken.verdict != VERDICT_OK)
		return err_set(err, VERDICT_TEMP, "%s", t->broken.text);
	if (!t->driver->walk)
		return err_set(
		    err, VERDICT_PERM, "%s: a table of this type cannot be listed", t->spec);
	return t->driver->walk(t, fn, arg, err);
}

bool
table_split_line(
    struct span line, struct span *key_out, struct span *value_out, const char **why_out)
{
	bool quoted = false;
	size_t i = 0;

	line = span_trim(line);
	for (; i < line.n && (quoted || !cclass_is(line.p[i], CC_SPACE)); i++) {
		if (line.p[i] == '\\' && i + 1 < line.n)
			i++;
		else if (line.p[i] == '"')
			quoted = !quoted;
	}
	*key_out = span_head(line, i);
	*value_out = span_trim(span_from(line, i));
	*why_out = NULL;
	if (quoted)
		*why_out = "there is a \" without its pair";
	else if (key_out->n == 0 || value_out->n == 0)
		*why_out = "expected format: key whitespace value";
	else if (key_out->p[key_out->n - 1] == ':')
		*why_out = "this is \"key: value\": is it a file of aliases?";
	else if (key_out->n > LIMIT_TABLE_KEY)
		*why_out = "the key is too long";
	return *why_out == NULL;
}
