/* Keys and certificates for the tests of TLS, made on the spot and kept in memory files. */
#ifndef TESTS_EVENT_TLS_PKI_H
#define TESTS_EVENT_TLS_PKI_H

#include <openssl/x509.h>

#include "base/str.h"

/* What a certificate is made of; zero values give a server's, valid now, for no name. */
struct cert_plan {
	const char *subject; /* common name */
	const char
	    *names; /* subjectAltName as OpenSSL writes it, "DNS:a,IP:127.0.0.1"; NULL: none */
	bool ca;
	bool expired;
};

struct cert {
	EVP_PKEY *key;
	X509 *x509;
};

EVP_PKEY *pki_key_p256(void);
EVP_PKEY *pki_key_rsa(unsigned bits);
/* Takes KEY. ISSUER NULL: signed by itself. */
struct cert pki_cert(EVP_PKEY *key, const struct cert_plan *plan, const struct cert *issuer);
void pki_cert_free(struct cert *cert);

/* PEM at the end of a memory file. */
int pki_file(void);
void pki_put_text(int fd, const char *text);
void pki_put_key(int fd, const struct cert *cert);
void pki_put_cert(int fd, const struct cert *cert);
/* Key and certificate in a file of their own. */
int pki_chain_file(const struct cert *cert);

/* What most tests need. Files: chains with their keys, bundles of CAs. */
struct pki {
	struct cert root;
	struct cert middle; /* a CA below root */
	int ca_fd;
	int other_ca_fd; /* knows nothing of root */
	int rsa_fd;	 /* RSA-2048, mx.example.org and 127.0.0.1, below root */
	int p256_fd;	 /* the same, on P-256, below middle */
	int both_fd;	 /* the two of them in an order of no sense */
	int expired_fd;	 /* P-256, mx.example.org, below root */
	int cn_fd;	 /* P-256, mx.example.org as common name alone, below root */
	int wild_fd;	 /* P-256, *.example.net, below root */
};
void pki_make(struct pki *pki);
void pki_free(struct pki *pki);

#endif
