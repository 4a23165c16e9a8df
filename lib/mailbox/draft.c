/*
 * Writing a message into a Maildir (https://cr.yp.to/proto/maildir.html): tmp/, sync, new/. Called
 * by the deliverer and by IMAP APPEND and COPY, in a thread of the pool or in a process of one
 * account. Owns the file until it is published. An unnamed file leaves nothing behind when the
 * process dies; where the file system has none it gets a name in tmp/. Must never put a message
 * into new/ before its bytes are on disk.
 */
#include "mailbox/draft.h"

#include <errno.h>
#include <fcntl.h>

#include "base/mem.h"
#include "base/sys.h"
#include "base/time.h"
#include "mailbox/maildir_impl.h"
#include "mailbox/parts.h"

#define DRAFT_MODE   0600
#define DRAFT_BUFFER 65536 /* bytes gathered for one write */
#define NAME_TRIES   16	   /* names that turn out to be taken: none ever should */

enum verdict
draft_begin(struct draft *d, struct maildir *md, const struct folder *folder, struct err *err)
{
	*d = (struct draft){ .md = md,
		.folder = folder,
		.fd = -1,
		.published = -1,
		.lines = lines_start(LINES_MAILDIR) };
	str_init(&d->buffer, 3 * DRAFT_BUFFER);
	str_init(&d->name, LIMIT_MAIL_FILE_NAME);
	str_init(&d->head, LIMIT_MAIL_HEAD);
	str_init(&d->parts, LIMIT_MAIL_CACHE);
	arena_init(&d->arena, LIMIT_MAIL_TREE);
	d->mime = mime_new(&d->arena);
	if (maildir_proc_fd(md) >= 0)
		d->fd = sys_open_tmpfile(folder->tmp, O_WRONLY, DRAFT_MODE);
	if (d->fd >= 0)
		return VERDICT_OK;
	for (int i = 0; i < NAME_TRIES; i++) {
		str_reset(&d->name);
		maildir_unique_name(md, 0, 0, &d->name);
		d->fd = sys_openat(folder->tmp, str_cstr(&d->name),
		    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, DRAFT_MODE);
		if (d->fd >= 0 || errno != EEXIST)
			break;
	}
	d->named = d->fd >= 0;
	return d->fd >= 0 ? VERDICT_OK : maildir_failed(err, errno, "make a file in tmp");
}

static enum verdict
draft_flush(struct draft *d, struct err *err)
{
	struct span bytes = str_span(&d->buffer);

	if (bytes.n == 0)
		return VERDICT_OK;
	if (sys_write_all(d->fd, bytes.p, bytes.n) != 0)
		return maildir_failed(err, errno, "write message");
	if (d->head.n < LIMIT_MAIL_HEAD)
		str_put(&d->head, span_head(bytes, LIMIT_MAIL_HEAD - d->head.n));
	mime_feed(d->mime, bytes);
	d->size += bytes.n;
	d->vsize += bytes.n + lines_count_bare_lf(bytes, d->cr);
	d->cr = bytes.p[bytes.n - 1] == '\r';
	str_reset(&d->buffer);
	return VERDICT_OK;
}

enum verdict
draft_put(struct draft *d, struct span text, struct err *err)
{
	enum verdict v = VERDICT_OK;

	while (text.n > 0 && v == VERDICT_OK) {
		bool fits = lines_put(&d->lines, span_head(text, DRAFT_BUFFER), &d->buffer);

		assert(fits);
		text = span_from(text, size_min(text.n, DRAFT_BUFFER));
		if (d->buffer.n >= DRAFT_BUFFER)
			v = draft_flush(d, err);
	}
	return v;
}

/* What the cache shall have of the message's structure. */
static void
draft_parse(struct draft *d)
{
	const struct mime_part *root = mime_finish(d->mime);

	if (!root || !parts_put(&d->parts, root))
		str_reset(&d->parts);
	mime_free(d->mime);
	arena_free(&d->arena);
	d->mime = NULL;
}

enum verdict
draft_finish(struct draft *d, uint64_t date_ns, struct err *err)
{
	const struct timespec date = { (time_t)(date_ns / NS_PER_S), (long)(date_ns % NS_PER_S) };
	struct span last;
	enum verdict v;

	if (lines_end(&d->lines, &last))
		str_put(&d->buffer, last);
	v = draft_flush(d, err);
	if (v != VERDICT_OK)
		return v;
	draft_parse(d);
	if (date_ns && sys_futimens(d->fd, (const struct timespec[2]){ date, date }) != 0)
		return maildir_failed(err, errno, "set the date of a message");
	return VERDICT_OK;
}

enum verdict
draft_sync(struct draft *d, uint64_t date_ns, struct err *err)
{
	enum verdict v = draft_finish(d, date_ns, err);

	if (v != VERDICT_OK)
		return v;
	/* A date is metadata that fdatasync may leave out. */
	if ((date_ns ? sys_fsync(d->fd) : sys_fdatasync(d->fd)) != 0)
		return maildir_failed(err, errno, "sync message");
	return VERDICT_OK;
}

static int
draft_name_it(struct draft *d, int dir, struct str *name)
{
	if (d->named)
		return sys_renameat_new(d->folder->tmp, str_cstr(&d->name), dir, str_cstr(name));
	return sys_link_tmpfile(maildir_proc_fd(d->md), d->fd, dir, str_cstr(name));
}

enum verdict
draft_publish(struct draft *d, struct span info, struct err *err)
{
	struct str name = STR_INIT(LIMIT_MAIL_FILE_NAME);
	int dir = info.n ? d->folder->cur : d->folder->new;
	int r = -1;

	errno = EEXIST;
	for (int i = 0; i < NAME_TRIES && r < 0 && errno == EEXIST; i++) {
		str_reset(&name);
		maildir_unique_name(d->md, d->size, d->vsize, &name);
		str_put(&name, info);
		r = draft_name_it(d, dir, &name);
	}
	if (r < 0) {
		str_free(&name);
		return maildir_failed(err, errno, "name message");
	}
	str_free(&d->name);
	d->name = name;
	d->named = false;
	d->published = dir;
	return VERDICT_OK;
}

void
draft_withdraw(struct draft *d)
{
	if (d->published >= 0)
		sys_unlinkat(d->published, str_cstr(&d->name), 0);
	d->published = -1;
}

void
draft_end(struct draft *d)
{
	if (d->named)
		sys_unlinkat(d->folder->tmp, str_cstr(&d->name), 0);
	if (d->fd >= 0)
		sys_close(d->fd);
	d->fd = -1;
	d->named = false;
	str_free(&d->buffer);
	str_free(&d->head);
	str_free(&d->parts);
	if (d->mime) {
		mime_free(d->mime);
		arena_free(&d->arena);
		d->mime = NULL;
	}
	str_free(&d->name);
}
