/*
 * A fuzz target is a file with one FUZZ(data) { ... }, which reads DATA (struct span, any bytes)
 * and crashes or fails an assert when something is wrong. With --enable-fuzz it is linked with
 * libFuzzer; without, with replay.c, which runs it over the files it is given. Included once per
 * target.
 */
#ifndef FUZZ_FUZZ_H
#define FUZZ_FUZZ_H

#include "base/span.h"

static void fuzz_one(struct span data);
int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	fuzz_one(span_of(p, n));
	return 0;
}

#define FUZZ(data) static void fuzz_one(struct span data)

#endif
