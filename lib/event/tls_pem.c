/*
 * PEM files (RFC 7468): chains with their private keys, in any order, and bundles of CAs. They come
 * as descriptors that master opened and other processes may share, so they are read with pread,
 * whole, into memory that is wiped. Called by tls_context.c and tls_sni.c on the main stack. A
 * block of a kind that is of no use here (parameters, CRLs) is passed over; a broken one is an
 * error that names its line. Never asks for a passphrase: an encrypted key is an error.
 */
#include "config.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/mem.h"
#include "base/sys.h"
#include "event/tls_private.h"

struct pem_block {
	const char *what; /* file */
	size_t line;
	char *name;
	char *header;
	unsigned char *der;
	long n;
};

typedef enum verdict pem_fn(void *arg, const struct pem_block *block, struct err *err);

static enum verdict
pem_load(int fd, const char *what, struct span *out, struct err *err)
{
	struct stat st;
	ssize_t got;
	char *text;

	if (fstat(fd, &st) != 0)
		return err_sys(err, errno, "%s", what);
	if (!S_ISREG(st.st_mode))
		return err_set(err, VERDICT_PERM, "%s: not a regular file", what);
	if (st.st_size <= 0 || st.st_size > LIMIT_TLS_PEM)
		return err_set(err, VERDICT_PERM, "%s: %lld bytes, expected 1 to %u", what,
		    (long long)st.st_size, LIMIT_TLS_PEM);
	text = mem_alloc((size_t)st.st_size);
	got = sys_pread_all(fd, text, (size_t)st.st_size, 0);
	if (got != st.st_size) {
		int sys = got < 0 ? errno : EIO;

		mem_wipe(text, (size_t)st.st_size);
		mem_free(text);
		return err_sys(err, sys, "%s", what);
	}
	*out = span_of(text, (size_t)got);
	return VERDICT_OK;
}

static size_t
count_lines(struct span text)
{
	size_t lines = 0;

	for (size_t i = 0; i < text.n; i++)
		lines += text.p[i] == '\n';
	return lines;
}

/* The next block; VERDICT_ABSENT when there is none. BIO reads TEXT and says how far it is. */
static enum verdict
pem_next(BIO *bio, struct span text, struct pem_block *block, struct err *err)
{
	size_t at = text.n - (size_t)BIO_pending(bio);
	size_t begin = at + span_find_span(span_from(text, at), span_lit("-----BEGIN "));

	if (begin == text.n)
		return VERDICT_ABSENT;
	block->line = 1 + count_lines(span_head(text, begin));
	ERR_clear_error();
	if (!PEM_read_bio(bio, &block->name, &block->header, &block->der, &block->n))
		return tls_error(err, VERDICT_PERM, "%s line %zu", block->what, block->line);
	return VERDICT_OK;
}

static void
pem_block_clear(struct pem_block *block)
{
	OPENSSL_free(block->name);
	OPENSSL_free(block->header);
	OPENSSL_clear_free(block->der, block->der ? (size_t)block->n : 0);
	block->name = block->header = NULL;
	block->der = NULL;
}

/* FN for each block of the file, until one fails. */
static enum verdict
pem_each(int fd, const char *what, pem_fn *fn, void *arg, struct err *err)
{
	struct pem_block block = { .what = what };
	struct span text = { 0 };
	BIO *bio;
	enum verdict v = pem_load(fd, what, &text, err);

	if (v != VERDICT_OK)
		return v;
	bio = BIO_new_mem_buf(text.p, (int)text.n);
	assert(bio);
	while (v == VERDICT_OK) {
		v = pem_next(bio, text, &block, err);
		if (v == VERDICT_OK)
			v = fn(arg, &block, err);
		pem_block_clear(&block);
	}
	BIO_free(bio);
	mem_wipe((char *)(uintptr_t)text.p, text.n);
	mem_free((char *)(uintptr_t)text.p);
	return v == VERDICT_ABSENT ? VERDICT_OK : v;
}

static bool
block_is(const struct pem_block *block, struct span suffix)
{
	return span_ends(span_str(block->name), suffix);
}

/* NULL with ERR filled when it is none. */
static X509 *
block_certificate(const struct pem_block *block, struct err *err)
{
	const unsigned char *der = block->der;
	/* A trusted certificate is one with OpenSSL's own settings behind it. */
	X509 *cert = span_eq(span_str(block->name), span_lit(PEM_STRING_X509_TRUSTED))
			 ? d2i_X509_AUX(NULL, &der, block->n)
			 : d2i_X509(NULL, &der, block->n);

	if (!cert)
		tls_error(
		    err, VERDICT_PERM, "%s line %zu: bad certificate", block->what, block->line);
	return cert;
}

/* While a file is read: what it holds, in its order. */
struct pile {
	const char *what;
	struct stack_st_X509 *certs;
	EVP_PKEY *keys[LIMIT_TLS_KEYS];
	size_t lines[LIMIT_TLS_KEYS];
	size_t key_count;
};

static void
certs_push(struct stack_st_X509 *certs, X509 *cert)
{
	int count = sk_X509_push(certs, cert);

	assert(count > 0);
}

static enum verdict
pile_add_certificate(struct pile *pile, const struct pem_block *block, struct err *err)
{
	X509 *cert;

	if (sk_X509_num(pile->certs) == LIMIT_TLS_CERTS)
		return err_set(err, VERDICT_PERM, "%s line %zu: more than %d certificates",
		    block->what, block->line, LIMIT_TLS_CERTS);
	cert = block_certificate(block, err);
	if (!cert)
		return VERDICT_PERM;
	certs_push(pile->certs, cert);
	return VERDICT_OK;
}

