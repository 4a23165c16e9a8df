/*
 * Building hash and btree tables. Called by postmap and postalias. The new file is name.db.new,
 * opened without following links and locked, so that two who build do not mix; it must be a regular
 * file of our own with one name, since the directory may be one that others can write to. libdb
 * gets it as /proc/self/fd/N: it opens no name that somebody could have changed meanwhile. Owns the
 * lock, both descriptors and the database until commit or abort.
 */
#include "table/build.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/cclass.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/sys.h"
#include "table/db_internal.h"

#define BUILD_CACHE (16u << 20) /* bytes of pages: a table that is built is written once */
#define LOCK_TRIES  100		/* others who built the same meanwhile */

struct table_build {
	DBTYPE type;
	unsigned flags;
	mode_t mode;
	char *old_path; /* name.db */
	char *file;	/* its last part */
	char *new_file; /* with .new */
	int dir;
	int fd;
	DB *db;
	struct str key, value; /* as they are stored */
	struct err *copying;   /* of table_build_copy */
};

bool
table_build_can(struct span type)
{
	return db_type(type) != DB_UNKNOWN;
}

static struct table_build *
build_new(DBTYPE type, const char *name, unsigned flags, mode_t mode)
{
	struct table_build *b = mem_alloc(sizeof(*b));
	struct span whole = span_str(name);
	struct span file =
	    span_from(whole, span_rfind(whole, '/') < whole.n ? span_rfind(whole, '/') + 1 : 0);
	struct str text = STR_INIT(LIMIT_TABLE_NAME + 8);

	*b =
	    (struct table_build){ .type = type, .flags = flags, .mode = mode, .dir = -1, .fd = -1 };
	str_init(&b->key, LIMIT_TABLE_KEY + 1);
	str_init(&b->value, LIMIT_TABLE_VALUE + 1);
	str_printf(&text, "%s.db", name);
	b->old_path = mem_strdup(str_span(&text));
	str_reset(&text);
	str_printf(&text, "%.*s.db", SPAN_ARG(file));
	b->file = mem_strdup(str_span(&text));
	str_puts(&text, ".new");
	b->new_file = mem_strdup(str_span(&text));
	str_free(&text);
	return b;
}

static void
build_free(struct table_build *b)
{
	if (b->db)
		db_close(b->db);
	if (b->fd >= 0)
		sys_close(b->fd);
	if (b->dir >= 0)
		sys_close(b->dir);
	str_free(&b->key);
	str_free(&b->value);
	mem_free(b->old_path);
	mem_free(b->file);
	mem_free(b->new_file);
	mem_free(b);
}

void
table_build_abort(struct table_build *b)
{
	if (b->fd >= 0)
		sys_unlinkat(b->dir, b->new_file, 0);
	build_free(b);
}

static enum verdict
build_open_dir(struct table_build *b, struct err *err)
{
	struct span path = span_str(b->old_path);
	size_t slash = span_rfind(path, '/');
	char *dir =
	    mem_strdup(slash == path.n ? span_lit(".") : span_head(path, slash ? slash : 1));
	enum verdict v = VERDICT_OK;

	b->dir = sys_openat(AT_FDCWD, dir, O_RDONLY | O_DIRECTORY, 0);
	if (b->dir < 0)
		v = err_sys(err, errno, "open %s", dir);
	mem_free(dir);
	return v;
}

/* What stands under the new file's name must be what another build of ours left or holds. */
static enum verdict
build_check_new(const struct table_build *b, const struct stat *st, struct err *err)
{
	if (!S_ISREG(st->st_mode) || st->st_uid != geteuid() || st->st_nlink > 1)
		return err_set(err, VERDICT_PERM,
		    "%s.new is not a file that we made: look at it, and remove it", b->old_path);
	return VERDICT_OK;
}

