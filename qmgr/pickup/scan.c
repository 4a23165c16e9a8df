/*
 * The maildrop: looked through at the start, whenever a file in it has been closed, and once a
 * minute. Each file that is whole becomes a fiber; what is no submission is logged once and left
 * where it is, for the postmaster; what was never finished goes after a day. Owns the tables of
 * names. Names are whatever somebody made them: they are never shown raw, and lead nowhere.
 */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/sys.h"
#include "qmgr/pickup/pickup.h"

#define AGAIN_S	     60
#define UNFINISHED_S (24 * 3600) /* then nobody writes to it any more */
#define TURN	     (10 * NS_PER_MS)

/* NAME and the inode, so that another file of the same name is news. */
static struct span
known_key(struct str *out, struct span name, const struct stat *st)
{
	str_printf(out, "%llu %llu ", (unsigned long long)st->st_ino,
	    (unsigned long long)st->st_ctim.tv_sec);
	str_put(out, name);
	return str_span(out);
}

static void
known_clear(struct pickup *p)
{
	size_t at = 0;
	char *key;

	while ((key = map_next(&p->known, &at)) != NULL)
		mem_free(key);
	map_free(&p->known);
	map_init(&p->known);
}

void
pickup_complain(struct pickup *p, const struct drop *d, const char *why)
{
	struct str key = STR_INIT(1024);
	struct span found;
	struct stat st;
	char *copy;

	if (fstatat(p->dir, d->name.p, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return;
	found = known_key(&key, d->name, &st);
	if (!map_get(&p->known, found)) {
		log_event(LOG_LEVEL_WARNING, "maildrop/%s, of uid %u: %s; it stays there",
		    log_escape(d->name), (unsigned)st.st_uid, why);
		if (p->known.count >= LIMIT_PICKUP_KNOWN)
			known_clear(p);
		copy = mem_strdup(found);
		map_put(&p->known, span_of(copy, found.n), copy);
	}
	str_free(&key);
}

/* It is being written, or its writer has died. The time of its last change is nobody's to set. */
static void
unfinished_look(struct pickup *p, struct span name)
{
	struct stat st;

	if (fstatat(p->dir, name.p, &st, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(st.st_mode) ||
	    (uint64_t)st.st_ctim.tv_sec + UNFINISHED_S > time_wall() / NS_PER_S)
		return;
	log_event(LOG_LEVEL_WARNING, "maildrop/%s, of uid %u: was never finished; removed",
	    log_escape(name), (unsigned)st.st_uid);
	sys_unlinkat(p->dir, name.p, 0);
}

SUSPENDS
static void
file_take(struct pickup *p, struct span name)
{
	struct err err = ERR_NONE;
	struct drop *d;
	enum verdict v;

	if (map_get(&p->taken, name) || semaphore_take(&p->jobs, DEADLINE_NEVER) != VERDICT_OK)
		return;
	d = mem_alloc(sizeof(*d));
	d->pickup = p;
	d->fd = -1;
	d->name = span_of(mem_strdup(name), name.n);
	map_put(&p->taken, d->name, d);
	service_busy(p->ctx);
	v = drop_open(d, &err);
	if (v == VERDICT_OK && fiber_spawn("submission", drop_run, d))
		return;
	if (v == VERDICT_ABSENT)
		unfinished_look(p, d->name);
	else if (v == VERDICT_PERM)
		pickup_complain(p, d, err.text);
	drop_free(d);
}

/* All names, then the files: what goes meanwhile is not missed. */
static bool
names_read(struct pickup *p, struct str *names)
{
	int fd = sys_open_beneath(p->dir, ".", O_RDONLY | O_DIRECTORY, 0);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;

	if (!dir) {
		log_event(LOG_LEVEL_ERROR, "list the maildrop: %s", strerror(errno));
		if (fd >= 0)
			sys_close(fd);
		return false;
	}
	while ((e = readdir(dir)) != NULL) {
		if (e->d_name[0] != '.') {
			str_puts(names, e->d_name);
			str_putc(names, '\0');
		}
	}
	closedir(dir);
	return true;
}

SUSPENDS
static void
maildrop_scan(struct pickup *p)
{
	struct str names = STR_INIT(LIMIT_IPC_MESSAGE);
	uint64_t turn = time_mono() + TURN;
	struct span rest, name;

	if (names_read(p, &names)) {
		rest = str_span(&names);
		while (span_cut(rest, '\0', &name, &rest) && !service_stopping(p->ctx)) {
			file_take(p, name);
			if (time_mono() > turn && fiber_yield() != VERDICT_OK)
				break;
			turn = time_mono() > turn ? time_mono() + TURN : turn;
		}
	}
	str_free(&names);
}

static void
scan_is_due(void *arg)
{
	struct pickup *p = arg;

	p->due = true;
	waitq_wake(&p->wake);
}

/* Reads what inotify has to say, and forgets it: a scan sees all there is. */
FIBER_MAIN
static void
changes_run(void *arg)
{
	struct pickup *p = arg;
	char events[4096];

	for (;;) {
		ssize_t n = sys_read(p->changes.fd, events, sizeof(events));

		if (n > 0) {
			scan_is_due(p);
			continue;
		}
		p->changes.readable = false;
		if (fdwatch_wait_readable(&p->changes, DEADLINE_NEVER) != VERDICT_OK)
			return;
	}
}

FIBER_MAIN
void
pickup_run(void *arg)
{
	struct pickup *p = arg;

	timer_init(&p->again, scan_is_due, p);
	if (p->changes.fd >= 0) {
		fdwatch_init(&p->changes, p->changes.fd);
		fiber_spawn("maildrop changes", changes_run, p);
	}
	while (!service_stopping(p->ctx)) {
		p->due = false;
		maildrop_scan(p);
		timer_set(&p->again, deadline_after_s(AGAIN_S));
		while (!p->due && !service_stopping(p->ctx))
			if (waitq_wait(&p->wake, DEADLINE_NEVER) != VERDICT_OK)
				return;
	}
}

void
pickup_stop(struct pickup *p)
{
	timer_stop(&p->again);
	waitq_wake_all(&p->wake);
}
