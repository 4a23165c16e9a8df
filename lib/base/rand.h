/* Randomness from the kernel; getrandom(2) is in each seccomp profile. */
#ifndef BASE_RAND_H
#define BASE_RAND_H

#include "base/defs.h"

void rand_bytes(void *p, size_t n);
uint64_t rand_u64(void);
/* Uniform in [0, bound); BOUND > 0. */
uint64_t rand_below(uint64_t bound);

#endif
