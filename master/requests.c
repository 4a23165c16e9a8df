/*
 * What children may ask of master: a channel to another service, a grant (authd alone), to redeem
 * one, to leave. Each is checked against processes.def and against what master itself holds;
 * nothing in a packet is believed but numbers that master gave out. A request that is refused is
 * answered so, and named in the log.
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/time.h"
#include "master/master.h"

#define REPLACE_PAUSE_S 1

static void
refuse(struct child *c, const struct control_msg *asked, uint64_t id, const char *why)
{
	struct control_msg no = { .type = CONTROL_CONNECTED, .id = id, .ok = 0 };

	log_event(LOG_LEVEL_WARNING, "process %s pid %d asked for \"%s\" and was refused: %s",
	    c->service->log_name, (int)c->pid, asked->name, why);
	child_send(c, &no, NULL, 0);
}

/* What becomes of a pair that waits for its server. */
static void
pending_add(struct mservice *s, const struct control_msg *peer, int fd)
{
	struct packet_out *p = mem_alloc(sizeof(*p));

	p->msg = *peer;
	p->fds[0] = dup(fd);
	p->fds_n = p->fds[0] >= 0;
	list_push(&s->pending, &p->node);
}

static bool
pair_make(int ends_out[2])
{
	return socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends_out) == 0;
}

/* A pair of sockets: one end to the client as the answer ID, the other to the server, or kept until
 * there is one. */
static void
connect_pair(struct child *client, struct mservice *s, struct child *server, uint64_t id)
{
	struct control_msg yes = { .type = CONTROL_CONNECTED, .id = id, .ok = 1 };
	struct control_msg peer = { .type = CONTROL_PEER, .arg = client->serial };
	int ends[2];

	if (!pair_make(ends)) {
		refuse(client, &peer, id, strerror(errno));
		return;
	}
	control_set_name(&peer, client->service->kind->name);
	if (server)
		child_send(server, &peer, &ends[1], 1);
	else
		pending_add(s, &peer, ends[1]);
	child_send(client, &yes, &ends[0], 1);
	close(ends[0]);
	close(ends[1]);
}

/* The same with a client's bytes beside it: its own socket FD, or (-1) a second pair. */
static void
connect_session(struct child *client, struct child *user, uint64_t id, int fd)
{
	struct control_msg yes = { .type = CONTROL_CONNECTED, .id = id, .ok = 1 };
	struct control_msg peer = { .type = CONTROL_PEER, .arg = client->serial };
	int channel[2], bytes[2] = { -1, -1 };

	if (!pair_make(channel)) {
		refuse(client, &peer, id, strerror(errno));
		return;
	}
	control_set_name(&peer, client->service->kind->name);
	if (fd >= 0 || pair_make(bytes)) {
		int to_user[2] = { channel[1], fd >= 0 ? fd : bytes[1] };
		int to_client[2] = { channel[0], bytes[0] };
		child_send(user, &peer, to_user, 2);
		child_send(client, &yes, to_client, fd >= 0 ? 1 : 2);
	} else {
		refuse(client, &peer, id, strerror(errno));
	}
	for (int i = 0; i < 2; i++) {
		close(channel[i]);
		if (bytes[i] >= 0)
			close(bytes[i]);
	}
}

static void
on_connect(struct child *c, struct control_packet *p)
{
	struct master *m = c->m;
	struct mservice *s = service_find(m, span_str(p->msg.name));

	if (!s || s->kind->count == PROCESS_ACCOUNT) {
		refuse(c, &p->msg, p->msg.id, "master.cf has no such service");
	} else if (!process_may_connect(c->service->kind, s->kind)) {
		refuse(c, &p->msg, p->msg.id, "this kind of process has no business there");
	} else {
		connect_pair(c, s, child_choose(m, s, ""), p->msg.id);
	}
}

static void
grants_expire(struct master *m)
{
	uint64_t now = time_mono();

	list_foreach (node, after, &m->grants) {
		struct grant *g = LIST_ITEM(node, struct grant, node);
		if (g->until > now)
			continue;
		list_remove(node);
		m->grants_n--;
		mem_free(g);
	}
}

/* Is it a grant that master can keep? Identity above the floor, a home that begins at the root, an
 * account's name. */
static const char *
grant_fault(struct master *m, const struct control_msg *msg, struct mservice *s)
{
	if (!s || s->kind->count != PROCESS_ACCOUNT)
		return "no such kind of user process";
	if (msg->account[0] == 0 || msg->path[0] != '/')
		return "no account or no home";
	if (!m->rootless &&
	    (msg->uid < m->conf.virtual_minimum_uid || msg->gid < m->conf.virtual_minimum_uid))
		return "its uid or gid is below virtual_minimum_uid";
	if (m->grants_n >= MASTER_MAX_GRANTS)
		return "too many grants wait to be redeemed";
	return NULL;
}

