/*
 * Streams: their life, their waits, and the change of transport that STARTTLS is. Reading is in
 * stream_read.c, writing in stream_write.c. Called by every session. Owns the descriptor, the
 * transport and the two buffers. One fiber reads and perhaps another writes; a stream must not be
 * freed while a fiber waits in it. What carries the bytes is behind stream_transport.h; nothing
 * here knows TLS.
 */
#include "config.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include "base/mem.h"
#include "base/sys.h"
#include "event/stream_internal.h"

#define WRITE_WAIT \
	(300 * NS_PER_S) /* RFC 5321 4.5.3.2.7 wants 5 minutes of patience, all the same */
#define READ_SIZE_MIN 4096
#define STREAK_MAX    32 /* reads or writes in a row before others run: 2 MiB at most */

struct stream *
stream_new(int fd)
{
	struct stream *s = mem_alloc(sizeof(*s));
	int flags = fcntl(fd, F_GETFL);
	int on = 1;

	assert(flags >= 0);
	if (!(flags & O_NONBLOCK))
		(void)fcntl(fd, F_SETFL, flags | O_NONBLOCK);
	/* What is gathered leaves whole, so there is nothing for Nagle to wait for. Unix sockets
	 * refuse: fine. */
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	s->transport = transport_plain_new(fd);
	s->read_size = READ_SIZE_MIN;
	s->write_wait = WRITE_WAIT;
	waitq_init(&s->turn);
	fdwatch_init(&s->watch, fd);
	return s;
}

/* All but the descriptor. */
static void
stream_discard(struct stream *s)
{
	assert(waitq_empty(&s->watch.readers) && waitq_empty(&s->watch.writers));
	fdwatch_fini(&s->watch);
	s->transport->ops->free(s->transport);
	buffer_free(&s->in);
	buffer_free(&s->out);
	mem_free(s);
}

void
stream_free(struct stream *s)
{
	int fd = s->watch.fd;

	if (s->transport->ops->shutdown && !s->broken)
		s->transport->ops->shutdown(s->transport);
	stream_discard(s);
	sys_close(fd);
}

int
stream_fd(const struct stream *s)
{
	return s->watch.fd;
}

int
stream_release(struct stream *s)
{
	int fd = s->watch.fd;

	if (!s->transport->ops->verbatim || buffer_size(&s->in) || buffer_size(&s->out))
		return -1;
	stream_discard(s);
	return fd;
}

bool
stream_peer_gone(struct stream *s)
{
	struct pollfd p = { .fd = s->watch.fd, .events = POLLRDHUP };

	if (s->eof || s->watch.hangup)
		return true;
	return poll(&p, 1, 0) == 1;
}

uint64_t
stream_received(const struct stream *s)
{
	return s->received;
}

const struct tls_info *
stream_tls(const struct stream *s)
{
	return s->tls;
}

void
stream_pair(struct stream **a_out, struct stream **b_out)
{
	int fds[2];
	int failed = socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds);

	assert(!failed);
	*a_out = stream_new(fds[0]);
	*b_out = stream_new(fds[1]);
}

void
stream_exhausted(struct stream *s, enum transport_result want)
{
	s->streak = 0;
	if (want == TRANSPORT_WANT_READ)
		s->watch.readable = false;
	else
		s->watch.writable = false;
}

SUSPENDS
enum verdict
stream_wait(struct stream *s, enum transport_result want, uint64_t deadline)
{
	return want == TRANSPORT_WANT_READ ? fdwatch_wait_readable(&s->watch, deadline)
					   : fdwatch_wait_writable(&s->watch, deadline);
}

SUSPENDS
enum verdict
stream_await(struct stream *s, enum transport_result want, uint64_t deadline)
{
	stream_exhausted(s, want);
	return stream_wait(s, want, deadline);
}

SUSPENDS
enum verdict
stream_stay_fair(struct stream *s)
{
	if (++s->streak < STREAK_MAX)
		return VERDICT_OK;
	s->streak = 0;
	return fiber_yield();
}

SUSPENDS
static enum verdict
handshake_run(struct stream *s, uint64_t deadline, struct err *err)
{
	struct stream_transport *t = s->transport;
	enum transport_result r = TRANSPORT_DONE;
	enum verdict v;

	while (t->ops->handshake && (r = t->ops->handshake(t, err)) != TRANSPORT_DONE) {
		if (r == TRANSPORT_EOF)
			return VERDICT_EOF;
		if (r == TRANSPORT_ERROR)
			return VERDICT_PERM;
		v = stream_await(s, r, deadline);
		if (v == VERDICT_TIMEOUT)
			return err_set(err, v, "the handshake took too long");
		if (v != VERDICT_OK)
			return err_set(err, v, "the handshake was cut short");
	}
	return VERDICT_OK;
}

SUSPENDS
enum verdict
stream_swap_transport(struct stream *s, struct stream_transport *t, uint64_t deadline,
    size_t *dropped_out, struct err *err)
{
	enum verdict v = stream_flush(s, deadline);

	if (v != VERDICT_OK)
		err_set(err, v, "the peer does not take what comes before the handshake");
	if (dropped_out)
		*dropped_out = buffer_size(&s->in);
	buffer_free(&s->in);
	buffer_free(&s->out);
	s->scanned = s->returned = 0;
	s->transport->ops->free(s->transport);
	s->transport = t;
	if (v == VERDICT_OK)
		v = handshake_run(s, deadline, err);
	if (v != VERDICT_OK)
		s->eof = s->broken = true;
	else if (t->ops->info)
		s->tls = t->ops->info(t);
	return v;
}
