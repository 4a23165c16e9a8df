/* Little-endian numbers in files: the same on every machine, aligned or not. */
#ifndef MAILBOX_BYTES_H
#define MAILBOX_BYTES_H

#include "base/str.h"

static inline uint32_t
bytes_get32(const char *p)
{
	const unsigned char *b = (const unsigned char *)p;

	return (uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
}

static inline uint64_t
bytes_get64(const char *p)
{
	return (uint64_t)bytes_get32(p + 4) << 32 | bytes_get32(p);
}

static inline void
bytes_put32(char *p, uint32_t v)
{
	for (unsigned i = 0; i < 4; i++)
		p[i] = (char)(v >> 8 * i);
}

static inline void
bytes_put64(char *p, uint64_t v)
{
	bytes_put32(p, (uint32_t)v);
	bytes_put32(p + 4, (uint32_t)(v >> 32));
}

static inline void
str_put32(struct str *out, uint32_t v)
{
	char b[4];

	bytes_put32(b, v);
	str_put(out, span_of(b, sizeof(b)));
}

static inline void
str_put64(struct str *out, uint64_t v)
{
	char b[8];

	bytes_put64(b, v);
	str_put(out, span_of(b, sizeof(b)));
}

#endif
