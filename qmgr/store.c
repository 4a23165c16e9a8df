/*
 * The queue's directory and its files without a name (O_TMPFILE): a crash leaves nothing of what
 * was never committed. Called by door.c, which lends files, and by the jobs of commit.c, change.c,
 * dispatch.c and recover.c. Owns the stock, which is filled in the pool so that OPEN is answered at
 * once. Where O_TMPFILE is not to be had, a file bears the name "tmp.<n>" until it is a message;
 * such files are swept at start. Must never touch the disk on the loop's thread.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>

#include "base/mem.h"
#include "base/num.h"
#include "base/sys.h"
#include "qmgr/store.h"
#include "queue/file.h"

#define TMP_PREFIX "tmp."

enum { NAME_MAX_BYTES = 32 }; /* "tmp." and a number, or the number of a descriptor */

struct store {
	struct pool *pool;
	int dir;
	int proc_fd;
	bool named;
	uint64_t first_tmp; /* what is named by a lower number is of an earlier life */
	atomic_uint_fast64_t last_tmp;
	struct store_file stock[LIMIT_QUEUE_STOCK];
	unsigned stock_n;
	bool filling;
	int fill_error; /* of the last fill; 0: it made some */
	struct waitq waiting;
};

/* Files being made in the pool. */
struct fill {
	struct store *s;
	struct store_file made[LIMIT_QUEUE_STOCK];
	unsigned wanted;
	unsigned made_n;
	int error;
};

struct store *
store_new(struct pool *pool, int dir, int proc_fd, bool named)
{
	struct store *s = mem_alloc(sizeof(*s));

	s->pool = pool;
	s->dir = dir;
	s->proc_fd = proc_fd;
	s->named = named || proc_fd < 0;
	s->first_tmp = time_wall();
	atomic_store(&s->last_tmp, s->first_tmp);
	waitq_init(&s->waiting);
	return s;
}

int
store_dir(const struct store *s)
{
	return s->dir;
}

static void
tmp_name(char name[NAME_MAX_BYTES], uint64_t number)
{
	snprintf(name, NAME_MAX_BYTES, TMP_PREFIX "%ju", (uintmax_t)number);
}

void
store_close(const struct store *s, struct store_file *file)
{
	char name[NAME_MAX_BYTES];

	if (file->append_fd >= 0)
		sys_close(file->append_fd);
	if (file->fd >= 0)
		sys_close(file->fd);
	if (file->tmp > 0) {
		tmp_name(name, file->tmp);
		sys_unlinkat(s->dir, name, 0);
	}
	*file = STORE_NO_FILE;
}

static int
file_make_named(struct store *s, struct store_file *file)
{
	char name[NAME_MAX_BYTES];

	file->tmp = atomic_fetch_add(&s->last_tmp, 1) + 1;
	tmp_name(name, file->tmp);
	file->fd = sys_openat(s->dir, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0600);
	if (file->fd < 0) {
		file->tmp = 0;
		return errno;
	}
	file->append_fd = sys_openat(s->dir, name, O_WRONLY | O_APPEND | O_NOFOLLOW, 0);
	return file->append_fd < 0 ? errno : 0;
}

static int
file_make_unnamed(struct store *s, struct store_file *file)
{
	char number[NAME_MAX_BYTES];

	file->fd = sys_open_tmpfile(s->dir, O_RDWR, 0600);
	if (file->fd < 0)
		return errno;
	snprintf(number, sizeof(number), "%d", file->fd);
	/* A description of its own: it only ever appends, wherever we write. */
	file->append_fd = sys_openat(s->proc_fd, number, O_WRONLY | O_APPEND, 0);
	return file->append_fd < 0 ? errno : 0;
}

static int
file_make(struct store *s, struct store_file *file)
{
	int error;

	*file = STORE_NO_FILE;
	error = s->named ? file_make_named(s, file) : file_make_unnamed(s, file);
	if (error == 0 && sys_ftruncate(file->fd, FILE_CONTENT_AT) < 0)
		error = errno;
	if (error != 0)
		store_close(s, file);
	return error;
}

static void
fill_job(void *arg)
{
	struct fill *fill = arg;

	while (fill->made_n < fill->wanted) {
		fill->error = file_make(fill->s, &fill->made[fill->made_n]);
		if (fill->error != 0)
			return;
		fill->made_n++;
	}
}

