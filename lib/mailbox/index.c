/*
 * The index file: opened, followed, appended to, replaced (FORMAT). Called by the rest of
 * lib/mailbox. Owns the descriptors of the file and of the lock. Limits: LIMIT_MAILBOX_INDEX bytes.
 * A record that was written is never changed; a writer that finds bytes after the last whole record
 * cuts them off, since whoever wrote them died.
 *
 * UIDs for ever: a UID is given only when a record that reserves it has been synced. A process that
 * opens the file cannot know whether a power cut took records from its end, so it takes no UID that
 * was reserved before, unless a CLEAN record gave it back.
 */
#include "mailbox/index.h"

#include <errno.h>
#include <fcntl.h>

#include "base/crc32c.h"
#include "base/mem.h"
#include "base/rand.h"
#include "base/sys.h"
#include "mailbox/index_impl.h"
#include "mailbox/index_record.h"
#include "mailbox/maildir.h"

#define FILE_MODE 0600
#define RESERVE \
	128 /* UIDs reserved at a time: so many may be lost in a crash, so seldom is a sync due */
#define COMPACT_LOG 65536      /* bytes of log that are never worth a new file */
#define UID_LAST    0xffffff00 /* no UID from here on: the mailbox needs a new UIDVALIDITY then */

enum verdict
index_init(struct index *ix, int dir, struct err *err)
{
	*ix = (struct index){ .dir = dir, .fd = -1 };
	ix->lock = sys_open_beneath(dir, INDEX_LOCK_FILE, O_RDWR | O_CREAT, FILE_MODE);
	return ix->lock < 0 ? maildir_failed(err, errno, "open " INDEX_LOCK_FILE) : VERDICT_OK;
}

void
index_fini(struct index *ix)
{
	index_forget(ix);
	if (ix->fd >= 0)
		sys_close(ix->fd);
	if (ix->lock >= 0)
		sys_close(ix->lock);
	ix->fd = ix->lock = -1;
}

enum verdict
index_read_file(const struct index *ix, struct str *out, struct err *err)
{
	char *p = str_reserve(out, ix->end);
	ssize_t got = p ? sys_pread_all(ix->fd, p, ix->end, 0) : -1;

	if (!p)
		return err_set(err, VERDICT_LIMIT, "mailbox index is too large");
	if (got < 0)
		return err_sys(err, errno, "read " INDEX_FILE);
	str_grew(out, (size_t)got);
	if ((uint64_t)got < ix->end)
		return err_set(err, VERDICT_TEMP, INDEX_FILE " was cut by another program");
	return VERDICT_OK;
}

/* All of a file that is new to us. */
static enum verdict
index_load(struct index *ix, struct err *err)
{
	struct str file = STR_INIT(LIMIT_MAILBOX_INDEX);
	struct stat st;
	enum verdict v;

	index_forget(ix);
	ix->unsure = false;
	if (ix->fd >= 0)
		sys_close(ix->fd);
	ix->fd = sys_open_beneath(ix->dir, INDEX_FILE, O_RDWR | O_NONBLOCK, 0);
	if (ix->fd < 0 && errno == ENOENT)
		return err_set(err, VERDICT_ABSENT, "no " INDEX_FILE);
	if (ix->fd < 0 || fstat(ix->fd, &st) != 0)
		return maildir_failed(err, errno, "open " INDEX_FILE);
	if (!S_ISREG(st.st_mode) || st.st_size > LIMIT_MAILBOX_INDEX)
		return err_set(err, VERDICT_PERM, INDEX_FILE " is no index");
	ix->end = (uint64_t)st.st_size;
	v = index_read_file(ix, &file, err);
	if (v == VERDICT_OK && !index_parse(ix, str_span(&file)))
		v = err_set(err, VERDICT_PERM, INDEX_FILE " is broken, or of a newer version");
	if (v != VERDICT_OK)
		index_forget(ix);
	str_free(&file);
	return v;
}

/* What has been appended since. */
static enum verdict
index_follow(struct index *ix, uint64_t size, struct err *err)
{
	struct str tail = STR_INIT(LIMIT_MAILBOX_INDEX);
	size_t n = (size_t)(size - ix->end);
	char *p = str_reserve(&tail, n);
	ssize_t got = p ? sys_pread_all(ix->fd, p, n, (off_t)ix->end) : 0;

	if (got > 0)
		ix->end += records_apply(ix, span_of(p, (size_t)got), ix->end);
	index_squeeze(ix);
	str_free(&tail);
	return got < 0 ? err_sys(err, errno, "read " INDEX_FILE) : VERDICT_OK;
}

