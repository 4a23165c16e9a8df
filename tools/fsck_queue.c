/*
 * postern fsck: the queue's directory. Called by fsck.c. Each file is judged as qmgr's recovery
 * judges it (queue/verify.h), and acknowledged ones by their content too, which qmgr does not read
 * again. The queue has one owner: while qmgr has its lock, nothing is changed here.
 */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/log.h"
#include "base/str.h"
#include "base/sys.h"
#include "message/queue_id.h"
#include "queue/verify.h"
#include "tools/fsck.h"

#define SLOTS 512 /* read at a time */
#define TEXT  1024

struct queue {
	struct fsck *f;
	int dir;
	uid_t owner;
	bool running;	  /* qmgr has it */
	struct str where; /* what is looked at, for people */
};

static const char *
where(struct queue *q, const char *name)
{
	str_reset(&q->where);
	str_printf(&q->where, "queue/%s", log_escape(span_str(name)));
	return str_cstr(&q->where);
}

static void
remove_file(struct queue *q, const char *name)
{
	bool good = sys_unlinkat(q->dir, name, 0) == 0;

	fsck_done(q->f, where(q, name), good, strerrordesc_np(errno));
}

static bool
any_byte(struct span bytes)
{
	for (size_t i = 0; i < bytes.n; i++)
		if (bytes.p[i] != 0)
			return true;
	return false;
}

/* Slots that hold something which no one can trust: those recipients count as never tried. */
static uint32_t
slots_damaged(int fd, const struct file_head *head, bool *any_out)
{
	uint32_t damaged = 0;

	for (uint32_t first = 0; first < head->recipients; first += SLOTS) {
		uint32_t n = (uint32_t)size_min(SLOTS, head->recipients - first);
		struct str slots = STR_INIT((size_t)SLOTS * FILE_SLOT_SIZE + 1);

		if (file_read_slots(fd, head, first, n, &slots, NULL) != VERDICT_OK)
			n = 0;
		for (uint32_t i = 0; i < n; i++) {
			struct span bytes =
			    span_head(span_from(str_span(&slots), (size_t)i * FILE_SLOT_SIZE),
				FILE_SLOT_SIZE);
			struct file_slot slot;

			file_slot_get(head, first + i, bytes, &slot);
			*any_out = *any_out || slot.state != SLOT_FRESH;
			damaged += slot.state == SLOT_FRESH && any_byte(bytes);
		}
		str_free(&slots);
	}
	return damaged;
}

/* The message cannot be read, or not wholly. */
static void
tell_damaged(struct queue *q, const char *name, bool acknowledged, const struct err *err)
{
	struct str what = STR_INIT(TEXT);

	if (acknowledged) {
		str_printf(&what,
		    "damaged: %s; it was acknowledged, and is kept: postcat shows what is left, "
		    "postsuper -d removes it",
		    err->text);
		fsck_found(q->f, where(q, name), str_cstr(&what), NULL);
	} else {
		str_printf(&what, "left over from a crash, never acknowledged: %s", err->text);
		if (fsck_found(q->f, where(q, name), str_cstr(&what),
			q->running ? NULL : "removes it, as qmgr does at its start"))
			remove_file(q, name);
	}
	str_free(&what);
}

static void
message_check(struct queue *q, const char *name, int fd)
{
	struct str what = STR_INIT(TEXT);
	struct err err = ERR_NONE;
	struct file_parts parts;
	bool any_slot = false;
	uint32_t damaged = 0;
	enum verdict v;

	file_parts_init(&parts);
	v = file_verify_parts(fd, span_str(name), &parts, &err);
	if (v == VERDICT_OK) {
		damaged = slots_damaged(fd, &parts.head, &any_slot);
		v = file_verify_content(fd, &parts.env, &err);
	}
	if (v == VERDICT_TEMP)
		fsck_failed(q->f, where(q, name), err.text);
	else if (v != VERDICT_OK)
		tell_damaged(q, name, any_slot || parts.flags & FILE_ACKNOWLEDGED, &err);
	if (damaged > 0 && v == VERDICT_OK) {
		str_printf(&what,
		    "what became of %u of its recipients is damaged: they get it "
		    "(again)",
		    damaged);
		fsck_found(q->f, where(q, name), str_cstr(&what), NULL);
	}
	q->f->queued++;
	file_parts_free(&parts);
	str_free(&what);
}

static void
file_check(struct queue *q, const char *name)
{
	struct str what = STR_INIT(TEXT);
	struct stat st;
	int fd = sys_openat(q->dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0);

	if (fd < 0 && errno == ENOENT)
		return; /* delivered meanwhile */
	if (fd < 0 || fstat(fd, &st) != 0) {
		fsck_failed(q->f, where(q, name), strerrordesc_np(errno));
		return;
	}
	if (!S_ISREG(st.st_mode)) {
		fsck_found(q->f, where(q, name), "is no file", NULL);
	} else {
		if (st.st_uid != q->owner || (st.st_mode & 07777) != 0600) {
			str_printf(&what,
			    "belongs to uid %u with mode %04o, and should be %u's with 0600",
			    (unsigned)st.st_uid, st.st_mode & 07777, (unsigned)q->owner);
			if (fsck_found(q->f, where(q, name), str_cstr(&what),
				q->running ? NULL : "makes it so"))
				fsck_done(q->f, where(q, name),
				    sys_fchown(fd, q->owner, (gid_t)-1) == 0 &&
					sys_fchmod(fd, 0600) == 0,
				    strerrordesc_np(errno));
		}
		message_check(q, name, fd);
	}
	sys_close(fd);
	str_free(&what);
}

static void
entry_check(struct queue *q, const char *name)
{
	if (queue_id_valid(span_str(name)))
		file_check(q, name);
	else if (!span_starts(span_str(name), span_lit("tmp.")))
		fsck_found(q->f, where(q, name), "is not ours; qmgr passes over it", NULL);
	else if (!q->running &&
		 fsck_found(q->f, where(q, name), "left over: no message was ever in it",
		     "removes it, as qmgr does at its start"))
		remove_file(q, name);
}

void
fsck_queue(struct fsck *f)
{
	struct queue q = { .f = f, .where = STR_INIT(TEXT) };
	struct str path = STR_INIT(4096);
	struct dirent *e;
	struct stat st;
	DIR *d;

	str_printf(&path, "%.*s/queue", SPAN_ARG(f->conf->queue_directory));
	q.dir = sys_openat(AT_FDCWD, str_cstr(&path), O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
	if (q.dir < 0 || fstat(q.dir, &st) != 0) {
		/* Master makes it at the first start. */
		if (errno != ENOENT)
			fsck_failed(f, str_cstr(&path), strerrordesc_np(errno));
		str_free(&path);
		return;
	}
	q.owner = st.st_uid;
	q.running = flock(q.dir, LOCK_EX | LOCK_NB) != 0;
	if (q.running && f->fix)
		printf("queue: the mail system is running: what is wrong there is only told\n");
	d = fdopendir(fcntl(q.dir, F_DUPFD_CLOEXEC, 0));
	while (d && (e = readdir(d)) != NULL)
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			entry_check(&q, e->d_name);
	if (d)
		closedir(d);
	else
		fsck_failed(f, str_cstr(&path), strerrordesc_np(errno));
	sys_close(q.dir);
	str_free(&q.where);
	str_free(&path);
}
