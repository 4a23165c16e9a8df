/*
 * Certificates by server name (RFC 6066 3): what a client asks for by SNI is looked up exactly,
 * then by its parents, the longest first. A name is any 1 to 255 bytes but NUL (OpenSSL has refused
 * others): it is a key of a seeded hash, nothing else. One SSL_CTX for each name would cost 30 KiB;
 * instead the certificate is put into the SSL, in the callback that OpenSSL makes when it is about
 * to choose one, and only when no session is resumed. Owns the table.
 */
#include "config.h"

#include <openssl/err.h>

#include "base/mem.h"
#include "event/tls_private.h"

struct tls_sni {
	struct span name;
	struct tls_chains chains;
};

static void
sni_free(struct tls_sni *sni)
{
	tls_chains_free(&sni->chains);
	mem_free((char *)(uintptr_t)sni->name.p);
	mem_free(sni);
}

static const struct tls_sni *
sni_find(const struct tls_context *ctx, struct span name)
{
	struct tls_sni *sni = map_get(&ctx->sni, name);

	while (!sni && name.n > 0) {
		size_t dot = span_find(span_from(name, 1), '.');

		name = span_from(name, 1 + dot);
		if (name.n > 0)
			sni = map_get(&ctx->sni, name);
	}
	return sni;
}

/* 1: go on, 0: the handshake fails. */
static int
sni_choose_certificate(SSL *ssl, void *arg)
{
	const struct tls_context *ctx = arg;
	const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
	const struct tls_sni *sni = name ? sni_find(ctx, span_str(name)) : NULL;

	if (!sni)
		return 1;
	SSL_certs_clear(ssl);
	for (size_t i = 0; i < sni->chains.n; i++) {
		const struct tls_chain *chain = &sni->chains.v[i];

		if (!SSL_use_cert_and_key(ssl, chain->leaf, chain->key, chain->above, 1))
			return 0;
	}
	return 1;
}

/* Without this callback OpenSSL does not remember the name in tickets. */
static int
sni_acknowledge(SSL *ssl UNUSED, int *alert UNUSED, void *arg UNUSED)
{
	return SSL_TLSEXT_ERR_OK;
}

void
tls_sni_init(struct tls_context *ctx)
{
	map_init_nocase(&ctx->sni);
	if (!ctx->server)
		return;
	SSL_CTX_set_tlsext_servername_callback(ctx->ssl, sni_acknowledge);
	SSL_CTX_set_cert_cb(ctx->ssl, sni_choose_certificate, ctx);
}

void
tls_sni_free(struct tls_context *ctx)
{
	size_t pos = 0;

	for (;;) {
		struct tls_sni *sni = map_next(&ctx->sni, &pos);

		if (!sni)
			break;
		sni_free(sni);
	}
	map_free(&ctx->sni);
}

struct sni_call {
	struct tls_context *ctx;
	struct span name;
	int fd;
	struct err *err;
	enum verdict verdict;
};

static void
sni_add(void *arg)
{
	struct sni_call *call = arg;
	struct tls_sni *sni = mem_alloc(sizeof(*sni));
	struct tls_sni *old;

	sni->name = span_of(mem_strdup(call->name), call->name.n);
	call->verdict =
	    tls_chains_read(call->fd, "certificate chain file", &sni->chains, call->err);
	if (call->verdict != VERDICT_OK) {
		err_wrap(call->err, "TLS name %.*s", SPAN_ARG(call->name));
		sni_free(sni);
		return;
	}
	old = map_put(&call->ctx->sni, sni->name, sni);
	if (old)
		sni_free(old);
}

enum verdict
tls_context_add_sni(struct tls_context *ctx, struct span name, int chain_fd, struct err *err)
{
	struct sni_call call = { .ctx = ctx, .name = name, .fd = chain_fd, .err = err };

	assert(ctx->server);
	if (name.n == 0 || name.n > TLSEXT_MAXLEN_host_name || memchr(name.p, 0, name.n))
		return err_set(
		    err, VERDICT_PERM, "TLS name \"%.*s\": not a host name", SPAN_ARG(name));
	on_main_stack(sni_add, &call);
	return call.verdict;
}
