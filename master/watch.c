/*
 * Master's loop: one epoll set, level-triggered, no fibers and no buffers: the root process stays
 * small enough to be read at one sitting. Each turn ends with the children that died in it being
 * freed.
 */
#include <errno.h>
#include <sys/epoll.h>

#include "base/mem.h"
#include "base/time.h"
#include "master/master.h"

#define EVENTS_PER_TURN 64

static void
watch_control(struct master *m, int op, struct watch *w, bool writable)
{
	struct epoll_event ev = { .events = EPOLLIN | (writable ? EPOLLOUT : 0), .data.ptr = w };
	int rc = epoll_ctl(m->epoll_fd, op, w->fd, &ev);

	assert(rc == 0);
	(void)rc;
}

void
watch_add(struct master *m, struct watch *w, bool writable)
{
	watch_control(m, EPOLL_CTL_ADD, w, writable);
}

void
watch_change(struct master *m, struct watch *w, bool writable)
{
	watch_control(m, EPOLL_CTL_MOD, w, writable);
}

void
watch_remove(struct master *m, struct watch *w)
{
	if (w->fd >= 0)
		epoll_ctl(m->epoll_fd, EPOLL_CTL_DEL, w->fd, NULL);
}

static int
watch_timeout_ms(uint64_t until)
{
	uint64_t now = time_mono();

	if (until == DEADLINE_NEVER)
		return -1;
	if (until <= now)
		return 0;
	return (int)size_min((until - now) / NS_PER_MS + 1, 60000);
}

void
watch_turn(struct master *m, uint64_t until)
{
	struct epoll_event ev[EVENTS_PER_TURN];
	int n = epoll_wait(m->epoll_fd, ev, EVENTS_PER_TURN, watch_timeout_ms(until));
	struct list *node;

	for (int i = 0; i < n; i++) {
		struct watch *w = ev[i].data.ptr;
		if (w->fd >= 0)
			w->ready(w, ev[i].events);
	}
	while ((node = list_pop(&m->dead)) != NULL)
		mem_free(LIST_ITEM(node, struct child, node));
}
