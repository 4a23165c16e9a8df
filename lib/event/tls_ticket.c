/*
 * Session tickets (RFC 5077, RFC 8446 4.6.1). The server keeps no sessions: all is in the ticket,
 * sealed by keys that the workers of a service share. A service takes no ticket of another one even
 * with the same keys: the service's name is in the ticket's sealed data, and its digest is
 * OpenSSL's session id context. Installed by tls_context.c; OpenSSL calls back during handshakes.
 * Owns the keys, which are wiped. A ticket that is not taken means a full handshake, never an
 * error.
 */
#include "config.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include "base/mem.h"
#include "base/rand.h"
#include "event/tls_private.h"

/* OpenSSL's answers, see SSL_CTX_set_tlsext_ticket_key_evp_cb(3). */
enum ticket_answer {
	TICKET_FAILED = -1,
	TICKET_UNKNOWN = 0,
	TICKET_TAKEN = 1,
	TICKET_RENEW = 2,
};

static bool
ticket_key_set(EVP_MAC_CTX *mac, const struct tls_ticket_key *key)
{
	/* OSSL_PARAM wants writable pointers and writes nothing. */
	unsigned char hmac[sizeof(key->hmac)];
	char digest[] = "SHA256";
	OSSL_PARAM params[3];
	int ok;

	memcpy(hmac, key->hmac, sizeof(hmac));
	params[0] = OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, hmac, sizeof(hmac));
	params[1] = OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0);
	params[2] = OSSL_PARAM_construct_end();
	ok = EVP_MAC_CTX_set_params(mac, params);
	mem_wipe(hmac, sizeof(hmac));
	return ok == 1;
}

static int
ticket_seal(const struct tls_context *ctx, unsigned char name[16], unsigned char *iv,
    EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac)
{
	const struct tls_ticket_key *key = &ctx->ticket_keys[0];

	if (RAND_bytes(iv, EVP_CIPHER_get_iv_length(ctx->ticket_cipher)) != 1)
		return TICKET_FAILED;
	memcpy(name, key->name, sizeof(key->name));
	if (!EVP_EncryptInit_ex2(cipher, ctx->ticket_cipher, key->aes, iv, NULL) ||
	    !ticket_key_set(mac, key))
		return TICKET_FAILED;
	return TICKET_TAKEN;
}

static int
ticket_open(const struct tls_context *ctx, SSL *ssl, const unsigned char name[16],
    const unsigned char *iv, EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac)
{
	for (size_t i = 0; i < TLS_TICKET_KEYS; i++) {
		const struct tls_ticket_key *key = &ctx->ticket_keys[i];

		if (memcmp(name, key->name, sizeof(key->name)) != 0)
			continue;
		if (!EVP_DecryptInit_ex2(cipher, ctx->ticket_cipher, key->aes, iv, NULL) ||
		    !ticket_key_set(mac, key))
			return TICKET_FAILED;
		/* A TLS 1.3 client uses a ticket once (RFC 8446 C.4): it needs the next one. */
		if (i > 0 || SSL_version(ssl) >= TLS1_3_VERSION)
			return TICKET_RENEW;
		return TICKET_TAKEN;
	}
	return TICKET_UNKNOWN;
}

static int
ticket_key_callback(SSL *ssl, unsigned char name[16], unsigned char *iv, EVP_CIPHER_CTX *cipher,
    EVP_MAC_CTX *mac, int seal)
{
	const struct tls_context *ctx = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));

	if (seal)
		return ticket_seal(ctx, name, iv, cipher, mac);
	return ticket_open(ctx, ssl, name, iv, cipher, mac);
}

/* A ticket is about to be sealed. */
static int
ticket_generate(SSL *ssl, void *arg)
{
	const struct tls_context *ctx = arg;

	return SSL_SESSION_set1_ticket_appdata(
	    SSL_get_session(ssl), ctx->service, strlen(ctx->service));
}

/* A ticket was opened, or could not be. */
static SSL_TICKET_RETURN
ticket_opened(SSL *ssl UNUSED, SSL_SESSION *session, const unsigned char *key_name UNUSED,
    size_t key_name_n UNUSED, SSL_TICKET_STATUS status, void *arg)
{
	const struct tls_context *ctx = arg;
	void *service = NULL;
	size_t n = 0;

	if (status != SSL_TICKET_SUCCESS && status != SSL_TICKET_SUCCESS_RENEW)
		return SSL_TICKET_RETURN_IGNORE_RENEW;
	if (!SSL_SESSION_get0_ticket_appdata(session, &service, &n) ||
	    !span_eq(span_of(service, n), span_str(ctx->service)))
		return SSL_TICKET_RETURN_IGNORE_RENEW;
	return status == SSL_TICKET_SUCCESS ? SSL_TICKET_RETURN_USE : SSL_TICKET_RETURN_USE_RENEW;
}

enum verdict
tls_ticket_init(struct tls_context *ctx, struct err *err)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned int digest_n = 0;

	rand_bytes(ctx->ticket_keys, sizeof(ctx->ticket_keys));
	ctx->ticket_cipher = EVP_CIPHER_fetch(NULL, "AES-256-CBC", NULL);
	if (!ctx->ticket_cipher ||
	    !EVP_Digest(ctx->service, strlen(ctx->service), digest, &digest_n, EVP_sha256(), NULL))
		return tls_error(err, VERDICT_PERM, "session tickets");
	/* A digest, since a context has room for 32 bytes. */
	if (!SSL_CTX_set_session_id_context(ctx->ssl, digest, digest_n) ||
	    !SSL_CTX_set_num_tickets(ctx->ssl, 1) ||
	    !SSL_CTX_set_session_ticket_cb(ctx->ssl, ticket_generate, ticket_opened, ctx) ||
	    !SSL_CTX_set_tlsext_ticket_key_evp_cb(ctx->ssl, ticket_key_callback))
		return tls_error(err, VERDICT_PERM, "session tickets");
	SSL_CTX_set_timeout(ctx->ssl, LIMIT_TLS_TICKET);
	return VERDICT_OK;
}

void
tls_ticket_free(struct tls_context *ctx)
{
	mem_wipe(ctx->ticket_keys, sizeof(ctx->ticket_keys));
	EVP_CIPHER_free(ctx->ticket_cipher);
}

void
tls_context_set_ticket_keys(
    struct tls_context *ctx, const struct tls_ticket_key keys[TLS_TICKET_KEYS])
{
	memcpy(ctx->ticket_keys, keys, sizeof(ctx->ticket_keys));
}
