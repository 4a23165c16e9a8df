/*
 * hash: and btree:, Berkeley DB files as postmap and Postfix's postmap make them: name.db. Read
 * only; the file is opened once, before the walls, and never mapped, so that one which is cut short
 * by other tools is a failed read, not a SIGBUS. Keys and values may have a NUL behind them: which
 * it is the first key that is found tells. libdb trusts its files: they belong to the postmaster.
 */
#include "table/db_internal.h"

#include <errno.h>
#include <unistd.h>

#include "base/mem.h"
#include "table/driver.h"

#define DB_CACHE (1u << 20) /* bytes of pages kept, for each table */

struct db_state {
	DB *db;
	bool with_nul;	  /* keys may have a NUL */
	bool without_nul; /* they may have none; both at first */
};

void
db_silent(const DB_ENV *env, const char *prefix, const char *text)
{
	(void)env;
	(void)prefix;
	(void)text;
}

DBTYPE
db_type(struct span type)
{
	if (span_eq(type, span_lit("hash")))
		return DB_HASH;
	return span_eq(type, span_lit("btree")) ? DB_BTREE : DB_UNKNOWN;
}

struct span
db_text(const DBT *dbt)
{
	struct span s = span_of(dbt->data, dbt->size);

	return s.n > 0 && s.p[s.n - 1] == '\0' ? span_head(s, s.n - 1) : s;
}

enum verdict
db_open(const char *path, DBTYPE type, DB **out, struct err *err)
{
	DB *db = NULL;
	int code = db_create(&db, NULL, 0);

	*out = NULL;
	if (code == 0) {
		db->set_errcall(db, db_silent);
		db->set_cachesize(db, 0, DB_CACHE, 1);
		code = db->open(db, NULL, path, NULL, type, DB_RDONLY | DB_NOMMAP, 0);
	}
	if (code == 0) {
		*out = db;
		return VERDICT_OK;
	}
	if (db)
		db_close(db);
	if (code == EACCES)
		return err_set(err, VERDICT_TEMP, "open %s: Permission denied (for uid %u)", path,
		    (unsigned)geteuid());
	if (code == EINVAL)
		return err_set(err, VERDICT_TEMP, "open %s: it is no database of this type", path);
	return err_set(err, VERDICT_TEMP, "open %s: %s", path, db_strerror(code));
}

void
db_close(DB *db)
{
	db->close(db, DB_NOSYNC);
}

int
db_each(DB *db, bool (*fn)(struct span key, struct span value, void *arg), void *arg)
{
	DBT key = { .size = 0 }, value = { .size = 0 };
	DBC *cursor;
	int code = db->cursor(db, NULL, &cursor, 0);

	if (code != 0)
		return code;
	while ((code = cursor->c_get(cursor, &key, &value, DB_NEXT)) == 0)
		if (!fn(db_text(&key), db_text(&value), arg))
			break;
	cursor->c_close(cursor);
	return code == DB_NOTFOUND ? 0 : code;
}

/* Postfix says this too: the postmaster has edited the text and not run postmap. */
static void
note_if_older(struct table *t, struct span name)
{
	char *text = mem_strdup(name);
	struct stat source, made;

	if (stat(text, &source) == 0 && stat(t->watch.path, &made) == 0 &&
	    source.st_mtime > made.st_mtime)
		table_note(t, 0, "database %s is older than source file %s", t->watch.path, text);
	mem_free(text);
}

static enum verdict
indexed_open(struct table *t, struct span name, DBTYPE type, struct err *err)
{
	struct db_state *s = mem_alloc(sizeof(*s));
	struct str path = STR_INIT(LIMIT_TABLE_NAME + 3);

	t->state = s;
	s->with_nul = s->without_nul = true;
	str_printf(&path, "%.*s.db", SPAN_ARG(name));
	table_watch_start(&t->watch, str_span(&path));
	str_free(&path);
	note_if_older(t, name);
	return db_open(t->watch.path, type, &s->db, err);
}

static enum verdict
hash_open(struct table *t, struct span name, struct err *err)
{
	return indexed_open(t, name, DB_HASH, err);
}

static enum verdict
btree_open(struct table *t, struct span name, struct err *err)
{
	return indexed_open(t, name, DB_BTREE, err);
}

static enum verdict
indexed_get(struct table *t, struct span key, struct str *out, struct err *err)
{
	struct db_state *s = t->state;
	DBT k = { .size = (uint32_t)key.n }, v = { .size = 0 };
	int code;

	/* libdb does not change a key, but says nothing of it. */
	k.data = (void *)(uintptr_t)key.p;
	code = s->db->get(s->db, NULL, &k, &v, 0);
	if (code == DB_NOTFOUND)
		return VERDICT_ABSENT;
	if (code != 0)
		return err_set(err, VERDICT_TEMP, "%s: %s", t->spec, db_strerror(code));
	str_put(out, db_text(&v));
	return VERDICT_OK;
}

static enum verdict
indexed_lookup(struct table *t, struct span key, struct str *out, struct err *err)
{
	struct db_state *s = t->state;
	enum verdict v = VERDICT_ABSENT;

	/* KEY lies in t->key, where a NUL fits behind it. */
	if (s->with_nul) {
		str_cstr(&t->key);
		v = indexed_get(t, span_of(t->key.p, key.n + 1), out, err);
		if (v == VERDICT_OK)
			s->without_nul = false;
	}
	if (v == VERDICT_ABSENT && s->without_nul) {
		v = indexed_get(t, key, out, err);
		if (v == VERDICT_OK)
			s->with_nul = false;
	}
	return v;
}

static enum verdict
indexed_walk(struct table *t, table_walk_fn *fn, void *arg, struct err *err)
{
	struct db_state *s = t->state;
	int code = db_each(s->db, fn, arg);

	if (code != 0)
		return err_set(err, VERDICT_TEMP, "%s: %s", t->spec, db_strerror(code));
	return VERDICT_OK;
}

static void
indexed_close(struct table *t)
{
	struct db_state *s = t->state;

	if (s && s->db)
		db_close(s->db);
	mem_free(s);
}

const struct table_driver table_driver_hash = {
	"hash",
	0,
	hash_open,
	indexed_lookup,
	indexed_walk,
	indexed_close,
};
const struct table_driver table_driver_btree = {
	"btree",
	0,
	btree_open,
	indexed_lookup,
	indexed_walk,
	indexed_close,
};