static void
on_grant(struct child *c, struct control_packet *p)
{
	struct master *m = c->m;
	struct mservice *s = service_of_kind(m, p->msg.name);
	const char *fault;
	struct grant *g;

	grants_expire(m);
	fault = strcmp(c->service->kind->name, "authd") == 0 ? grant_fault(m, &p->msg, s)
							     : "only authd grants";
	if (fault) {
		log_event(LOG_LEVEL_WARNING,
		    "a grant by %s pid %d for account \"%s\" is not honoured: %s",
		    c->service->log_name, (int)c->pid, log_escape(span_str(p->msg.account)), fault);
		return;
	}
	g = mem_alloc(sizeof(*g));
	g->id = p->msg.id;
	g->serial = p->msg.arg;
	g->until = deadline_after_s(GRANT_LIFE_S);
	g->service = s;
	g->uid = p->msg.uid;
	g->gid = p->msg.gid;
	memcpy(g->account, p->msg.account, sizeof(g->account));
	memcpy(g->home, p->msg.path, sizeof(g->home));
	list_push(&m->grants, &g->node);
	m->grants_n++;
}

static struct grant *
grant_take(struct master *m, uint64_t id, uint32_t serial)
{
	grants_expire(m);
	list_foreach (node, after, &m->grants) {
		struct grant *g = LIST_ITEM(node, struct grant, node);
		if (g->id != id || g->serial != serial)
			continue;
		list_remove(node);
		m->grants_n--;
		return g;
	}
	return NULL;
}

/* authd sent the grant before it was named to anybody: if we do not know it, it waits in authd's
 * socket. */
static struct grant *
grant_take_or_fetch(struct master *m, uint64_t id, uint32_t serial)
{
	struct grant *g = grant_take(m, id, serial);
	struct mservice *authd = service_of_kind(m, "authd");

	if (g || !authd)
		return g;
	list_foreach (node, after, &m->children) {
		struct child *c = LIST_ITEM(node, struct child, node);
		if (c->service == authd && c->watch.fd >= 0)
			child_on_ready(&c->watch, 0);
	}
	return grant_take(m, id, serial);
}

/* Only who serves clients has a descriptor to pass on, and only one of a connection. */
static const char *
redeem_fault(const struct child *c, const struct control_packet *p)
{
	struct stat st;

	if (p->fds_n == 0)
		return NULL;
	if (c->service->kind->count != PROCESS_FRONT || p->fds_n != 1)
		return "it came with descriptors that this kind of process may not pass on";
	if (fstat(p->fds[0], &st) < 0 || !S_ISSOCK(st.st_mode))
		return "the descriptor with it is no socket";
	return NULL;
}

static void
on_redeem(struct child *c, struct control_packet *p)
{
	struct master *m = c->m;
	struct grant *g = grant_take_or_fetch(m, p->msg.id, c->serial);
	const char *fault = redeem_fault(c, p);
	struct err err = ERR_NONE;
	struct child *user = NULL;

	control_set_name(&p->msg, "a granted process");
	if (!g)
		fault = "no such grant for this process, or it is older than 10 s";
	if (g && !fault) {
		user = child_choose(m, g->service, g->account);
		if (!user)
			user = child_birth(m, g->service, g, &err);
	}
	if (user && c->service->kind->count == PROCESS_FRONT)
		connect_session(c, user, p->msg.arg, p->fds_n == 1 ? p->fds[0] : -1);
	else if (user)
		connect_pair(c, g->service, user, p->msg.arg);
	else
		refuse(c, &p->msg, p->msg.arg, fault ? fault : err.text);
	mem_free(g);
}

static void
on_ready(struct child *c, struct control_packet *p)
{
	(void)p;
	c->ready = true;
}

/* One that has not lived for long may leave too, but its successor waits: no process makes master
 * fork in a loop. */
static void
child_replace(struct child *c)
{
	struct mservice *s = c->service;

	if (c->stopping)
		return;
	if (time_mono() - c->born < REPLACE_PAUSE_S * NS_PER_S)
		s->retry_at = deadline_after_s(REPLACE_PAUSE_S);
	child_stop(c, false);
}

static void
on_leaving(struct child *c, struct control_packet *p)
{
	struct control_msg ok = { .type = CONTROL_LEAVE_OK };

	if (p->msg.ok && c->service->kind->count == PROCESS_ONE) {
		child_replace(c);
		return;
	}

	/* A channel that it has not seen is on its way to it: it will stay for that. */
	if (c->service->kind->count != PROCESS_ACCOUNT || c->peers_sent != p->msg.arg)
		return;
	if (!c->stopping && c->service->alive > 0)
		c->service->alive--;
	c->stopping = true;
	child_send(c, &ok, NULL, 0);
}

static const struct {
	enum control_type type;
	void (*handle)(struct child *c, struct control_packet *p);
} requests[] = {
	{ CONTROL_READY, on_ready },
	{ CONTROL_CONNECT, on_connect },
	{ CONTROL_GRANT, on_grant },
	{ CONTROL_REDEEM, on_redeem },
	{ CONTROL_LEAVING, on_leaving },
};

void
requests_handle(struct child *c, struct control_packet *p)
{
	bool known = false;

	for (size_t i = 0; i < ARRAY_LEN(requests); i++) {
		if (requests[i].type == p->msg.type) {
			known = true;
			requests[i].handle(c, p);
		}
	}
	if (!known)
		log_event(LOG_LEVEL_WARNING, "process %s pid %d sent a packet of unknown type %u",
		    c->service->log_name, (int)c->pid, p->msg.type);
	control_close_fds(p);
}
