/*
 * Keys and certificates for the tests of TLS, made with OpenSSL's own calls and kept in memory
 * files, as master would hand them over. Called by all tests of this folder. What cannot be made is
 * an assert: the test machine is broken.
 */
#include "config.h"

#include "pki.h"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <sys/mman.h>
#include <unistd.h>

#define DAY 86400L

EVP_PKEY *
pki_key_p256(void)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");

	assert(key);
	return key;
}

EVP_PKEY *
pki_key_rsa(unsigned bits)
{
	EVP_PKEY *key = EVP_RSA_gen(bits);

	assert(key);
	return key;
}

static void
cert_extend(X509 *x509, X509 *issuer, int nid, const char *value)
{
	X509_EXTENSION *extension;
	X509V3_CTX ctx;

	X509V3_set_ctx(&ctx, issuer, x509, NULL, NULL, 0);
	extension = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	assert(extension && X509_add_ext(x509, extension, -1));
	X509_EXTENSION_free(extension);
}

static void
cert_name(X509 *x509, const char *subject)
{
	int ok = X509_NAME_add_entry_by_txt(X509_get_subject_name(x509), "CN", MBSTRING_ASC,
	    (const unsigned char *)subject, -1, -1, 0);

	assert(ok);
}

struct cert
pki_cert(EVP_PKEY *key, const struct cert_plan *plan, const struct cert *issuer)
{
	struct cert cert = { .key = key, .x509 = X509_new() };
	const struct cert *signer = issuer ? issuer : &cert;
	long now = plan->expired ? -10 * DAY : 0;
	static long serial;

	assert(cert.x509);
	X509_set_version(cert.x509, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(cert.x509), ++serial);
	X509_gmtime_adj(X509_getm_notBefore(cert.x509), now - DAY);
	X509_gmtime_adj(X509_getm_notAfter(cert.x509), now + 5 * DAY);
	cert_name(cert.x509, plan->subject);
	X509_set_issuer_name(cert.x509, X509_get_subject_name(signer->x509));
	X509_set_pubkey(cert.x509, key);
	cert_extend(cert.x509, signer->x509, NID_subject_key_identifier, "hash");
	if (plan->ca)
		cert_extend(cert.x509, signer->x509, NID_basic_constraints, "critical,CA:TRUE");
	if (plan->names)
		cert_extend(cert.x509, signer->x509, NID_subject_alt_name, plan->names);
	assert(X509_sign(cert.x509, signer->key, EVP_sha256()) > 0);
	return cert;
}

void
pki_cert_free(struct cert *cert)
{
	EVP_PKEY_free(cert->key);
	X509_free(cert->x509);
}

int
pki_file(void)
{
	int fd = memfd_create("pem", MFD_CLOEXEC);

	assert(fd >= 0);
	return fd;
}

void
pki_put_text(int fd, const char *text)
{
	assert(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
}

static void
put_bio(int fd, BIO *bio)
{
	char *p;
	long n = BIO_get_mem_data(bio, &p);

	assert(n > 0 && write(fd, p, (size_t)n) == n);
	BIO_free(bio);
}

void
pki_put_key(int fd, const struct cert *cert)
{
	BIO *bio = BIO_new(BIO_s_mem());

	assert(PEM_write_bio_PrivateKey(bio, cert->key, NULL, NULL, 0, NULL, NULL));
	put_bio(fd, bio);
}

void
pki_put_cert(int fd, const struct cert *cert)
{
	BIO *bio = BIO_new(BIO_s_mem());

	assert(PEM_write_bio_X509(bio, cert->x509));
	put_bio(fd, bio);
}

int
pki_chain_file(const struct cert *cert)
{
	int fd = pki_file();

	pki_put_key(fd, cert);
	pki_put_cert(fd, cert);
	return fd;
}

/* A file with a chain of its own, below ISSUER. */
static int
leaf_file(const struct cert_plan *plan, const struct cert *issuer)
{
	struct cert leaf = pki_cert(pki_key_p256(), plan, issuer);
	int fd = pki_chain_file(&leaf);

	pki_cert_free(&leaf);
	return fd;
}

static void
make_main_chains(struct pki *pki)
{
	const struct cert_plan plan = { "mx", "DNS:mx.example.org,IP:127.0.0.1", false, false };
	struct cert rsa = pki_cert(pki_key_rsa(2048), &plan, &pki->root);
	struct cert p256 = pki_cert(pki_key_p256(), &plan, &pki->middle);

	pki->rsa_fd = pki_chain_file(&rsa);
	pki->p256_fd = pki_chain_file(&p256);
	pki_put_cert(pki->p256_fd, &pki->middle);
	pki->both_fd = pki_file();
	pki_put_cert(pki->both_fd, &pki->middle);
	pki_put_cert(pki->both_fd, &rsa);
	pki_put_key(pki->both_fd, &p256);
	pki_put_cert(pki->both_fd, &p256);
	pki_put_key(pki->both_fd, &rsa);
	pki_cert_free(&rsa);
	pki_cert_free(&p256);
}

void
pki_make(struct pki *pki)
{
	const struct cert_plan root = { "Root", NULL, true, false };
	const struct cert_plan other = { "Other root", NULL, true, false };
	const struct cert_plan middle = { "Middle", NULL, true, false };
	const struct cert_plan expired = { "mx", "DNS:mx.example.org", false, true };
	const struct cert_plan common = { "mx.example.org", NULL, false, false };
	const struct cert_plan wild = { "wild", "DNS:*.example.net", false, false };
	struct cert stranger = pki_cert(pki_key_p256(), &other, NULL);

	pki->root = pki_cert(pki_key_p256(), &root, NULL);
	pki->middle = pki_cert(pki_key_p256(), &middle, &pki->root);
	pki->ca_fd = pki_file();
	pki_put_cert(pki->ca_fd, &pki->root);
	pki->other_ca_fd = pki_file();
	pki_put_cert(pki->other_ca_fd, &stranger);
	pki_cert_free(&stranger);
	make_main_chains(pki);
	pki->expired_fd = leaf_file(&expired, &pki->root);
	pki->cn_fd = leaf_file(&common, &pki->root);
	pki->wild_fd = leaf_file(&wild, &pki->root);
}

void
pki_free(struct pki *pki)
{
	const int fds[] = { pki->ca_fd, pki->other_ca_fd, pki->rsa_fd, pki->p256_fd, pki->both_fd,
		pki->expired_fd, pki->cn_fd, pki->wild_fd };

	for (size_t i = 0; i < ARRAY_LEN(fds); i++)
		close(fds[i]);
	pki_cert_free(&pki->root);
	pki_cert_free(&pki->middle);
}
