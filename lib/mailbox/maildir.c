/*
 * Directories of a Maildir (Maildir++: the INBOX is the Maildir itself, a folder is a directory
 * ".A.B" in it). Called by the rest of lib/mailbox and by the deliverer. Owns a descriptor of the
 * Maildir. Must never follow a link that the account, or somebody who broke into it, planted: each
 * step is opened beneath the one before.
 */
#include "mailbox/maildir.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <unistd.h>

#include "base/cursor.h"
#include "base/mem.h"
#include "base/sys.h"
#include "base/time.h"
#include "mailbox/maildir_impl.h"
#include "mailbox/name.h"

#define DIR_MODE  0700
#define OPEN_DIR  (O_RDONLY | O_DIRECTORY)
#define NAME_HOST 128 /* bytes of the host in a file's name: 255 are all there is */

struct maildir {
	int dir;
	int proc_fd;
	struct str host;
	_Atomic unsigned count;
};

enum verdict
maildir_failed(struct err *err, int sys, const char *what)
{
	if (sys == ENOSPC)
		return err_mail(err, 452, "4.3.1", "%s: no room on the disk", what);
	if (sys == EDQUOT)
		return err_mail(err, 452, "4.2.2", "%s: over the disk quota", what);
	return err_sys(err, sys, "%s", what);
}

/* Opens the directory NAME in PARENT, made if it is not there (DURABLE: for good). -1 with errno.
 */
static int
dir_make(int parent, const char *name, bool durable)
{
	int fd = sys_open_beneath(parent, name, OPEN_DIR, 0);

	if (fd >= 0 || errno != ENOENT)
		return fd;
	if (sys_mkdirat(parent, name, DIR_MODE) != 0 ? errno != EEXIST
						     : (durable && sys_fsync(parent) != 0))
		return -1;
	return sys_open_beneath(parent, name, OPEN_DIR, 0);
}

/* All directories of PATH below HOME. */
static int
dirs_make(int home, struct span path)
{
	int at = sys_open_beneath(home, ".", OPEN_DIR, 0);
	struct span level;

	while (at >= 0 && span_token(&path, span_lit("/"), &level)) {
		char *name = mem_strdup(level);
		int next =
		    span_eq(level, span_lit("..")) ? (errno = EXDEV, -1) : dir_make(at, name, true);
		int sys = errno;

		mem_free(name);
		sys_close(at);
		errno = sys;
		at = next;
	}
	return at;
}

/* A name's host: RFC 1123 has no such characters, but the configuration may say anything. */
static void
host_put(struct str *out, struct span host)
{
	for (size_t i = 0; i < host.n && out->n < NAME_HOST; i++) {
		char c = host.p[i];

		if (c == '/' || c == ':' || c == ',' || c == '\\' ||
		    !cclass_is(c, CC_ALNUM | CC_ATEXT))
			str_putc(out, c == '.' ? '.' : '_');
		else
			str_putc(out, c);
	}
	if (out->n == 0)
		str_puts(out, "localhost");
}

enum verdict
maildir_open(const struct maildir_place *place, struct maildir **out, struct err *err)
{
	int dir = dirs_make(place->home, place->path);
	struct folder inbox = FOLDER_CLOSED;
	struct maildir *md;
	enum verdict v;

	if (dir < 0 && (errno == EXDEV || errno == ELOOP || errno == ENOTDIR))
		return err_set(err, VERDICT_PERM, "the Maildir is no directory beneath the home");
	if (dir < 0)
		return maildir_failed(err, errno, "open Maildir");
	md = mem_alloc(sizeof(*md));
	md->dir = dir;
	md->proc_fd = place->proc_fd;
	str_init(&md->host, NAME_HOST + 1);
	host_put(&md->host, place->host);
	v = folder_open(md, span_lit("INBOX"), true, &inbox, err);
	folder_close(&inbox);
	if (v == VERDICT_OK)
		*out = md;
	else
		maildir_close(md);
	return v;
}

void
maildir_close(struct maildir *md)
{
	if (!md)
		return;
	sys_close(md->dir);
	str_free(&md->host);
	mem_free(md);
}

int
maildir_dir(const struct maildir *md)
{
	return md->dir;
}

int
maildir_proc_fd(const struct maildir *md)
{
	return md->proc_fd;
}

void
maildir_unique_name(struct maildir *md, uint64_t size, uint64_t vsize, struct str *out)
{
	uint64_t now = time_wall();
	unsigned n = atomic_fetch_add(&md->count, 1);

	str_printf(out, "%ju.M%juP%jdQ%u.%.*s", (uintmax_t)(now / NS_PER_S),
	    (uintmax_t)(now % NS_PER_S / NS_PER_US), (intmax_t)getpid(), n,
	    SPAN_ARG(str_span(&md->host)));
	if (vsize > 0)
		str_printf(out, ",S=%ju,W=%ju", (uintmax_t)size, (uintmax_t)vsize);
}

void
folder_close(struct folder *f)
{
	const int fds[] = { f->dir, f->tmp, f->cur, f->new };

	for (size_t i = 0; i < ARRAY_LEN(fds); i++)
		if (fds[i] >= 0)
			sys_close(fds[i]);
	*f = (struct folder)FOLDER_CLOSED;
}

/* Courier's mark of a folder that is not an INBOX; others look for it. */
static void
folder_mark(int dir)
{
	int fd = sys_open_beneath(dir, "maildirfolder", O_WRONLY | O_CREAT | O_EXCL, 0600);

	if (fd >= 0)
		sys_close(fd);
}

static enum verdict
folder_open_parts(int dir, struct folder *out, struct err *err)
{
	out->dir = dir;
	out->tmp = dir_make(dir, "tmp", false);
	out->cur = out->tmp < 0 ? -1 : dir_make(dir, "cur", false);
	out->new = out->cur < 0 ? -1 : dir_make(dir, "new", false);
	if (out->new >= 0)
		return VERDICT_OK;
	enum verdict v = maildir_failed(err, errno, "open folder");
	folder_close(out);
	return v;
}

enum verdict
folder_open(
    const struct maildir *md, struct span name, bool create, struct folder *out, struct err *err)
{
	struct str checked = STR_INIT(LIMIT_MAILBOX_NAME), path = STR_INIT(LIMIT_MAILBOX_NAME);
	enum verdict v = mailbox_name_check(name, &checked, err);
	bool inbox = mailbox_name_is_inbox(name);
	int dir = -1;

	*out = (struct folder)FOLDER_CLOSED;
	if (v == VERDICT_OK)
		v = mailbox_name_to_disk(str_span(&checked), &path, err);
	if (v != VERDICT_OK)
		goto out;
	if (inbox)
		dir = sys_open_beneath(md->dir, ".", OPEN_DIR, 0);
	else if (create)
		dir = dir_make(md->dir, str_cstr(&path), true);
	else
		dir = sys_open_beneath(md->dir, str_cstr(&path), OPEN_DIR, 0);
	if (dir < 0 && errno == ENOENT)
		v = err_set(err, VERDICT_ABSENT, "no such mailbox");
	else if (dir < 0)
		v = maildir_failed(err, errno, "open folder");
	else
		v = folder_open_parts(dir, out, err);
	if (v == VERDICT_OK && create && !inbox)
		folder_mark(dir);
out:
	str_free(&checked);
	str_free(&path);
	return v;
}
