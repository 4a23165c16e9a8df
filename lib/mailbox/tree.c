/*
 * Folders of a Maildir++ (directories ".A.B" in the Maildir). Called through tree.h. Changes of the
 * tree hold the lock postern.tree.lock in the Maildir. A folder is made under a name that nobody
 * lists and then renamed, so that it is there whole or not at all; a deleted one is renamed away
 * and then emptied. Owns nothing.
 */
#include "mailbox/tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cursor.h"
#include "base/mem.h"
#include "base/rand.h"
#include "base/sys.h"
#include "base/time.h"
#include "mailbox/index_impl.h"
#include "mailbox/maildir_impl.h"
#include "mailbox/name.h"

#define TREE_LOCK	 "postern.tree.lock"
#define UIDVALIDITY_FILE "postern.uidvalidity"
#define HIDDEN		 "..postern-" /* no folder's directory begins so: an empty level */
#define DIR_MODE	 0700

static enum verdict
tree_lock(const struct maildir *md, int *fd_out, struct err *err)
{
	enum verdict v;

	*fd_out = sys_open_beneath(maildir_dir(md), TREE_LOCK, O_RDWR | O_CREAT, 0600);
	if (*fd_out < 0)
		return maildir_failed(err, errno, "open " TREE_LOCK);
	v = lock_take(*fd_out, err);
	if (v != VERDICT_OK)
		sys_close(*fd_out);
	return v;
}

/* Closing gives the lock back. */
static void
tree_unlock(int fd)
{
	sys_close(fd);
}

void
tree_names_free(struct tree_names *names)
{
	str_free(&names->text);
	mem_free(names->v);
	*names = (struct tree_names){ .v = NULL };
}

static int
name_compare(const void *pa, const void *pb)
{
	const struct span *a = pa, *b = pb;
	bool ai = mailbox_name_is_inbox(*a), bi = mailbox_name_is_inbox(*b);

	return ai != bi ? bi - ai : span_cmp(*a, *b);
}

/* The text, names ended by LF, becomes spans in order. */
static void
names_finish(struct tree_names *names)
{
	struct span rest = str_span(&names->text), name;
	size_t n = 0;

	for (size_t i = 0; i < rest.n; i++)
		n += rest.p[i] == '\n';
	names->v = mem_alloc_array(n + 1, sizeof(*names->v));
	names->n = 0;
	while (span_cut(rest, '\n', &name, &rest))
		names->v[names->n++] = name;
	qsort(names->v, names->n, sizeof(*names->v), name_compare);
}

/* Opens the Maildir for listing; NULL with errno. */
static DIR *
tree_open_dir(int dir, const char *name)
{
	int fd = sys_open_beneath(dir, name, MAILDIR_OPEN_DIR, 0);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);

	if (fd >= 0 && !d)
		sys_close(fd);
	return d;
}

static bool
is_folder(int dir, const struct dirent *e)
{
	struct stat st;

	if (e->d_type != DT_UNKNOWN)
		return e->d_type == DT_DIR;
	return fstatat(dir, e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode);
}

enum verdict
tree_list(const struct maildir *md, struct tree_names *out, struct err *err)
{
	DIR *d = tree_open_dir(maildir_dir(md), ".");
	struct dirent *e;
	unsigned n = 0;
	int sys;

	*out = (struct tree_names){ .text = STR_INIT(LIMIT_MAILBOX_FOLDERS * 1024) };
	if (!d)
		return maildir_failed(err, errno, "list folders");
	str_puts(&out->text, "INBOX\n");
	while ((errno = 0, e = readdir(d)) != NULL && n < LIMIT_MAILBOX_FOLDERS) {
		size_t begin = out->text.n;

		if (e->d_name[0] != '.' || !is_folder(dirfd(d), e))
			continue;
		if (!mailbox_name_from_disk(span_str(e->d_name), &out->text))
			continue;
		if (!str_putc(&out->text, '\n'))
			str_cut(&out->text, begin);
		n++;
	}
	sys = errno;
	closedir(d);
	names_finish(out);
	return sys ? maildir_failed(err, sys, "list folders") : VERDICT_OK;
}

/* The checked name and its directory. VERDICT_PERM for INBOX unless INBOX_OK. */
static enum verdict
name_resolve(struct span name, struct str *checked, struct str *disk, struct err *err)
{
	enum verdict v;

	str_init(checked, LIMIT_MAILBOX_NAME);
	str_init(disk, LIMIT_MAIL_FILE_NAME + 1);
	v = mailbox_name_check(name, checked, err);
	if (v == VERDICT_OK)
		v = mailbox_name_to_disk(str_span(checked), disk, err);
	return v;
}

