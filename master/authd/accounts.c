/*
 * Reading the passwd file. It belongs to root and is written by `postuser` (rename), but a
 * postmaster edits it too: each line is checked, a mistake is named with its number, and the last
 * good reading stays in force meanwhile. A reading is made in a thread, of memory of its own, and
 * then takes the place of the last one. Called by grants.c and verify.c.
 */
#include "authd/accounts.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/arena.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/str.h"
#include "base/sys.h"
#include "conf/netlist.h"
#include "login/passwd.h"

#define ACCOUNTS_FILE_MAX (256u << 20) /* bytes: a million accounts */
#define READ_WAIT_S	  30
#define SAMPLES		  64 /* passwords that strangers are measured with */

/* One reading of the file: replaced as a whole. */
struct reading {
	char *text;
	size_t text_n;
	struct arena arena;
	struct map by_user;
	struct span samples[SAMPLES];
	size_t samples_n;
};

struct accounts {
	int dir;
	char *name;
	struct account_defaults defaults;
	struct reading *now;
	struct waitq change; /* while a reading is made */
	bool reading;
	struct timespec mtime;
	off_t size;
	ino_t inode;
};

static void
reading_free(struct reading *r)
{
	if (!r)
		return;
	map_free(&r->by_user);
	arena_wipe(&r->arena);
	arena_free(&r->arena);
	mem_wipe(r->text, r->text_n);
	mem_free(r->text);
	mem_free(r);
}

struct accounts *
accounts_new(int dir, const char *name, const struct account_defaults *defaults)
{
	struct accounts *a = mem_alloc(sizeof(*a));

	a->dir = dir;
	a->name = mem_strdup(span_str(name));
	a->defaults = *defaults;
	waitq_init(&a->change);
	return a;
}

void
accounts_free(struct accounts *a)
{
	assert(!a->reading);
	reading_free(a->now);
	mem_free(a->name);
	mem_free(a);
}

static struct span
account_home(const struct accounts *a, struct reading *r, struct span user)
{
	struct str path = STR_INIT(4096);
	struct span out = span_lit("");

	if (a->defaults.base.n > 0 && passwd_home(a->defaults.base, user, &path))
		out = arena_dup(&r->arena, str_span(&path));
	str_free(&path);
	return out;
}

static enum verdict
number_field(struct span text, uint32_t fallback, uint32_t *out)
{
	uint64_t v = fallback;

	if (text.n > 0 && !num_parse_u64(text, UINT32_MAX - 1, &v))
		return VERDICT_PERM;
	*out = (uint32_t)v;
	return VERDICT_OK;
}

/* Extra fields are "key" or "key=value", with blanks between; those of others are not ours to
 * judge. */
static enum verdict
extra_parse(struct account *acc, struct span extra, struct err *err)
{
	struct span item, key, value, bad;

	while (span_token(&extra, span_lit(" \t"), &item)) {
		span_cut(item, '=', &key, &value);
		if (span_eq(key, span_lit("nologin")))
			acc->nologin = true;
		if (!span_eq(key, span_lit("allow_nets")))
			continue;
		if (value.n == 0 || !netlist_valid(value, &bad))
			return err_set(err, VERDICT_PERM,
			    "allow_nets of %.*s is no list of networks", SPAN_ARG(acc->user));
		acc->allow_nets = value;
	}
	return VERDICT_OK;
}

static enum verdict
line_parse(
    const struct accounts *a, struct reading *r, const struct passwd_line *line, struct err *err)
{
	struct account *acc = arena_alloc(&r->arena, sizeof(*acc));

	if (!acc)
		return err_set(err, VERDICT_TEMP, "too many accounts for memory");
	if (!passwd_user_valid(line->user))
		return err_set(err, VERDICT_PERM,
		    "the user name is empty or holds bytes that no name may hold");
	if (number_field(line->uid, a->defaults.uid, &acc->uid) != VERDICT_OK ||
	    number_field(line->gid, a->defaults.gid, &acc->gid) != VERDICT_OK)
		return err_set(
		    err, VERDICT_PERM, "uid or gid of %.*s is not a number", SPAN_ARG(line->user));
	acc->user = line->user;
	acc->password = line->password;
	acc->home = line->home.n ? line->home : account_home(a, r, line->user);
	if (acc->home.n == 0 || acc->home.p[0] != '/')
		return err_set(err, VERDICT_PERM,
		    "%.*s has no home, and virtual_mailbox_base is not set", SPAN_ARG(acc->user));
	if (map_get(&r->by_user, acc->user))
		return err_set(err, VERDICT_PERM, "%.*s is there twice", SPAN_ARG(acc->user));
	if (acc->password.n > 0 && r->samples_n < SAMPLES)
		r->samples[r->samples_n++] = acc->password;
	map_put(&r->by_user, acc->user, acc);
	return extra_parse(acc, line->extra, err);
}

