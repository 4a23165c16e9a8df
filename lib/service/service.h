/*
 * The skeleton of every daemon: from exec to serving behind walls. A daemon is one struct service
 * and main.
 *
 * Order of a start: read BIRTH from master, open the log, map the configuration, prepare() (still
 * without walls: open what is needed, compile patterns, build TLS contexts), walls up and proven,
 * READY, start() on the first fiber, then connections and channels. STOP or the loss of master: no
 * new work, stop(), exit when drained.
 */
#ifndef SERVICE_SERVICE_H
#define SERVICE_SERVICE_H

#include "conf/conf.h"
#include "event/fiber.h"
#include "ipc/ipc.h"
#include "service/control.h"

struct service_ctx;

/* Which kinds of clients may connect, and what each may ask. */
struct service_role {
	const char *client; /* kind, as in processes.def */
	const struct ipc_service *asks;
	/* A channel of this kind is there, with the descriptor that came with a redeemed grant, or
	 * -1. May be NULL. */
	void (*arrived)(struct service_ctx *ctx, struct ipc_channel *ch, int fd);
};

struct service {
	const char *kind; /* its row in processes.def */
	/* Before the walls; an error stops the process and is logged. May be NULL. */
	enum verdict (*prepare)(struct service_ctx *ctx, struct err *err);
	/* Behind the walls, on the first fiber. May be NULL. */
	void (*start)(struct service_ctx *ctx);
	/* A client connected to listening socket number LISTENER (order of master.cf); the
	 * descriptor is the callee's. Must not suspend. */
	void (*accept)(struct service_ctx *ctx, int fd, unsigned listener);
	/* New configuration, for services that swap live; else NULL: master replaces the process.
	 */
	void (*reload)(struct service_ctx *ctx);
	/* Finish: the process exits when service_busy has gone back to 0. Called once, and once
	 * more when the whole suite stops (service_shutdown) while it finishes. May be NULL. */
	void (*stop)(struct service_ctx *ctx);
	/* For the log daemon: another process's log socket, the name its lines bear, its pid. The
	 * descriptor is the callee's. */
	void (*logger)(struct service_ctx *ctx, const char *name, uint32_t pid, int fd);
	/* A tool connected to the public socket: what it may ask. May be NULL. */
	const struct ipc_service *public_asks;
	const struct service_role *roles;
	size_t roles_n;
	/* Its channels have no state: at a stop clients are sent to its successor at once. */
	bool stateless;
};

/* The whole of main(). */
int service_main(const struct service *service, int argc, char **argv);

/* What the daemon keeps for itself. */
void service_set_state(struct service_ctx *ctx, void *state);
void *service_state(const struct service_ctx *ctx);
const struct conf *service_conf(const struct service_ctx *ctx);
const char *service_name(
    const struct service_ctx *ctx); /* of the master.cf row: "smtp", "submission" */
const char *service_account(const struct service_ctx *ctx); /* of a user process, or "" */
uint64_t service_generation(const struct service_ctx *ctx);
/* The n-th descriptor of KIND (enum birth_fd) that master passed, or -1. The context keeps it;
 * files of keys, certificates and CAs are closed after prepare(). */
int service_fd(const struct service_ctx *ctx, enum birth_fd kind, unsigned n);
/* /proc/self/fd, opened before the walls, or -1. */
int service_proc_fd(const struct service_ctx *ctx);

/* From prepare(): a directory (or file) that stays open behind the walls, under the name of a slot
 * of the profile. */
void service_allow_dir(struct service_ctx *ctx, const char *slot, int fd);

/*
 * The channel to the server of KIND: waits until there is one, at most until DEADLINE. It is shared
 * by all fibers, and made anew after it broke; a caller holds it only until it next suspends
 * outside of ipc calls on it.
 */
SUSPENDS enum verdict service_channel(struct service_ctx *ctx, const char *kind, uint64_t deadline,
    struct ipc_channel **out, struct err *err);
/* The same, where the peer may ask too: for qmgr's agents, which send results. ARG goes to the
 * handlers. */
void service_set_asks(
    struct service_ctx *ctx, const char *kind, const struct ipc_service *asks, void *arg);
/* ipc_call over service_channel. */
SUSPENDS enum verdict service_call(struct service_ctx *ctx, const char *kind, uint64_t trace,
    const struct ipc_type *type, const void *msg, const struct ipc_type *reply_type,
    void *reply_out, struct arena *arena, uint64_t deadline, struct err *err);
/* A note to a server that we have a channel to; without one it is lost, as it would be with its
 * receiver. */
void service_note(struct service_ctx *ctx, const char *kind, uint64_t trace,
    const struct ipc_type *type, const void *msg);
/* A channel to the user process that GRANT names (authd gave its number): its own, the caller
 * closes it. */
SUSPENDS enum verdict service_redeem(
    struct service_ctx *ctx, uint64_t grant, uint64_t deadline, int *fd_out, struct err *err);
/*
 * The same for a client's session: bytes go beside the channel. CLIENT, a connected socket that
 * stays the caller's, is passed on as they are, and *BYTES_OUT is -1; or CLIENT is -1, and
 * *BYTES_OUT is one end of a pair of sockets whose other end the user process has.
 */
SUSPENDS enum verdict service_redeem_session(struct service_ctx *ctx, uint64_t grant, int client,
    uint64_t deadline, int *channel_out, int *bytes_out, struct err *err);

/* A connection that accept() was given has ended: another may come. */
void service_session_over(struct service_ctx *ctx, unsigned listener);

/* Makes a redeemed descriptor a channel: the caller's, who closes it. NULL when there are too many
 * fibers. */
struct ipc_channel *service_adopt(
    struct service_ctx *ctx, int fd, const struct ipc_service *asks, void *arg);
/*
 * authd alone: tells master that the process at the other end of CHANNEL may redeem GRANT for a
 * user process of KIND. Master has it before the reply that names it can be acted on.
 */
struct service_grant {
	uint64_t id;
	const char *kind;
	struct span account;
	struct span home;
	uid_t uid;
	gid_t gid;
};
SUSPENDS enum verdict service_give_grant(struct service_ctx *ctx, struct ipc_channel *channel,
    const struct service_grant *grant, struct err *err);

/* Work that a stop waits for: sessions, deliveries. */
void service_busy(struct service_ctx *ctx);
void service_idle(struct service_ctx *ctx);
/* No new work is taken. */
bool service_stopping(const struct service_ctx *ctx);
/* And the whole suite stops: end sessions with 421 or BYE at their next command, do not wait for
 * their QUIT. */
bool service_shutdown(const struct service_ctx *ctx);
/*
 * Master is to start another process in place of this one, which then gets a STOP: it takes no new
 * work, finishes what it has and exits. For what cannot be read anew behind the walls. Asked more
 * than once it is asked again.
 */
void service_replace(struct service_ctx *ctx);
/* For user processes: nothing to do for a while; the process exits unless master has something on
 * the way. */
void service_leave(struct service_ctx *ctx);

#endif
