/*
 * postern fsck: the accounts' Maildirs. Called by fsck.c. Each account is looked at by a process of
 * its own that has become it, with its home as the only way in, as its files may hold anything; it
 * says what it finds, and its counts come back by a pipe. Mending is what the mailbox library does
 * at an opening, made to happen now. Never removes a message.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/str.h"
#include "base/sys.h"
#include "login/passwd.h"
#include "mailbox/mailbox.h"
#include "mailbox/name.h"
#include "mailbox/tree.h"
#include "mailbox/verify.h"
#include "sandbox/sandbox.h"
#include "tools/fsck.h"

#define FILE_MOST (256u << 20) /* bytes of the user database: as many as authd reads */
#define TEXT	  4096

/* What is done about a fault. */
enum cure { CURE_NONE, CURE_SCAN, CURE_REMOVE };

static const struct {
	const char *what;
	enum cure cure;
	const char *remedy;
} faults[MAILDIR_FAULTS] = {
	[MAILDIR_NO_PART] = { "is missing", CURE_SCAN, "makes it" },
	[MAILDIR_INDEX_BROKEN] = { "is no index that can be read", CURE_SCAN,
	    "makes a new one of the messages; clients read the folder anew" },
	[MAILDIR_UNKNOWN] = { "is a message that the index does not know", CURE_SCAN,
	    "reads the folder" },
	[MAILDIR_GONE] = { "is a message of the index, and there is no such file", CURE_SCAN,
	    "reads the folder" },
	[MAILDIR_TWICE] = { "is the second file of one message", CURE_SCAN,
	    "makes it a message of its own" },
	[MAILDIR_NO_MESSAGE] = { "is no message, and lies among them", CURE_NONE, NULL },
	[MAILDIR_OWNER] = { "is somebody else's, or its owner may not read it", CURE_NONE, NULL },
	[MAILDIR_SIZE] = { "has another size than its name says", CURE_NONE, NULL },
	[MAILDIR_STALE] = { "was left over long ago", CURE_REMOVE, "removes it" },
	[MAILDIR_SAME_ID] = { "has the same index, as one of the two folders was copied: remove "
			      "postern.index from the copy",
	    CURE_NONE, NULL },
};

/* One account, in its own process. */
struct visit {
	struct fsck *f;
	struct span user;
	uid_t uid;
	gid_t gid;
	int home;
	struct str where;
	struct str scan;   /* folders to be read, as directories' names, each ended by NUL */
	struct str remove; /* files to be removed, below the Maildir, likewise */
	unsigned scans, removals;
};

static const char *
visit_where(struct visit *y, struct span folder, struct span name)
{
	str_reset(&y->where);
	str_printf(
	    &y->where, "%s: %s", log_escape(y->user), folder.n ? log_escape(folder) : "INBOX");
	if (name.n > 0)
		str_printf(&y->where, "/%s", log_escape(name));
	return str_cstr(&y->where);
}

/* Done when all has been looked at: nothing changes under the eyes of who looks. */
static void
remember(struct visit *y, enum cure cure, const struct maildir_trouble *t)
{
	if (cure == CURE_SCAN) {
		y->scans++;
		str_put(&y->scan, t->folder);
		str_putc(&y->scan, '\0');
		return;
	}
	y->removals++;
	str_put(&y->remove, t->folder);
	str_putc(&y->remove, t->folder.n ? '/' : '.');
	if (t->folder.n == 0)
		str_putc(&y->remove, '/');
	str_put(&y->remove, t->name);
	str_putc(&y->remove, '\0');
}

static void
trouble(const struct maildir_trouble *t, void *arg)
{
	struct visit *y = arg;

	if (fsck_found(y->f, visit_where(y, t->folder, t->name), faults[t->fault].what,
		faults[t->fault].remedy))
		remember(y, faults[t->fault].cure, t);
}

