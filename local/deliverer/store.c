/*
 * One message into one folder. A delivery is a fiber; what blocks runs in the pool: a round writes
 * and syncs the files of all that are ready, names them and syncs the directory once for them.
 * While a round runs the next one gathers. Where syncs cost, the files of a round share one of the
 * file system; where that takes long (others have much to write), files are written and synced in
 * many threads before the round instead. Called by the router's messages alone. The reply says that
 * the message would survive a power cut.
 *
 * The content is what a stranger sent, in a file that qmgr owns: extents are checked against it,
 * and nothing is believed about its form.
 */
#include <errno.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "base/sys.h"
#include "base/time.h"
#include "local/deliverer/deliverer.h"
#include "mailbox/mailbox.h"
#include "mailbox/tree.h"
#include "message/header.h"

#define READ_BLOCK   65536
#define IDLE_SHELVES 16	 /* folders kept open; beyond, those without users are closed */
#define TIDY_AFTER   512 /* messages: by then the log of an index is worth a look */
#define ROUND_MOST   64	 /* messages; the next round takes the others */
#define SLOW_FILE_NS \
	(100 * NS_PER_US) /* to write and sync one: what is quicker is not worth another way */
#define SLOW_WHOLE_NS (20 * NS_PER_MS) /* a syncfs slower than this has others' data to write */
#define PROBE_S	      30	       /* until it is tried again */

/* A folder that was stored into, open until the process has been idle. */
struct shelf {
	struct span name; /* key, owned */
	struct deliverer *deliverer;
	struct mailbox *mailbox; /* NULL: not open; while a round runs it is the thread's */
	unsigned users;
	unsigned untidy; /* messages since the index was looked after */
	bool round;	 /* a fiber runs them: who is ready is in its next one */
	struct list ready;
};

struct delivery {
	struct list node; /* in shelf->ready */
	struct deliverer *deliverer;
	struct ipc_request *req;
	const struct msg_store *msg;
	struct shelf *shelf;
	struct draft draft;
	uint64_t file_ns; /* 0: not written and synced by itself */
	bool written;	  /* has been tried: V says how it went */
	enum verdict v;
	struct err err;
};

/* Opens what is not open yet; makes a folder that is not there. Blocks, once a folder. */
static enum verdict
shelf_open(struct shelf *s, struct err *err)
{
	struct deliverer *d = s->deliverer;
	enum verdict v = VERDICT_OK;

	if (!d->maildir)
		v = maildir_open(&d->place, &d->maildir, err);
	if (v != VERDICT_OK || s->mailbox)
		return v;
	v = mailbox_open_to_add(d->maildir, s->name, &s->mailbox, err);
	if (v != VERDICT_ABSENT)
		return v;
	v = tree_create(d->maildir, s->name, err);
	return v == VERDICT_OK ? mailbox_open_to_add(d->maildir, s->name, &s->mailbox, err) : v;
}

static struct shelf *
shelf_enter(struct deliverer *d, struct span name)
{
	struct shelf *s = map_get(&d->shelves, name);

	if (!s) {
		if (d->shelves.count >= IDLE_SHELVES)
			deliverer_close_shelves(d);
		s = mem_alloc(sizeof(*s));
		s->name = span_of(mem_strdup(name), name.n);
		s->deliverer = d;
		list_init(&s->ready);
		map_put(&d->shelves, s->name, s);
	}
	s->users++;
	return s;
}

static void
shelf_leave(struct shelf *s)
{
	s->users--;
}

void
deliverer_close_shelves(struct deliverer *d)
{
	struct shelf *s;
	size_t at = 0;

	/* The table must not change while it is walked. */
	while ((s = map_next(&d->shelves, &at)) != NULL) {
		if (s->users > 0)
			continue;
		map_remove(&d->shelves, s->name);
		mailbox_close(s->mailbox);
		mem_free((void *)(uintptr_t)s->name.p);
		mem_free(s);
		at = 0;
	}
}

/* The fields that final delivery adds (RFC 5321 4.4). */
static enum verdict
write_trace(struct delivery *job)
{
	const struct msg_store *m = job->msg;
	struct str text = STR_INIT(LIMIT_HEADER_BLOCK), path = STR_INIT(LIMIT_ADDRESS + 2);
	enum verdict v;

	str_printf(&path, "<%.*s>", SPAN_ARG(m->sender));
	header_put(&text, span_lit("Return-Path"), str_span(&path));
	if (m->original.n > 0)
		header_put(&text, span_lit("X-Original-To"), m->original);
	header_put(&text, span_lit("Delivered-To"), m->recipient);
	v = draft_put(&job->draft, str_span(&text), &job->err);
	str_free(&path);
	str_free(&text);
	return v;
}

