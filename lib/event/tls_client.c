/*
 * The client's side of a handshake: the name sent (RFC 6066 3), the names looked for in the
 * certificate (RFC 9525: DNS-ID and IP-ID; never the subject's common name; a wildcard stands for
 * one whole label), and sessions to resume. Called by daemons that connect. A session is resumed
 * only as what it was made for, since a resumed handshake shows no certificate and so cannot be
 * verified again.
 */
#include "config.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "base/mem.h"
#include "event/tls_private.h"

#define BINDING_MAX 65536 /* bytes: some 200 names to match */

struct tls_session {
	struct tls_context *ctx;
	SSL_SESSION *session;
	struct str binding;
};

static bool
name_is_address(struct span name)
{
	unsigned char address[sizeof(struct in6_addr)];
	struct str text = STR_INIT(INET6_ADDRSTRLEN);
	bool yes;

	if (!str_put(&text, name))
		return false;
	yes = inet_pton(AF_INET, str_cstr(&text), address) == 1 ||
	      inet_pton(AF_INET6, str_cstr(&text), address) == 1;
	str_free(&text);
	return yes;
}

/* "[192.0.2.1]" is the address, "host." is the host. */
static struct span
name_strip(struct span name)
{
	if (span_starts(name, span_lit("[")) && span_ends(name, span_lit("]"))) {
		name = span_of(name.p + 1, name.n - 2);
		return span_starts_nocase(name, span_lit("IPv6:")) ? span_from(name, 5) : name;
	}
	return name.n > 1 && span_ends(name, span_lit(".")) ? span_head(name, name.n - 1) : name;
}

static bool
name_valid(struct span name)
{
	return name.n > 0 && name.n <= TLSEXT_MAXLEN_host_name && !memchr(name.p, 0, name.n);
}

/* All that a session depends on, as one string: names cannot hold the bytes that separate them. */
static bool
binding_put(struct str *out, const struct tls_client *client)
{
	str_put(out, client->sni);
	for (size_t i = 0; i < client->match_count; i++) {
		str_putc(out, '\0');
		str_put(out, client->match[i]);
	}
	return !out->full;
}

static enum verdict
client_set_sni(SSL *ssl, struct span sni, struct err *err)
{
	enum verdict v = VERDICT_OK;
	char *text;

	sni = name_strip(sni);
	if (sni.n == 0 || name_is_address(sni))
		return VERDICT_OK;
	if (!name_valid(sni))
		return err_set(err, VERDICT_PERM, "TLS server name: %zu bytes, or a NUL", sni.n);
	text = mem_strdup(sni);
	if (!SSL_set_tlsext_host_name(ssl, text))
		v = tls_error(err, VERDICT_PERM, "TLS server name");
	mem_free(text);
	return v;
}

static enum verdict
client_match_address(X509_VERIFY_PARAM *param, struct span name, size_t count, struct err *err)
{
	char *text;
	int ok;

	if (count != 1)
		return err_set(err, VERDICT_PERM,
		    "TLS: the address %.*s cannot be matched beside other names", SPAN_ARG(name));
	text = mem_strdup(name);
	ok = X509_VERIFY_PARAM_set1_ip_asc(param, text);
	mem_free(text);
	return ok ? VERDICT_OK : tls_error(err, VERDICT_PERM, "TLS address to match");
}