enum verdict
index_refresh(struct index *ix, struct err *err)
{
	struct stat st;

	if (ix->fd < 0 || ix->end == 0)
		return index_load(ix, err);
	if (fstat(ix->fd, &st) != 0)
		return err_sys(err, errno, "look at " INDEX_FILE);
	if (st.st_nlink == 0)
		return index_load(ix, err);
	if ((uint64_t)st.st_size > ix->end)
		return index_follow(ix, (uint64_t)st.st_size, err);
	return VERDICT_OK;
}

enum verdict
index_hold(struct index *ix, struct err *err)
{
	enum verdict v = lock_take(ix->lock, err);

	if (v != VERDICT_OK)
		return v;
	ix->held = true;
	return index_refresh(ix, err);
}

void
index_release(struct index *ix)
{
	if (ix->held)
		lock_give(ix->lock);
	ix->held = false;
}

enum verdict
index_write(struct index *ix, const struct str *records, struct err *err)
{
	struct stat st;
	int sys;

	assert(ix->held);
	if (records->n == 0 && !records->full)
		return VERDICT_OK;
	if (records->full || ix->end + records->n > LIMIT_MAILBOX_INDEX)
		return err_set(err, VERDICT_LIMIT, "mailbox index is too large");
	if (fstat(ix->fd, &st) != 0)
		return err_sys(err, errno, "look at " INDEX_FILE);
	if ((uint64_t)st.st_size > ix->end && sys_ftruncate(ix->fd, (off_t)ix->end) != 0)
		return maildir_failed(err, errno, "cut " INDEX_FILE);
	if (sys_pwrite_all(ix->fd, records->p, records->n, (off_t)ix->end) != 0) {
		sys = errno;
		/* What stays of it has no whole record's CRC, or is cut by the next writer. */
		(void)sys_ftruncate(ix->fd, (off_t)ix->end);
		return maildir_failed(err, sys, "write " INDEX_FILE);
	}
	size_t done = records_apply(ix, str_span(records), ix->end);
	assert(done == records->n);
	ix->end += done;
	index_squeeze(ix);
	return VERDICT_OK;
}

uint32_t
index_next_uid(const struct index *ix)
{
	return ix->granted == 0 && ix->reserved > ix->uidnext ? ix->reserved : ix->uidnext;
}

enum verdict
index_reserve(struct index *ix, uint32_t n, struct err *err)
{
	struct str record = STR_INIT(64);
	enum verdict v = index_make_sure(ix, err);
	uint32_t next = index_next_uid(ix);

	if (v != VERDICT_OK)
		return v;
	if (n >= UID_LAST - next)
		return err_set(err, VERDICT_PERM, "the mailbox has used up its UIDs");
	if (next + n <= ix->granted)
		return VERDICT_OK;
	record_reserve(&record, next, next + n + RESERVE);
	v = index_write(ix, &record, err);
	str_free(&record);
	if (v == VERDICT_OK && sys_fdatasync(ix->fd) != 0) {
		v = maildir_failed(err, errno, "sync " INDEX_FILE);
		ix->granted = 0;
		ix->unsure = true;
	}
	return v;
}

void
index_give_back(struct index *ix)
{
	struct str record = STR_INIT(64);

	if (ix->granted > ix->uidnext) {
		record_clean(&record, ix->uidnext);
		(void)index_write(ix, &record, NULL);
	}
	str_free(&record);
}

enum verdict
index_name(const struct index *ix, const struct mail *mail, struct str *out, struct err *err)
{
	char *p = str_reserve(out, UINT8_MAX + 1);
	ssize_t got = p ? sys_pread_all(ix->fd, p, UINT8_MAX + 1, mail->name_at) : 0;
	size_t n = got > 0 ? (unsigned char)p[0] : 0;

	if (got < 0)
		return err_sys(err, errno, "read " INDEX_FILE);
	if (n == 0 || (size_t)got < n + 1)
		return err_set(err, VERDICT_TEMP, INDEX_FILE " was changed by another program");
	memmove(p, p + 1, n);
	str_grew(out, n);
	return VERDICT_OK;
}

struct span
index_name_in(struct span file, const struct mail *mail)
{
	struct span at = span_from(file, mail->name_at);

	return at.n == 0 ? at : span_head(span_from(at, 1), (unsigned char)at.p[0]);
}

/* What of the log stays after a snapshot. */
static void
put_log(struct str *out, const struct index *ix)
{
	size_t first =
	    ix->gone_n > LIMIT_MAILBOX_VANISHED / 4 ? ix->gone_n - LIMIT_MAILBOX_VANISHED / 4 : 0;

	for (unsigned i = 0; i < ix->keywords_n; i++)
		if (ix->keywords[i].n > 0)
			record_keyword(out, i, ix->keywords[i]);
	for (size_t i = first; i < ix->gone_n; i++)
		record_expunge(out, ix->gone[i].modseq, (struct uid_set){ &ix->gone[i].uids, 1 });
	if (ix->use)
		record_use(out, ix->use);
	record_dirs(out, &ix->dirs);
	/* In a new index: the sync of the file saves that of its first UIDs. */
	if (ix->n == 0 && ix->uidnext == 1)
		record_reserve(out, 1, 1 + RESERVE);
}

