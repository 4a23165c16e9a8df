/*
 * The skeleton of every daemon: birth, walls, serving, stop. A daemon's main() calls service_main
 * and nothing else; what it does is in its struct service. Descriptor 3 is the control channel to
 * master; all else comes over it. When master is gone the daemon finishes what it has begun and
 * exits: a new master starts new daemons.
 */
#include "service/service.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/sys.h"
#include "base/sys_fault.h"
#include "event/loop.h"
#include "sandbox/sandbox.h"
#include "service/service_impl.h"

#define BIRTH_WAIT_MS 10000 /* master sends BIRTH right after the fork */
#define FRONT_SESSIONS \
	4000		 /* connections of one worker: descriptors and memory are bounded by it */
#define PUBLIC_TOOLS 64	 /* tools on the public socket at one time */
#define STOP_GRACE_S 300 /* a session that goes on longer is cut at a stop */

struct accept_slot {
	struct service_ctx *ctx;
	unsigned number;
};

void
service_set_state(struct service_ctx *ctx, void *state)
{
	ctx->state = state;
}

void *
service_state(const struct service_ctx *ctx)
{
	return ctx->state;
}

const struct conf *
service_conf(const struct service_ctx *ctx)
{
	return &ctx->conf;
}

const char *
service_name(const struct service_ctx *ctx)
{
	return ctx->birth.msg.name;
}

const char *
service_account(const struct service_ctx *ctx)
{
	return ctx->birth.msg.account;
}

uint64_t
service_generation(const struct service_ctx *ctx)
{
	return ctx->generation;
}

int
service_proc_fd(const struct service_ctx *ctx)
{
	return ctx->proc_fd;
}

void
service_allow_dir(struct service_ctx *ctx, const char *slot, int fd)
{
	assert(ctx->dirs_n < ARRAY_LEN(ctx->dirs));
	ctx->dirs[ctx->dirs_n++] = (struct sandbox_dir){ slot, fd };
}

int
service_fd(const struct service_ctx *ctx, enum birth_fd kind, unsigned n)
{
	for (unsigned i = 0; i < ctx->birth.fds_n; i++)
		if (ctx->birth.msg.fd_kinds[i] == kind && n-- == 0)
			return ctx->birth.fds[i];
	return -1;
}

void
service_maybe_exit(struct service_ctx *ctx)
{
	if (ctx->stopping && ctx->busy == 0 && ctx->inbound == 0)
		loop_stop();
}

void
service_busy(struct service_ctx *ctx)
{
	ctx->busy++;
}

void
service_idle(struct service_ctx *ctx)
{
	assert(ctx->busy > 0);
	ctx->busy--;
	service_maybe_exit(ctx);
}

bool
service_shutdown(const struct service_ctx *ctx)
{
	return ctx->stopping && ctx->shutdown;
}

bool
service_stopping(const struct service_ctx *ctx)
{
	return ctx->stopping;
}

static void
service_grace_over(void *arg)
{
	struct service_ctx *ctx = arg;

	log_event(LOG_LEVEL_WARNING, "still busy (%u) %u s after the stop: leaving", ctx->busy,
	    STOP_GRACE_S);
	loop_stop();
}

static void
service_stop(struct service_ctx *ctx)
{
	if (ctx->stopping)
		return;
	ctx->stopping = true;
	timer_init(&ctx->grace, service_grace_over, ctx);
	timer_set(&ctx->grace, deadline_after_s(STOP_GRACE_S));
	for (unsigned i = 0; i < ctx->listeners_n; i++)
		listener_stop(ctx->listeners[i]);
	if (ctx->service->stateless) {
		list_foreach (node, after, &ctx->clients)
			ipc_retire(LIST_ITEM(node, struct service_client, node)->channel);
	}
	if (ctx->service->stop)
		ctx->service->stop(ctx);
	service_maybe_exit(ctx);
}

/*
 * A user process without work asks to leave, and says how many channels it was brought: if master
 * has sent one more, it does not answer, for there is work on the way. After the answer nothing
 * comes.
 */
static void
service_on_leave_ok(struct service_ctx *ctx, struct control_packet *p)
{
	(void)ctx;
	control_close_fds(p);
	loop_stop();
}

void
service_replace(struct service_ctx *ctx)
{
	struct control_msg msg = { .type = CONTROL_LEAVING, .ok = 1 };

	if (!ctx->stopping)
		control_send(ctx->control.fd, &msg, NULL, 0);
}

void
service_leave(struct service_ctx *ctx)
{
	struct control_msg msg = { .type = CONTROL_LEAVING, .arg = ctx->peers_seen };

	if (ctx->busy == 0 && ctx->inbound == 0)
		control_send(ctx->control.fd, &msg, NULL, 0);
}

