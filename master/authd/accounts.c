/*
 * Reading the passwd file. It belongs to root and is written by `postuser` (rename), but a
 * postmaster edits it too: each line is checked, a mistake is named with its number, and the last
 * good reading stays in force meanwhile.
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

#define ACCOUNTS_FILE_MAX (256u << 20) /* bytes: a million accounts */
#define FIELDS		  8

/* One reading of the file: replaced as a whole. */
struct reading {
	char *text;
	struct arena arena;
	struct map by_user;
};

struct accounts {
	int dir;
	char *name;
	struct account_defaults defaults;
	struct reading *now;
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
	return a;
}

void
accounts_free(struct accounts *a)
{
	reading_free(a->now);
	mem_free(a->name);
	mem_free(a);
}

static struct span
account_home(const struct accounts *a, struct reading *r, struct span user)
{
	struct str path = STR_INIT(1024);
	struct span name, domain;

	if (span_cut(user, '@', &name, &domain))
		str_printf(&path, "%.*s/%.*s/%.*s", SPAN_ARG(a->defaults.base), SPAN_ARG(domain),
		    SPAN_ARG(name));
	else
		str_printf(&path, "%.*s/%.*s", SPAN_ARG(a->defaults.base), SPAN_ARG(user));
	struct span out = arena_dup(&r->arena, str_span(&path));
	str_free(&path);
	return out;
}

/* A user's name becomes a directory's and a log line's: no "/", no controls, no leading dot. */
static bool
user_valid(struct span user)
{
	if (user.n == 0 || user.n >= 256 || user.p[0] == '.' ||
	    span_find_span(user, span_lit("@.")) < user.n)
		return false;
	for (size_t i = 0; i < user.n; i++)
		if ((unsigned char)user.p[i] <= ' ' || user.p[i] == 0x7f || user.p[i] == '/')
			return false;
	return true;
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

static enum verdict
line_parse(struct accounts *a, struct reading *r, struct span line, struct err *err)
{
	struct span field[FIELDS] = { { NULL, 0 } };
	struct account *acc = arena_alloc(&r->arena, sizeof(*acc));

	for (size_t i = 0; i < FIELDS; i++)
		span_cut(line, ':', &field[i], &line);
	if (!acc)
		return err_set(err, VERDICT_TEMP, "too many accounts for memory");
	if (!user_valid(field[0]))
		return err_set(err, VERDICT_PERM,
		    "the user name is empty or holds bytes that no name may hold");
	if (number_field(field[2], a->defaults.uid, &acc->uid) != VERDICT_OK ||
	    number_field(field[3], a->defaults.gid, &acc->gid) != VERDICT_OK)
		return err_set(
		    err, VERDICT_PERM, "uid or gid of %.*s is not a number", SPAN_ARG(field[0]));
	acc->user = field[0];
	acc->password = field[1];
	acc->home = field[5].n ? field[5] : account_home(a, r, field[0]);
	if (acc->home.n == 0 || acc->home.p[0] != '/')
		return err_set(err, VERDICT_PERM,
		    "%.*s has no home, and virtual_mailbox_base is not set", SPAN_ARG(field[0]));
	map_put(&r->by_user, acc->user, acc);
	return VERDICT_OK;
}

static enum verdict
reading_parse(struct accounts *a, struct reading *r, struct span text, struct err *err)
{
	struct span line;
	unsigned number = 0;

	while (text.n > 0) {
		span_cut(text, '\n', &line, &text);
		line = span_trim(line);
		number++;
		if (line.n == 0 || line.p[0] == '#')
			continue;
		enum verdict v = line_parse(a, r, line, err);
		if (v != VERDICT_OK)
			return err_wrap(err, "%s line %u", a->name, number);
	}
	return VERDICT_OK;
}

static enum verdict
accounts_read(struct accounts *a, int fd, size_t size, struct err *err)
{
	struct reading *r = mem_alloc(sizeof(*r));
	enum verdict v;
	ssize_t n;

	arena_init(&r->arena, ACCOUNTS_FILE_MAX);
	map_init_nocase(&r->by_user);
	r->text = mem_alloc(size + 1);
	n = sys_pread_all(fd, r->text, size, 0);
	if (n < 0)
		v = err_sys(err, errno, "read %s", a->name);
	else
		v = reading_parse(a, r, span_of(r->text, (size_t)n), err);
	if (v != VERDICT_OK) {
		reading_free(r);
		return v;
	}
	reading_free(a->now);
	a->now = r;
	return VERDICT_OK;
}

enum verdict
accounts_refresh(struct accounts *a, struct err *err)
{
	struct stat st;
	enum verdict v = VERDICT_OK;
	int fd = sys_openat(a->dir, a->name, O_RDONLY | O_NOFOLLOW, 0);

	if (fd < 0)
		return err_sys(err, errno, "open %s", a->name);
	if (fstat(fd, &st) < 0)
		v = err_sys(err, errno, "stat %s", a->name);
	else if (st.st_size > (off_t)ACCOUNTS_FILE_MAX)
		v = err_set(
		    err, VERDICT_PERM, "%s is larger than %u bytes", a->name, ACCOUNTS_FILE_MAX);
	else if (!a->now || st.st_ino != a->inode || st.st_size != a->size ||
		 st.st_mtim.tv_sec != a->mtime.tv_sec || st.st_mtim.tv_nsec != a->mtime.tv_nsec) {
		v = accounts_read(a, fd, (size_t)st.st_size, err);
		a->inode = st.st_ino;
		a->size = st.st_size;
		a->mtime = st.st_mtim;
	}
	sys_close(fd);
	return v;
}

const struct account *
accounts_find(const struct accounts *a, struct span user)
{
	return a->now ? map_get(&a->now->by_user, user) : NULL;
}

size_t
accounts_count(const struct accounts *a)
{
	return a->now ? a->now->by_user.count : 0;
}