static void
hidden_name(struct str *out, const char *what)
{
	str_printf(out, HIDDEN "%s-%016jx", what, (uintmax_t)rand_u64());
}

/* A folder's directories under the name FRESH. */
static bool
folder_make(int dir, const char *fresh)
{
	static const char *const parts[] = { "tmp", "cur", "new" };
	int fd, mark;
	bool good;

	if (sys_mkdirat(dir, fresh, DIR_MODE) != 0)
		return false;
	fd = sys_open_beneath(dir, fresh, MAILDIR_OPEN_DIR, 0);
	good = fd >= 0;
	for (size_t i = 0; i < ARRAY_LEN(parts) && good; i++)
		good = sys_mkdirat(fd, parts[i], DIR_MODE) == 0;
	if (good) {
		/* Courier's mark of a folder that is no INBOX. */
		mark = sys_open_beneath(fd, "maildirfolder", O_WRONLY | O_CREAT, 0600);
		if (mark >= 0)
			sys_close(mark);
		good = sys_fsync(fd) == 0;
	}
	if (fd >= 0)
		sys_close(fd);
	return good;
}

static void
remove_files(int dir, const char *name)
{
	DIR *d = tree_open_dir(dir, name);
	struct dirent *e;

	while (d && (e = readdir(d)) != NULL)
		if (span_find(span_str(e->d_name), '.') != 0 ||
		    (e->d_name[1] && e->d_name[1] != '.'))
			sys_unlinkat(dirfd(d), e->d_name, 0);
	if (d)
		closedir(d);
	sys_unlinkat(dir, name, AT_REMOVEDIR);
}

/* A folder's directory with all in it, as far as that goes; what stays, tree_sweep meets again. */
static void
remove_folder(int dir, const char *name)
{
	static const char *const parts[] = { "tmp", "cur", "new" };
	int fd = sys_open_beneath(dir, name, MAILDIR_OPEN_DIR, 0);

	if (fd < 0)
		return;
	for (size_t i = 0; i < ARRAY_LEN(parts); i++)
		remove_files(fd, parts[i]);
	sys_close(fd);
	remove_files(dir, name);
}

enum verdict
tree_create(const struct maildir *md, struct span name, struct err *err)
{
	struct str checked, disk, fresh = STR_INIT(64);
	enum verdict v = name_resolve(name, &checked, &disk, err);
	int dir = maildir_dir(md), lock = -1, sys = 0;

	if (v == VERDICT_OK && disk.n == 0)
		v = err_set(err, VERDICT_PERM, "the mailbox exists");
	if (v == VERDICT_OK && (span_find(name, '*') < name.n || span_find(name, '%') < name.n))
		v = err_set(err, VERDICT_PERM, "a mailbox name has no * and no %%");
	if (v == VERDICT_OK)
		v = tree_lock(md, &lock, err);
	if (v != VERDICT_OK)
		goto out;
	hidden_name(&fresh, "new");
	if (!folder_make(dir, str_cstr(&fresh)) ||
	    sys_renameat_new(dir, str_cstr(&fresh), dir, str_cstr(&disk)) != 0) {
		sys = errno;
		remove_folder(dir, str_cstr(&fresh));
	} else if (sys_fsync(dir) != 0) {
		sys = errno;
	}
	if (sys == EEXIST)
		v = err_set(err, VERDICT_PERM, "the mailbox exists");
	else if (sys)
		v = maildir_failed(err, sys, "make mailbox");
	tree_unlock(lock);
out:
	str_free(&fresh);
	str_free(&checked);
	str_free(&disk);
	return v;
}

enum verdict
tree_delete(struct maildir *md, struct span name, struct err *err)
{
	struct str checked, disk, away = STR_INIT(64);
	enum verdict v = name_resolve(name, &checked, &disk, err);
	int dir = maildir_dir(md), lock = -1;

	if (v == VERDICT_OK && disk.n == 0)
		v = err_set(err, VERDICT_PERM, "INBOX cannot be deleted");
	if (v == VERDICT_OK)
		v = tree_lock(md, &lock, err);
	if (v != VERDICT_OK)
		goto out;
	hidden_name(&away, "gone");
	if (sys_renameat_new(dir, str_cstr(&disk), dir, str_cstr(&away)) != 0)
		v = errno == ENOENT ? err_set(err, VERDICT_ABSENT, "no such mailbox")
				    : maildir_failed(err, errno, "delete mailbox");
	else if (sys_fsync(dir) != 0)
		v = maildir_failed(err, errno, "delete mailbox");
	tree_unlock(lock);
	if (v == VERDICT_OK)
		remove_folder(dir, str_cstr(&away));
out:
	str_free(&away);
	str_free(&checked);
	str_free(&disk);
	return v;
}

