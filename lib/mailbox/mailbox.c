/*
 * A mailbox opened, followed and closed: a folder's directories, its index, and what they are to
 * each other. Called by the user processes through mailbox.h. Owns the descriptors and the array of
 * messages. An index that is lost or broken is made anew from the files, with a UIDVALIDITY that
 * this Maildir has never had.
 */
#include "mailbox/mailbox.h"

#include <errno.h>
#include <fcntl.h>

#include "base/mem.h"
#include "base/sys.h"
#include "mailbox/mailbox_impl.h"
#include "mailbox/mailfile.h"
#include "mailbox/tree.h"

/* Is the directory itself gone? */
static bool
folder_is_gone(const struct mailbox *mb)
{
	struct stat st;

	return fstat(mb->folder.dir, &st) == 0 && st.st_nlink == 0;
}

/* The index is held, and there is none that can be read. */
static enum verdict
mailbox_rebuild(struct mailbox *mb, struct err *err)
{
	uint32_t uidvalidity;
	enum verdict v;

	if (folder_is_gone(mb))
		return err_set(err, VERDICT_ABSENT, "the mailbox has been deleted");
	v = tree_new_uidvalidity(mb->md, &uidvalidity, err);
	keywords_load(mb);
	if (v == VERDICT_OK)
		v = index_create(&mb->ix, uidvalidity, err);
	if (v == VERDICT_OK)
		v = mailbox_scan(mb, err);
	/* The names are in the log now; a snapshot is read faster. */
	return v == VERDICT_OK ? index_compact(&mb->ix, false, err) : v;
}

enum verdict
mailbox_hold(struct mailbox *mb, struct err *err)
{
	enum verdict v = index_hold(&mb->ix, err);

	if (mb->ix.held && (v == VERDICT_ABSENT || v == VERDICT_PERM))
		v = mailbox_rebuild(mb, err);
	if (v != VERDICT_OK)
		index_release(&mb->ix);
	return v;
}

enum verdict
mailbox_hold_uids(struct mailbox *mb, struct err *err)
{
	enum verdict v = mailbox_hold(mb, err);

	if (v == VERDICT_OK && mb->ix.uidvalidity != mb->uidvalidity) {
		index_release(&mb->ix);
		v = err_set(err, VERDICT_TEMP, "the mailbox has lost its UIDs and got new ones");
	}
	return v;
}

void
mailbox_release(struct mailbox *mb)
{
	index_release(&mb->ix);
}

enum verdict
mailbox_write(struct mailbox *mb, const struct str *records, struct err *err)
{
	if (records->n > 0)
		mb->unsynced |= UNSYNCED_INDEX;
	return index_write(&mb->ix, records, err);
}

struct mail *
mailbox_mail(struct mailbox *mb, uint32_t uid)
{
	size_t i = index_find(&mb->ix, uid);

	return i < mb->ix.n && mb->ix.v[i].uid == uid ? &mb->ix.v[i] : NULL;
}

int
mail_dir(const struct mailbox *mb, uint32_t flags)
{
	return flags & MAIL_NEW ? mb->folder.new : mb->folder.cur;
}

enum verdict
mail_file_name(const struct mailbox *mb, const struct mail *mail, struct str *out, struct err *err)
{
	struct str stored = STR_INIT(2 * LIMIT_MAIL_FILE_NAME);
	enum verdict v = index_name(&mb->ix, mail, &stored, err);

	/* No name that leads elsewhere, whatever somebody wrote into the file. */
	if (v == VERDICT_OK && (span_find(str_span(&stored), '/') < stored.n || stored.p[0] == '.'))
		v = err_set(err, VERDICT_TEMP, "the mailbox index names no message");
	if (v == VERDICT_OK && !mailfile_put(out, str_span(&stored), mail->flags, mail->keywords))
		v = err_set(err, VERDICT_LIMIT, "a message's file name is too long");
	str_free(&stored);
	return v;
}

