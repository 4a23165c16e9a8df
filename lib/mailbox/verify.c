/*
 * A Maildir looked at without changing anything (mailbox/verify.h). Called by `postern fsck`, in a
 * process that is the account's. Owns what it has listed while it runs. The folder's lock is held
 * while its files are listed and its index is read, so that no change of ours falls between; what
 * other programs change meanwhile shows by the directories' times. Must follow no link, and write
 * nothing.
 */
#include "mailbox/verify.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/map.h"
#include "base/mem.h"
#include "base/sys.h"
#include "base/time.h"
#include "mailbox/index_impl.h"
#include "mailbox/maildir_impl.h"
#include "mailbox/mailfile.h"
#include "mailbox/name.h"

#define STALE_TMP (UINT64_C(36) * 3600 * NS_PER_S) /* of a file in tmp/ (maildir(5)) */
#define STALE_NEW (UINT64_C(3600) * NS_PER_S)	   /* of a file that was to replace another */

struct entry {
	size_t name_at; /* in names */
	size_t name_n;
	bool in_new;
	bool taken;
};

/* A folder whose id is known. */
struct box {
	unsigned char id[INDEX_ID];
	char *name; /* its directory's */
};

struct verifying {
	maildir_trouble_fn *fn;
	void *arg;
	struct maildir_census census;
	uid_t owner;
	struct map ids; /* struct box, owned */
	/* of the folder that is looked at */
	struct span folder;
	int dir, new, cur, tmp;
	struct str names;
	struct entry *v;
	size_t n, cap;
	struct map by_base;
};

static void
tell(struct verifying *y, enum maildir_fault fault, struct span name, uint32_t uid)
{
	struct maildir_trouble t = { fault, y->folder, name, uid };

	y->fn(&t, y->arg);
}

static DIR *
dir_list(int dir)
{
	int fd = sys_open_beneath(dir, ".", MAILDIR_OPEN_DIR, 0);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);

	if (fd >= 0 && !d)
		sys_close(fd);
	return d;
}

/* Where NAME says a size it is the file's. */
static void
entry_check(struct verifying *y, int dir, const char *name, bool in_new)
{
	struct mailfile file;
	struct stat st;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return; /* another program has just renamed it */
	if (!S_ISREG(st.st_mode) || !mailfile_parse(span_str(name), in_new, &file)) {
		tell(y, MAILDIR_NO_MESSAGE, span_str(name), 0);
		return;
	}
	if (st.st_uid != y->owner || !(st.st_mode & S_IRUSR))
		tell(y, MAILDIR_OWNER, span_str(name), 0);
	if (file.size > 0 && file.size != (uint64_t)st.st_size)
		tell(y, MAILDIR_SIZE, span_str(name), 0);
	if (y->n == LIMIT_MAILBOX_MESSAGES)
		return;
	if (y->n == y->cap) {
		y->cap = y->cap ? 2 * y->cap : 64;
		y->v = mem_resize_array(y->v, y->cap, sizeof(*y->v));
	}
	y->v[y->n++] = (struct entry){ y->names.n, strlen(name), in_new, false };
	str_puts(&y->names, name);
}

static void
messages_list(struct verifying *y, int dir, bool in_new)
{
	DIR *d = dir_list(dir);
	struct dirent *e;

	while (d && (e = readdir(d)) != NULL)
		if (e->d_name[0] != '.')
			entry_check(y, dir, e->d_name, in_new);
	if (d)
		closedir(d);
}

static struct span
entry_name(const struct verifying *y, const struct entry *e)
{
	return span_of(y->names.p + e->name_at, e->name_n);
}

/* By what stays the same when flags change. */
static void
messages_order(struct verifying *y)
{
	map_init(&y->by_base);
	for (size_t i = 0; i < y->n; i++) {
		struct mailfile file;

		(void)mailfile_parse(entry_name(y, &y->v[i]), y->v[i].in_new, &file);
		if (map_get(&y->by_base, file.base))
			tell(y, MAILDIR_TWICE, entry_name(y, &y->v[i]), 0);
		else
			map_put(&y->by_base, file.base, &y->v[i]);
	}
}

