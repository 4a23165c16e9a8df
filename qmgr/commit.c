/*
 * Sync rounds. A round writes the heads and records of all messages that wait, gives them their
 * names, makes all of it durable at once, and only then tells. Submitted by door.c. Owns the items
 * while they wait or run. One fiber makes rounds for as long as there is something to sync; all
 * disk calls are in the pool.
 *
 * A round that cannot be made durable fails as a whole and leaves no names: after EIO nobody knows
 * which pages are on the disk (they are marked clean), so the files are given up, and their senders
 * send again. The same holds for files that others were writing meanwhile (commit_failures).
 */
#include "config.h"

#include <errno.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "base/rand.h"
#include "base/sys.h"
#include "event/loop.h"
#include "qmgr/commit.h"
#include "qmgr/fan.h"

#define SLOW_ROUND_NS (20 * NS_PER_MS) /* a syncfs slower than this has others' data to write */
#define PROBE_S	      30	       /* until the other way is measured again */
#define SYNC_SOON_MS  1000

struct commit {
	struct pool *pool;
	struct store *store;
	enum commit_mode mode;
	struct list waiting;
	size_t waiting_n;
	size_t round_n; /* items of the round that runs */
	bool running;
	bool sync_wanted; /* an empty round, if no other comes first */
	struct timer sync_timer;
	uint64_t probe_at;
	uint64_t failures; /* of syncfs */
	commit_synced_fn *synced;
	void *synced_arg;
	struct commit_figures figures;
};

struct round {
	const struct store *store;
	struct commit_item **items;
	size_t n;
	bool by_syncfs;
	int error; /* of the sync */
	uint64_t ns;
};

static void
item_give_up(const struct store *s, struct commit_item *item)
{
	store_unlink(s, item->id);
	if (item->read_fd >= 0)
		sys_close(item->read_fd);
	item->read_fd = -1;
}

static int
item_write(struct commit_item *item)
{
	char area[FILE_CONTENT_AT] = { 0 };
	struct file_head *h = &item->head;
	size_t near = FILE_HEAD_SIZE;
	struct stat st;

	if (fstat(item->file.fd, &st) < 0)
		return errno;
	if ((uint64_t)st.st_size < item->content_end)
		return ENODATA;
	file_head_place(h, (uint64_t)st.st_size);
	file_head_put(h, area);
	if (h->record_at == FILE_RECORD_AT) {
		memcpy(area + FILE_RECORD_AT, item->record.p, item->record.n);
		near = FILE_RECORD_AT + item->record.n;
	} else if (sys_pwrite_all(
		       item->file.fd, item->record.p, item->record.n, (off_t)h->record_at) < 0) {
		return errno;
	}
	return sys_pwrite_all(item->file.fd, area, near, 0) < 0 ? errno : 0;
}

static void
item_write_and_name(const struct store *s, struct commit_item *item)
{
	item->error = item_write(item);
	if (item->error == 0)
		item->error = store_name(s, &item->file, item->id);
	if (item->error == 0 && item->keep_open)
		item->read_fd = store_reopen(s, &item->file, item->id);
}

static void
round_finish(void *arg)
{
	struct round *r = arg;

	if (!r->by_syncfs && r->error == 0 && sys_fsync(store_dir(r->store)) < 0)
		r->error = errno;
	for (size_t i = 0; i < r->n; i++) {
		struct commit_item *item = r->items[i];

		if (item->error == 0 && r->error != 0) {
			item_give_up(r->store, item);
			item->error = r->error;
		}
		/* The last descriptor of a file without a name frees its blocks: not on the loop
		 * either. */
		store_close(r->store, &item->file);
	}
}

static void
round_write(void *arg)
{
	struct round *r = arg;
	uint64_t begun;

	for (size_t i = 0; i < r->n; i++)
		item_write_and_name(r->store, r->items[i]);
	if (!r->by_syncfs)
		return;
	begun = time_mono();
	if (sys_syncfs(store_dir(r->store)) < 0)
		r->error = errno;
	r->ns = time_mono() - begun;
	round_finish(r);
}

static void
item_fdatasync(void *arg)
{
	struct commit_item *item = *(struct commit_item **)arg;

	if (item->error == 0 && sys_fdatasync(item->file.fd) < 0)
		item->error = -errno; /* the sync's, which fails the round */
}

/* The second half of a round that syncs file by file. */
SUSPENDS
static void
round_fsync(struct commit *c, struct round *r)
{
	uint64_t begun = time_mono();

	fan_run(c->pool, item_fdatasync, r->items, r->n, sizeof(struct commit_item *), FAN_SLOW);
	for (size_t i = 0; i < r->n; i++) {
		if (r->items[i]->error < 0) {
			r->error = -r->items[i]->error;
			r->items[i]->error = 0;
		}
	}
	(void)pool_run(c->pool, round_finish, r);
	r->ns = time_mono() - begun;
}

static uint64_t
threads_in_turn(size_t n)
{
	return (n + LIMIT_POOL_THREADS - 1) / LIMIT_POOL_THREADS;
}