static enum verdict
pile_add_key(struct pile *pile, const struct pem_block *block, struct err *err)
{
	const unsigned char *der = block->der;
	EVP_PKEY *key;

	if (block_is(block, span_lit("ENCRYPTED PRIVATE KEY")) || *block->header)
		return err_set(err, VERDICT_PERM, "%s line %zu: the private key is encrypted",
		    block->what, block->line);
	if (pile->key_count == LIMIT_TLS_KEYS)
		return err_set(err, VERDICT_PERM, "%s line %zu: more than %d private keys",
		    block->what, block->line, LIMIT_TLS_KEYS);
	key = d2i_AutoPrivateKey(NULL, &der, block->n);
	if (!key)
		return tls_error(
		    err, VERDICT_PERM, "%s line %zu: bad private key", block->what, block->line);
	pile->lines[pile->key_count] = block->line;
	pile->keys[pile->key_count++] = key;
	return VERDICT_OK;
}

static enum verdict
pile_add(void *arg, const struct pem_block *block, struct err *err)
{
	if (block_is(block, span_lit("CERTIFICATE")))
		return pile_add_certificate(arg, block, err);
	if (block_is(block, span_lit("PRIVATE KEY")))
		return pile_add_key(arg, block, err);
	return VERDICT_OK;
}

static X509 *
pile_find_leaf(const struct pile *pile, const EVP_PKEY *key)
{
	for (int i = 0; i < sk_X509_num(pile->certs); i++)
		if (X509_check_private_key(sk_X509_value(pile->certs, i), key) == 1)
			return sk_X509_value(pile->certs, i);
	return NULL;
}

static X509 *
pile_find_issuer(const struct pile *pile, X509 *cert)
{
	for (int i = 0; i < sk_X509_num(pile->certs); i++)
		if (X509_check_issued(sk_X509_value(pile->certs, i), cert) == X509_V_OK)
			return sk_X509_value(pile->certs, i);
	return NULL;
}

/*
 * The way up from the leaf, as far as the file has it; a root is sent too, for DANE-TA (RFC 7672
 * 3.1.2) needs it.
 */
static void
pile_climb(const struct pile *pile, struct tls_chain *chain)
{
	X509 *cert = chain->leaf;

	chain->above = sk_X509_new_null();
	assert(chain->above);
	for (int i = 1; i < sk_X509_num(pile->certs); i++) {
		X509 *issuer = pile_find_issuer(pile, cert);

		if (!issuer || issuer == cert || issuer == chain->leaf)
			return;
		X509_up_ref(issuer);
		certs_push(chain->above, issuer);
		cert = issuer;
	}
}

static enum verdict
pile_sort(struct pile *pile, struct tls_chains *out, struct err *err)
{
	if (pile->key_count == 0)
		return err_set(err, VERDICT_PERM, "%s: no private key in it", pile->what);
	for (size_t i = 0; i < pile->key_count; i++) {
		struct tls_chain *chain = &out->v[out->n];

		chain->leaf = pile_find_leaf(pile, pile->keys[i]);
		if (!chain->leaf)
			return err_set(err, VERDICT_PERM,
			    "%s line %zu: no certificate for this private key", pile->what,
			    pile->lines[i]);
		X509_up_ref(chain->leaf);
		chain->key = pile->keys[i];
		pile->keys[i] = NULL;
		out->n++;
		pile_climb(pile, chain);
	}
	return VERDICT_OK;
}

enum verdict
tls_chains_read(int fd, const char *what, struct tls_chains *out, struct err *err)
{
	struct pile pile = { .what = what, .certs = sk_X509_new_null() };
	enum verdict v;

	*out = (struct tls_chains){ .n = 0 };
	assert(pile.certs);
	v = pem_each(fd, what, pile_add, &pile, err);
	if (v == VERDICT_OK)
		v = pile_sort(&pile, out, err);
	sk_X509_pop_free(pile.certs, X509_free);
	for (size_t i = 0; i < pile.key_count; i++)
		EVP_PKEY_free(pile.keys[i]);
	/* Comparing keys of different kinds leaves errors behind. */
	ERR_clear_error();
	return v;
}

void
tls_chains_free(struct tls_chains *chains)
{
	for (size_t i = 0; i < chains->n; i++) {
		EVP_PKEY_free(chains->v[i].key);
		X509_free(chains->v[i].leaf);
		sk_X509_pop_free(chains->v[i].above, X509_free);
	}
	chains->n = 0;
}

struct cas {
	X509_STORE *store;
	size_t n;
};

static enum verdict
cas_add(void *arg, const struct pem_block *block, struct err *err)
{
	struct cas *cas = arg;
	X509 *cert;
	int ok;

	if (!block_is(block, span_lit("CERTIFICATE")))
		return VERDICT_OK;
	cert = block_certificate(block, err);
	if (!cert)
		return VERDICT_PERM;
	ok = X509_STORE_add_cert(cas->store, cert);
	X509_free(cert);
	if (!ok)
		return tls_error(err, VERDICT_PERM, "%s line %zu", block->what, block->line);
	cas->n++;
	return VERDICT_OK;
}

enum verdict
tls_cas_read(int fd, X509_STORE *store, struct err *err)
{
	struct cas cas = { .store = store };
	enum verdict v = pem_each(fd, "CA file", cas_add, &cas, err);

	if (v == VERDICT_OK && cas.n == 0)
		return err_set(err, VERDICT_PERM, "CA file: no certificate in it");
	return v;
}