void
tree_sweep(const struct maildir *md)
{
	DIR *d = tree_open_dir(maildir_dir(md), ".");
	struct dirent *e;
	int lock;

	if (d && tree_lock(md, &lock, NULL) == VERDICT_OK) {
		while ((e = readdir(d)) != NULL)
			if (span_starts(span_str(e->d_name), span_lit(HIDDEN)))
				remove_folder(maildir_dir(md), e->d_name);
		tree_unlock(lock);
	}
	if (d)
		closedir(d);
}

/* The directory that FOLDER has when FROM becomes TO; false: it is neither FROM nor below it. */
static bool
renamed_disk(struct span folder, struct span from, struct span to, struct str *out)
{
	struct str name = STR_INIT(LIMIT_MAILBOX_NAME);
	bool below = span_eq(folder, from) ||
		     (span_starts(folder, from) && folder.p[from.n] == MAILBOX_SEPARATOR);
	bool good;

	str_reset(out);
	str_put(&name, to);
	str_put(&name, span_from(folder, from.n));
	good =
	    below && !name.full && mailbox_name_to_disk(str_span(&name), out, NULL) == VERDICT_OK;
	str_free(&name);
	return good;
}

struct renaming {
	const struct maildir *md;
	struct tree_names names;
	struct span from, to;
};

/* Renames the I-th folder, or takes that back. 1: done, 0: it is not concerned, -1 with errno. */
static int
rename_one(const struct renaming *r, size_t i, bool back)
{
	struct str old = STR_INIT(LIMIT_MAIL_FILE_NAME + 1),
		   fresh = STR_INIT(LIMIT_MAIL_FILE_NAME + 1);
	struct span folder = r->names.v[i];
	int dir = maildir_dir(r->md), done = 0;

	if (!mailbox_name_is_inbox(folder) && renamed_disk(folder, r->from, r->to, &fresh) &&
	    mailbox_name_to_disk(folder, &old, NULL) == VERDICT_OK) {
		const char *a = str_cstr(&old), *b = str_cstr(&fresh);

		done = sys_renameat_new(dir, back ? b : a, dir, back ? a : b) == 0 ? 1 : -1;
	}
	str_free(&old);
	str_free(&fresh);
	return done;
}

/* Names that would be too long are found before anything is renamed. */
static enum verdict
rename_check(const struct renaming *r, struct err *err)
{
	struct str disk = STR_INIT(LIMIT_MAIL_FILE_NAME + 1);
	bool good = true;
	size_t n = 0;

	for (size_t i = 0; i < r->names.n; i++) {
		struct span folder = r->names.v[i];
		bool below =
		    span_eq(folder, r->from) ||
		    (span_starts(folder, r->from) && folder.p[r->from.n] == MAILBOX_SEPARATOR);

		n += below;
		good = good && (!below || renamed_disk(folder, r->from, r->to, &disk));
	}
	str_free(&disk);
	if (n == 0)
		return err_set(err, VERDICT_ABSENT, "no such mailbox");
	return good ? VERDICT_OK
		    : err_set(err, VERDICT_PERM, "a mailbox below would have too long a name");
}

static enum verdict
rename_all(const struct renaming *r, struct err *err)
{
	enum verdict v = rename_check(r, err);
	int done = 0, sys;
	size_t i;

	for (i = 0; v == VERDICT_OK && i < r->names.n && done >= 0; i++)
		done = rename_one(r, i, false);
	if (v == VERDICT_OK && done < 0) {
		sys = errno;
		for (i--; i-- > 0;)
			rename_one(r, i, true);
		v = sys == EEXIST ? err_set(err, VERDICT_PERM, "a mailbox of that name exists")
				  : maildir_failed(err, sys, "rename mailbox");
	}
	if (v == VERDICT_OK && sys_fsync(maildir_dir(r->md)) != 0)
		v = maildir_failed(err, errno, "rename mailbox");
	return v;
}

enum verdict
tree_rename(struct maildir *md, struct span from, struct span to, struct err *err)
{
	struct renaming r = { .md = md };
	struct str checked[2], disk[2];
	enum verdict v = name_resolve(from, &checked[0], &disk[0], err);
	enum verdict w = name_resolve(to, &checked[1], &disk[1], err);
	int lock = -1;

	v = v != VERDICT_OK ? v : w;
	r.from = str_span(&checked[0]);
	r.to = str_span(&checked[1]);
	if (v == VERDICT_OK && (disk[0].n == 0 || disk[1].n == 0))
		v = err_set(err, VERDICT_PERM, "INBOX keeps its name");
	if (v == VERDICT_OK && span_starts(r.to, r.from) &&
	    (r.to.n == r.from.n || r.to.p[r.from.n] == MAILBOX_SEPARATOR))
		v = err_set(err, VERDICT_PERM, "a mailbox cannot become one below itself");
	if (v == VERDICT_OK)
		v = tree_lock(md, &lock, err);
	if (v == VERDICT_OK) {
		v = tree_list(md, &r.names, err);
		if (v == VERDICT_OK)
			v = rename_all(&r, err);
		tree_names_free(&r.names);
		tree_unlock(lock);
	}
	for (size_t i = 0; i < ARRAY_LEN(checked); i++) {
		str_free(&checked[i]);
		str_free(&disk[i]);
	}
	return v;
}