static enum verdict
write_extent(struct delivery *job, const struct item_extent *x, char *block)
{
	enum verdict v = VERDICT_OK;

	for (uint64_t done = 0; v == VERDICT_OK && done < x->size;) {
		size_t n = size_min(READ_BLOCK, x->size - done);
		ssize_t got = sys_pread_all(job->msg->content, block, n, (off_t)(x->at + done));

		if (got < 0)
			v = err_sys(&job->err, errno, "read message content");
		else if ((size_t)got < n)
			v = err_mail(&job->err, 451, "4.3.0",
			    "message content is shorter than its extents say");
		else
			v = draft_put(&job->draft, span_of(block, n), &job->err);
		done += n;
	}
	return v;
}

static enum verdict
check_extents(const struct delivery *job, struct err *err)
{
	struct stat st;

	if (fstat(job->msg->content, &st) != 0)
		return err_sys(err, errno, "look at message content");
	for (uint32_t i = 0; i < job->msg->extents.n; i++) {
		const struct item_extent *x = &job->msg->extents.v[i];

		if (x->at > (uint64_t)st.st_size || x->size > (uint64_t)st.st_size - x->at)
			return err_mail(
			    err, 451, "4.3.0", "message content ends before its extents");
	}
	return VERDICT_OK;
}

/* WHOLE: the sync is the round's. */
static enum verdict
delivery_copy(struct delivery *job, bool whole)
{
	struct deliverer *d = job->deliverer;
	const struct list_extent *extents = &job->msg->extents;
	uint64_t largest = 1;
	char *block;

	job->v = check_extents(job, &job->err);
	for (uint32_t i = 0; job->v == VERDICT_OK && i < extents->n; i++)
		largest = extents->v[i].size > largest ? extents->v[i].size : largest;
	if (job->v != VERDICT_OK)
		return job->v;
	block = mem_alloc(size_min(largest, READ_BLOCK));
	job->v =
	    draft_begin(&job->draft, d->maildir, mailbox_folder(job->shelf->mailbox), &job->err);
	if (job->v == VERDICT_OK)
		job->v = write_trace(job);
	for (uint32_t i = 0; job->v == VERDICT_OK && i < extents->n; i++)
		job->v = write_extent(job, &extents->v[i], block);
	if (job->v == VERDICT_OK)
		job->v = whole ? draft_finish(&job->draft, 0, &job->err)
			       : draft_sync(&job->draft, 0, &job->err);
	mem_free(block);
	return job->v;
}

/* In a thread: the file as it shall be, on disk, without its name. */
static void
delivery_write(void *arg)
{
	struct delivery *job = arg;
	uint64_t begun = time_mono();

	job->v = delivery_copy(job, false);
	job->written = true;
	job->file_ns = time_mono() - begun + 1;
}

struct round {
	struct shelf *shelf;
	struct list deliveries;
	size_t n;
	bool whole;	   /* one sync for all files */
	uint64_t whole_ns; /* what it took */
};

/* Names and UIDs for the N whose files are written; one sync of directory and index holds for all.
 */
static void
round_name(struct round *r, struct delivery **jobs, size_t n)
{
	struct shelf *s = r->shelf;
	struct mailbox_addition *additions = mem_alloc_array(n, sizeof(*additions));
	struct err err = ERR_NONE;
	enum verdict synced;

	for (size_t i = 0; i < n; i++)
		additions[i].draft = &jobs[i]->draft;
	mailbox_add(s->mailbox, additions, n);
	synced = mailbox_sync_blocking(s->mailbox, &err);
	for (size_t i = 0; i < n; i++) {
		jobs[i]->v = additions[i].v;
		jobs[i]->err = additions[i].err;
		if (jobs[i]->v != VERDICT_OK || synced == VERDICT_OK)
			continue;
		draft_withdraw(&jobs[i]->draft);
		jobs[i]->v = synced;
		jobs[i]->err = err;
	}
	mem_free(additions);
	s->untidy += (unsigned)n;
	if (s->untidy >= TIDY_AFTER && mailbox_tidy(s->mailbox, NULL) == VERDICT_OK)
		s->untidy = 0;
}

/* The bytes of all files are on the disk afterwards, or none of them counts. */
static enum verdict
round_sync(struct round *r, struct err *err)
{
	uint64_t begun = time_mono();
	int failed = sys_syncfs(mailbox_folder(r->shelf->mailbox)->dir);

	r->whole_ns = time_mono() - begun + 1;
	return failed ? err_sys(err, errno, "sync messages") : VERDICT_OK;
}