static enum verdict
client_set_match(SSL *ssl, const struct tls_client *client, struct err *err)
{
	X509_VERIFY_PARAM *param = SSL_get0_param(ssl);
	enum verdict v = VERDICT_OK;

	if (client->match_count == 0)
		return err_set(err, VERDICT_PERM, "TLS: no name to verify the certificate with");
	X509_VERIFY_PARAM_set_hostflags(
	    param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
	for (size_t i = 0; v == VERDICT_OK && i < client->match_count; i++) {
		struct span name = name_strip(client->match[i]);

		if (!name_valid(name))
			v = err_set(err, VERDICT_PERM, "TLS name to match: not a host name");
		else if (name_is_address(name))
			v = client_match_address(param, name, client->match_count, err);
		else if (!X509_VERIFY_PARAM_add1_host(param, name.p, name.n))
			v = tls_error(err, VERDICT_PERM, "TLS name to match");
	}
	return v;
}

struct client_call {
	struct tls_transport *t;
	const struct tls_client *client;
	struct err *err;
	enum verdict verdict;
};

static void
client_prepare(void *arg)
{
	struct client_call *call = arg;
	struct tls_transport *t = call->t;
	const struct tls_session *resume = call->client->resume;

	ERR_clear_error();
	call->verdict = client_set_sni(t->ssl, call->client->sni, call->err);
	if (call->verdict == VERDICT_OK && t->ctx->verify == TLS_VERIFY_NAME)
		call->verdict = client_set_match(t->ssl, call->client, call->err);
	if (call->verdict == VERDICT_OK && !binding_put(&t->binding, call->client))
		call->verdict = err_set(call->err, VERDICT_LIMIT, "TLS: too many names to match");
	if (call->verdict == VERDICT_OK && resume && resume->ctx == t->ctx &&
	    span_eq(str_span(&resume->binding), str_span(&t->binding)))
		SSL_set_session(t->ssl, resume->session);
	ERR_clear_error();
}

SUSPENDS
enum verdict
tls_client_start(struct stream *s, struct tls_context *ctx, const struct tls_client *client,
    uint64_t deadline, struct err *err)
{
	struct client_call call = { .client = client, .err = err };

	assert(!ctx->server);
	call.t = tls_transport_new(ctx, stream_fd(s), err);
	if (!call.t)
		return VERDICT_TEMP;
	str_init(&call.t->binding, BINDING_MAX);
	on_main_stack(client_prepare, &call);
	if (call.verdict == VERDICT_OK)
		return stream_swap_transport(s, &call.t->base, deadline, NULL, err);
	call.t->base.ops->free(&call.t->base);
	return call.verdict;
}

SUSPENDS
enum verdict
stream_start_tls_client(
    struct stream *s, struct tls_context *ctx, struct span name, uint64_t deadline, struct err *err)
{
	struct tls_client client = { .sni = name, .match = &name, .match_count = name.n > 0 };

	return tls_client_start(s, ctx, &client, deadline, err);
}

struct session_call {
	const struct tls_transport *t;
	SSL_SESSION *session;
};

static void
session_take(void *arg)
{
	struct session_call *call = arg;

	call->session = SSL_get1_session(call->t->ssl);
	if (call->session && !SSL_SESSION_is_resumable(call->session)) {
		SSL_SESSION_free(call->session);
		call->session = NULL;
	}
}

struct tls_session *
tls_session_get(const struct stream *s)
{
	const struct tls_info *info = stream_tls(s);
	struct session_call call = { 0 };
	struct tls_session *session;

	if (!info)
		return NULL;
	/* The info that a TLS stream has lies in its transport. */
	call.t = (const struct tls_transport *)(const void *)((const char *)info -
							      offsetof(struct tls_transport, info));
	if (call.t->ctx->server)
		return NULL;
	on_main_stack(session_take, &call);
	if (!call.session)
		return NULL;
	session = mem_alloc(sizeof(*session));
	session->ctx = tls_context_ref(call.t->ctx);
	session->session = call.session;
	str_init(&session->binding, BINDING_MAX);
	str_put(&session->binding, str_span(&call.t->binding));
	return session;
}

static void
session_drop(void *arg)
{
	SSL_SESSION_free(arg);
}

void
tls_session_free(struct tls_session *session)
{
	if (!session)
		return;
	on_main_stack(session_drop, session->session);
	tls_context_free(session->ctx);
	str_free(&session->binding);
	mem_free(session);
}
