/* What the files of master share. Master is the only root: it reads configuration and fixed-size
 * packets of its children. */
#ifndef MASTER_MASTER_H
#define MASTER_MASTER_H

#include <sys/types.h>

#include "base/err.h"
#include "base/list.h"
#include "conf/conf.h"
#include "service/control.h"
#include "service/processes.h"

#define MASTER_MAX_LISTEN 16 /* sockets of one service: addresses it is bound to */
#define MASTER_MAX_CHILDREN \
	20000 /* processes in all: one for each account that is being read or delivered to */
#define MASTER_MAX_OUTBOX 1024 /* packets a child may leave unread before it counts as stuck */
#define MASTER_MAX_GRANTS 4096 /* grants not yet redeemed */
#define GRANT_LIFE_S	  10

/* A descriptor in master's poll set; lies in its owner. */
struct watch {
	int fd;
	void (*ready)(struct watch *w, unsigned events);
};

struct master;

/* A row of master.cf, with its sockets, which outlive processes and reloads. */
struct mservice {
	struct list node;
	char name[LIMIT_SERVICE_NAME];
	const struct process_kind *kind;
	bool inet;
	const struct conf_service
	    *row; /* of the present configuration; NULL for user processes without one */
	int listen_fds[MASTER_MAX_LISTEN];
	unsigned listen_n;
	int public_fd;
	int snapshot_fd;
	char log_name[2 * LIMIT_SERVICE_NAME]; /* "postern/smtpd" */
	unsigned wanted;		       /* processes */
	unsigned alive;			       /* of the present generation, not stopping */
	unsigned failures;		       /* in a row, each within a minute of its birth */
	uint64_t retry_at;		       /* births wait until then */
	struct list pending;		       /* struct packet_out for the next process */
	bool gone;			       /* no longer in master.cf */
};

/* A packet on its way to a child. Owns its descriptors. */
struct packet_out {
	struct list node;
	struct control_msg msg;
	int fds[CONTROL_MAX_FDS];
	unsigned fds_n;
};

struct child {
	struct watch watch; /* its control channel */
	struct list node;
	struct master *m;
	struct mservice *service;
	pid_t pid;
	uint32_t serial;
	uint64_t born;
	bool ready;
	bool stopping; /* told to stop, or LEAVING was answered: it gets no more work */
	int log_fd;    /* the log daemon's end of its log socket, kept for a new log daemon */
	struct list outbox;
	unsigned outbox_n;
	uint32_t peers_sent; /* PEERs so far */
	char account[256];
};

struct grant {
	struct list node;
	uint64_t id;
	uint32_t serial; /* the one child that may redeem it */
	uint64_t until;
	struct mservice *service;
	uid_t uid;
	gid_t gid;
	char account[256];
	char home[1024];
};

struct master {
	const char *config_dir;
	struct conf_source *source;
	struct conf conf;
	int conf_fd;
	uint64_t generation;
	bool rootless;
	bool foreground;
	bool stopping;
	uint64_t ports_until; /* a port in use may be one that a dead master has left */
	unsigned stop_level;
	uint64_t stop_until; /* processes of this level are killed then */
	uint32_t next_serial;
	int epoll_fd;
	struct watch signals;
	int keys_fd; /* TLS ticket keys, shared by the workers */
	int lock_fd;
	int log_file_fd;
	int log_fd; /* the log daemon's end of master's own log socket */
	struct list services;
	struct list children;
	struct list grants;
	struct list dead; /* children to be freed at the end of the turn */
	unsigned grants_n, children_n;
};

/* config.c */
enum verdict master_configure(struct master *m, struct err *err);
void master_unconfigure(struct master *m);

/* chain.c: what the front door of KIND shows for TLS, as one file; -1: it has nothing, which is
 * logged if it was to have. */
int chain_open(const struct conf *conf, const char *kind);

/* spool.c: directories, the lock, identities */
enum verdict spool_prepare(struct master *m, struct err *err);
/* From /etc/passwd alone: master asks no name service. VERDICT_ABSENT when there is no such user.
 */
enum verdict identity_find(const char *user, uid_t *uid_out, gid_t *gid_out, struct err *err);

/* sockets.c: the listening sockets of a row; those already bound are kept. */
enum verdict sockets_bind(struct master *m, struct mservice *s, struct err *err);
void sockets_close(struct mservice *s);

/* services.c */
enum verdict services_update(struct master *m, struct err *err);
struct mservice *service_find(struct master *m, struct span name);
struct mservice *service_of_kind(struct master *m, const char *kind);
/* Starts what should run and does not, as far as back-off allows; returns when it wants to be
 * called again. */
uint64_t services_tend(struct master *m);
void service_stop_children(struct mservice *s, struct master *m, bool shutdown);
void services_stop_level(struct master *m);

/* birth.c */
struct child *child_birth(
    struct master *m, struct mservice *s, const struct grant *grant, struct err *err);

/* child.c */
void child_send(struct child *c, const struct control_msg *msg, const int *fds, unsigned fds_n);
void child_stop(struct child *c, bool shutdown);
void child_died(struct child *c, int status);
void child_attach_log(struct master *m, struct child *c);
void master_attach_log(struct master *m, struct child *log);
void child_on_ready(struct watch *w, unsigned events);
struct child *child_choose(struct master *m, const struct mservice *s, const char *account);

/* requests.c: what children ask */
void requests_handle(struct child *c, struct control_packet *p);

/* watch.c */
void watch_add(struct master *m, struct watch *w, bool writable);
void watch_change(struct master *m, struct watch *w, bool writable);
void watch_remove(struct master *m, struct watch *w);
/* One turn: waits until UNTIL at most. */
void watch_turn(struct master *m, uint64_t until);

#endif