/* What N messages would take by each way, as far as is known. */
static bool
choose_syncfs(struct commit *c, size_t n)
{
	struct commit_figures *f = &c->figures;
	bool faster = f->syncfs_ns <= f->fsync_ns * threads_in_turn(n);
	uint64_t now = time_mono();

	if (c->mode != COMMIT_AUTO)
		return c->mode == COMMIT_SYNCFS;
	if (f->syncfs_ns < SLOW_ROUND_NS)
		return true;
	/* The slower one is tried now and then: who else writes to this disk changes. */
	if (f->fsync_ns == 0 || now >= c->probe_at) {
		c->probe_at = now + PROBE_S * NS_PER_S;
		return f->fsync_ns != 0 && !faster;
	}
	return faster;
}

static void
measure(uint64_t *average, uint64_t ns)
{
	*average = *average == 0 ? ns : (*average * 7 + ns) / 8;
}

static void
round_measure(struct commit *c, const struct round *r)
{
	c->figures.rounds++;
	c->figures.messages += r->n;
	if (r->by_syncfs)
		measure(&c->figures.syncfs_ns, r->ns);
	else
		measure(&c->figures.fsync_ns, r->ns / threads_in_turn(r->n));
}

static void
round_take(struct commit *c, struct round *r)
{
	size_t most = size_min(c->waiting_n, LIMIT_QUEUE_ROUND);

	r->store = c->store;
	r->items = mem_alloc_array(most + 1, sizeof(struct commit_item *));
	while (r->n < most) {
		struct list *node = list_pop(&c->waiting);

		c->waiting_n--;
		r->items[r->n++] = LIST_ITEM(node, struct commit_item, link);
	}
	c->round_n = r->n;
}

/* 0, or why nothing is to be written of it. */
static int
item_refused(const struct commit *c, struct commit_item *item)
{
	if (!item->wanted(item))
		return ECANCELED;
	return item->failures == c->failures ? 0 : EIO;
}

static void
round_drop(struct commit *c, struct round *r)
{
	size_t kept = 0;

	for (size_t i = 0; i < r->n; i++) {
		struct commit_item *item = r->items[i];

		item->error = item_refused(c, item);
		if (item->error == 0) {
			r->items[kept++] = item;
			continue;
		}
		store_drop(c->store, &item->file);
		item->done(item);
	}
	r->n = kept;
}

SUSPENDS
static void
round_run(struct commit *c)
{
	struct round r = { .n = 0 };

	round_take(c, &r);
	round_drop(c, &r);
	/* Only a sync of everything covers what change.c wrote. */
	r.by_syncfs = r.n == 0 || choose_syncfs(c, r.n);
	if (r.by_syncfs) {
		c->sync_wanted = false;
		timer_stop(&c->sync_timer);
		if (c->synced)
			c->synced(c->synced_arg, true, 0);
	}
	(void)pool_run(c->pool, round_write, &r);
	if (!r.by_syncfs)
		round_fsync(c, &r);
	round_measure(c, &r);
	c->failures += r.by_syncfs && r.error != 0;
	if (r.by_syncfs && c->synced)
		c->synced(c->synced_arg, false, r.error);
	for (size_t i = 0; i < r.n; i++)
		r.items[i]->done(r.items[i]);
	c->round_n = 0;
	mem_free(r.items);
}

FIBER_MAIN
static void
commit_rounds(void *arg)
{
	struct commit *c = arg;

	while (c->waiting_n > 0 || c->sync_wanted)
		round_run(c);
	c->running = false;
}

static void
commit_start(struct commit *c)
{
	if (c->running)
		return;
	c->running = fiber_spawn("commit", commit_rounds, c) != NULL;
	/* No fiber is to be had: the timer tries again. */
	if (!c->running)
		timer_set(&c->sync_timer, deadline_after_ms(SYNC_SOON_MS));
}

static void
commit_sync_due(void *arg)
{
	struct commit *c = arg;

	c->sync_wanted = true;
	commit_start(c);
}

struct commit *
commit_new(struct pool *pool, struct store *store, enum commit_mode mode)
{
	struct commit *c = mem_alloc(sizeof(*c));

	c->pool = pool;
	c->store = store;
	c->mode = mode;
	list_init(&c->waiting);
	timer_init(&c->sync_timer, commit_sync_due, c);
	return c;
}

void
commit_free(struct commit *c)
{
	assert(!c->running && c->waiting_n == 0);
	timer_stop(&c->sync_timer);
	mem_free(c);
}

void
commit_submit(struct commit *c, struct commit_item *item)
{
	item->error = 0;
	item->read_fd = -1;
	item->head.nonce = rand_u64();
	list_push(&c->waiting, &item->link);
	c->waiting_n++;
	commit_start(c);
}

uint64_t
commit_failures(const struct commit *c)
{
	return c->failures;
}

size_t
commit_backlog(const struct commit *c)
{
	return c->waiting_n + c->round_n;
}

void
commit_sync_soon(struct commit *c)
{
	if (c->sync_timer.node.place == 0)
		timer_set(&c->sync_timer, deadline_after_ms(SYNC_SOON_MS));
}

void
commit_on_sync(struct commit *c, commit_synced_fn *fn, void *arg)
{
	c->synced = fn;
	c->synced_arg = arg;
}

void
commit_figures(const struct commit *c, struct commit_figures *out)
{
	*out = c->figures;
}
