/*
 * TLS contexts over OpenSSL 3. All keys, certificates and CA files come as descriptors that master opened; nothing here
 * opens a file. Session tickets are bound to the service's name (a ticket of submission is not taken on port 25) and
 * sealed with keys that all workers of a service share and that rotate: the newest seals, the older ones still open.
 *
 * lib/event holds this beside the plain streams, in an archive of its own (libtls.a): a process that speaks no TLS
 * does not link OpenSSL.
 */
#ifndef EVENT_TLS_H
#define EVENT_TLS_H

#include "base/err.h"

struct tls_context;

enum tls_verify {
	TLS_VERIFY_NONE, /* opportunistic: any certificate */
	TLS_VERIFY_CA,   /* chain to a trusted CA, name not looked at */
	TLS_VERIFY_NAME, /* chain and name */
};

/* Three generations: [0] seals, all open. Secret: wipe after use. */
#define TLS_TICKET_KEYS 3
struct tls_ticket_key {
	unsigned char name[16];
	unsigned char aes[32];
	unsigned char hmac[32];
};

struct tls_settings {
	const char *service;   /* binds tickets: static text for the context's life */
	int chain_fd;          /* PEM: key and certificate chain in any order; -1: none (client) */
	int ca_fd;             /* PEM bundle of trusted CAs; -1: none */
	const char *protocols; /* as smtpd_tls_protocols: ">=TLSv1.2", "!SSLv2, !TLSv1" */
	const char *ciphers;   /* OpenSSL cipher list for TLS 1.2 and below; NULL: the default */
	enum tls_verify verify; /* client only */
};

/* Settings are read now; descriptors stay the caller's. VERDICT_PERM with the reason. */
enum verdict tls_context_new_server(
    const struct tls_settings *settings, struct tls_context **out, struct err *err);
enum verdict tls_context_new_client(
    const struct tls_settings *settings, struct tls_context **out, struct err *err);
/* Another certificate for clients that ask for NAME (exact, or ".parent" for all below it) by SNI. */
enum verdict tls_context_add_sni(
    struct tls_context *ctx, struct span name, int chain_fd, struct err *err);
/* Copied. Without keys a context makes its own, for itself alone. */
void tls_context_set_ticket_keys(struct tls_context *ctx, const struct tls_ticket_key keys[TLS_TICKET_KEYS]);
void tls_context_free(struct tls_context *ctx);

/* What was agreed, for log lines and Received: fields; lives as long as the stream. */
struct tls_info {
	const char *protocol; /* "TLSv1.3" */
	const char *cipher;   /* "TLS_AES_256_GCM_SHA384" */
	int bits_used, bits_all;
	const char *kex;       /* key exchange: "X25519", or "" */
	const char *signature; /* server's: "RSA-PSS", or "" */
	int signature_bits;
	const char *digest; /* "SHA256", or "" */
	bool resumed;
	bool peer_trusted; /* chain verified */
	bool name_matched; /* chain and name verified */
	char sni[256];     /* asked for by the client, or "" */
};

#endif