/* The new file, locked. VERDICT_ABSENT: who had the lock has put it in place meanwhile. */
static enum verdict
build_try_new(struct table_build *b, struct err *err)
{
	struct stat st, there;
	enum verdict v;

	b->fd = sys_openat(
	    b->dir, b->new_file, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, 0600);
	if (b->fd < 0 && errno == ELOOP)
		return err_set(
		    err, VERDICT_PERM, "%s.new is a link: look at it, and remove it", b->old_path);
	if (b->fd < 0)
		return err_sys(err, errno, "open %s.new", b->old_path);
	if (fstat(b->fd, &st) < 0)
		return err_sys(err, errno, "stat %s.new", b->old_path);
	if ((v = build_check_new(b, &st, err)) != VERDICT_OK)
		return v;
	if (flock(b->fd, LOCK_EX) < 0)
		return err_sys(err, errno, "lock %s.new", b->old_path);
	if (fstatat(b->dir, b->new_file, &there, AT_SYMLINK_NOFOLLOW) == 0 &&
	    there.st_ino == st.st_ino && there.st_dev == st.st_dev && there.st_nlink == 1)
		return VERDICT_OK;
	sys_close(b->fd);
	b->fd = -1;
	return VERDICT_ABSENT;
}

static enum verdict
build_open_new(struct table_build *b, struct err *err)
{
	enum verdict v = VERDICT_ABSENT;

	for (int i = 0; i < LOCK_TRIES && v == VERDICT_ABSENT; i++)
		v = build_try_new(b, err);
	if (v == VERDICT_ABSENT)
		return err_set(
		    err, VERDICT_TEMP, "%s is being built by others, over and over", b->old_path);
	if (v != VERDICT_OK) {
		/* Not ours: it stays where it is. */
		if (b->fd >= 0)
			sys_close(b->fd);
		b->fd = -1;
		return v;
	}
	if (sys_ftruncate(b->fd, 0) < 0)
		return err_sys(err, errno, "truncate %s.new", b->old_path);
	return VERDICT_OK;
}

static enum verdict
build_open_db(struct table_build *b, struct err *err)
{
	struct str path = STR_INIT(64);
	int code = db_create(&b->db, NULL, 0);

	str_printf(&path, "/proc/self/fd/%d", b->fd);
	if (code == 0) {
		b->db->set_errcall(b->db, db_silent);
		b->db->set_cachesize(b->db, 0, BUILD_CACHE, 1);
		code = b->db->open(
		    b->db, NULL, str_cstr(&path), NULL, b->type, DB_CREATE | DB_TRUNCATE, 0600);
	}
	str_free(&path);
	if (code != 0)
		return err_set(err, VERDICT_TEMP, "make %s: %s", b->old_path, db_strerror(code));
	return VERDICT_OK;
}

enum verdict
table_build_begin(struct span type, const char *name, unsigned flags, mode_t mode,
    struct table_build **out, struct err *err)
{
	struct table_build *b;
	enum verdict v;

	*out = NULL;
	if (!table_build_can(type))
		return err_set(err, VERDICT_PERM,
		    "tables of type %.*s are not built: hash and btree are", SPAN_ARG(type));
	if (strlen(name) > LIMIT_TABLE_NAME)
		return err_set(
		    err, VERDICT_PERM, "the name is longer than %d bytes", LIMIT_TABLE_NAME);
	b = build_new(db_type(type), name, flags, mode);
	v = build_open_dir(b, err);
	if (v == VERDICT_OK)
		v = build_open_new(b, err);
	if (v == VERDICT_OK)
		v = build_open_db(b, err);
	if (v == VERDICT_OK)
		*out = b;
	else
		table_build_abort(b);
	return v;
}

/* TEXT as it is stored. */
static DBT
build_dbt(const struct table_build *b, struct str *s, struct span text, bool fold)
{
	str_reset(s);
	for (size_t i = 0; i < text.n; i++)
		str_putc(s, fold ? ascii_lower(text.p[i]) : text.p[i]);
	if (!(b->flags & TABLE_BUILD_NO_NUL))
		str_putc(s, '\0');
	return (DBT){ .data = s->p, .size = (uint32_t)s->n };
}

