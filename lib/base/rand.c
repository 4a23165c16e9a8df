/*
 * Randomness from getrandom(2): queue ids, nonces, back-off, the seed of hash tables. Any thread
 * may call. Owns no state, so a fork shares none. Must never give a guess for an answer: what the
 * kernel refuses stops the process.
 */
#include "config.h"

#include <errno.h>
#include <sys/random.h>

#include "base/rand.h"

void
rand_bytes(void *p, size_t n)
{
	char *at = p;

	while (n) {
		ssize_t got = getrandom(at, n, 0);

		assert(got > 0 || (got < 0 && errno == EINTR));
		if (got > 0) {
			at += got;
			n -= (size_t)got;
		}
	}
}

uint64_t
rand_u64(void)
{
	uint64_t v;

	rand_bytes(&v, sizeof(v));
	return v;
}

uint64_t
rand_below(uint64_t bound)
{
	uint64_t biased, v;

	assert(bound > 0);
	/* 2^64 mod bound: values below it would make the small results likelier. */
	biased = (0 - bound) % bound;
	do
		v = rand_u64();
	while (v < biased);
	return v % bound;
}
