/*
 * Who changed a mailbox that a session idles in (RFC 2177): the deliverer, or a program of the
 * user's. The kernel sends SIGIO when a name in new/ or cur/ changes (fcntl F_NOTIFY), on the
 * descriptors that the mailbox has open anyway. inotify would say which, but a uid has 128
 * instances of it, and all accounts of virtual domains may share one. Called by cmd_idle.c; where
 * there is no notice to be had, the session is told to look for itself.
 */
#include <fcntl.h>
#include <signal.h>

#include "event/loop.h"
#include "imapd/account_impl.h"

#define WATCH_EVENTS (DN_CREATE | DN_DELETE | DN_RENAME | DN_MULTISHOT)

/* Looking costs little (mailbox_refresh), so each looks for itself whether it is concerned. */
static void
watch_notified(int signo, void *arg)
{
	struct account *a = arg;

	(void)signo;
	list_foreach (node, after, &a->rooms)
		room_changed(LIST_ITEM(node, struct room, node));
}

void
watch_start(struct account *a)
{
	loop_on_signal(SIGIO, watch_notified, a);
}

static bool
watch_ask(const struct room *room, int events)
{
	const struct folder *folder = mailbox_folder(room->mailbox);
	int arrived = fcntl(folder->new, F_NOTIFY, events);
	int changed = fcntl(folder->cur, F_NOTIFY, events);

	return arrived == 0 && changed == 0;
}

bool
watch_enter(struct room *room, struct idler *idler, struct stream *io)
{
	bool first = list_empty(&room->idlers);

	*idler = (struct idler){ .io = io, .changed = true };
	list_push(&room->idlers, &idler->node);
	if (first)
		room->watched = watch_ask(room, WATCH_EVENTS);
	return room->watched;
}

void
watch_leave(struct room *room, struct idler *idler)
{
	list_remove(&idler->node);
	if (list_empty(&room->idlers))
		watch_ask(room, 0);
}
