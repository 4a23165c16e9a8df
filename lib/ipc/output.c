/*
 * The writing half of a channel: frames are gathered and leave at the end of the loop's turn, or as
 * soon as LIMIT_IPC_GATHER bytes are there, by one sendmsg that never waits. Called by call.c and
 * request.c, on any fiber, and by the hook in ipc.c. Owns the output buffer, which exists only
 * while something is in it, and duplicates of the descriptors to be sent. While the socket is full
 * a fiber waits for room.
 *
 * A frame with descriptors begins a sendmsg, and those of the next such frames go along: beside its
 * first byte, up to LIMIT_IPC_BESIDE. No frame may be sent in part and then dropped unless the
 * channel ends.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>

#include "base/mem.h"
#include "event/loop.h"
#include "ipc/channel.h"

static void
output_release(struct ipc_channel *ch)
{
	ch->out_base += ch->out.n;
	ch->out_at = 0;
	ipc_give_buffer(ch->ipc, &ch->out);
	mem_free(ch->cargo);
	ch->cargo = NULL;
	ch->cargo_at = ch->cargo_n = ch->cargo_cap = 0;
}

void
output_drop(struct ipc_channel *ch)
{
	while (ch->cargo_at < ch->cargo_n) {
		struct cargo *c = &ch->cargo[ch->cargo_at++];

		fds_close(c->fds, c->fds_n);
	}
	output_release(ch);
	list_remove(&ch->unsent);
}

/* The peer takes no more. It may have sent something before it stopped: the reader looks, then ends
 * the channel. */
static void
output_failed(struct ipc_channel *ch, int sys)
{
	if (ch->state == CHANNEL_DRAINING || (sys != EPIPE && sys != ECONNRESET)) {
		channel_break(ch, "went away: %s", strerrordesc_np(sys));
		return;
	}
	ch->deaf = true;
	output_drop(ch);
	fiber_cancel(ch->reader);
}

/* What one sendmsg takes. */
struct load {
	struct span bytes;
	size_t cargo_n; /* frames whose descriptors go beside it, the first at its first byte */
	unsigned fds_n;
	int fds[LIMIT_IPC_BESIDE];
};

static void
load_next(const struct ipc_channel *ch, struct load *out)
{
	uint64_t at = ch->out_base + ch->out_at;
	size_t i = ch->cargo_at;

	*out = (struct load){ .bytes = span_from(str_span(&ch->out), ch->out_at) };
	if (i < ch->cargo_n && ch->cargo[i].at == at) {
		for (; i < ch->cargo_n; i++, out->cargo_n++) {
			const struct cargo *c = &ch->cargo[i];
			if (out->fds_n + c->fds_n > LIMIT_IPC_BESIDE)
				break;
			memcpy(out->fds + out->fds_n, c->fds, c->fds_n * sizeof(int));
			out->fds_n += c->fds_n;
		}
	}
	if (i < ch->cargo_n)
		out->bytes = span_head(out->bytes, ch->cargo[i].at - at);
}

/* Says in each frame of the load but the last that the next one's descriptors are here too. */
static void
load_mark(struct ipc_channel *ch, const struct load *load)
{
	for (size_t i = 0; i < load->cargo_n; i++) {
		const struct cargo *c = &ch->cargo[ch->cargo_at + i];
		unsigned more = i + 1 < load->cargo_n ? FRAME_MORE : 0;

		ch->out.p[c->at - ch->out_base + FRAME_FDS_AT] = (char)(c->fds_n | more);
	}
}

static ssize_t
load_send(struct ipc_channel *ch, const struct load *load)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int) * LIMIT_IPC_BESIDE)];
	} control;
	struct iovec v = { ch->out.p + ch->out_at, load->bytes.n };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1 };

	if (load->fds_n > 0) {
		memset(&control, 0, sizeof(control));
		m.msg_control = &control;
		m.msg_controllen = CMSG_SPACE(sizeof(int) * load->fds_n);
		control.align.cmsg_level = SOL_SOCKET;
		control.align.cmsg_type = SCM_RIGHTS;
		control.align.cmsg_len = CMSG_LEN(sizeof(int) * load->fds_n);
		memcpy(CMSG_DATA(&control.align), load->fds, sizeof(int) * load->fds_n);
	}
	return sendmsg(ch->watch.fd, &m, MSG_NOSIGNAL | MSG_DONTWAIT);
}

FIBER_MAIN
static void
output_wait(void *arg)
{
	struct ipc_channel *ch = arg;

	while (ch->state != CHANNEL_BROKEN && ch->out.n > 0) {
		enum verdict v =
		    fdwatch_wait_writable(&ch->watch, loop_now() + LIMIT_IPC_STALL * NS_PER_S);

		if (v == VERDICT_OK)
			output_flush(ch);
		else if (v == VERDICT_TIMEOUT)
			channel_break(ch, "does not read");
		else
			channel_break(ch, "was left: this process ends");
	}
	ch->writing = false;
	if (ch->state == CHANNEL_DRAINING)
		channel_break(ch, "was left");
	channel_release(ch);
}