static bool
time_eq(struct timespec a, struct timespec b)
{
	return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

/* Whether the next opening reads the directories anyway. */
static bool
scan_will_come(const struct verifying *y, const struct index *ix)
{
	struct stat new, cur;

	return fstat(y->new, &new) != 0 || fstat(y->cur, &cur) != 0 || ix->dirs.recent ||
	       !time_eq(new.st_mtim, ix->dirs.new) || !time_eq(cur.st_mtim, ix->dirs.cur);
}

static void
index_match(struct verifying *y, const struct index *ix, struct span file)
{
	for (size_t i = 0; i < ix->n; i++) {
		struct span stored = index_name_in(file, &ix->v[i]);
		struct mailfile m = { .base = stored };
		struct entry *e;

		if (ix->v[i].flags & MAIL_RAW)
			(void)mailfile_parse(stored, ix->v[i].flags & MAIL_NEW, &m);
		e = map_get(&y->by_base, m.base);
		if (e)
			e->taken = true;
		else
			tell(y, MAILDIR_GONE, stored, ix->v[i].uid);
	}
	for (size_t i = 0; i < y->n; i++) {
		struct mailfile m;

		(void)mailfile_parse(entry_name(y, &y->v[i]), y->v[i].in_new, &m);
		if (!y->v[i].taken && map_get(&y->by_base, m.base) == &y->v[i])
			tell(y, MAILDIR_UNKNOWN, entry_name(y, &y->v[i]), 0);
	}
}

static void
id_check(struct verifying *y, const struct index *ix)
{
	const struct box *other = map_get(&y->ids, span_of(ix->id, INDEX_ID));
	struct box *own;

	if (other) {
		tell(y, MAILDIR_SAME_ID, span_str(*other->name ? other->name : "INBOX"), 0);
		return;
	}
	own = mem_alloc(sizeof(*own));
	memcpy(own->id, ix->id, INDEX_ID);
	own->name = mem_strdup(y->folder);
	map_put(&y->ids, span_of(own->id, INDEX_ID), own);
}

/* A folder that nobody has read yet has none. */
static void
index_verify(struct verifying *y)
{
	struct index ix = { .dir = -1, .fd = -1, .lock = -1 };
	struct str file = STR_INIT(LIMIT_MAILBOX_INDEX);
	enum verdict v = file_read(y->dir, INDEX_FILE, &file, NULL);

	if (v != VERDICT_ABSENT && (v != VERDICT_OK || !index_parse(&ix, str_span(&file)))) {
		tell(y, MAILDIR_INDEX_BROKEN, span_lit(INDEX_FILE), 0);
	} else if (v == VERDICT_OK) {
		id_check(y, &ix);
		if (!scan_will_come(y, &ix))
			index_match(y, &ix, str_span(&file));
	}
	index_forget(&ix);
	str_free(&file);
}

/* Files in DIR older than AGE whose names end in SUFFIX. */
static void
stale_list(struct verifying *y, int dir, const char *prefix, const char *suffix, uint64_t age)
{
	DIR *d = dir_list(dir);
	uint64_t now = time_wall();
	struct dirent *e;
	struct stat st;

	while (d && (e = readdir(d)) != NULL) {
		struct str name = STR_INIT(LIMIT_MAIL_FILE_NAME + 8);

		if (e->d_name[0] == '.' || !span_ends(span_str(e->d_name), span_str(suffix)) ||
		    fstatat(dir, e->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0 ||
		    !S_ISREG(st.st_mode) || st.st_mtim.tv_sec < 0 ||
		    (uint64_t)st.st_mtim.tv_sec * NS_PER_S + age > now)
			continue;
		str_printf(&name, "%s%s", prefix, e->d_name);
		tell(y, MAILDIR_STALE, str_span(&name), 0);
		str_free(&name);
	}
	if (d)
		closedir(d);
}

/* -1: it is missing, which has been told. */
static int
part_open(struct verifying *y, const char *name)
{
	int fd = sys_open_beneath(y->dir, name, MAILDIR_OPEN_DIR, 0);

	if (fd < 0)
		tell(y, MAILDIR_NO_PART, span_str(name), 0);
	return fd;
}

/* The lock, if there is one: -1 else. */
static int
folder_lock(const struct verifying *y)
{
	struct err err = ERR_NONE;
	int fd = sys_open_beneath(y->dir, INDEX_LOCK_FILE, O_RDWR | O_NONBLOCK, 0);

	if (fd >= 0)
		(void)lock_take(fd, &err);
	return fd;
}

static void
close_if(int fd)
{
	if (fd >= 0)
		sys_close(fd);
}

/* The folder in DIR. */
static void
folder_verify(struct verifying *y, int dir, struct span folder)
{
	int lock;

	y->folder = folder;
	y->dir = dir;
	lock = folder_lock(y);
	y->new = part_open(y, "new");
	y->cur = part_open(y, "cur");
	y->tmp = part_open(y, "tmp");
	y->n = 0;
	str_reset(&y->names);
	if (y->new >= 0)
		messages_list(y, y->new, true);
	if (y->cur >= 0)
		messages_list(y, y->cur, false);
	messages_order(y);
	if (y->new >= 0 && y->cur >= 0)
		index_verify(y);
	if (y->tmp >= 0)
		stale_list(y, y->tmp, "tmp/", "", STALE_TMP);
	stale_list(y, y->dir, "", ".new", STALE_NEW);
	map_free(&y->by_base);
	close_if(y->new);
	close_if(y->cur);
	close_if(y->tmp);
	close_if(lock);
	y->census.folders++;
	y->census.messages += y->n;
}

/* Folders below the Maildir: directories of names that a folder may have, and leftovers of deletes.
 */
static void
folders_verify(struct verifying *y, int maildir)
{
	DIR *d = dir_list(maildir);
	struct dirent *e;

	while (d && (e = readdir(d)) != NULL) {
		struct str name = STR_INIT(LIMIT_MAILBOX_NAME + 1);
		int fd;

		if (e->d_name[0] != '.' || strcmp(e->d_name, ".") == 0 ||
		    strcmp(e->d_name, "..") == 0)
			continue;
		fd = sys_open_beneath(maildir, e->d_name, MAILDIR_OPEN_DIR, 0);
		y->folder = span_lit("");
		if (fd >= 0 && span_starts(span_str(e->d_name), span_lit("..postern-")))
			tell(y, MAILDIR_STALE, span_str(e->d_name), 0);
		else if (fd >= 0 && mailbox_name_from_disk(span_str(e->d_name), &name))
			folder_verify(y, fd, span_str(e->d_name));
		close_if(fd);
		str_free(&name);
	}
	if (d)
		closedir(d);
}

static void
ids_free(struct map *ids)
{
	struct box *box;
	size_t at = 0;

	while ((box = map_next(ids, &at)) != NULL) {
		mem_free(box->name);
		mem_free(box);
	}
	map_free(ids);
}

enum verdict
maildir_verify(int home, struct span path, maildir_trouble_fn *fn, void *arg,
    struct maildir_census *census_out, struct err *err)
{
	struct verifying y = { .fn = fn, .arg = arg, .owner = geteuid() };
	char *name = mem_strdup(path);
	int fd = sys_open_beneath(home, name, MAILDIR_OPEN_DIR, 0);
	int sys = errno;

	mem_free(name);
	if (fd < 0 && sys == ENOENT)
		return err_set(err, VERDICT_ABSENT, "there is no Maildir");
	if (fd < 0)
		return err_sys(err, sys, "open the Maildir");
	map_init(&y.ids);
	str_init(&y.names, LIMIT_MAILBOX_INDEX);
	folder_verify(&y, fd, span_lit(""));
	folders_verify(&y, fd);
	ids_free(&y.ids);
	str_free(&y.names);
	mem_free(y.v);
	sys_close(fd);
	*census_out = y.census;
	return VERDICT_OK;
}
