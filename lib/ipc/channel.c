/*
 * A channel from its opening to its end. Opened by whoever has a connected socket whose other end's
 * role it knows: a daemon with what master gave it, an acceptor with what came. Owns the
 * descriptor, both buffers, and the reading fiber, which alone ends the channel: whoever finds it
 * broken only marks it and sends that fiber on its way.
 *
 * The struct must outlive both fibers and every callback; requests and pending calls outlive it,
 * and know that it is gone.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "event/loop.h"
#include "ipc/channel.h"

void
channel_trace(
    struct ipc_channel *ch, bool sent, uint64_t trace, const struct ipc_type *type, const void *msg)
{
	struct ipc *ipc = ch->ipc;

	if (ipc->trace)
		ipc->trace(ch->service->name, sent, trace, type, msg, ipc->trace_arg);
}

void
channel_release(struct ipc_channel *ch)
{
	if (ch->ended && !ch->writing)
		mem_free(ch);
}

/* From here on nobody gets anything from the peer, or sends it more than what is queued. */
static void
channel_shut(struct ipc_channel *ch, enum channel_state state)
{
	ch->state = state;
	call_fail_all(ch);
	request_detach_all(ch);
}

void
channel_break(struct ipc_channel *ch, const char *fmt, ...)
{
	va_list ap;
	struct str text = STR_INIT(LIMIT_ERR_TEXT);

	if (ch->state == CHANNEL_BROKEN)
		return;
	va_start(ap, fmt);
	str_vprintf(&text, fmt, ap);
	va_end(ap);
	err_set(&ch->why, VERDICT_TEMP, "%s %s", ch->service->name, str_cstr(&text));
	str_free(&text);
	channel_shut(ch, CHANNEL_BROKEN);
	output_drop(ch);
	if (ch->reader != fiber_self())
		fiber_cancel(ch->reader);
}

static void
channel_end(struct ipc_channel *ch)
{
	struct ipc_acceptor *acceptor = ch->acceptor;

	if (ch->service->gone)
		ch->service->gone(ch, ch->why.text, ch->arg);
	if (ch->also_gone)
		ch->also_gone(ch, ch->why.text, ch->also_gone_arg);
	input_drop(ch);
	fdwatch_fini(&ch->watch);
	close(ch->watch.fd);
	ch->ended = true;
	channel_release(ch);
	if (acceptor)
		acceptor_gone(acceptor);
}

FIBER_MAIN
static void
channel_read(void *arg)
{
	struct ipc_channel *ch = arg;

	input_run(ch);
	channel_end(ch);
}

static void
channel_greet(struct ipc_channel *ch)
{
	struct msg_hello hello = {
		.version = IPC_VERSION,
		.generation = ch->ipc->generation,
		.pid = (uint32_t)getpid(),
	};
	struct ucred peer = { .uid = (uid_t)-1 };
	socklen_t n = sizeof(peer);

	if (getsockopt(ch->watch.fd, SOL_SOCKET, SO_PEERCRED, &peer, &n) == 0)
		ch->peer_uid = peer.uid;
	else
		ch->peer_uid = (uid_t)-1;
	output_put(ch, &ipc_hello, 0, 0, &hello, NULL);
}

struct ipc_channel *
channel_open(struct ipc *ipc, int fd, const struct ipc_service *service,
    struct ipc_acceptor *acceptor, void *arg)
{
	struct ipc_channel *ch = mem_alloc(sizeof(*ch));

	ch->reader = fiber_spawn("ipc reader", channel_read, ch);
	if (!ch->reader) {
		mem_free(ch);
		close(fd);
		return NULL;
	}
	int flags = fcntl(fd, F_GETFL);
	/* Master's sockets are so already; behind walls the call itself is forbidden. */
	if (!(flags & O_NONBLOCK))
		fcntl(fd, F_SETFL, flags | O_NONBLOCK);
	ch->ipc = ipc;
	ch->service = service;
	ch->arg = arg;
	ch->acceptor = acceptor;
	ch->begun = loop_now();
	list_init(&ch->unsent);
	list_init(&ch->pending);
	list_init(&ch->answered);
	list_init(&ch->requests);
	waitq_init(&ch->relief);
	fdwatch_init(&ch->watch, fd);
	channel_greet(ch);
	return ch;
}

struct ipc_channel *
ipc_open(struct ipc *ipc, int fd, const struct ipc_service *service, void *arg)
{
	return channel_open(ipc, fd, service, NULL, arg);
}

void
ipc_close(struct ipc_channel *ch, bool drain)
{
	if (ch->state == CHANNEL_BROKEN || (drain && ch->state == CHANNEL_DRAINING))
		return;
	if (drain)
		output_flush(ch);
	if (!drain || ch->out.n == 0) {
		channel_break(ch, "was left");
		return;
	}
	channel_shut(ch, CHANNEL_DRAINING);
	ch->begun = loop_now();
	waitq_wake_all(&ch->watch.readers);
	waitq_wake_all(&ch->relief);
}

void
ipc_retire(struct ipc_channel *ch)
{
	struct msg_leaving leaving = { .unused = 0 };

	if (ch->state == CHANNEL_OPEN)
		output_put(ch, &ipc_leaving, 0, 0, &leaving, NULL);
}

void
channel_settle(struct ipc_channel *ch)
{
	if (ch->retired && ch->calls == 0)
		ipc_close(ch, true);
}

bool
ipc_is_open(const struct ipc_channel *ch)
{
	return ch->state == CHANNEL_OPEN && !ch->retired;
}

size_t
ipc_backlog(const struct ipc_channel *ch)
{
	return ch->out.n - ch->out_at;
}

void *
ipc_arg(const struct ipc_channel *ch)
{
	return ch->arg;
}

void
ipc_set_arg(struct ipc_channel *ch, void *arg)
{
	ch->arg = arg;
}

uint32_t
ipc_peer_pid(const struct ipc_channel *ch)
{
	return ch->peer_pid;
}

uint64_t
ipc_peer_generation(const struct ipc_channel *ch)
{
	return ch->peer_generation;
}

uid_t
ipc_peer_uid(const struct ipc_channel *ch)
{
	return ch->peer_uid;
}

void
ipc_on_gone(struct ipc_channel *ch, ipc_gone_fn *fn, void *arg)
{
	ch->also_gone = fn;
	ch->also_gone_arg = arg;
}

void
ipc_set_tag(struct ipc_channel *ch, uint32_t tag)
{
	ch->tag = tag;
}

uint32_t
ipc_tag(const struct ipc_channel *ch)
{
	return ch->tag;
}