/* The socket is full: a fiber goes on when there is room. What was sent already is dropped once it
 * is worth the move. */
static void
output_blocked(struct ipc_channel *ch)
{
	ch->watch.writable = false;
	if (ch->out_at >= ch->out.n / 2) {
		ch->out_base += ch->out_at;
		str_drop(&ch->out, ch->out_at);
		ch->out_at = 0;
	}
	if (ch->writing)
		return;
	ch->writing = fiber_spawn("ipc writer", output_wait, ch) != NULL;
	if (!ch->writing)
		channel_break(ch, "was left: no fiber to write to it");
}

void
output_flush(struct ipc_channel *ch)
{
	list_remove(&ch->unsent);
	while (ch->out_at < ch->out.n) {
		struct load load;
		ssize_t n;

		load_next(ch, &load);
		load_mark(ch, &load);
		n = load_send(ch, &load);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno != EAGAIN) {
			output_failed(ch, errno);
			return;
		}
		if (n < 0) {
			output_blocked(ch);
			return;
		}
		/* They went with the first byte. */
		fds_close(load.fds, load.fds_n);
		ch->cargo_at += load.cargo_n;
		ch->out_at += (size_t)n;
	}
	output_release(ch);
}

void
output_give(struct ipc *ipc)
{
	ipc->giving = true;
}

void
output_given(struct ipc *ipc, const struct ipc_type *type, const void *msg)
{
	int fds[LIMIT_IPC_FDS];

	/* Nobody took them. */
	if (ipc->giving) {
		ipc_message_fds(type, msg, fds);
		fds_close(fds, type->fds);
	}
	ipc->giving = false;
}

/* Duplicates, or takes, the descriptors of MSG for the frame that begins at AT. */
static enum verdict
cargo_load(struct ipc_channel *ch, const struct ipc_type *type, const void *msg, uint64_t at,
    struct err *err)
{
	int fds[LIMIT_IPC_FDS];
	struct cargo c = { .at = at };

	ipc_message_fds(type, msg, fds);
	for (; c.fds_n < type->fds; c.fds_n++) {
		c.fds[c.fds_n] =
		    ch->ipc->giving ? fds[c.fds_n] : fcntl(fds[c.fds_n], F_DUPFD_CLOEXEC, 0);
		if (c.fds[c.fds_n] < 0) {
			err_sys(err, errno, "duplicating a descriptor of %s", type->name);
			fds_close(c.fds, c.fds_n);
			return VERDICT_TEMP;
		}
	}
	if (ch->cargo_n == ch->cargo_cap) {
		ch->cargo_cap = ch->cargo_cap ? 2 * ch->cargo_cap : 4;
		ch->cargo = mem_resize_array(ch->cargo, ch->cargo_cap, sizeof(*ch->cargo));
	}
	ch->cargo[ch->cargo_n++] = c;
	ch->ipc->giving = false;
	return VERDICT_OK;
}

static void
output_queued(struct ipc_channel *ch)
{
	if (ch->writing)
		return;
	if (ch->out.n - ch->out_at >= LIMIT_IPC_GATHER)
		output_flush(ch);
	else if (list_empty(&ch->unsent))
		list_push(&ch->ipc->unsent, &ch->unsent);
}

enum verdict
output_put(struct ipc_channel *ch, const struct ipc_type *type, uint32_t id, uint64_t trace,
    const void *msg, struct err *err)
{
	struct frame f = {
		.trace = trace,
		.id = id,
		.number = type->number,
		.fds = type->fds,
		.sort = type->sort,
	};
	size_t size;
	enum verdict v;
	char *p;

	if (ch->state != CHANNEL_OPEN || ch->deaf)
		return err_set(err, VERDICT_TEMP, "%s went away", ch->service->name);
	v = ipc_measure(type, msg, &size, err);
	if (v != VERDICT_OK)
		return v;
	if (ch->out.cap == 0)
		ipc_take_buffer(ch->ipc, &ch->out, LIMIT_IPC_OUTPUT);
	p = str_reserve(&ch->out, FRAME_HEADER + size);
	if (!p) {
		channel_break(ch, "does not read: %zu bytes wait for it", ch->out.n - ch->out_at);
		return err_set(err, VERDICT_TEMP, "%s", ch->why.text);
	}
	if (type->fds > 0)
		v = cargo_load(ch, type, msg, ch->out_base + ch->out.n, err);
	if (v != VERDICT_OK) {
		if (ch->out.n == 0)
			output_release(ch);
		return v;
	}
	f.length = (uint32_t)size;
	frame_put(p, &f);
	ipc_encode(type, msg, p + FRAME_HEADER);
	str_grew(&ch->out, FRAME_HEADER + size);
	channel_trace(ch, true, trace, type, msg);
	output_queued(ch);
	return VERDICT_OK;
}