/* Reads new/ and cur/ of a folder, whatever the index believes of their times. */
static enum verdict
folder_scan(struct maildir *md, struct span directory, struct err *err)
{
	struct str name = STR_INIT(LIMIT_MAILBOX_NAME + 1);
	struct mailbox *mb = NULL;
	enum verdict v;

	if (directory.n == 0)
		str_puts(&name, "INBOX");
	else
		(void)mailbox_name_from_disk(directory, &name);
	v = mailbox_open(md, str_span(&name), &mb, err);
	if (v == VERDICT_OK &&
	    sys_futimens(mailbox_folder(mb)->new,
		(const struct timespec[2]){ { 0, UTIME_NOW }, { 0, UTIME_NOW } }) != 0)
		v = err_sys(err, errno, "set the time of new");
	if (v == VERDICT_OK)
		v = mailbox_refresh(mb, err);
	if (v == VERDICT_OK)
		v = mailbox_sync_blocking(mb, err);
	mailbox_close(mb);
	str_free(&name);
	return v;
}

/* Each folder once, however many faults it had. */
static void
cure_scans(struct visit *y, struct maildir *md)
{
	struct span rest = str_span(&y->scan), directory, last = span_of(NULL, 0);
	struct err err = ERR_NONE;
	enum verdict v = VERDICT_OK;

	while (span_cut(rest, '\0', &directory, &rest)) {
		bool again = last.p && span_eq(last, directory);

		if (!again)
			v = folder_scan(md, directory, &err);
		last = directory;
		y->f->mended += v == VERDICT_OK;
		if (again)
			continue;
		if (v == VERDICT_OK)
			printf("%s: mended\n", visit_where(y, directory, span_lit("")));
		else
			printf("%s: not mended: %s\n", visit_where(y, directory, span_lit("")),
			    err.text);
	}
}

static void
cure_removals(struct visit *y, struct maildir *md)
{
	struct span rest = str_span(&y->remove), path;

	/* Folders that were being deleted; files one by one. */
	if (y->removals > 0)
		tree_sweep(md);
	while (span_cut(rest, '\0', &path, &rest)) {
		char *name = mem_strdup(path);
		char *slash = strrchr(name, '/');
		int dir = -1;
		bool good;

		*slash = '\0';
		dir = sys_open_beneath(maildir_dir(md), name, O_RDONLY | O_DIRECTORY, 0);
		good = dir >= 0 && (sys_unlinkat(dir, slash + 1, 0) == 0 || errno == ENOENT);
		fsck_done(y->f, visit_where(y, span_lit(""), path), good, strerrordesc_np(errno));
		if (dir >= 0)
			sys_close(dir);
		mem_free(name);
	}
}

static void
cure(struct visit *y)
{
	struct maildir_place place = {
		.home = y->home,
		.path = y->f->conf->home_mailbox,
		.host = y->f->conf->myhostname,
	};
	struct err err = ERR_NONE;
	struct maildir *md;

	if (y->scans + y->removals == 0)
		return;
	place.proc_fd = sys_openat(AT_FDCWD, "/proc/self/fd", O_PATH | O_DIRECTORY, 0);
	if (maildir_open(&place, &md, &err) != VERDICT_OK) {
		fsck_done(y->f, visit_where(y, span_lit(""), span_lit("")), false, err.text);
		return;
	}
	cure_scans(y, md);
	cure_removals(y, md);
	maildir_close(md);
}

/* In the account's process. */
static void
visit_run(struct visit *y)
{
	struct maildir_census census = { 0, 0 };
	struct err err = ERR_NONE;
	enum verdict v = VERDICT_OK;

	if (geteuid() == 0)
		v = sandbox_drop_identity(y->uid, y->gid, NULL, 0, false, &err);
	if (v == VERDICT_OK)
		v = maildir_verify(y->home, y->f->conf->home_mailbox, trouble, y, &census, &err);
	if (v != VERDICT_OK && v != VERDICT_ABSENT)
		fsck_failed(y->f, visit_where(y, span_lit(""), span_lit("")), err.text);
	cure(y);
	y->f->folders = census.folders;
	y->f->messages = census.messages;
}

static void
counts_add(struct fsck *f, const struct fsck *more)
{
	f->found += more->found;
	f->mendable += more->mendable;
	f->mended += more->mended;
	f->failed += more->failed;
	f->folders += more->folders;
	f->messages += more->messages;
}