static void
service_on_config(struct service_ctx *ctx, struct control_packet *p)
{
	struct err err = ERR_NONE;
	struct conf fresh;

	if (p->fds_n == 1 && ctx->service->reload &&
	    conf_snapshot_open(p->fds[0], &fresh, &err) == VERDICT_OK) {
		conf_snapshot_close(&ctx->conf);
		ctx->conf = fresh;
		ctx->generation = p->msg.id;
		ipc_set_generation(ctx->ipc, ctx->generation);
		ctx->service->reload(ctx);
	} else {
		log_event(LOG_LEVEL_ERROR, "a new configuration was not taken: %s", err.text);
	}
	control_close_fds(p);
}

static void
service_on_stop(struct service_ctx *ctx, struct control_packet *p)
{
	bool sooner = ctx->stopping && !ctx->shutdown && p->msg.ok;

	ctx->shutdown = ctx->shutdown || p->msg.ok;
	control_close_fds(p);
	service_stop(ctx);
	/* It was to finish its sessions, and is to end them now. */
	if (sooner && ctx->service->stop)
		ctx->service->stop(ctx);
}

static void
service_on_logger(struct service_ctx *ctx, struct control_packet *p)
{
	if (p->fds_n == 1 && ctx->service->logger) {
		ctx->service->logger(ctx, p->msg.account, p->msg.arg, p->fds[0]);
		p->fds_n = 0;
	}
	control_close_fds(p);
}

static const struct {
	enum control_type type;
	void (*handle)(struct service_ctx *ctx, struct control_packet *p);
} packet_handlers[] = {
	{ CONTROL_PEER, service_on_peer },
	{ CONTROL_CONNECTED, service_on_connected },
	{ CONTROL_CONFIG, service_on_config },
	{ CONTROL_LOGGER, service_on_logger },
	{ CONTROL_STOP, service_on_stop },
	{ CONTROL_LEAVE_OK, service_on_leave_ok },
};

static void
service_on_packet(struct service_ctx *ctx, struct control_packet *p)
{
	for (size_t i = 0; i < ARRAY_LEN(packet_handlers); i++) {
		if (packet_handlers[i].type == p->msg.type) {
			packet_handlers[i].handle(ctx, p);
			return;
		}
	}
	log_event(LOG_LEVEL_WARNING, "master sent a packet of type %u, which has no meaning here",
	    p->msg.type);
	control_close_fds(p);
}

/* A new master binds the same addresses: it must not wait until our last session ends. */
static void
service_unlisten(struct service_ctx *ctx)
{
	for (unsigned i = 0; i < ctx->birth.fds_n; i++) {
		uint8_t kind = ctx->birth.msg.fd_kinds[i];
		if ((kind == BIRTH_FD_LISTEN || kind == BIRTH_FD_PUBLIC) && ctx->birth.fds[i] >= 0)
			shutdown(ctx->birth.fds[i], SHUT_RDWR);
	}
}

/* Reads what master says, until it is gone or the loop ends. */
FIBER_MAIN static void
service_control(void *arg)
{
	struct service_ctx *ctx = arg;
	struct control_packet p;

	for (;;) {
		enum verdict v = control_recv(ctx->control.fd, &p);
		if (v == VERDICT_ABSENT) {
			ctx->control.readable = false;
			v = fdwatch_wait_readable(&ctx->control, DEADLINE_NEVER);
		} else if (v == VERDICT_OK)
			service_on_packet(ctx, &p);
		if (v == VERDICT_CANCELLED)
			return;
		if (v != VERDICT_OK)
			break;
	}
	log_event(LOG_LEVEL_WARNING, "master is gone: finishing and leaving");
	ctx->shutdown = true;
	service_stop(ctx);
	service_unlisten(ctx);
}

FIBER_MAIN static void
service_first_fiber(void *arg)
{
	struct service_ctx *ctx = arg;

	ctx->service->start(ctx);
}

static void
service_on_accept(int fd, void *arg)
{
	struct accept_slot *slot = arg;

	slot->ctx->service->accept(slot->ctx, fd, slot->number);
}

void
service_session_over(struct service_ctx *ctx, unsigned listener)
{
	listener_done(ctx->listeners[listener]);
}

static void
service_listen(struct service_ctx *ctx)
{
	int fd;

	while (ctx->service->accept &&
	       (fd = service_fd(ctx, BIRTH_FD_LISTEN, ctx->listeners_n)) >= 0) {
		struct accept_slot *slot = mem_alloc(sizeof(*slot));
		*slot = (struct accept_slot){ ctx, ctx->listeners_n };
		ctx->listeners[ctx->listeners_n++] =
		    listener_start(fd, FRONT_SESSIONS, service_on_accept, slot);
	}
	if (ctx->service->public_asks && (fd = service_fd(ctx, BIRTH_FD_PUBLIC, 0)) >= 0)
		ipc_acceptor_start(ctx->ipc, fd, PUBLIC_TOOLS, ctx->service->public_asks, ctx);
}

