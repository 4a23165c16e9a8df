/*
 * What authd remembers for a while: digests, each for the same time, the oldest given up for the
 * newest when there are too many. The cache of passwords that were right is one, the places from
 * which an account has logged in before are another.
 */
#ifndef AUTHD_MEMO_H
#define AUTHD_MEMO_H

#include "authd/digest.h"
#include "base/list.h"
#include "base/map.h"

struct memo {
	struct map map;
	struct list by_age;
	size_t max;
};

void memo_init(struct memo *m, size_t max);
void memo_free(struct memo *m);
/* Until NOW + LIFE (monotonic ns); LIFE 0: not at all. */
void memo_put(struct memo *m, const struct digest *d, uint64_t now, uint64_t life);
/* Is it there, and not yet forgotten? */
bool memo_has(const struct memo *m, const struct digest *d, uint64_t now);

#endif
