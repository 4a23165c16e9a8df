/*
 * TLS contexts over OpenSSL 3. All keys, certificates and CA files come as descriptors that master
 * opened; nothing here opens a file, not even OpenSSL's own configuration. Session tickets are
 * bound to the service's name (a ticket of submission is not taken on port 25) and sealed with keys
 * that all workers of a service share and that rotate: the newest seals, the older ones still open.
 * The server keeps no sessions.
 *
 * lib/event holds this beside the plain streams, in an archive of its own (libtls.a): a process
 * that speaks no TLS does not link OpenSSL.
 */
#ifndef EVENT_TLS_H
#define EVENT_TLS_H

#include "base/err.h"
#include "base/str.h"
#include "event/stream.h"

struct tls_context;

enum tls_verify {
	TLS_VERIFY_NONE, /* opportunistic: any certificate */
	TLS_VERIFY_CA,	 /* chain to a trusted CA, name not looked at */
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
	const char *service;	/* binds tickets: static text for the context's life */
	int chain_fd;		/* PEM file: keys and chains in any order; -1: none (client) */
	int ca_fd;		/* PEM file of trusted CAs; -1: none */
	const char *protocols;	/* as smtpd_tls_protocols: ">=TLSv1.2", "!SSLv2, !TLSv1" */
	const char *ciphers;	/* OpenSSL list for TLS 1.2 and below; NULL: OpenSSL's own */
	enum tls_verify verify; /* client only: a certificate that fails it fails the handshake */
};

/*
 * Settings are read now; descriptors stay the caller's, their offset is not looked at. VERDICT_PERM
 * with the reason. Weak keys and digests (OpenSSL security level 0) are taken where protocols below
 * TLSv1.2 are wanted and by clients that verify nothing: the alternative there is clear text.
 */
enum verdict tls_context_new_server(
    const struct tls_settings *settings, struct tls_context **out, struct err *err);
enum verdict tls_context_new_client(
    const struct tls_settings *settings, struct tls_context **out, struct err *err);
/*
 * Another certificate for clients that ask for NAME (exact, or ".parent" for all below it) by SNI;
 * the longest match wins, a name that has one already gets the new one. Unknown names get the
 * context's own certificate.
 */
enum verdict tls_context_add_sni(
    struct tls_context *ctx, struct span name, int chain_fd, struct err *err);
/* Copied. Without keys a context makes its own, for itself alone. */
void tls_context_set_ticket_keys(
    struct tls_context *ctx, const struct tls_ticket_key keys[TLS_TICKET_KEYS]);
/* Streams that were started with it go on. */
void tls_context_free(struct tls_context *ctx);

/* What was agreed, for log lines and Received: fields; lives as long as the stream. */
struct tls_info {
	const char *protocol; /* "TLSv1.3" */
	const char *cipher;   /* "TLS_AES_256_GCM_SHA384" */
	int bits_used, bits_all;
	/* TLS 1.3 only, "" and 0 otherwise: below it they are part of the cipher's name. */
	const char *kex;       /* key exchange: "X25519", "ECDHE" */
	const char *kex_curve; /* "P-256" where kex does not say it */
	int kex_bits;
	const char *signature;	     /* server's: "RSA-PSS", "ECDSA"; "" when resumed */
	const char *signature_curve; /* "P-256" where signature does not say it */
	int signature_bits;
	const char *digest; /* "SHA256" */
	bool resumed;
	bool peer_cert;	   /* the peer has shown a certificate */
	bool peer_trusted; /* its chain was verified */
	bool name_matched; /* chain and name were verified (TLS_VERIFY_NAME only) */
	bool cut;	   /* broken, or ended without close_notify: not by the peer, perhaps */
	const char *sni;   /* name the client asked for, hostile bytes and all, or "" */
};

/*
 * As Postfix logs it: "TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits) key-exchange
 * X25519 server-signature RSA-PSS (2048 bits) server-digest SHA256". False when OUT is full.
 */
bool tls_info_put(struct str *out, const struct tls_info *info);
/* The first word of that log line: "Anonymous", "Untrusted", "Trusted" or "Verified". */
const char *tls_info_trust(const struct tls_info *info);

/*
 * A client's session to resume later. It is bound to the context and to all of struct tls_client
 * but `resume`: with another one it is not offered. A TLS 1.3 session should be offered once only
 * (RFC 8446 C.4).
 */
struct tls_session;
/*
 * NULL when the server has given none. In TLS 1.3 it comes after the handshake: ask when
 * something was read.
 */
struct tls_session *tls_session_get(const struct stream *s);
void tls_session_free(struct tls_session *session);

/* What stream_start_tls_client makes of its NAME, for callers that need more. */
struct tls_client {
	struct span sni;	  /* name to send; empty or an IP address: none is sent */
	const struct span *match; /* for TLS_VERIFY_NAME: one of these is in the certificate */
	size_t match_count;	  /* hosts and ".parent"s (all below it), or one IP address */
	const struct tls_session *resume; /* NULL: none */
};
/* As stream_start_tls_client. */
SUSPENDS enum verdict tls_client_start(struct stream *s, struct tls_context *ctx,
    const struct tls_client *client, uint64_t deadline, struct err *err);

#endif