/* Master's first packet; blocking, since nothing else can be done. */
static enum verdict
service_read_birth(struct service_ctx *ctx)
{
	struct pollfd pfd = { .fd = CONTROL_FD, .events = POLLIN };
	enum verdict v;

	if (fcntl(CONTROL_FD, F_SETFL, O_NONBLOCK) < 0 || poll(&pfd, 1, BIRTH_WAIT_MS) != 1)
		return VERDICT_PERM;
	v = control_recv(CONTROL_FD, &ctx->birth);
	if (v == VERDICT_OK &&
	    (ctx->birth.msg.type != CONTROL_BIRTH || ctx->birth.msg.arg != CONTROL_VERSION))
		return VERDICT_PERM;
	return v;
}

/* Keys and certificates that prepare() has read: nobody who breaks in shall read them again. */
static void
service_close_secrets(struct service_ctx *ctx)
{
	for (unsigned i = 0; i < ctx->birth.fds_n; i++) {
		uint8_t kind = ctx->birth.msg.fd_kinds[i];
		if (kind != BIRTH_FD_CHAIN && kind != BIRTH_FD_CA && kind != BIRTH_FD_KEYS)
			continue;
		sys_close(ctx->birth.fds[i]);
		ctx->birth.fds[i] = -1;
	}
}

static enum verdict
service_raise_walls(struct service_ctx *ctx, struct err *err)
{
	struct sandbox_report report;
	struct sandbox_options options = { .rootless = ctx->birth.msg.ok != 0,
		.root_fd = service_fd(ctx, BIRTH_FD_ROOT, 0),
		.dirs = ctx->dirs,
		.n_dirs = ctx->dirs_n };

	enum verdict v = sandbox_enter(ctx->profile, &options, &report, err);
	/* Who keeps no files needs no directory either. */
	if (ctx->dirs_n == 0 && options.root_fd >= 0)
		sys_close(options.root_fd);
	return v;
}

static enum verdict
service_be_born(struct service_ctx *ctx, struct err *err)
{
	enum verdict v;

	ctx->proc_fd = -1;
	ctx->profile = sandbox_profile_find(ctx->birth.msg.path);
	if (!ctx->profile)
		return err_set(
		    err, VERDICT_PERM, "there is no profile \"%s\"", ctx->birth.msg.path);
	if (sandbox_slot_find(ctx->profile, "procfd")) {
		ctx->proc_fd = sys_openat(AT_FDCWD, "/proc/self/fd", O_PATH | O_DIRECTORY, 0);
		if (ctx->proc_fd >= 0)
			service_allow_dir(ctx, "procfd", ctx->proc_fd);
	}
	v = conf_snapshot_open(service_fd(ctx, BIRTH_FD_CONFIG, 0), &ctx->conf, err);
	if (v != VERDICT_OK)
		return err_wrap(err, "configuration");
	if (ctx->service->prepare && (v = ctx->service->prepare(ctx, err)) != VERDICT_OK)
		return v;
	service_close_secrets(ctx);
	v = service_raise_walls(ctx, err);
	return v == VERDICT_OK ? v : err_wrap(err, "walls");
}

int
service_main(const struct service *service, int argc, char **argv)
{
	static struct service_ctx ctx; /* too large for a stack, and there is one per process */
	struct control_msg ready = { .type = CONTROL_READY };
	struct err err = ERR_NONE;

	(void)argc;
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN); /* a file at its limit is an error of write(), not our end */
	sys_fault_start();
	ctx.service = service;
	list_init(&ctx.peers);
	list_init(&ctx.clients);
	list_init(&ctx.requests);
	log_open(service->kind, STDERR_FILENO, true);
	enum verdict birth = service_read_birth(&ctx);
	if (birth == VERDICT_EOF)
		return 0; /* master died before it could say who we are: the next one has its own */
	if (birth != VERDICT_OK) {
		log_event(LOG_LEVEL_FATAL,
		    "%s is started by master, not by hand: try \"postern start\"", argv[0]);
		log_flush();
		return 1;
	}
	ctx.generation = ctx.birth.msg.id;
	if (service_fd(&ctx, BIRTH_FD_LOG, 0) >= 0)
		log_open(service->kind, service_fd(&ctx, BIRTH_FD_LOG, 0), false);
	loop_init();
	ctx.ipc = ipc_new(ctx.generation);
	if (service_be_born(&ctx, &err) != VERDICT_OK) {
		log_event(LOG_LEVEL_FATAL, "%s", err.text);
		log_flush();
		return 1;
	}
	fdwatch_init(&ctx.control, CONTROL_FD);
	fiber_spawn("control", service_control, &ctx);
	if (service->start)
		fiber_spawn("start", service_first_fiber, &ctx);
	service_listen(&ctx);
	control_send(CONTROL_FD, &ready, NULL, 0);
	loop_run();
	log_flush();
	return 0;
}
