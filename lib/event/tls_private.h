/* What the files of libtls.a share. Everything here that calls OpenSSL runs on the main stack. */
#ifndef EVENT_TLS_PRIVATE_H
#define EVENT_TLS_PRIVATE_H

#include <openssl/ssl.h>

#include "base/map.h"
#include "event/stream_transport.h"
#include "event/tls.h"

/*
 * tls_error.c: text, then ": " and OpenSSL's words for the oldest error in its queue, which is
 * emptied.
 */
enum verdict tls_error(struct err *err, enum verdict v, const char *fmt, ...) PRINTF(3, 4);

/*
 * tls_protocols.c: the lowest and the highest version, and SSL_OP_NO_* for those missing between
 * them.
 */
struct tls_protocols {
	int min;
	int max; /* 0: whatever OpenSSL knows */
	uint64_t options;
};
enum verdict tls_protocols_parse(struct span text, struct tls_protocols *out, struct err *err);

/* tls_pem.c */
struct tls_chain {
	EVP_PKEY *key;
	X509 *leaf;
	struct stack_st_X509 *above; /* certificates above the leaf, in order */
};
/* One chain for each kind of key. */
struct tls_chains {
	struct tls_chain v[LIMIT_TLS_KEYS];
	size_t n;
};
/* WHAT names the file in errors. OUT is to be freed in any case. */
enum verdict tls_chains_read(int fd, const char *what, struct tls_chains *out, struct err *err);
void tls_chains_free(struct tls_chains *chains);
/* Adds all certificates of the file to STORE. */
enum verdict tls_cas_read(int fd, X509_STORE *store, struct err *err);

/* tls_context.c */
struct tls_context {
	SSL_CTX *ssl;
	BIO_METHOD *wire;
	EVP_CIPHER *ticket_cipher;
	const char *service;
	enum tls_verify verify;
	bool server;
	unsigned refs;	/* one of the owner, one of each stream and session */
	struct map sni; /* name -> struct tls_sni */
	struct tls_ticket_key ticket_keys[TLS_TICKET_KEYS];
};
struct tls_context *tls_context_ref(struct tls_context *ctx);

/* tls_sni.c */
void tls_sni_init(struct tls_context *ctx);
void tls_sni_free(struct tls_context *ctx);

/* tls_ticket.c */
enum verdict tls_ticket_init(struct tls_context *ctx, struct err *err);
void tls_ticket_free(struct tls_context *ctx);

/* tls_wire.c: the socket under an SSL. */
struct tls_wire {
	int fd;
	int sys;  /* errno of what broke it, or 0 */
	bool end; /* the peer's end was read, or the connection was reset */
};
BIO_METHOD *tls_wire_method(void);
/* WIRE stays the caller's and outlives the BIO. */
BIO *tls_wire_bio(BIO_METHOD *method, struct tls_wire *wire);

/* tls_info.c: after the handshake; the texts live as long as SSL. */
void tls_info_fill(struct tls_info *info, SSL *ssl, const struct tls_context *ctx);

/* tls_transport.c */
struct tls_transport {
	struct stream_transport base;
	struct tls_context *ctx;
	SSL *ssl;
	struct tls_wire wire;
	bool broken; /* after a fatal error OpenSSL forbids all but SSL_free */
	struct tls_info info;
	struct str binding; /* client only */
};
struct tls_transport *tls_transport_new(struct tls_context *ctx, int fd, struct err *err);

#endif
