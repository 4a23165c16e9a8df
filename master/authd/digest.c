/*
 * SipHash-2-4 with a result of 128 bits (Aumasson and Bernstein, 2012; the long result as in their
 * reference code). Called for what authd remembers of logins. A key of 128 bits, drawn at start,
 * makes what is remembered useless to whoever does not have it. Must never be used for what is
 * stored.
 */
#include "authd/digest.h"

#include <endian.h>

#include "base/rand.h"

struct sip {
	uint64_t v0, v1, v2, v3;
};

void
digest_key_make(struct digest_key *key)
{
	rand_bytes(key, sizeof(*key));
}

static inline uint64_t
rotate_left(uint64_t x, unsigned by)
{
	return x << by | x >> (64 - by);
}

static void
sip_rounds(struct sip *s, unsigned n)
{
	while (n-- > 0) {
		s->v0 += s->v1;
		s->v1 = rotate_left(s->v1, 13) ^ s->v0;
		s->v0 = rotate_left(s->v0, 32);
		s->v2 += s->v3;
		s->v3 = rotate_left(s->v3, 16) ^ s->v2;
		s->v0 += s->v3;
		s->v3 = rotate_left(s->v3, 21) ^ s->v0;
		s->v2 += s->v1;
		s->v1 = rotate_left(s->v1, 17) ^ s->v2;
		s->v2 = rotate_left(s->v2, 32);
	}
}

static void
sip_word(struct sip *s, uint64_t word)
{
	s->v3 ^= word;
	sip_rounds(s, 2);
	s->v0 ^= word;
}

static void
sip_out(const struct sip *s, unsigned char *out)
{
	uint64_t word = htole64(s->v0 ^ s->v1 ^ s->v2 ^ s->v3);

	memcpy(out, &word, sizeof(word));
}

struct digest
digest_of(const struct digest_key *key, struct span bytes)
{
	struct sip s = { key->k0 ^ UINT64_C(0x736f6d6570736575),
		key->k1 ^ UINT64_C(0x646f72616e646f6d) ^ 0xee,
		key->k0 ^ UINT64_C(0x6c7967656e657261), key->k1 ^ UINT64_C(0x7465646279746573) };
	struct digest out;
	uint64_t word;
	size_t at = 0;

	for (; bytes.n - at >= sizeof(word); at += sizeof(word)) {
		memcpy(&word, bytes.p + at, sizeof(word));
		sip_word(&s, le64toh(word));
	}
	word = 0;
	if (bytes.n > at)
		memcpy(&word, bytes.p + at, bytes.n - at);
	sip_word(&s, le64toh(word) | (uint64_t)bytes.n << 56);
	s.v2 ^= 0xee;
	sip_rounds(&s, 4);
	sip_out(&s, out.bytes);
	s.v1 ^= 0xdd;
	sip_rounds(&s, 4);
	sip_out(&s, out.bytes + 8);
	return out;
}
