/*
 * TLS contexts: an SSL_CTX with all that our servers and clients have in common, keys, chains and
 * CAs read from descriptors. Called by daemons at start, before their walls go up, and after a
 * change of certificates. Owns the SSL_CTX; counts the streams that use it, so that a new context
 * can take its place at once. Off, always: renegotiation, compression, early data, a cache of
 * sessions. Never loads openssl.cnf: what is not in main.cf does not change us.
 */
#include "config.h"

#include <openssl/err.h>

#include "base/mem.h"
#include "event/tls_private.h"

#define CHAIN_FILE "certificate chain file"

static void
context_set_options(struct tls_context *ctx)
{
	/*
	 * A session that waits owns no record buffers (RELEASE_BUFFERS), and a record is read with
	 * its header in one call (read ahead).
	 */
	SSL_CTX_set_mode(ctx->ssl, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
				       SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_AUTO_RETRY);
	SSL_CTX_set_read_ahead(ctx->ssl, 1);
	SSL_CTX_set_options(
	    ctx->ssl, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_NO_SSLv3);
	SSL_CTX_set_session_cache_mode(ctx->ssl, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_max_early_data(ctx->ssl, 0);
	SSL_CTX_set_dh_auto(ctx->ssl, 1);
	SSL_CTX_set_app_data(ctx->ssl, ctx);
}

static enum verdict
context_set_protocols(struct tls_context *ctx, const struct tls_settings *settings, struct err *err)
{
	struct tls_protocols protocols;
	enum verdict v = tls_protocols_parse(span_str(settings->protocols), &protocols, err);

	if (v != VERDICT_OK)
		return v;
	if (!SSL_CTX_set_min_proto_version(ctx->ssl, protocols.min) ||
	    !SSL_CTX_set_max_proto_version(ctx->ssl, protocols.max))
		return tls_error(err, VERDICT_PERM, "TLS protocols \"%s\"", settings->protocols);
	SSL_CTX_set_options(ctx->ssl, protocols.options);
	if (protocols.min < TLS1_2_VERSION || (!ctx->server && ctx->verify == TLS_VERIFY_NONE))
		SSL_CTX_set_security_level(ctx->ssl, 0);
	if (settings->ciphers && !SSL_CTX_set_cipher_list(ctx->ssl, settings->ciphers))
		return tls_error(err, VERDICT_PERM, "TLS ciphers \"%s\"", settings->ciphers);
	return VERDICT_OK;
}

static enum verdict
context_set_chains(struct tls_context *ctx, int fd, struct err *err)
{
	struct tls_chains chains;
	enum verdict v = tls_chains_read(fd, CHAIN_FILE, &chains, err);

	for (size_t i = 0; v == VERDICT_OK && i < chains.n; i++) {
		const struct tls_chain *chain = &chains.v[i];

		if (!SSL_CTX_use_cert_and_key(ctx->ssl, chain->leaf, chain->key, chain->above, 0))
			v = tls_error(err, VERDICT_PERM, "%s: %s key", CHAIN_FILE,
			    EVP_PKEY_get0_type_name(chain->key));
	}
	tls_chains_free(&chains);
	return v;
}

static enum verdict
context_set_verify(struct tls_context *ctx, int ca_fd, struct err *err)
{
	if (ctx->verify != TLS_VERIFY_NONE && ca_fd < 0)
		return err_set(
		    err, VERDICT_PERM, "TLS certificates cannot be verified: no CA file is given");
	SSL_CTX_set_verify(
	    ctx->ssl, ctx->verify == TLS_VERIFY_NONE ? SSL_VERIFY_NONE : SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_verify_depth(ctx->ssl, LIMIT_TLS_DEPTH);
	return ca_fd < 0 ? VERDICT_OK : tls_cas_read(ca_fd, SSL_CTX_get_cert_store(ctx->ssl), err);
}

static enum verdict
context_fill(struct tls_context *ctx, const struct tls_settings *settings, struct err *err)
{
	enum verdict v;

	ctx->ssl = SSL_CTX_new(ctx->server ? TLS_server_method() : TLS_client_method());
	ctx->wire = tls_wire_method();
	if (!ctx->ssl || !ctx->wire)
		return tls_error(err, VERDICT_TEMP, "TLS context");
	context_set_options(ctx);
	tls_sni_init(ctx);
	v = context_set_protocols(ctx, settings, err);
	if (v == VERDICT_OK)
		v = tls_ticket_init(ctx, err);
	if (v == VERDICT_OK && settings->chain_fd >= 0)
		v = context_set_chains(ctx, settings->chain_fd, err);
	if (v == VERDICT_OK && !ctx->server)
		v = context_set_verify(ctx, settings->ca_fd, err);
	return v;
}

struct context_call {
	const struct tls_settings *settings;
	bool server;
	struct tls_context *ctx;
	struct err *err;
	enum verdict verdict;
};

static void
context_new(void *arg)
{
	struct context_call *call = arg;
	struct tls_context *ctx = mem_alloc(sizeof(*ctx));

	OPENSSL_init_ssl(OPENSSL_INIT_NO_LOAD_CONFIG, NULL);
	ERR_clear_error();
	ctx->service = call->settings->service ? call->settings->service : "";
	ctx->verify = call->settings->verify;
	ctx->server = call->server;
	ctx->refs = 1;
	map_init_nocase(&ctx->sni);
	call->verdict = context_fill(ctx, call->settings, call->err);
	ERR_clear_error();
	if (call->verdict == VERDICT_OK)
		call->ctx = ctx;
	else
		tls_context_free(ctx);
}

enum verdict
tls_context_new_server(
    const struct tls_settings *settings, struct tls_context **out, struct err *err)
{
	struct context_call call = { .settings = settings, .server = true, .err = err };

	*out = NULL;
	if (settings->chain_fd < 0)
		return err_set(err, VERDICT_PERM, "TLS server: no certificate chain file is given");
	on_main_stack(context_new, &call);
	*out = call.ctx;
	return call.verdict;
}

enum verdict
tls_context_new_client(
    const struct tls_settings *settings, struct tls_context **out, struct err *err)
{
	struct context_call call = { .settings = settings, .server = false, .err = err };

	on_main_stack(context_new, &call);
	*out = call.ctx;
	return call.verdict;
}

struct tls_context *
tls_context_ref(struct tls_context *ctx)
{
	ctx->refs++;
	return ctx;
}

static void
context_free(void *arg)
{
	struct tls_context *ctx = arg;

	SSL_CTX_free(ctx->ssl);
	BIO_meth_free(ctx->wire);
	tls_sni_free(ctx);
	tls_ticket_free(ctx);
	mem_free(ctx);
}

void
tls_context_free(struct tls_context *ctx)
{
	if (!ctx)
		return;
	assert(ctx->refs > 0);
	if (--ctx->refs == 0)
		on_main_stack(context_free, ctx);
}