/* In a thread. */
static void
round_publish(void *arg)
{
	struct round *r = arg;
	struct delivery *jobs[ROUND_MOST];
	struct err err = ERR_NONE;
	enum verdict v;
	size_t n = 0;

	list_foreach (node, after, &r->deliveries) {
		struct delivery *job = LIST_ITEM(node, struct delivery, node);

		if (!job->written && r->whole)
			job->v = delivery_copy(job, true);
		else if (!job->written)
			delivery_write(job);
		if (job->v == VERDICT_OK)
			jobs[n++] = job;
	}
	v = r->whole ? round_sync(r, &err) : VERDICT_OK;
	for (size_t i = 0; v != VERDICT_OK && i < n; i++) {
		jobs[i]->v = v;
		jobs[i]->err = err;
	}
	if (n > 0 && v == VERDICT_OK)
		round_name(r, jobs, n);
}

static void
measure(uint64_t *average, uint64_t ns)
{
	if (ns > 0)
		*average = (*average * 7 + ns) / 8;
}

/* Answers, and frees all. */
static void
delivery_end(struct delivery *job)
{
	const struct msg_stored stored = { SPAN("delivered to maildir") };
	struct deliverer *d = job->deliverer;

	measure(&d->file_ns, job->file_ns);
	draft_end(&job->draft);
	shelf_leave(job->shelf);
	if (job->v == VERDICT_OK)
		ipc_reply(job->req, &ipc_stored, &stored);
	else
		ipc_fail(job->req, &job->err);
	if (--d->busy == 0) {
		timer_set(&d->linger, time_mono() + service_conf(d->ctx)->mailbox_linger_time);
		if (service_stopping(d->ctx))
			deliverer_close_shelves(d);
	}
	service_idle(d->ctx);
	mem_free(job);
}

static bool
whole_is_quick(const struct deliverer *d)
{
	return d->whole_ns < SLOW_WHOLE_NS || time_mono() >= d->probe_at;
}

/* Runs rounds, and ends the deliveries in them, until none is ready. */
SUSPENDS
static void
shelf_rounds(struct shelf *s)
{
	struct deliverer *d = s->deliverer;
	struct list *node;

	while (!list_empty(&s->ready)) {
		struct round r = { .shelf = s };

		list_init(&r.deliveries);
		for (; r.n < ROUND_MOST && (node = list_pop(&s->ready)) != NULL; r.n++)
			list_push(&r.deliveries, node);
		r.whole = r.n > 1 && d->file_ns > SLOW_FILE_NS && whole_is_quick(d);
		/* Cancelled or not, it has run. */
		(void)pool_run(d->pool, round_publish, &r);
		measure(&d->whole_ns, r.whole_ns);
		if (r.whole)
			d->probe_at = deadline_after_s(PROBE_S);
		while ((node = list_pop(&r.deliveries)) != NULL)
			delivery_end(LIST_ITEM(node, struct delivery, node));
	}
	s->round = false;
	shelf_leave(s);
}

FIBER_MAIN
static void
shelf_run(void *arg)
{
	shelf_rounds(arg);
}

/* Ends before its delivery does: rounds are made by a fiber of the folder, which comes after all
 * deliveries of this turn. */
FIBER_MAIN
static void
delivery_run(void *arg)
{
	struct delivery *job = arg;
	struct deliverer *d = job->deliverer;
	struct shelf *s = job->shelf;

	job->v = shelf_open(s, &job->err);
	if (job->v == VERDICT_OK && d->file_ns > SLOW_FILE_NS && !whole_is_quick(d))
		(void)pool_run(d->pool, delivery_write, job);
	if (job->v != VERDICT_OK) {
		delivery_end(job);
		return;
	}
	list_push(&s->ready, &job->node);
	if (s->round)
		return;
	s->round = true;
	s->users++;
	if (!fiber_spawn("rounds", shelf_run, s))
		shelf_rounds(s);
}

void
deliverer_store(struct ipc_request *req, const void *msg, void *arg)
{
	struct service_ctx *ctx = arg;
	struct deliverer *d = service_state(ctx);
	struct delivery *job = mem_alloc(sizeof(*job));
	const struct msg_store *m = msg;
	struct err err = ERR_NONE;

	job->deliverer = d;
	job->req = req;
	job->msg = m;
	job->draft.fd = job->draft.published = -1;
	job->shelf = shelf_enter(d, m->folder.n ? m->folder : span_lit("INBOX"));
	if (fiber_spawn("delivery", delivery_run, job)) {
		d->busy++;
		service_busy(ctx);
		return;
	}
	shelf_leave(job->shelf);
	err_mail(&err, 451, "4.3.2", "too many deliveries at one time");
	ipc_fail(req, &err);
	mem_free(job);
}