enum verdict
tree_new_uidvalidity(const struct maildir *md, uint32_t *out, struct err *err)
{
	struct str text = STR_INIT(64);
	uint64_t last = 0, now = time_wall() / NS_PER_S;
	struct cursor c;
	int lock;
	enum verdict v = tree_lock(md, &lock, err);

	if (v != VERDICT_OK)
		return v;
	if (file_read(maildir_dir(md), UIDVALIDITY_FILE, &text, NULL) == VERDICT_OK) {
		c = cursor_of(str_span(&text));
		cursor_u64(&c, UINT32_MAX - 1, &last);
	}
	*out = (uint32_t)(now > last ? now : last + 1);
	str_reset(&text);
	str_printf(&text, "%u\n", *out);
	/* Lost in a power cut, the clock stands in for it. */
	v = file_replace(maildir_dir(md), UIDVALIDITY_FILE, str_span(&text), false, err);
	tree_unlock(lock);
	str_free(&text);
	return v;
}

static bool
names_have(const struct tree_names *names, struct span name)
{
	for (size_t i = 0; i < names->n; i++)
		if (span_eq(names->v[i], name))
			return true;
	return false;
}

enum verdict
tree_subscribed(const struct maildir *md, struct tree_names *out, struct err *err)
{
	struct str text = STR_INIT(LIMIT_MAILBOX_FOLDERS * 1024);
	enum verdict v = file_read(maildir_dir(md), "subscriptions", &text, err);
	struct span rest = str_span(&text), line;

	*out = (struct tree_names){ .text = STR_INIT(LIMIT_MAILBOX_FOLDERS * 1024) };
	while (span_token(&rest, span_lit("\n"), &line)) {
		struct str disk = STR_INIT(2 * LIMIT_MAILBOX_NAME);

		/* A directory's name without the dot before it, as in Dovecot's file; INBOX is
		 * itself. */
		str_putc(&disk, '.');
		str_put(&disk, line);
		if (mailbox_name_is_inbox(line))
			str_puts(&out->text, "INBOX\n");
		else if (mailbox_name_from_disk(str_span(&disk), &out->text))
			str_putc(&out->text, '\n');
		str_free(&disk);
	}
	names_finish(out);
	str_free(&text);
	return v == VERDICT_ABSENT ? VERDICT_OK : v;
}

static bool
put_subscription(struct str *text, struct span name)
{
	struct str disk = STR_INIT(LIMIT_MAIL_FILE_NAME + 1);
	bool good = mailbox_name_to_disk(name, &disk, NULL) == VERDICT_OK;

	if (good)
		str_put(text, disk.n ? span_from(str_span(&disk), 1) : span_lit("INBOX"));
	str_free(&disk);
	return good && str_putc(text, '\n');
}

enum verdict
tree_subscribe(const struct maildir *md, struct span name, bool on, struct err *err)
{
	struct str checked, disk, text = STR_INIT(LIMIT_MAILBOX_FOLDERS * 1024);
	struct tree_names names = { .v = NULL };
	enum verdict v = name_resolve(name, &checked, &disk, err);
	int lock = -1;

	if (v == VERDICT_OK)
		v = tree_lock(md, &lock, err);
	if (v != VERDICT_OK)
		goto out;
	v = tree_subscribed(md, &names, err);
	if (v == VERDICT_OK && names_have(&names, str_span(&checked)) != on) {
		for (size_t i = 0; i < names.n; i++)
			if (!span_eq(names.v[i], str_span(&checked)))
				put_subscription(&text, names.v[i]);
		if (on && !put_subscription(&text, str_span(&checked)))
			v = err_set(err, VERDICT_LIMIT, "too many subscriptions");
		if (v == VERDICT_OK)
			v = file_replace(
			    maildir_dir(md), "subscriptions", str_span(&text), true, err);
	}
	tree_names_free(&names);
	tree_unlock(lock);
out:
	str_free(&text);
	str_free(&checked);
	str_free(&disk);
	return v;
}
