/*
 * The transport of a plain stream: the socket itself. Called by stream.c through the table of
 * stream_transport.h. Owns no more than its few bytes; the descriptor is the stream's. Never waits,
 * and never raises SIGPIPE.
 */
#include "config.h"

#include <errno.h>
#include <sys/socket.h>

#include "base/mem.h"
#include "event/stream_transport.h"

struct plain {
	struct stream_transport base;
	int fd;
};

static int
plain_fd(const struct stream_transport *t)
{
	return ((const struct plain *)(const void *)t)->fd;
}

static enum transport_result
plain_failed(int sys, enum transport_result want)
{
	if (sys == EAGAIN)
		return want;
	return sys == ECONNRESET || sys == EPIPE ? TRANSPORT_EOF : TRANSPORT_ERROR;
}

static enum transport_result
plain_read(struct stream_transport *t, void *p, size_t n, size_t *n_out)
{
	ssize_t got;

	do {
		got = recv(plain_fd(t), p, n, MSG_DONTWAIT);
	} while (got < 0 && errno == EINTR);
	if (got < 0)
		return plain_failed(errno, TRANSPORT_WANT_READ);
	*n_out = (size_t)got;
	return got ? TRANSPORT_DONE : TRANSPORT_EOF;
}

static enum transport_result
plain_write(struct stream_transport *t, const struct iovec *v, int count, size_t *n_out)
{
	struct msghdr m = { .msg_iovlen = (size_t)count };
	ssize_t sent;

	memcpy(&m.msg_iov, &v,
	    sizeof(v)); /* sendmsg(2) does not write there, though its type says so */
	do {
		sent = sendmsg(plain_fd(t), &m, MSG_DONTWAIT | MSG_NOSIGNAL);
	} while (sent < 0 && errno == EINTR);
	if (sent < 0)
		return plain_failed(errno, TRANSPORT_WANT_WRITE);
	*n_out = (size_t)sent;
	return TRANSPORT_DONE;
}

static void
plain_free(struct stream_transport *t)
{
	mem_free(t);
}

static const struct stream_transport_ops plain_ops = {
	.read = plain_read,
	.write = plain_write,
	.free = plain_free,
	.verbatim = true,
};

struct stream_transport *
transport_plain_new(int fd)
{
	struct plain *plain = mem_alloc(sizeof(*plain));

	plain->base.ops = &plain_ops;
	plain->fd = fd;
	return &plain->base;
}