enum verdict
mailbox_base_name(struct mailbox *mb, uint32_t uid, struct str *out, struct err *err)
{
	struct str stored = STR_INIT(2 * LIMIT_MAIL_FILE_NAME);
	const struct mail *mail = mailbox_mail(mb, uid);
	struct mailfile file;
	enum verdict v;

	if (!mail)
		return err_set(err, VERDICT_ABSENT, "the message has been expunged");
	v = index_name(&mb->ix, mail, &stored, err);
	if (v == VERDICT_OK && !mailfile_parse(str_span(&stored), mail->flags & MAIL_NEW, &file))
		v = err_set(err, VERDICT_TEMP, "the mailbox index names no message");
	if (v == VERDICT_OK)
		str_put(out, file.base);
	str_free(&stored);
	return v;
}

static enum verdict
mailbox_begin(
    struct maildir *md, struct span name, bool fresh, struct mailbox **out, struct err *err)
{
	struct mailbox *mb = mem_alloc(sizeof(*mb));
	enum verdict v;

	mb->md = md;
	mb->cache = -1;
	mb->ix.fd = mb->ix.lock = -1;
	mb->unsynced = UNSYNCED_FOLDER;
	v = folder_open(md, name, false, &mb->folder, err);
	if (v == VERDICT_OK)
		v = index_init(&mb->ix, mb->folder.dir, err);
	if (v == VERDICT_OK && !fresh)
		v = index_refresh(&mb->ix, NULL);
	if (v == VERDICT_OK ? fresh : mb->ix.lock >= 0)
		v = mailbox_refresh(mb, err);
	mb->uidvalidity = mb->ix.uidvalidity;
	if (v == VERDICT_OK)
		*out = mb;
	else
		mailbox_close(mb);
	return v;
}

enum verdict
mailbox_open(struct maildir *md, struct span name, struct mailbox **out, struct err *err)
{
	return mailbox_begin(md, name, true, out, err);
}

enum verdict
mailbox_open_to_add(struct maildir *md, struct span name, struct mailbox **out, struct err *err)
{
	return mailbox_begin(md, name, false, out, err);
}

void
mailbox_close(struct mailbox *mb)
{
	if (!mb)
		return;
	/* The next one to open it would not know. */
	if (mb->ix.unsure && index_hold(&mb->ix, NULL) == VERDICT_OK)
		(void)index_make_sure(&mb->ix, NULL);
	index_release(&mb->ix);
	if (mb->ix.granted > mb->ix.uidnext && index_hold(&mb->ix, NULL) == VERDICT_OK)
		index_give_back(&mb->ix);
	index_release(&mb->ix);
	index_fini(&mb->ix);
	if (mb->cache >= 0)
		sys_close(mb->cache);
	folder_close(&mb->folder);
	mem_free(mb);
}

enum verdict
mailbox_refresh(struct mailbox *mb, struct err *err)
{
	enum verdict v = index_refresh(&mb->ix, err);

	mb->uidvalidity = mb->ix.uidvalidity;
	if (v == VERDICT_OK && !scan_is_due(mb))
		return v;
	if (v != VERDICT_OK && v != VERDICT_ABSENT && v != VERDICT_PERM)
		return v;
	v = mailbox_hold(mb, err);
	/* Another process of ours may have read them while we waited for the lock. */
	if (v == VERDICT_OK && scan_is_due(mb))
		v = mailbox_scan(mb, err);
	mailbox_release(mb);
	mb->uidvalidity = mb->ix.uidvalidity;
	return v;
}

enum verdict
mailbox_tidy(struct mailbox *mb, struct err *err)
{
	enum verdict v = mailbox_hold(mb, err);

	if (v == VERDICT_OK) {
		cache_tidy(mb);
		v = index_compact(&mb->ix, false, err);
		/* The new file may be in its place, and not for good. */
		if (v != VERDICT_OK)
			mb->unsynced |= UNSYNCED_FOLDER;
	}
	mailbox_release(mb);
	return v;
}

