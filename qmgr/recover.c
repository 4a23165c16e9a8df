/*
 * Recovery: lists the queue's directory, reads its files in batches in the pool, and enters each
 * message as if it had just come, while new ones come and go. Called once, at start. A name that is
 * read in is reserved first, so that no commit takes it; a name that a commit has reserved is that
 * commit's. Leftovers of commits that were never acknowledged are removed with a line in the log;
 * what is damaged stays, and is listed.
 */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/sys.h"
#include "message/queue_id.h"
#include "qmgr/active.h"
#include "qmgr/fan.h"
#include "qmgr/load.h"
#include "qmgr/qmgr.h"
#include "qmgr/recover.h"

#define BATCH	128  /* files read at a time */
#define NAMES	4096 /* names listed at a time */
#define AGAIN_S 60   /* after an error: files that could not be read are tried again */

struct recovery {
	struct qmgr *q;
	DIR *dir;
	char (*names)[LIMIT_QUEUE_ID + 1];
	size_t names_n;
	bool listed; /* no more names */
	int error;
	unsigned strange; /* names that are no queue ids */
	size_t loaded;
	size_t leftovers;
	size_t damaged;
	size_t failed;
};

/* In a thread: the next names. */
static void
list_job(void *arg)
{
	struct recovery *r = arg;
	struct dirent *e = NULL;

	if (!r->dir) {
		int fd = sys_openat(store_dir(r->q->store), ".", O_RDONLY | O_DIRECTORY, 0);

		r->dir = fd < 0 ? NULL : fdopendir(fd);
	}
	r->names_n = 0;
	errno = 0;
	while (r->dir && r->names_n < NAMES && (e = readdir(r->dir)) != NULL) {
		struct span name = span_str(e->d_name);

		if (queue_id_valid(name))
			memcpy(r->names[r->names_n++], e->d_name, name.n + 1);
		else if (e->d_name[0] != '.' && !store_sweep(r->q->store, e->d_name))
			r->strange++;
		errno = 0;
	}
	r->error = !r->dir || !e ? errno : 0;
	r->listed = !r->dir || !e;
}

static void
loaded_damaged(struct recovery *r, struct load *l)
{
	struct qmgr *q = r->q;

	log_event(LOG_LEVEL_ERROR, "%s: damaged, and kept as it is: %s", l->id, l->err.text);
	l->m->place = MESSAGE_DAMAGED;
	list_push(&q->damaged, &l->m->link);
	r->damaged++;
}

static void
loaded_good(struct recovery *r, struct load *l)
{
	struct qmgr *q = r->q;
	struct message *m = message_fill(q, l->m, &l->parts.head,
	    span_head(str_span(&l->parts.record), l->parts.envelope_size), l->chunks, l->chunks_n);
	struct chunk *chunk = &m->chunks[0];

	m->flags = l->parts.flags;
	if (l->chunks_n == 1)
		chunk_install(q, chunk,
		    span_head(span_from(str_span(&l->parts.record), chunk->at), chunk->size),
		    str_span(&l->slots));
	r->loaded++;
	if (!(m->flags & FILE_ACKNOWLEDGED))
		change_new(q, m);
	active_enter(q, m);
}

static void
loaded(struct recovery *r, struct load *l)
{
	switch (l->verdict) {
	case LOAD_GOOD:
		loaded_good(r, l);
		break;
	case LOAD_DAMAGED:
		loaded_damaged(r, l);
		break;
	case LOAD_LEFTOVER:
		log_event(LOG_LEVEL_WARNING, "%s: dropped, as it was never acknowledged: %s", l->id,
		    l->err.text);
		r->leftovers++;
		change_remove(r->q, l->m);
		break;
	case LOAD_FAILED:
		log_event(LOG_LEVEL_ERROR, "%s: not read: %s", l->id, l->err.text);
		r->failed++;
		message_free(r->q, l->m);
		break;
	case LOAD_ABSENT:
		message_free(r->q, l->m);
		break;
	}
	load_free(l);
}

SUSPENDS
static void
recover_batch(struct recovery *r, size_t *at, struct load *batch)
{
	size_t n = 0;

	while (n < BATCH && *at < r->names_n) {
		const char *name = r->names[(*at)++];
		struct message *m = message_reserve(r->q, span_str(name));

		/* In memory already: it came in after we started. */
		if (!m)
			continue;
		load_init(&batch[n], r->q->store, name);
		batch[n++].m = m;
	}
	fan_run(r->q->pool, load_job, batch, n, sizeof(*batch), FAN_SLOW);
	for (size_t i = 0; i < n; i++)
		loaded(r, &batch[i]);
	active_fill(r->q);
}

/* One pass over the directory. */
SUSPENDS
static void
recover_pass(struct recovery *r)
{
	struct load *batch = mem_alloc_array(BATCH, sizeof(*batch));

	r->listed = false;
	r->failed = 0;
	while (!r->listed && !r->q->stopping) {
		size_t at = 0;

		(void)pool_run(r->q->pool, list_job, r);
		while (at < r->names_n && !r->q->stopping)
			recover_batch(r, &at, batch);
	}
	if (r->error != 0)
		log_event(
		    LOG_LEVEL_ERROR, "the queue cannot be listed: %s", strerrordesc_np(r->error));
	if (r->dir)
		closedir(r->dir);
	r->dir = NULL;
	mem_free(batch);
}

FIBER_MAIN
static void
recover_run(void *arg)
{
	struct recovery *r = arg;
	struct qmgr *q = r->q;

	recover_pass(r);
	/* What the disk did not let us see may be there later; nothing of it is forgotten
	 * meanwhile. */
	while ((r->failed > 0 || r->error != 0) && !q->stopping) {
		if (fiber_sleep_until(deadline_after_s(AGAIN_S)) != VERDICT_OK)
			break;
		recover_pass(r);
	}
	if (r->strange > 0)
		log_event(LOG_LEVEL_WARNING, "%u files in the queue's directory are not ours",
		    r->strange);
	if (r->loaded + r->leftovers + r->damaged > 0)
		log_event(LOG_LEVEL_INFO, "queue read: %zu messages, %zu leftovers, %zu damaged",
		    r->loaded, r->leftovers, r->damaged);
	mem_free(r->names);
	mem_free(r);
	q->recovery = NULL;
}

void
recover_start(struct qmgr *q)
{
	struct recovery *r = mem_alloc(sizeof(*r));

	r->q = q;
	r->names = mem_alloc_array(NAMES, sizeof(*r->names));
	q->recovery = r;
	/* Before any other fiber: there is room. */
	if (!fiber_spawn("recovery", recover_run, r))
		assert(!"a fiber for the recovery");
}
