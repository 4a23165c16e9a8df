/*
 * TLS as a stream's transport: handshake, records and the good-bye, over an SSL and a tls_wire.
 * Called by stream.c through the ops of stream_transport.h, on fibers; each call runs OpenSSL on
 * the main stack with an empty error queue. Owns the SSL; the descriptor is the stream's. Never
 * waits, and calls nothing but SSL_free after a fatal error.
 */
#include "config.h"

#include <errno.h>
#include <openssl/err.h>

#include "base/mem.h"
#include "event/tls_private.h"

struct tls_call {
	struct tls_transport *t;
	void *in;
	const void *out;
	size_t n;
	size_t moved;
	struct err *err;
	enum transport_result result;
};

/*
 * Did a call fail since the peer has gone? An error in the queue came first: it may be the alert
 * about it that found the peer gone.
 */
static bool
tls_ended(const struct tls_transport *t)
{
	unsigned long error = ERR_peek_error();

	if (error)
		return ERR_GET_REASON(error) == SSL_R_UNEXPECTED_EOF_WHILE_READING;
	return t->wire.end;
}

/* What a call that did not succeed wants or died of. The error queue is still full. */
static enum transport_result
tls_result(struct tls_transport *t)
{
	int code = SSL_get_error(t->ssl, 0);

	if (code == SSL_ERROR_WANT_READ)
		return TRANSPORT_WANT_READ;
	if (code == SSL_ERROR_WANT_WRITE)
		return TRANSPORT_WANT_WRITE;
	if (code == SSL_ERROR_ZERO_RETURN)
		return TRANSPORT_EOF;
	t->broken = t->info.cut = true;
	return tls_ended(t) ? TRANSPORT_EOF : TRANSPORT_ERROR;
}

static void
handshake_explain(struct tls_call *call)
{
	const struct tls_transport *t = call->t;
	long verify = SSL_get_verify_result(t->ssl);

	if (call->result == TRANSPORT_EOF)
		err_set(call->err, VERDICT_EOF, "TLS handshake: the peer closed the connection");
	else if (t->wire.sys && !ERR_peek_error())
		err_sys(call->err, t->wire.sys, "TLS handshake");
	else if (t->ctx->verify != TLS_VERIFY_NONE && verify != X509_V_OK)
		err_set(call->err, VERDICT_PERM, "TLS handshake: certificate not verified: %s",
		    X509_verify_cert_error_string(verify));
	else
		tls_error(call->err, VERDICT_PERM, "TLS handshake");
}

static void
handshake_call(void *arg)
{
	struct tls_call *call = arg;
	struct tls_transport *t = call->t;

	ERR_clear_error();
	if (SSL_do_handshake(t->ssl) == 1) {
		tls_info_fill(&t->info, t->ssl, t->ctx);
		call->result = TRANSPORT_DONE;
	} else {
		call->result = tls_result(t);
		if (call->result == TRANSPORT_EOF || call->result == TRANSPORT_ERROR)
			handshake_explain(call);
	}
	ERR_clear_error();
}

static void
read_call(void *arg)
{
	struct tls_call *call = arg;

	ERR_clear_error();
	call->result = SSL_read_ex(call->t->ssl, call->in, call->n, &call->moved)
			   ? TRANSPORT_DONE
			   : tls_result(call->t);
	ERR_clear_error();
}

static void
write_call(void *arg)
{
	struct tls_call *call = arg;

	ERR_clear_error();
	call->result = SSL_write_ex(call->t->ssl, call->out, call->n, &call->moved)
			   ? TRANSPORT_DONE
			   : tls_result(call->t);
	ERR_clear_error();
}

static void
shutdown_call(void *arg)
{
	struct tls_call *call = arg;

	ERR_clear_error();
	SSL_shutdown(call->t->ssl);
	ERR_clear_error();
}

static void
free_call(void *arg)
{
	struct tls_transport *t = arg;

	SSL_free(t->ssl);
	ERR_clear_error();
}

