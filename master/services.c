/*
 * Services: the rows of master.cf with their sockets, snapshots and processes. A reload compares
 * rows by name: sockets of rows that stay are kept, so that no connection is lost; processes of the
 * old configuration are replaced. A stop takes services by the levels of processes.def, each gone
 * before the next is told.
 */
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/time.h"
#include "master/master.h"

#define FRONT_WORKERS_MAX 64
#define STOP_LEVEL_S                                                                              \
	60 /* a level that takes longer is killed: what it had not finished is still in the queue \
	    */

/* master.cf may have one name twice: "smtp inet", the server, and "smtp unix", the client. */
static struct mservice *
service_of_row(struct master *m, struct span name, bool inet)
{
	list_foreach (node, after, &m->services) {
		struct mservice *s = LIST_ITEM(node, struct mservice, node);
		if (!s->gone && s->inet == inet && span_eq(name, span_str(s->name)))
			return s;
	}
	return NULL;
}

struct mservice *
service_find(struct master *m, struct span name)
{
	return service_of_row(m, name, false);
}

struct mservice *
service_of_kind(struct master *m, const char *kind)
{
	list_foreach (node, after, &m->services) {
		struct mservice *s = LIST_ITEM(node, struct mservice, node);
		if (!s->gone && strcmp(s->kind->name, kind) == 0)
			return s;
	}
	return NULL;
}

/* How many processes: master.cf's maxproc for front doors, else one for each processor. */
static unsigned
service_wanted(const struct mservice *s)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);

	if (s->kind->count == PROCESS_ACCOUNT)
		return 0;
	if (s->kind->count == PROCESS_ONE)
		return 1;
	if (s->row->maxproc > 0 && s->row->maxproc != CONF_MAXPROC_DEFAULT)
		return (unsigned)size_min((size_t)s->row->maxproc, FRONT_WORKERS_MAX);
	return cpus < 1 ? 1 : (unsigned)size_min((size_t)cpus, FRONT_WORKERS_MAX);
}

/*
 * Two rows may run one program under two names (smtp and submission), so each row's lines say
 * which: "postern/smtpd", or what syslog_name makes of it with -o.
 */
static enum verdict
service_snapshot(struct master *m, struct mservice *s, struct err *err)
{
	struct conf view;
	int fd;
	enum verdict v = conf_snapshot_seal(m->source, s->row, m->generation, &fd, err);

	if (v != VERDICT_OK)
		return v;
	v = conf_snapshot_open(fd, &view, err);
	if (v != VERDICT_OK) {
		close(fd);
		return v;
	}
	struct str name = STR_INIT(sizeof(s->log_name) - 1);
	str_printf(&name, "%.*s/%s", SPAN_ARG(view.syslog_name), s->kind->name);
	memset(s->log_name, 0, sizeof(s->log_name));
	memcpy(s->log_name, name.p, name.n);
	str_free(&name);
	conf_snapshot_close(&view);
	if (s->snapshot_fd >= 0)
		close(s->snapshot_fd);
	s->snapshot_fd = fd;
	return VERDICT_OK;
}

static struct mservice *
service_new(struct master *m, struct span name, bool inet, const struct process_kind *kind)
{
	struct mservice *s = mem_alloc(sizeof(*s));

	memcpy(s->name, name.p, size_min(name.n, sizeof(s->name) - 1));
	s->inet = inet;
	s->kind = kind;
	s->public_fd = -1;
	s->snapshot_fd = -1;
	list_init(&s->pending);
	list_push(&m->services, &s->node);
	return s;
}

static enum verdict
service_from_row(struct master *m, const struct conf_service *row, struct err *err)
{
	const struct process_kind *kind = process_kind_find(row->command);
	struct mservice *s;
	enum verdict v;

	if (!kind)
		return err_set(err, VERDICT_PERM, "master.cf line %u: there is no program \"%.*s\"",
		    row->line, SPAN_ARG(row->command));
	s = service_of_row(m, row->name, row->type == CONF_INET);
	if (s && s->kind != kind)
		return err_set(err, VERDICT_PERM,
		    "master.cf line %u: service \"%s\" changed its program: that takes a restart",
		    row->line, s->name);
	if (!s)
		s = service_new(m, row->name, row->type == CONF_INET, kind);
	s->row = row;
	if ((v = service_snapshot(m, s, err)) != VERDICT_OK)
		return v;
	if ((v = sockets_bind(m, s, err)) != VERDICT_OK)
		return v;
	s->wanted = service_wanted(s);
	s->failures = 0;
	s->retry_at = 0;
	return VERDICT_OK;
}

