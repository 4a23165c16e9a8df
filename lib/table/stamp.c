/*
 * Watching a file for another state than the one that was read. Called by tables and by sets for
 * the files of their lists. A change counts when it has stood still between two looks, so that a
 * file that is being written is not read half; a file that is gone has not changed, since what
 * comes next will. Owns a copy of the path. Costs one stat().
 */
#include "base/mem.h"
#include "table/driver.h"

static struct table_stamp
stamp_take(const char *path)
{
	struct table_stamp stamp = { .there = false };
	struct stat st;

	if (stat(path, &st) == 0)
		stamp = (struct table_stamp){ true, st.st_dev, st.st_ino, st.st_size, st.st_ctim };
	return stamp;
}

static bool
stamp_eq(const struct table_stamp *a, const struct table_stamp *b)
{
	return a->there == b->there && a->dev == b->dev && a->ino == b->ino && a->size == b->size &&
	       a->ctime.tv_sec == b->ctime.tv_sec && a->ctime.tv_nsec == b->ctime.tv_nsec;
}

void
table_watch_start(struct table_watch *w, struct span path)
{
	w->path = mem_strdup(path);
	w->opened = stamp_take(w->path);
	w->seen = w->opened;
}

void
table_watch_stop(struct table_watch *w)
{
	mem_free(w->path);
	w->path = NULL;
}

bool
table_watch_changed(struct table_watch *w)
{
	struct table_stamp now, before = w->seen;

	if (!w->path)
		return false;
	now = stamp_take(w->path);
	w->seen = now;
	return now.there && !stamp_eq(&now, &w->opened) && stamp_eq(&now, &before);
}