/* The whole of a new file: from the names in FILE. */
static bool
put_file(struct str *out, struct index *ix, struct span file)
{
	struct str body = STR_INIT(LIMIT_MAILBOX_INDEX), names = STR_INIT(LIMIT_MAILBOX_INDEX);
	size_t names_at = INDEX_HEADER + ix->n * INDEX_MAIL_SIZE;
	uint64_t floor = ix->modseq_floor;
	bool whole;

	for (size_t i = 0; i < ix->n; i++) {
		struct mail mail = ix->v[i];
		struct span name = index_name_in(file, &mail);

		mail.name_at = (uint32_t)(names_at + names.n);
		index_put_mail(&body, &mail);
		str_putc(&names, (char)name.n);
		str_put(&names, name);
	}
	str_put(&body, str_span(&names));
	if (ix->gone_n > LIMIT_MAILBOX_VANISHED / 4)
		ix->modseq_floor = ix->gone[ix->gone_n - LIMIT_MAILBOX_VANISHED / 4 - 1].modseq;
	index_put_header(out, ix, names.n, crc32c(0, str_span(&body)));
	ix->modseq_floor = floor;
	str_put(out, str_span(&body));
	put_log(out, ix);
	whole = !out->full && !body.full && !names.full;
	str_free(&body);
	str_free(&names);
	return whole;
}

/* Writes a file beside the old one, syncs it, and puts it in its place, for good. */
static enum verdict
replace_file(struct index *ix, struct span bytes, struct err *err)
{
	int fd = sys_open_beneath(
	    ix->dir, INDEX_FILE_NEW, O_WRONLY | O_CREAT | O_TRUNC | O_NONBLOCK, FILE_MODE);
	bool good = fd >= 0 && sys_write_all(fd, bytes.p, bytes.n) == 0 && sys_fsync(fd) == 0 &&
		    sys_renameat(ix->dir, INDEX_FILE_NEW, ix->dir, INDEX_FILE) == 0 &&
		    sys_fsync(ix->dir) == 0;
	int sys = errno;

	if (fd >= 0)
		sys_close(fd);
	return good ? VERDICT_OK : maildir_failed(err, sys, "write a new " INDEX_FILE);
}

static enum verdict
index_rewrite(struct index *ix, struct span names, struct err *err)
{
	struct str bytes = STR_INIT(LIMIT_MAILBOX_INDEX);
	enum verdict v = VERDICT_OK;

	if (!put_file(&bytes, ix, names))
		v = err_set(err, VERDICT_LIMIT, "mailbox index is too large");
	if (v == VERDICT_OK)
		v = replace_file(ix, str_span(&bytes), err);
	str_free(&bytes);
	if (v == VERDICT_OK)
		v = index_load(ix, err);
	if (v == VERDICT_OK && ix->reserved > ix->uidnext)
		ix->granted = ix->reserved;
	return v;
}

enum verdict
index_create(struct index *ix, uint32_t uidvalidity, struct err *err)
{
	assert(ix->held);
	ix->n = ix->dead = ix->gone_n = 0;
	ix->uidvalidity = uidvalidity;
	ix->uidnext = 1;
	ix->modseq = ix->modseq_floor = index_next_modseq(ix);
	ix->dirs = (struct index_dirs){ .unverified = 0 };
	rand_bytes(ix->id, INDEX_ID);
	return index_rewrite(ix, span_lit(""), err);
}

enum verdict
index_compact(struct index *ix, bool always, struct err *err)
{
	struct str file = STR_INIT(LIMIT_MAILBOX_INDEX);
	uint64_t log = ix->end - ix->log_at;
	enum verdict v;

	assert(ix->held);
	if (!always && (log < COMPACT_LOG || log < ix->log_at / 2))
		return VERDICT_OK;
	v = index_read_file(ix, &file, err);
	if (v == VERDICT_OK) {
		/* All is synced with the new file: no UID below is in doubt. */
		ix->uidnext = index_next_uid(ix);
		v = index_rewrite(ix, str_span(&file), err);
	}
	str_free(&file);
	return v;
}

enum verdict
index_make_sure(struct index *ix, struct err *err)
{
	return ix->unsure ? index_compact(ix, true, err) : VERDICT_OK;
}
