/*
 * Who changed a mailbox that a session idles in (RFC 2177): the deliverer, or a program of the
 * user's. One inotify instance for the process, and that only while somebody idles, since a uid has
 * 128 of them; a fiber of its own reads it. Called by cmd_idle.c. Where there is no instance to be
 * had, the session is told to look for itself. Must never believe an event more than "look again".
 */
#include <errno.h>
#include <sys/inotify.h>

#include "base/log.h"
#include "base/sys.h"
#include "imapd/account_impl.h"
#include "login/user.h"
#include "mailbox/name.h"

#define WATCH_READ   4096 /* bytes of events taken at a time */
#define WATCH_EVENTS (IN_MOVED_TO | IN_MOVED_FROM | IN_CREATE | IN_DELETE | IN_ONLYDIR)

static void
watch_tell(struct account *a, int wd)
{
	list_foreach (node, after, &a->rooms) {
		struct room *room = LIST_ITEM(node, struct room, node);

		/* An overflow, which has no number, is for all. */
		if (wd < 0 || room->watch[0] == wd || room->watch[1] == wd)
			room_changed(room);
	}
}

static void
watch_take(struct account *a, const char *events, size_t n)
{
	struct inotify_event event;

	for (size_t at = 0; at + sizeof(event) <= n; at += sizeof(event) + event.len) {
		memcpy(&event, events + at, sizeof(event));
		watch_tell(a, event.wd);
	}
}

FIBER_MAIN
static void
watch_run(void *arg)
{
	struct account *a = arg;
	struct str events = STR_INIT(WATCH_READ);
	char *p = str_reserve(&events, WATCH_READ);
	enum verdict v = VERDICT_OK;
	ssize_t n;

	while (v == VERDICT_OK) {
		n = sys_read(a->inotify, p, WATCH_READ);
		if (n > 0) {
			watch_take(a, p, (size_t)n);
			continue;
		}
		if (n == 0 || errno != EAGAIN)
			break;
		a->fdwatch.readable = false;
		v = fdwatch_wait_readable(&a->fdwatch, DEADLINE_NEVER);
	}
	str_free(&events);
	fdwatch_fini(&a->fdwatch);
	sys_close(a->inotify);
	a->inotify = -1;
	a->watcher = NULL;
	a->watcher_ends = false;
	user_host_idle(a->host);
}

static bool
watch_open(struct account *a)
{
	if (a->watcher)
		return !a->watcher_ends;
	a->inotify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (a->inotify < 0)
		return false;
	fdwatch_init(&a->fdwatch, a->inotify);
	a->watcher = fiber_spawn("watch", watch_run, a);
	if (!a->watcher) {
		fdwatch_fini(&a->fdwatch);
		sys_close(a->inotify);
		a->inotify = -1;
		return false;
	}
	user_host_busy(a->host);
	return true;
}

/* The number of PART ("new") of the room's folder, by its path below the home, where this process
 * is. */
static int
watch_add(struct room *room, const char *part)
{
	struct span base = room->account->place.path;
	struct str path = STR_INIT(2 * LIMIT_SANDBOX_PATH);
	int wd = -1;

	str_put(&path, base);
	if (base.n > 0 && base.p[base.n - 1] != '/')
		str_putc(&path, '/');
	if (mailbox_name_to_disk(str_span(&room->name), &path, NULL) == VERDICT_OK) {
		str_printf(&path, "/%s", part);
		wd = inotify_add_watch(room->account->inotify, str_cstr(&path), WATCH_EVENTS);
	}
	str_free(&path);
	return wd;
}

bool
watch_enter(struct room *room, struct idler *idler, struct stream *io)
{
	struct account *a = room->account;
	bool first = list_empty(&room->idlers);

	*idler = (struct idler){ .io = io, .changed = true };
	list_push(&room->idlers, &idler->node);
	if (first) {
		a->watched++;
		if (watch_open(a)) {
			room->watch[0] = watch_add(room, "new");
			room->watch[1] = watch_add(room, "cur");
		}
	}
	return room->watch[0] >= 0 && room->watch[1] >= 0;
}

void
watch_leave(struct room *room, struct idler *idler)
{
	struct account *a = room->account;

	list_remove(&idler->node);
	if (!list_empty(&room->idlers))
		return;
	for (size_t i = 0; i < ARRAY_LEN(room->watch); i++) {
		if (room->watch[i] >= 0 && a->inotify >= 0)
			(void)inotify_rm_watch(a->inotify, room->watch[i]);
		room->watch[i] = -1;
	}
	if (--a->watched > 0 || !a->watcher)
		return;
	a->watcher_ends = true;
	fiber_cancel(a->watcher);
}