/* User processes are born by grant alone, so they need no row in master.cf; one there may give them
 * -o settings. */
static enum verdict
services_for_accounts(struct master *m, struct err *err)
{
	const struct process_kind *kind;
	enum verdict v = VERDICT_OK;

	for (size_t i = 0; v == VERDICT_OK && (kind = process_kind_at(i)) != NULL; i++) {
		struct mservice *s =
		    kind->count == PROCESS_ACCOUNT ? service_of_kind(m, kind->name) : NULL;
		if (kind->count != PROCESS_ACCOUNT || (s && s->row))
			continue;
		if (!s)
			s = service_new(m, span_str(kind->name), false, kind);
		v = service_snapshot(m, s, err);
	}
	return v;
}

/* Brings the table in line with m->source. New rows are made, old ones marked; processes are seen
 * to by the caller. */
enum verdict
services_update(struct master *m, struct err *err)
{
	size_t n;
	const struct conf_service *rows = conf_services(m->source, &n);

	list_foreach (node, after, &m->services) {
		struct mservice *s = LIST_ITEM(node, struct mservice, node);
		bool found = false;
		s->row = NULL;
		for (size_t i = 0; i < n; i++)
			found = found || (span_eq(rows[i].name, span_str(s->name)) &&
					     s->inet == (rows[i].type == CONF_INET));
		found = found || s->kind->count == PROCESS_ACCOUNT;
		s->gone = s->gone || !found;
		if (s->gone) {
			s->wanted = 0;
			sockets_close(s);
		}
	}
	for (size_t i = 0; i < n; i++) {
		enum verdict v = service_from_row(m, &rows[i], err);
		if (v != VERDICT_OK)
			return v;
	}
	return services_for_accounts(m, err);
}

uint64_t
services_tend(struct master *m)
{
	uint64_t again = DEADLINE_NEVER, now = time_mono();
	struct err err = ERR_NONE;

	list_foreach (node, after, &m->services) {
		struct mservice *s = LIST_ITEM(node, struct mservice, node);
		while (!m->stopping && s->alive < s->wanted && s->retry_at <= now) {
			if (child_birth(m, s, NULL, &err))
				continue;
			log_event(LOG_LEVEL_ERROR, "%s: %s", s->log_name, err.text);
			s->retry_at = now + m->conf.service_throttle_time;
		}
		if (!m->stopping && s->alive < s->wanted && s->retry_at < again)
			again = s->retry_at;
	}
	return again;
}

void
service_stop_children(struct mservice *s, struct master *m, bool shutdown)
{
	list_foreach (node, after, &m->children) {
		struct child *c = LIST_ITEM(node, struct child, node);
		if (c->service == s && (!c->stopping || shutdown))
			child_stop(c, shutdown);
	}
}

/* Sends STOP to the lowest level that still lives; kills a level that does not end. */
void
services_stop_level(struct master *m)
{
	unsigned lowest = PROCESS_STOP_LAST + 1;

	list_foreach (node, after, &m->children) {
		struct child *c = LIST_ITEM(node, struct child, node);
		if (c->service->kind->stop < lowest)
			lowest = c->service->kind->stop;
	}
	bool late = lowest == m->stop_level && time_mono() >= m->stop_until;
	if (lowest != m->stop_level)
		m->stop_until = deadline_after_s(STOP_LEVEL_S);
	list_foreach (other, next, &m->children) {
		struct child *c = LIST_ITEM(other, struct child, node);
		if (c->service->kind->stop != lowest)
			continue;
		if (late)
			kill(c->pid, SIGKILL);
		else if (lowest != m->stop_level)
			child_stop(c, true);
	}
	m->stop_level = lowest;
}