static void
fill_done(void *arg)
{
	struct fill *fill = arg;
	struct store *s = fill->s;

	s->filling = false;
	s->fill_error = fill->made_n > 0 ? 0 : fill->error;
	/* NFS, old overlayfs: the next fill makes files with names. */
	if (fill->made_n == 0 && !s->named &&
	    (fill->error == EOPNOTSUPP || fill->error == EISDIR)) {
		s->named = true;
		s->fill_error = 0;
	}
	for (unsigned i = 0; i < fill->made_n; i++)
		s->stock[s->stock_n++] = fill->made[i];
	waitq_wake_all(&s->waiting);
	mem_free(fill);
}

static void
store_fill(struct store *s)
{
	struct fill *fill;

	if (s->filling || s->stock_n > LIMIT_QUEUE_STOCK / 2)
		return;
	fill = mem_alloc(sizeof(*fill));
	fill->s = s;
	fill->wanted = LIMIT_QUEUE_STOCK - s->stock_n;
	s->filling = true;
	pool_submit(s->pool, fill_job, fill_done, fill);
}

bool
store_try_take(struct store *s, struct store_file *out)
{
	bool there = s->stock_n > 0;

	*out = there ? s->stock[--s->stock_n] : STORE_NO_FILE;
	store_fill(s);
	return there;
}

SUSPENDS
enum verdict
store_take(struct store *s, struct store_file *out, uint64_t deadline, struct err *err)
{
	while (!store_try_take(s, out)) {
		enum verdict v = waitq_wait(&s->waiting, deadline);

		if (v != VERDICT_OK)
			return err_set(err, v, "no new queue file in time");
		if (s->stock_n == 0 && s->fill_error != 0)
			return store_error(err, s->fill_error, "making a queue file");
	}
	return VERDICT_OK;
}

struct drop {
	const struct store *s;
	struct store_file file;
};

static void
drop_job(void *arg)
{
	struct drop *drop = arg;

	store_close(drop->s, &drop->file);
}

void
store_drop(struct store *s, struct store_file *file)
{
	struct drop *drop = mem_alloc(sizeof(*drop));

	*drop = (struct drop){ s, *file };
	*file = STORE_NO_FILE;
	pool_submit(s->pool, drop_job, mem_free, drop);
}

void
store_free(struct store *s)
{
	while (s->stock_n > 0)
		store_close(s, &s->stock[--s->stock_n]);
	mem_free(s);
}

int
store_name(const struct store *s, struct store_file *file, const char *id)
{
	char name[NAME_MAX_BYTES];
	int r;

	if (file->tmp == 0)
		return sys_link_tmpfile(s->proc_fd, file->fd, s->dir, id) < 0 ? errno : 0;
	tmp_name(name, file->tmp);
	r = sys_renameat_new(s->dir, name, s->dir, id);
	if (r < 0)
		return errno;
	file->tmp = 0;
	return 0;
}

int
store_unlink(const struct store *s, const char *id)
{
	return sys_unlinkat(s->dir, id, 0) < 0 ? errno : 0;
}

int
store_open(const struct store *s, const char *id, int flags)
{
	return sys_openat(s->dir, id, flags | O_NOFOLLOW, 0);
}

int
store_reopen(const struct store *s, const struct store_file *file, const char *id)
{
	char number[NAME_MAX_BYTES];

	if (s->proc_fd < 0)
		return store_open(s, id, O_RDONLY);
	snprintf(number, sizeof(number), "%d", file->fd);
	return sys_openat(s->proc_fd, number, O_RDONLY, 0);
}

bool
store_sweep(const struct store *s, const char *name)
{
	struct span number = span_from(span_str(name), strlen(TMP_PREFIX));
	uint64_t n;

	if (!span_starts(span_str(name), span_lit(TMP_PREFIX)))
		return false;
	if (num_parse_u64(number, UINT64_MAX, &n) && n < s->first_tmp)
		sys_unlinkat(s->dir, name, 0);
	return true;
}

enum verdict
store_error(struct err *err, int sys, const char *what)
{
	if (sys == ENOSPC || sys == EDQUOT)
		return err_mail(err, 452, "4.3.1", "Insufficient system storage");
	return err_mail(err, 451, "4.3.0", "Error: %s: %s", what, strerrordesc_np(sys));
}
