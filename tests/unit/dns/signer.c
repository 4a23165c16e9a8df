/*
 * A signer of zones for tests: RFC 4034 3.1.8.1 (what is signed), 6 (canonical form), B (key tag),
 * RFC 6605 (ECDSA P-256 with SHA-256). Used by server.c. Knows no wildcards and no NSEC: "not
 * there" is never signed.
 */
#include "config.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <stdlib.h>

#include "base/base64.h"
#include "base/cclass.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/time.h"
#include "tests/unit/dns/server.h"
#include "tests/unit/unit.h"

#define ALGORITHM 13
#define DAY	  86400

struct signer {
	EVP_PKEY *key;
	struct str zone; /* wire form */
	struct str text;
	struct str key_data;
	uint16_t tag;
};

static uint16_t
key_tag(struct span data)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < data.n; i++)
		sum += i & 1 ? (unsigned char)data.p[i] : (uint32_t)(unsigned char)data.p[i] << 8;
	return (uint16_t)(sum + (sum >> 16));
}

struct signer *
signer_new(const char *zone)
{
	struct signer *s = mem_alloc(sizeof(*s));
	unsigned char point[65];
	size_t n = 0;

	str_init(&s->zone, 256);
	str_init(&s->text, 256);
	str_init(&s->key_data, 256);
	wire_put_name(&s->zone, zone);
	str_puts(&s->text, zone);
	s->key = EVP_EC_gen("P-256");
	assert_non_null(s->key);
	assert_int_equal(
	    EVP_PKEY_get_octet_string_param(s->key, OSSL_PKEY_PARAM_PUB_KEY, point, 65, &n), 1);
	assert_int_equal(n, 65);
	wire_put_number(&s->key_data, 257, 2);
	wire_put_number(&s->key_data, 3, 1);
	wire_put_number(&s->key_data, ALGORITHM, 1);
	str_put(&s->key_data, span_of(point + 1, 64));
	s->tag = key_tag(str_span(&s->key_data));
	return s;
}

void
signer_free(struct signer *s)
{
	EVP_PKEY_free(s->key);
	str_free(&s->zone);
	str_free(&s->text);
	str_free(&s->key_data);
	mem_free(s);
}

void
signer_put_anchor(const struct signer *s, struct str *out)
{
	str_printf(out, "; the key of a test\n%.*s. 300 IN DNSKEY 257 3 %d ",
	    SPAN_ARG(str_span(&s->text)), ALGORITHM);
	base64_put(out, span_from(str_span(&s->key_data), 4));
	str_puts(out, " ;{id = 1}\n");
}

struct span
signer_key_data(const struct signer *s)
{
	return str_span(&s->key_data);
}

bool
signer_covers(const struct signer *s, struct span owner)
{
	return span_ends_nocase(owner, str_span(&s->zone));
}

static int
data_cmp(const void *a, const void *b)
{
	return span_cmp(*(const struct span *)a, *(const struct span *)b);
}

static unsigned
count_labels(struct span wire)
{
	unsigned n = 0;

	for (size_t at = 0; wire.p[at] != 0; at += (unsigned char)wire.p[at] + 1u)
		n++;
	return n;
}

static void
put_lower(struct str *out, struct span wire)
{
	for (size_t i = 0; i < wire.n; i++)
		str_putc(out, ascii_lower(wire.p[i]));
}

/* DER to the two numbers of RFC 6605 4. */
static void
put_ecdsa(EVP_PKEY *key, struct span what, struct str *out)
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	unsigned char der[128], *p;
	size_t n = sizeof(der);
	const unsigned char *in = der;

	assert_int_equal(EVP_DigestSignInit(md, NULL, EVP_sha256(), NULL, key), 1);
	assert_int_equal(EVP_DigestSign(md, der, &n, (const unsigned char *)what.p, what.n), 1);
	ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &in, (long)n);
	p = (unsigned char *)str_reserve(out, 64);
	assert_int_equal(BN_bn2binpad(ECDSA_SIG_get0_r(sig), p, 32), 32);
	assert_int_equal(BN_bn2binpad(ECDSA_SIG_get0_s(sig), p + 32, 32), 32);
	str_grew(out, 64);
	ECDSA_SIG_free(sig);
	EVP_MD_CTX_free(md);
}

void
signer_put_signature(const struct signer *s, struct span owner, uint16_t type, uint32_t ttl,
    const struct span *data, size_t count, struct str *out)
{
	struct str what = STR_INIT(65536);
	struct span *sorted = mem_alloc_array(count, sizeof(*sorted));
	uint64_t now = time_wall() / NS_PER_S;

	memcpy(sorted, data, count * sizeof(*data));
	qsort(sorted, count, sizeof(*sorted), data_cmp);
	wire_put_number(out, type, 2);
	wire_put_number(out, ALGORITHM, 1);
	wire_put_number(out, count_labels(owner), 1);
	wire_put_number(out, ttl, 4);
	wire_put_number(out, now + DAY, 4);
	wire_put_number(out, now - DAY, 4);
	wire_put_number(out, s->tag, 2);
	str_put(out, str_span(&s->zone));
	str_put(&what, str_span(out));
	for (size_t i = 0; i < count; i++) {
		put_lower(&what, owner);
		wire_put_number(&what, type, 2);
		wire_put_number(&what, 1, 2);
		wire_put_number(&what, ttl, 4);
		wire_put_number(&what, sorted[i].n, 2);
		str_put(&what, sorted[i]);
	}
	put_ecdsa(s->key, str_span(&what), out);
	mem_free(sorted);
	str_free(&what);
}
