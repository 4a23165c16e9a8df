/*
 * The reading half of a channel: from the socket to whole frames, checked, and handed to request.c
 * (calls, notes) or call.c (replies). Runs on the channel's reading fiber. Owns the input buffer,
 * which exists only while bytes of an unfinished frame lie in it, and the descriptors that have
 * come and not yet met their frame.
 *
 * Descriptors come beside the first byte of the frame they belong to, with those of the next such
 * frames if it says so; a read from a Unix stream ends behind bytes that have descriptors. So those
 * of two writes at most wait here, and any that no frame begun can claim close the channel. All a
 * header says is checked before a byte of the body is waited for: a peer can make us hold only a
 * message that it may send.
 */
#include "config.h"

#include <errno.h>
#include <sys/socket.h>

#include "event/loop.h"
#include "ipc/channel.h"

#define INPUT_MAX  ((size_t)FRAME_HEADER + LIMIT_IPC_FRAME + 2 * LIMIT_IPC_READ)
#define INPUT_RUNS 16 /* reads in a row, then others run: about 1 MiB */

static void
input_release(struct ipc_channel *ch)
{
	ch->in_at = 0;
	ipc_give_buffer(ch->ipc, &ch->in);
}

void
input_drop(struct ipc_channel *ch)
{
	input_release(ch);
	fds_close(ch->in_fds, ch->in_fds_n);
	ch->in_fds_n = 0;
}

static struct span
input_left(const struct ipc_channel *ch)
{
	return span_from(str_span(&ch->in), ch->in_at);
}

static const struct ipc_permit *
permit_find(const struct ipc_service *service, unsigned number)
{
	for (size_t i = 0; i < service->permits_n; i++) {
		if (service->permits[i].type->number == number)
			return &service->permits[i];
	}
	return NULL;
}

/* May the peer send this, now? What is wrong with it, or NULL. */
static const char *
frame_refuse(const struct ipc_channel *ch, const struct frame *f, const struct ipc_type *type)
{
	if (!ch->greeted || type == &ipc_hello)
		return !ch->greeted && type == &ipc_hello ? NULL : "out of turn";
	if (type == &ipc_leaving)
		return NULL;
	if (f->sort == IPC_REPLY)
		return ch->calls > 0 ? NULL : "without a call";
	return permit_find(ch->service, f->number) ? NULL : "without a permit";
}

/* NULL: the channel is broken now. */
static const struct ipc_type *
frame_check(struct ipc_channel *ch, struct span head, struct frame *out)
{
	const struct ipc_type *type;
	const char *wrong;

	if (!frame_get(head.p, out)) {
		channel_break(ch, "sent a malformed header");
		return NULL;
	}
	type = ipc_type_find(out->number);
	if (!type) {
		channel_break(ch, "sent message %u, which does not exist", out->number);
		return NULL;
	}
	if (out->sort != type->sort || (out->id == 0) != (out->sort == IPC_NOTE))
		wrong = "as another sort";
	else if (out->length < type->least || out->length > size_min(type->most, LIMIT_IPC_FRAME))
		wrong = "with a wrong length";
	else if (out->fds != type->fds || (out->more && out->fds == 0))
		wrong = "with a wrong number of descriptors";
	else
		wrong = frame_refuse(ch, out, type);
	if (!wrong)
		return type;
	channel_break(ch, "sent %s %s", type->name, wrong);
	return NULL;
}

static void
hello_take(struct ipc_channel *ch, struct span body)
{
	struct msg_hello hello;
	struct arena none;
	enum verdict v;

	arena_init(&none, 0);
	v = ipc_decode(&ipc_hello, body, NULL, &hello, &none, NULL);
	if (v != VERDICT_OK || hello.version != IPC_VERSION) {
		channel_break(ch, "speaks another version");
		return;
	}
	channel_trace(ch, false, 0, &ipc_hello, &hello);
	ch->peer_pid = hello.pid;
	ch->peer_generation = hello.generation;
	ch->greeted = true;
	ch->begun = 0;
	if (ch->service->opened)
		ch->service->opened(ch, ch->arg);
}

/* The first N descriptors that came: theirs who called. */
static void
fds_take(struct ipc_channel *ch, unsigned n, int fds_out[LIMIT_IPC_FDS])
{
	memcpy(fds_out, ch->in_fds, n * sizeof(int));
	ch->in_fds_n -= n;
	memmove(ch->in_fds, ch->in_fds + n, ch->in_fds_n * sizeof(int));
}

/* Acts on the next frame; false when it is not all there. */
static bool
frame_next(struct ipc_channel *ch)
{
	struct span left = input_left(ch);
	const struct ipc_type *type;
	struct frame f;
	struct span body;
	int fds[LIMIT_IPC_FDS];

	if (left.n < FRAME_HEADER)
		return false;
	type = frame_check(ch, left, &f);
	if (!type)
		return true;
	if (left.n - FRAME_HEADER < f.length)
		return false;
	if (f.fds > ch->in_fds_n) {
		channel_break(ch, "sent %s without its descriptors", type->name);
		return true;
	}
	body = span_of(left.p + FRAME_HEADER, f.length);
	ch->in_at += FRAME_HEADER + f.length;
	fds_take(ch, f.fds, fds);
	if (f.fds > 0)
		ch->in_fds_more = f.more;
	if (type == &ipc_hello)
		hello_take(ch, body);
	else if (type == &ipc_leaving)
		ch->retired = true;
	else if (f.sort == IPC_REPLY)
		call_answer(ch, type, &f, body, fds);
	else
		request_take(ch, permit_find(ch->service, f.number), &f, body, fds);
	channel_settle(ch);
	return true;
}

