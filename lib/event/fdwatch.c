/*
 * Readiness of descriptors: each is registered with libevent once, edge-triggered, until its owner
 * lets go of it. Called by stream.c, listen.c and whoever has a descriptor of his own. Interest in
 * writing joins when the first write has to wait: a Unix socket tells each byte that its peer
 * reads, and nobody wants to be woken for that. Never closes a descriptor.
 */
#include "config.h"

#include <event2/event.h>

#include "event/loop_internal.h"

static void
fd_readable(evutil_socket_t fd UNUSED, short what, void *arg)
{
	struct fdwatch *w = arg;

	if (what & EV_CLOSED)
		w->hangup = true;
	w->readable = true;
	waitq_wake_all(&w->readers);
}

static void
fd_writable(evutil_socket_t fd UNUSED, short what UNUSED, void *arg)
{
	struct fdwatch *w = arg;

	w->writable = true;
	waitq_wake_all(&w->writers);
}

static struct event *
watch_add(struct fdwatch *w, short what, event_callback_fn fn)
{
	struct event *event =
	    event_new(loop_here->base, w->fd, (short)(what | EV_ET | EV_PERSIST), fn, w);
	int failed;

	assert(event);
	failed = event_add(event, NULL);
	assert(!failed && "a descriptor that epoll does not take");
	return event;
}

void
fdwatch_init(struct fdwatch *w, int fd)
{
	*w = (struct fdwatch){ .fd = fd, .readable = true, .writable = true };
	waitq_init(&w->readers);
	waitq_init(&w->writers);
	w->event = watch_add(w, EV_READ | EV_CLOSED, fd_readable);
	loop_here->busy++;
}

void
fdwatch_fini(struct fdwatch *w)
{
	event_free(w->event);
	if (w->write_event)
		event_free(w->write_event);
	w->event = w->write_event = NULL;
	loop_here->busy--;
	waitq_end_all(&w->readers, VERDICT_CANCELLED);
	waitq_end_all(&w->writers, VERDICT_CANCELLED);
}

SUSPENDS
enum verdict
fdwatch_wait_readable(struct fdwatch *w, uint64_t deadline)
{
	if (w->readable)
		return VERDICT_OK;
	return waitq_wait(&w->readers, deadline);
}

SUSPENDS
enum verdict
fdwatch_wait_writable(struct fdwatch *w, uint64_t deadline)
{
	if (w->writable)
		return VERDICT_OK;
	if (!w->write_event)
		w->write_event = watch_add(w, EV_WRITE, fd_writable);
	return waitq_wait(&w->writers, deadline);
}