static enum verdict
reading_parse(const struct accounts *a, struct reading *r, struct span text, struct err *err)
{
	struct passwd_line fields;
	struct span line;
	unsigned number = 0;

	while (text.n > 0) {
		span_cut(text, '\n', &line, &text);
		number++;
		if (!passwd_line_parse(line, &fields))
			continue;
		enum verdict v = line_parse(a, r, &fields, err);
		if (v != VERDICT_OK)
			return err_wrap(err, "%s line %u", a->name, number);
	}
	return VERDICT_OK;
}

/* TEXT, of N bytes, is the reading's from here on. */
static enum verdict
reading_make(const struct accounts *a, char *text, size_t n, struct reading **out, struct err *err)
{
	struct reading *r = mem_alloc(sizeof(*r));
	enum verdict v;

	arena_init(&r->arena, ACCOUNTS_FILE_MAX);
	map_init_nocase(&r->by_user);
	r->text = text;
	r->text_n = n;
	v = reading_parse(a, r, span_of(text, n), err);
	if (v == VERDICT_OK)
		*out = r;
	else
		reading_free(r);
	return v;
}

static void
accounts_take(struct accounts *a, struct reading *r)
{
	reading_free(a->now);
	a->now = r;
}

enum verdict
accounts_parse(struct accounts *a, struct span text, struct err *err)
{
	struct reading *r;
	enum verdict v = reading_make(a, mem_strdup(text), text.n, &r, err);

	if (v == VERDICT_OK)
		accounts_take(a, r);
	return v;
}

/* One reading, as a thread makes it. */
struct job {
	const struct accounts *accounts;
	int fd;
	size_t size;
	struct reading *made;
	enum verdict v;
	struct err err;
};

static void
job_run(void *arg)
{
	struct job *job = arg;
	char *text = mem_alloc(job->size + 1);
	ssize_t n = sys_pread_all(job->fd, text, job->size, 0);

	if (n >= 0) {
		job->v = reading_make(job->accounts, text, (size_t)n, &job->made, &job->err);
	} else {
		job->v = err_sys(&job->err, errno, "read %s", job->accounts->name);
		mem_free(text);
	}
}

SUSPENDS
static enum verdict
accounts_read(struct accounts *a, struct pool *pool, int fd, size_t size, struct err *err)
{
	struct job job = { .accounts = a, .fd = fd, .size = size };

	a->reading = true;
	if (pool)
		(void)pool_run(pool, job_run, &job);
	else
		job_run(&job);
	a->reading = false;
	waitq_wake_all(&a->change);
	if (job.v != VERDICT_OK) {
		*err = job.err;
		return job.v;
	}
	accounts_take(a, job.made);
	return VERDICT_OK;
}

static bool
file_is_same(const struct accounts *a, const struct stat *st)
{
	return st->st_ino == a->inode && st->st_size == a->size &&
	       st->st_mtim.tv_sec == a->mtime.tv_sec && st->st_mtim.tv_nsec == a->mtime.tv_nsec;
}

SUSPENDS
enum verdict
accounts_refresh(struct accounts *a, struct pool *pool, struct err *err)
{
	struct stat st;
	enum verdict v = VERDICT_OK;
	int fd;

	/* Somebody reads it already: what that finds is new enough. */
	if (a->reading) {
		v = waitq_wait(&a->change, deadline_after_s(READ_WAIT_S));
		return v == VERDICT_OK ? v : err_set(err, v, "%s is being read", a->name);
	}
	fd = sys_openat(a->dir, a->name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0);
	if (fd < 0)
		return err_sys(err, errno, "open %s", a->name);
	if (fstat(fd, &st) < 0)
		v = err_sys(err, errno, "stat %s", a->name);
	else if (!S_ISREG(st.st_mode))
		v = err_set(err, VERDICT_PERM, "%s is no file", a->name);
	else if (st.st_size > (off_t)ACCOUNTS_FILE_MAX)
		v = err_set(
		    err, VERDICT_PERM, "%s is larger than %u bytes", a->name, ACCOUNTS_FILE_MAX);
	else if (!file_is_same(a, &st)) {
		a->inode = st.st_ino;
		a->size = st.st_size;
		a->mtime = st.st_mtim;
		v = accounts_read(a, pool, fd, (size_t)st.st_size, err);
	}
	sys_close(fd);
	return v;
}

const struct account *
accounts_find(const struct accounts *a, struct span user)
{
	return a->now ? map_get(&a->now->by_user, user) : NULL;
}

bool
account_copy(const struct account *account, struct arena *arena, struct account *out)
{
	*out = *account;
	out->user = arena_dup(arena, account->user);
	out->password = arena_dup(arena, account->password);
	out->home = arena_dup(arena, account->home);
	out->allow_nets = arena_dup(arena, account->allow_nets);
	return out->user.p && out->password.p && out->home.p && out->allow_nets.p;
}

struct span
accounts_sample(const struct accounts *a, uint64_t draw)
{
	if (!a->now || a->now->samples_n == 0)
		return span_lit("");
	return a->now->samples[draw % a->now->samples_n];
}

size_t
accounts_count(const struct accounts *a)
{
	return a->now ? a->now->by_user.count : 0;
}
