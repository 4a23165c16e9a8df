/*
 * CRC-32C (RFC 3720 B.4: polynomial 0x1EDC6F41, bits reflected, ones in front and complemented at
 * the end). Readers and writers of queue and index files call this. Uses the processor's
 * instruction where it has one (SSE4.2, the ARMv8 CRC extension), else eight tables, one for each
 * byte of a word (Kounavis and Berry, 2005). Owns nothing.
 *
 * A table entry is linear in the bits of its index: an entry is the sum (xor) of the entries of the
 * single bits of its index. So eight numbers make a table, and the compiler does the sums.
 */
#include "config.h"

#include <string.h>

#include "base/crc32c.h"

#if defined(__x86_64__)
#include <nmmintrin.h>
#elif defined(__ARM_FEATURE_CRC32)
#include <arm_acle.h>
#endif

#define SUM2(v, a)		   (v), (v) ^ (a)
#define SUM4(v, a, b)		   SUM2(v, a), SUM2((v) ^ (b), a)
#define SUM8(v, a, b, c)	   SUM4(v, a, b), SUM4((v) ^ (c), a, b)
#define SUM16(v, a, b, c, d)	   SUM8(v, a, b, c), SUM8((v) ^ (d), a, b, c)
#define SUM32(v, a, b, c, d, e)	   SUM16(v, a, b, c, d), SUM16((v) ^ (e), a, b, c, d)
#define SUM64(v, a, b, c, d, e, f) SUM32(v, a, b, c, d, e), SUM32((v) ^ (f), a, b, c, d, e)
#define SUM128(v, a, b, c, d, e, f, g) \
	SUM64(v, a, b, c, d, e, f), SUM64((v) ^ (g), a, b, c, d, e, f)
#define SLICE(a, b, c, d, e, f, g, h) SUM128(0, a, b, c, d, e, f, g), SUM128(h, a, b, c, d, e, f, g)

/* [k][i]: the remainder of byte I with K bytes of zero after it. */
static const uint32_t crc32c_slices[8][256] = {
	{ SLICE(0xf26b8303, 0xe13b70f7, 0xc79a971f, 0x8ad958cf, 0x105ec76f, 0x20bd8ede, 0x417b1dbc,
	    0x82f63b78) },
	{ SLICE(0x13a29877, 0x274530ee, 0x4e8a61dc, 0x9d14c3b8, 0x3fc5f181, 0x7f8be302, 0xff17c604,
	    0xfbc3faf9) },
	{ SLICE(0xa541927e, 0x4f6f520d, 0x9edea41a, 0x38513ec5, 0x70a27d8a, 0xe144fb14, 0xc76580d9,
	    0x8b277743) },
	{ SLICE(0xdd45aab8, 0xbf672381, 0x7b2231f3, 0xf64463e6, 0xe964b13d, 0xd725148b, 0xaba65fe7,
	    0x52a0c93f) },
	{ SLICE(0x38116fac, 0x7022df58, 0xe045beb0, 0xc5670b91, 0x8f2261d3, 0x1ba8b557, 0x37516aae,
	    0x6ea2d55c) },
	{ SLICE(0xef306b19, 0xdb8ca0c3, 0xb2f53777, 0x6006181f, 0xc00c303e, 0x85f4168d, 0x0e045beb,
	    0x1c08b7d6) },
	{ SLICE(0x68032cc8, 0xd0065990, 0xa5e0c5d1, 0x4e2dfd53, 0x9c5bfaa6, 0x3d5b83bd, 0x7ab7077a,
	    0xf56e0ef4) },
	{ SLICE(0x493c7d27, 0x9278fa4e, 0x211d826d, 0x423b04da, 0x847609b4, 0x0d006599, 0x1a00cb32,
	    0x34019664) },
};

static uint32_t
load_le32(const char *p)
{
	const unsigned char *b = (const unsigned char *)p;

	return b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
}

uint32_t
crc32c_table(uint32_t crc, struct span bytes)
{
	const uint32_t(*t)[256] = crc32c_slices;
	const char *p = bytes.p;
	size_t left = bytes.n;

	crc = ~crc;
	for (; left >= 8; left -= 8, p += 8) {
		uint32_t a = crc ^ load_le32(p);
		uint32_t b = load_le32(p + 4);

		crc = t[7][a & 255] ^ t[6][a >> 8 & 255] ^ t[5][a >> 16 & 255] ^ t[4][a >> 24] ^
		      t[3][b & 255] ^ t[2][b >> 8 & 255] ^ t[1][b >> 16 & 255] ^ t[0][b >> 24];
	}
	for (; left; left--, p++)
		crc = crc >> 8 ^ t[0][(crc ^ (unsigned char)*p) & 255];
	return ~crc;
}

#if defined(__x86_64__)
static uint32_t crc32c_sse42(uint32_t crc, struct span bytes) __attribute__((target("sse4.2")));

static uint32_t
crc32c_sse42(uint32_t crc, struct span bytes)
{
	const char *p = bytes.p;
	size_t left = bytes.n;
	uint64_t sum = ~crc, word;

	for (; left >= sizeof(word); left -= sizeof(word), p += sizeof(word)) {
		memcpy(&word, p, sizeof(word));
		sum = _mm_crc32_u64(sum, word);
	}
	for (; left; left--, p++)
		sum = _mm_crc32_u8((uint32_t)sum, (unsigned char)*p);
	return ~(uint32_t)sum;
}

uint32_t
crc32c(uint32_t crc, struct span bytes)
{
	return __builtin_cpu_supports("sse4.2") ? crc32c_sse42(crc, bytes)
						: crc32c_table(crc, bytes);
}
#elif defined(__ARM_FEATURE_CRC32)
uint32_t
crc32c(uint32_t crc, struct span bytes)
{
	const char *p = bytes.p;
	size_t left = bytes.n;
	uint64_t word;

	crc = ~crc;
	for (; left >= sizeof(word); left -= sizeof(word), p += sizeof(word)) {
		memcpy(&word, p, sizeof(word));
		crc = __crc32cd(crc, word);
	}
	for (; left; left--, p++)
		crc = __crc32cb(crc, (unsigned char)*p);
	return ~crc;
}
#else
uint32_t
crc32c(uint32_t crc, struct span bytes)
{
	return crc32c_table(crc, bytes);
}
#endif