/* A process for it: it says what it finds, and then its counts. */
static void
visit_start(struct visit *y)
{
	struct fsck own = { .conf = y->f->conf, .fix = y->f->fix }, *all = y->f;
	int fds[2];
	pid_t pid;

	fflush(stdout);
	pid = pipe2(fds, O_CLOEXEC) == 0 ? fork() : -1;
	if (pid == 0) {
		y->f = &own;
		visit_run(y);
		_exit(fflush(stdout) == 0 && sys_write_all(fds[1], &own, sizeof(own)) == 0 ? 0 : 1);
	}
	if (pid < 0) {
		fsck_failed(all, log_escape(y->user), strerrordesc_np(errno));
		return;
	}
	sys_close(fds[1]);
	if (sys_read(fds[0], &own, sizeof(own)) == sizeof(own))
		counts_add(all, &own);
	else
		fsck_failed(all, log_escape(y->user), "its process ended too early");
	sys_close(fds[0]);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

/* Its home, opened and judged as master does at a birth. */
static bool
home_open(struct visit *y, struct span home)
{
	char *path = mem_strdup(home);
	struct str what = STR_INIT(TEXT);
	struct stat st;

	y->home = sys_openat(AT_FDCWD, path, O_PATH | O_DIRECTORY | O_NOFOLLOW, 0);
	if (y->home < 0)
		str_printf(&what, "its home %s: %s: mail for it waits in the queue",
		    log_escape(home), strerrordesc_np(errno));
	else if (fstat(y->home, &st) != 0 || st.st_uid != y->uid)
		str_printf(&what,
		    "its home %s belongs to uid %u, not to %u: mail for it waits in "
		    "the queue",
		    log_escape(home), (unsigned)st.st_uid, (unsigned)y->uid);
	if (what.n > 0)
		fsck_found(y->f, log_escape(y->user), str_cstr(&what), NULL);
	mem_free(path);
	str_free(&what);
	return what.n == 0;
}

static bool
id_of(struct span field, struct span maps, uint32_t *out)
{
	uint64_t n;

	if (field.n == 0)
		return passwd_static_id(maps, out);
	if (!num_parse_u64(field, UINT32_MAX - 1, &n))
		return false;
	*out = (uint32_t)n;
	return true;
}

static void
account_check(struct fsck *f, const struct passwd_line *line)
{
	struct visit y = { .f = f,
		.user = line->user,
		.home = -1,
		.where = STR_INIT(TEXT),
		.scan = STR_INIT(LIMIT_MAILBOX_INDEX),
		.remove = STR_INIT(LIMIT_MAILBOX_INDEX) };
	struct str home = STR_INIT(TEXT);

	f->accounts++;
	str_put(&home, line->home);
	if (!passwd_user_valid(line->user) ||
	    !id_of(line->uid, f->conf->virtual_uid_maps, &y.uid) ||
	    !id_of(line->gid, f->conf->virtual_gid_maps, &y.gid) ||
	    (home.n == 0 && !passwd_home(f->conf->virtual_mailbox_base, line->user, &home)))
		fsck_found(f, log_escape(line->user), "has no uid, gid or home", NULL);
	else if (y.uid < f->conf->virtual_minimum_uid)
		fsck_found(f, log_escape(line->user), "has a uid below virtual_minimum_uid", NULL);
	else if (geteuid() != 0 && geteuid() != y.uid)
		fsck_failed(f, log_escape(line->user), "it is another user's: only root can");
	else if (home_open(&y, str_span(&home)))
		visit_start(&y);
	if (y.home >= 0)
		sys_close(y.home);
	str_free(&y.where);
	str_free(&home);
}

void
fsck_mail(struct fsck *f)
{
	struct str text = STR_INIT(FILE_MOST);
	struct span rest, line;
	struct stat st;
	ssize_t n = -1;
	int fd;

	if (f->conf->auth_passwd_file.n == 0)
		return;
	char *path = mem_strdup(f->conf->auth_passwd_file);
	fd = sys_openat(AT_FDCWD, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0);
	if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size < (off_t)FILE_MOST)
		n = sys_pread_all(
		    fd, str_reserve(&text, (size_t)st.st_size + 1), (size_t)st.st_size, 0);
	if (n < 0 && (fd >= 0 || errno != ENOENT))
		fsck_failed(f, path, fd < 0 ? strerrordesc_np(errno) : "no file, or too large");
	if (fd >= 0)
		sys_close(fd);
	mem_free(path);
	str_grew(&text, n < 0 ? 0 : (size_t)n);
	rest = str_span(&text);
	while (span_token(&rest, span_lit("\n"), &line)) {
		struct passwd_line account;

		if (passwd_line_parse(line, &account))
			account_check(f, &account);
	}
	str_free(&text);
}
