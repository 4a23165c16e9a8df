/*
 * Children: their control channels, what waits to be sent to them, their end. A child that leaves
 * packets unread is killed, not waited for; a child that dies gives its descriptors and its place
 * back and is replaced by services_tend.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/time.h"
#include "master/master.h"

#define YOUNG_S 60 /* who dies younger than this counts as failing */

static void
packet_free(struct packet_out *p)
{
	for (unsigned i = 0; i < p->fds_n; i++)
		close(p->fds[i]);
	mem_free(p);
}

static void
child_flush(struct child *c)
{
	struct list *node;

	while ((node = list_first(&c->outbox)) != NULL) {
		struct packet_out *p = LIST_ITEM(node, struct packet_out, node);
		if (control_send(c->watch.fd, &p->msg, p->fds, p->fds_n) == VERDICT_TEMP)
			return;
		list_remove(node);
		c->outbox_n--;
		packet_free(p);
	}
	watch_change(c->m, &c->watch, false);
}

void
child_send(struct child *c, const struct control_msg *msg, const int *fds, unsigned fds_n)
{
	struct packet_out *p;

	if (msg->type == CONTROL_PEER)
		c->peers_sent++;
	if (list_empty(&c->outbox) && control_send(c->watch.fd, msg, fds, fds_n) != VERDICT_TEMP)
		return;
	if (c->outbox_n == MASTER_MAX_OUTBOX) {
		log_event(LOG_LEVEL_ERROR,
		    "process %s pid %d does not read its control channel: killing it",
		    c->service->log_name, (int)c->pid);
		kill(c->pid, SIGKILL);
		return;
	}
	p = mem_alloc(sizeof(*p));
	p->msg = *msg;
	for (unsigned i = 0; i < fds_n; i++) {
		int copy = dup(fds[i]);
		if (copy >= 0)
			p->fds[p->fds_n++] = copy;
	}
	list_push(&c->outbox, &p->node);
	c->outbox_n++;
	watch_change(c->m, &c->watch, true);
}

void
child_stop(struct child *c, bool shutdown)
{
	struct control_msg msg = { .type = CONTROL_STOP, .ok = shutdown };

	if (!c->stopping && c->service->alive > 0)
		c->service->alive--;
	c->stopping = true;
	child_send(c, &msg, NULL, 0);
}

void
master_attach_log(struct master *m, struct child *log)
{
	struct control_msg msg = { .type = CONTROL_LOGGER, .arg = (uint32_t)getpid() };

	memcpy(msg.account, "postern/master", sizeof("postern/master"));
	if (m->log_fd >= 0)
		child_send(log, &msg, &m->log_fd, 1);
}

/* Tells the log daemon that runs where C's lines will come from. */
void
child_attach_log(struct master *m, struct child *c)
{
	struct mservice *log = service_of_kind(m, "log");
	struct child *daemon = log ? child_choose(m, log, "") : NULL;
	struct control_msg msg = { .type = CONTROL_LOGGER, .arg = (uint32_t)c->pid };
	size_t n = size_min(strlen(c->service->log_name), sizeof(msg.account) - 1);

	if (!daemon || c->log_fd < 0)
		return;
	memcpy(msg.account, c->service->log_name, n);
	child_send(daemon, &msg, &c->log_fd, 1);
}

/* The living process of S for new work; with an account, the one of that account. The oldest goes
 * to the back. */
struct child *
child_choose(struct master *m, const struct mservice *s, const char *account)
{
	list_foreach (node, after, &m->children) {
		struct child *c = LIST_ITEM(node, struct child, node);
		if (c->service != s || c->stopping || strcmp(c->account, account) != 0)
			continue;
		list_remove(node);
		list_push(&m->children, node);
		return c;
	}
	return NULL;
}

/* Says how a process ended, in Postfix's words. */
static bool
child_log_end(const struct child *c, int status)
{
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return true;
	if (WIFEXITED(status))
		log_event(LOG_LEVEL_WARNING, "process %s pid %d exit status %d",
		    c->service->log_name, (int)c->pid, WEXITSTATUS(status));
	else
		log_event(LOG_LEVEL_WARNING, "process %s pid %d killed by signal %d%s",
		    c->service->log_name, (int)c->pid, WTERMSIG(status),
		    WTERMSIG(status) == SIGSYS ? " (a forbidden system call)" : "");
	return false;
}

/*
 * The first failure is answered at once, so that one crash costs nobody a second; after that births
 * wait 1, 2, 4, ... seconds, at most service_throttle_time.
 */
static void
service_back_off(struct master *m, struct mservice *s, bool young)
{
	uint64_t wait = NS_PER_S;

	if (!young) {
		s->failures = 0;
		return;
	}
	if (s->failures++ < 3)
		return;
	for (unsigned i = 4; i < s->failures && wait < m->conf.service_throttle_time; i++)
		wait *= 2;
	if (wait > m->conf.service_throttle_time)
		wait = m->conf.service_throttle_time;
	s->retry_at = time_mono() + wait;
	log_event(LOG_LEVEL_WARNING, "%s: bad command startup -- throttling for %u s", s->log_name,
	    (unsigned)(wait / NS_PER_S));
}

void
child_died(struct child *c, int status)
{
	struct master *m = c->m;
	struct list *node;
	bool fine = child_log_end(c, status);

	if (!c->stopping && c->service->alive > 0)
		c->service->alive--;
	if (!m->stopping && !c->stopping && !fine)
		service_back_off(m, c->service, time_mono() - c->born < YOUNG_S * NS_PER_S);
	watch_remove(m, &c->watch);
	close(c->watch.fd);
	c->watch.fd = -1;
	if (c->log_fd >= 0)
		close(c->log_fd);
	while ((node = list_pop(&c->outbox)) != NULL)
		packet_free(LIST_ITEM(node, struct packet_out, node));
	list_remove(&c->node);
	m->children_n--;
	list_push(&m->dead, &c->node);
}

void
child_on_ready(struct watch *w, unsigned events)
{
	struct child *c = CONTAINER_OF(w, struct child, watch);
	struct control_packet p;

	if (events & EPOLLOUT)
		child_flush(c);
	/* A few packets a turn: one child cannot keep master from the others. */
	for (int i = 0; i < 16; i++) {
		enum verdict v = control_recv(w->fd, &p);
		if (v == VERDICT_ABSENT)
			return;
		if (v != VERDICT_OK) {
			/* It closed its end or broke the rules: it is of no use any more. */
			watch_remove(c->m, w);
			if (v == VERDICT_PERM)
				log_event(LOG_LEVEL_ERROR,
				    "process %s pid %d sent a malformed packet: killing it",
				    c->service->log_name, (int)c->pid);
			kill(c->pid, SIGKILL);
			return;
		}
		requests_handle(c, &p);
	}
}
