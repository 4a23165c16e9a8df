/*
 * CRC-32C: the examples of RFC 3720 B.4, and the fast ways against the definition, bit by bit. Run
 * by make check.
 */
#include "config.h"

#include "base/crc32c.h"
#include "tests/unit/unit.h"

static uint32_t
crc_by_bits(uint32_t crc, struct span bytes)
{
	crc = ~crc;
	for (size_t i = 0; i < bytes.n; i++) {
		crc ^= (unsigned char)bytes.p[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78 : 0);
	}
	return ~crc;
}

static void
test_rfc3720(UNUSED void **state)
{
	char zeros[32] = { 0 }, ones[32], up[32], down[32];
	const struct {
		const char *name;
		struct span bytes;
		uint32_t crc;
	} rows[] = {
		{ "none", { NULL, 0 }, 0 },
		{ "check", SPAN("123456789"), 0xe3069283 },
		{ "zeros", { zeros, 32 }, 0x8a9136aa },
		{ "ones", { ones, 32 }, 0x62a8ab43 },
		{ "up", { up, 32 }, 0x46dd794e },
		{ "down", { down, 32 }, 0x113fdb5c },
	};

	memset(ones, 0xff, sizeof(ones));
	for (int i = 0; i < 32; i++) {
		up[i] = (char)i;
		down[i] = (char)(31 - i);
	}
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		expect_number(rows[i].name, crc32c(0, rows[i].bytes), rows[i].crc);
		expect_number(rows[i].name, crc32c_table(0, rows[i].bytes), rows[i].crc);
	}
}

static void
test_parts(UNUSED void **state)
{
	char data[300];
	uint32_t lcg = 1;

	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (char)((lcg = lcg * 1664525 + 1013904223) >> 24);
	for (size_t n = 0; n < sizeof(data); n++) {
		struct span all = span_of(data, sizeof(data));
		uint32_t want = crc_by_bits(0, all);

		assert_int_equal(crc32c(crc32c(0, span_head(all, n)), span_from(all, n)), want);
		assert_int_equal(
		    crc32c_table(crc32c_table(0, span_head(all, n)), span_from(all, n)), want);
		assert_int_equal(crc32c(7, span_from(all, n)), crc_by_bits(7, span_from(all, n)));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rfc3720),
		cmocka_unit_test(test_parts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