/*
 * No whole frame is left. Do the descriptors here belong to frames to come? The one begun has been
 * checked if its header is here.
 */
static bool
fds_fit(const struct ipc_channel *ch)
{
	struct span left = input_left(ch);
	struct frame f;

	if (ch->in_fds_more)
		return ch->in_fds_n > 0;
	if (left.n < FRAME_HEADER || !frame_get(left.p, &f))
		return ch->in_fds_n == 0 || left.n > 0;
	return ch->in_fds_n >= f.fds && f.more == (ch->in_fds_n > f.fds);
}

/* Takes what came beside a read; false when it is too much. */
static bool
fds_collect(struct ipc_channel *ch, struct msghdr *m)
{
	bool fits = (m->msg_flags & MSG_CTRUNC) == 0;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		int fd;

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t i = 0; i < n; i++) {
			memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(int));
			if (ch->in_fds_n < ARRAY_LEN(ch->in_fds)) {
				ch->in_fds[ch->in_fds_n++] = fd;
			} else {
				fds_close(&fd, 1);
				fits = false;
			}
		}
	}
	return fits;
}

/* Makes room behind what is there; a frame that is known to be longer gets it in steps, as it
 * comes. */
static struct iovec
input_room(struct ipc_channel *ch)
{
	char *p;

	if (ch->in.n == 0 && ch->in.cap == 0)
		ipc_take_buffer(ch->ipc, &ch->in, INPUT_MAX);
	str_drop(&ch->in, ch->in_at);
	ch->in_at = 0;
	p = str_reserve(&ch->in, LIMIT_IPC_READ);
	assert(p);
	return (struct iovec){ p, LIMIT_IPC_READ };
}

/*
 * One read, of the many until EAGAIN: a short one does not say that the edge is used up, since the
 * end of the stream may have come with the same edge and has no other.
 */
static void
input_read(struct ipc_channel *ch)
{
	struct iovec room = input_room(ch);
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int) * LIMIT_IPC_BESIDE)];
	} control;
	struct msghdr m = {
		.msg_iov = &room,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	ssize_t n = recvmsg(ch->watch.fd, &m, MSG_CMSG_CLOEXEC);

	if (n > 0) {
		str_grew(&ch->in, (size_t)n);
		if (!fds_collect(ch, &m))
			channel_break(ch, "sent too many descriptors");
	} else if (n < 0 && errno == EAGAIN) {
		ch->watch.readable = false;
		if (ch->last_read)
			channel_break(ch, "went away");
	} else if (n == 0 || errno == ECONNRESET) {
		channel_break(ch, "went away");
	} else if (errno != EINTR) {
		channel_break(ch, "went away: %s", strerrordesc_np(errno));
	}
}

/* A wait of the reading fiber ended early. Of a peer that takes no more, what it has sent is read
 * first. */
static void
input_stopped(struct ipc_channel *ch, enum verdict v)
{
	if (v == VERDICT_TIMEOUT && !ch->greeted) {
		channel_break(ch, "did not greet");
	} else if (v == VERDICT_TIMEOUT) {
		channel_break(ch, "did not finish a message");
	} else if (ch->deaf && !ch->last_read) {
		ch->last_read = true;
		ch->watch.readable = true;
	} else {
		channel_break(ch, "was left: this process ends");
	}
}

SUSPENDS
static void
input_wait(struct ipc_channel *ch)
{
	bool partial = ch->in_at < ch->in.n || ch->in_fds_n > 0;
	uint64_t deadline = DEADLINE_NEVER;
	enum verdict v;

	if (ch->in_at == ch->in.n)
		input_release(ch);
	if (!ch->greeted) {
		deadline = ch->begun + LIMIT_IPC_HELLO * NS_PER_S;
	} else if (partial) {
		ch->begun = ch->begun ? ch->begun : loop_now();
		deadline = ch->begun + LIMIT_IPC_STALL * NS_PER_S;
	} else {
		/* Silence is a peer's right: calls have deadlines of their own. */
		ch->begun = 0;
	}
	v = fdwatch_wait_readable(&ch->watch, deadline);
	ch->runs = 0;
	if (v != VERDICT_OK)
		input_stopped(ch, v);
}

SUSPENDS
static void
input_fill(struct ipc_channel *ch)
{
	enum verdict v;

	if (!fds_fit(ch)) {
		channel_break(ch, "sent descriptors that belong to no message");
	} else if (!ch->watch.readable) {
		input_wait(ch);
	} else if (++ch->runs > INPUT_RUNS) {
		ch->runs = 0;
		v = fiber_yield();
		if (v != VERDICT_OK && !ch->last_read)
			input_stopped(ch, v);
	} else {
		input_read(ch);
	}
}

/* Reads nothing until requests have been answered: whoever answers them has a deadline. */
SUSPENDS
static void
input_rest(struct ipc_channel *ch)
{
	enum verdict v = waitq_wait(&ch->relief, DEADLINE_NEVER);

	if (v != VERDICT_OK)
		channel_break(ch, "was left with too much unanswered");
}

SUSPENDS
static void
input_drain(struct ipc_channel *ch)
{
	enum verdict v = waitq_wait(&ch->relief, ch->begun + LIMIT_IPC_DRAIN * NS_PER_S);

	if (v != VERDICT_OK)
		channel_break(ch, "was left with output unread");
}

SUSPENDS
void
input_run(struct ipc_channel *ch)
{
	while (ch->state != CHANNEL_BROKEN) {
		if (ch->state == CHANNEL_DRAINING)
			input_drain(ch);
		else if (request_laden(ch))
			input_rest(ch);
		else if (!frame_next(ch))
			input_fill(ch);
	}
}