static struct tls_transport *
transport_of(struct stream_transport *t)
{
	return CONTAINER_OF(t, struct tls_transport, base);
}

static enum transport_result
tls_handshake(struct stream_transport *base, struct err *err)
{
	struct tls_call call = { .t = transport_of(base), .err = err };

	on_main_stack(handshake_call, &call);
	return call.result;
}

static enum transport_result
tls_read(struct stream_transport *base, void *p, size_t n, size_t *n_out)
{
	struct tls_call call = { .t = transport_of(base), .in = p, .n = n };

	if (call.t->broken)
		return TRANSPORT_ERROR;
	on_main_stack(read_call, &call);
	*n_out = call.moved;
	return call.result;
}

static enum transport_result
tls_write(struct stream_transport *base, const struct iovec *v, int count UNUSED, size_t *n_out)
{
	struct tls_call call = { .t = transport_of(base), .out = v[0].iov_base, .n = v[0].iov_len };

	if (call.t->broken)
		return TRANSPORT_ERROR;
	on_main_stack(write_call, &call);
	*n_out = call.moved;
	return call.result;
}

static size_t
tls_pending(const struct stream_transport *base)
{
	const struct tls_transport *t = (const struct tls_transport *)base;

	return (size_t)SSL_pending(t->ssl);
}

static const struct tls_info *
tls_info_get(const struct stream_transport *base)
{
	return &((const struct tls_transport *)base)->info;
}

/*
 * Also what makes a client's session fit to be resumed: OpenSSL drops those of connections that
 * were cut.
 */
static void
tls_shutdown(struct stream_transport *base)
{
	struct tls_call call = { .t = transport_of(base) };

	if (!call.t->broken && !SSL_in_init(call.t->ssl))
		on_main_stack(shutdown_call, &call);
}

static void
tls_free(struct stream_transport *base)
{
	struct tls_transport *t = transport_of(base);

	on_main_stack(free_call, t);
	tls_context_free(t->ctx);
	str_free(&t->binding);
	mem_free(t);
}

static const struct stream_transport_ops tls_ops = {
	.handshake = tls_handshake,
	.read = tls_read,
	.write = tls_write,
	.pending = tls_pending,
	.info = tls_info_get,
	.shutdown = tls_shutdown,
	.free = tls_free,
};

static void
transport_open(void *arg)
{
	struct tls_call *call = arg;
	struct tls_transport *t = call->t;
	BIO *bio;

	ERR_clear_error();
	t->ssl = SSL_new(t->ctx->ssl);
	bio = tls_wire_bio(t->ctx->wire, &t->wire);
	if (!t->ssl || !bio) {
		BIO_free(bio);
		call->result = TRANSPORT_ERROR;
		tls_error(call->err, VERDICT_TEMP, "TLS session");
		return;
	}
	SSL_set_bio(t->ssl, bio, bio);
	if (t->ctx->server)
		SSL_set_accept_state(t->ssl);
	else
		SSL_set_connect_state(t->ssl);
}

struct tls_transport *
tls_transport_new(struct tls_context *ctx, int fd, struct err *err)
{
	struct tls_transport *t = mem_alloc(sizeof(*t));
	struct tls_call call = { .t = t, .err = err, .result = TRANSPORT_DONE };

	t->base.ops = &tls_ops;
	t->ctx = tls_context_ref(ctx);
	t->wire.fd = fd;
	str_init(&t->binding, SIZE_MAX);
	on_main_stack(transport_open, &call);
	if (call.result == TRANSPORT_DONE)
		return t;
	tls_free(&t->base);
	return NULL;
}

SUSPENDS
enum verdict
stream_start_tls_server(struct stream *s, struct tls_context *ctx, uint64_t deadline,
    size_t *dropped_out, struct err *err)
{
	struct tls_transport *t = tls_transport_new(ctx, stream_fd(s), err);

	assert(ctx->server);
	if (!t)
		return VERDICT_TEMP;
	return stream_swap_transport(s, &t->base, deadline, dropped_out, err);
}