enum verdict
table_build_put(struct table_build *b, struct span key, struct span value, bool replace,
    bool *added_out, struct err *err)
{
	DBT k = build_dbt(b, &b->key, key, !(b->flags & TABLE_BUILD_KEEP_CASE));
	DBT v = build_dbt(b, &b->value, value, false);
	int code;

	*added_out = false;
	if (b->key.full || b->value.full || key.n == 0)
		return err_set(err, VERDICT_PERM,
		    "the key or the value of \"%.*s\" is too long, or the key empty",
		    SPAN_ARG(span_head(key, 64)));
	code = b->db->put(b->db, NULL, &k, &v, replace ? 0 : DB_NOOVERWRITE);
	if (code == DB_KEYEXIST)
		return VERDICT_OK;
	if (code != 0)
		return err_set(
		    err, VERDICT_TEMP, "write %s.new: %s", b->old_path, db_strerror(code));
	*added_out = true;
	return VERDICT_OK;
}

enum verdict
table_build_delete(struct table_build *b, struct span key, struct err *err)
{
	DBT k = build_dbt(b, &b->key, key, !(b->flags & TABLE_BUILD_KEEP_CASE));
	int code = b->db->del(b->db, NULL, &k, 0);

	if (code == DB_NOTFOUND)
		return err_set(err, VERDICT_ABSENT, "no such key in %s", b->old_path);
	if (code != 0)
		return err_set(
		    err, VERDICT_TEMP, "write %s.new: %s", b->old_path, db_strerror(code));
	return VERDICT_OK;
}

static bool
build_copy_entry(struct span key, struct span value, void *arg)
{
	struct table_build *b = arg;
	unsigned flags = b->flags;
	bool added;
	enum verdict v;

	/* What was stored in capitals stays so. */
	b->flags |= TABLE_BUILD_KEEP_CASE;
	v = table_build_put(b, key, value, true, &added, b->copying);
	b->flags = flags;
	return v == VERDICT_OK;
}

enum verdict
table_build_copy(struct table_build *b, struct err *err)
{
	struct err why = ERR_NONE;
	enum verdict v;
	DB *old;
	int code;

	if (access(b->old_path, F_OK) < 0 && errno == ENOENT)
		return err_set(err, VERDICT_ABSENT, "there is no %s", b->old_path);
	v = db_open(b->old_path, b->type, &old, err);
	if (v != VERDICT_OK)
		return v;
	b->copying = &why;
	code = db_each(old, build_copy_entry, b);
	db_close(old);
	if (why.verdict != VERDICT_OK) {
		*err = why;
		return why.verdict;
	}
	if (code != 0)
		return err_set(err, VERDICT_TEMP, "read %s: %s", b->old_path, db_strerror(code));
	return VERDICT_OK;
}

enum verdict
table_build_commit(struct table_build *b, struct err *err)
{
	int code = b->db->close(b->db, 0);
	enum verdict v = VERDICT_OK;

	b->db = NULL;
	if (code != 0)
		v = err_set(err, VERDICT_TEMP, "write %s.new: %s", b->old_path, db_strerror(code));
	else if (sys_fchmod(b->fd, b->mode) < 0 || sys_fsync(b->fd) < 0)
		v = err_sys(err, errno, "write %s.new", b->old_path);
	else if (sys_renameat(b->dir, b->new_file, b->dir, b->file) < 0)
		v = err_sys(err, errno, "rename %s.new to %s", b->old_path, b->old_path);
	if (v != VERDICT_OK) {
		table_build_abort(b);
		return v;
	}
	if (sys_fsync(b->dir) < 0)
		v = err_sys(err, errno, "sync the directory of %s", b->old_path);
	build_free(b);
	return v;
}