#define SYNC_FILES 5

/* What is to be synced, from the top down. */
struct sync_job {
	struct {
		unsigned what; /* enum mailbox_unsynced */
		int fd;	       /* -1: nothing to do */
		int sys;       /* out: why it failed */
		bool tried;
	} files[SYNC_FILES];
};

static void
sync_begin(struct mailbox *mb, struct sync_job *job)
{
	*job = (struct sync_job){ .files = {
				      { UNSYNCED_FOLDER, maildir_dir(mb->md), 0, false },
				      { UNSYNCED_FOLDER, mb->folder.dir, 0, false },
				      { UNSYNCED_NEW, mb->folder.new, 0, false },
				      { UNSYNCED_CUR, mb->folder.cur, 0, false },
				      { UNSYNCED_INDEX, -1, 0, false },
				  } };

	/* A new file, if need be; when that does not come about, the old one stays unsure. */
	if (mb->ix.unsure && mailbox_hold(mb, NULL) == VERDICT_OK) {
		(void)index_make_sure(&mb->ix, NULL);
		mailbox_release(mb);
	}
	job->files[SYNC_FILES - 1].fd = mb->ix.unsure ? -1 : mb->ix.fd;
	job->files[SYNC_FILES - 1].sys = mb->ix.unsure ? EIO : 0;
	for (size_t i = 0; i < SYNC_FILES; i++)
		if (!(mb->unsynced & job->files[i].what))
			job->files[i].fd = -1;
	mb->unsynced = 0;
}

/* No further than it holds: a message that was moved into a folder is safe when the folder is. */
static void
sync_all(struct sync_job *job)
{
	int failed = 0;

	for (size_t i = 0; i < SYNC_FILES; i++) {
		if (job->files[i].fd < 0)
			continue;
		job->files[i].tried = failed == 0;
		if (failed == 0 && sys_fsync(job->files[i].fd) != 0)
			failed = errno;
		job->files[i].sys = failed;
	}
}

/* In a thread. */
static void
sync_run(void *arg)
{
	struct sync_job *job = arg;

	sync_all(job);
	for (size_t i = 0; i < SYNC_FILES; i++)
		if (job->files[i].fd >= 0)
			sys_close(job->files[i].fd);
}

/* What has failed is to be done again; of the index, all. */
static enum verdict
sync_end(struct mailbox *mb, const struct sync_job *job, struct err *err)
{
	enum verdict v = VERDICT_OK;

	for (size_t i = 0; i < SYNC_FILES; i++) {
		if (job->files[i].sys == 0)
			continue;
		mb->unsynced |= job->files[i].what;
		mb->ix.unsure =
		    mb->ix.unsure || (job->files[i].tried && job->files[i].what == UNSYNCED_INDEX);
		v = maildir_failed(err, job->files[i].sys, "sync mailbox");
	}
	return v;
}

SUSPENDS
enum verdict
mailbox_sync(struct mailbox *mb, struct pool *pool, struct err *err)
{
	struct sync_job job;

	sync_begin(mb, &job);
	/* Descriptors of its own: the mailbox may go on, or replace its index, meanwhile. */
	for (size_t i = 0; i < SYNC_FILES; i++) {
		if (job.files[i].fd < 0)
			continue;
		job.files[i].fd = fcntl(job.files[i].fd, F_DUPFD_CLOEXEC, 0);
		if (job.files[i].fd < 0)
			job.files[i].sys = errno;
	}
	/* Cancelled or not, it has run. */
	(void)pool_run(pool, sync_run, &job);
	return sync_end(mb, &job, err);
}

enum verdict
mailbox_sync_blocking(struct mailbox *mb, struct err *err)
{
	struct sync_job job;

	sync_begin(mb, &job);
	sync_all(&job);
	return sync_end(mb, &job, err);
}
