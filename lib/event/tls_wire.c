/*
 * The socket under an SSL, as a BIO of our own: OpenSSL's would raise SIGPIPE, keeps no errno, and
 * needs one BIO more for a stream. Called by OpenSSL on the main stack. Owns nothing: the
 * descriptor is the stream's. Never waits.
 */
#include "config.h"

#include <errno.h>
#include <sys/socket.h>

#include "event/tls_private.h"

/* Which errors of a socket mean that the peer has gone. */
static bool
wire_is_reset(int sys)
{
	return sys == ECONNRESET || sys == EPIPE;
}

static int
wire_done(BIO *bio, struct tls_wire *wire, ssize_t n, size_t *n_out, int retry_flag)
{
	if (n > 0) {
		*n_out = (size_t)n;
		return 1;
	}
	*n_out = 0;
	if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
		BIO_set_flags(bio, retry_flag | BIO_FLAGS_SHOULD_RETRY);
		return -1;
	}
	if (n < 0)
		wire->sys = errno;
	wire->end = n == 0 || wire_is_reset(wire->sys);
	return n == 0 ? 0 : -1;
}

static int
wire_read(BIO *bio, char *p, size_t size, size_t *n_out)
{
	struct tls_wire *wire = BIO_get_data(bio);
	ssize_t n;

	BIO_clear_retry_flags(bio);
	do
		n = recv(wire->fd, p, size, 0);
	while (n < 0 && errno == EINTR);
	return wire_done(bio, wire, n, n_out, BIO_FLAGS_READ);
}

static int
wire_write(BIO *bio, const char *p, size_t size, size_t *n_out)
{
	struct tls_wire *wire = BIO_get_data(bio);
	ssize_t n;

	BIO_clear_retry_flags(bio);
	do
		n = send(wire->fd, p, size, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	return wire_done(bio, wire, n, n_out, BIO_FLAGS_WRITE);
}

static long
wire_ctrl(BIO *bio, int command, long number UNUSED, void *p UNUSED)
{
	const struct tls_wire *wire = BIO_get_data(bio);

	if (command == BIO_CTRL_EOF)
		return wire->end;
	return command == BIO_CTRL_FLUSH;
}

BIO_METHOD *
tls_wire_method(void)
{
	BIO_METHOD *method = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "stream");

	if (method && BIO_meth_set_read_ex(method, wire_read) &&
	    BIO_meth_set_write_ex(method, wire_write) && BIO_meth_set_ctrl(method, wire_ctrl))
		return method;
	BIO_meth_free(method);
	return NULL;
}

BIO *
tls_wire_bio(BIO_METHOD *method, struct tls_wire *wire)
{
	BIO *bio = BIO_new(method);

	if (!bio)
		return NULL;
	BIO_set_data(bio, wire);
	BIO_set_init(bio, 1);
	return bio;
}
