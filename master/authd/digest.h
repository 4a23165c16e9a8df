/* Keyed digests of 128 bits (SipHash-2-4-128): names for secrets that say nothing about them. */
#ifndef AUTHD_DIGEST_H
#define AUTHD_DIGEST_H

#include "base/span.h"

struct digest_key {
	uint64_t k0, k1;
};

struct digest {
	unsigned char bytes[16];
};

/* A key that this process alone has. */
void digest_key_make(struct digest_key *key);
struct digest digest_of(const struct digest_key *key, struct span bytes);

static inline struct span
digest_span(const struct digest *d)
{
	return span_of(d->bytes, sizeof(d->bytes));
}

#endif
