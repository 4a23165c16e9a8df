/*
 * What authd remembers: digests under a key (against the reference's vectors), logins for a while,
 * wrong passwords by who sent them. Times are made up.
 */
#include "config.h"

#include "authd/guess.h"
#include "authd/memo.h"
#include "base/time.h"
#include "tests/unit/unit.h"

/* Key 00 01 .. 0f, messages of 0, 1, 2, ... bytes 00 01 ..: from the reference's vectors. */
static void
test_digest(void **state)
{
	static const struct {
		size_t n;
		unsigned char want[16];
	} rows[] = {
		{ 0, { 0xa3, 0x81, 0x7f, 0x04, 0xba, 0x25, 0xa8, 0xe6, 0x6d, 0xf6, 0x72, 0x14, 0xc7,
			 0x55, 0x02, 0x93 } },
		{ 1, { 0xda, 0x87, 0xc1, 0xd8, 0x6b, 0x99, 0xaf, 0x44, 0x34, 0x76, 0x59, 0x11, 0x9b,
			 0x22, 0xfc, 0x45 } },
	};
	const struct digest_key key = { UINT64_C(0x0706050403020100),
		UINT64_C(0x0f0e0d0c0b0a0908) };
	unsigned char bytes[64];

	(void)state;
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (unsigned char)i;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct digest d = digest_of(&key, span_of(bytes, rows[i].n));
		assert_memory_equal(d.bytes, rows[i].want, sizeof(d.bytes));
	}
	struct digest a = digest_of(&key, span_of(bytes, 15));
	struct digest b = digest_of(&key, span_of(bytes, 16));
	assert_memory_not_equal(a.bytes, b.bytes, sizeof(a.bytes));
}

static struct digest
number(uint64_t n)
{
	const struct digest_key key = { 1, 2 };

	return digest_of(&key, span_of(&n, sizeof(n)));
}

static void
test_memo(void **state)
{
	struct memo m;
	struct digest d[5];

	(void)state;
	memo_init(&m, 3);
	for (size_t i = 0; i < ARRAY_LEN(d); i++)
		d[i] = number(i);
	memo_put(&m, &d[0], 100, 50);
	assert_true(memo_has(&m, &d[0], 149));
	assert_false(memo_has(&m, &d[0], 150));
	assert_false(memo_has(&m, &d[1], 100));
	memo_put(&m, &d[0], 120, 50);
	assert_true(memo_has(&m, &d[0], 169));
	memo_put(&m, &d[1], 121, 50);
	memo_put(&m, &d[2], 122, 50);
	memo_put(&m, &d[3], 123, 50);
	assert_int_equal(m.map.count, 3);
	assert_false(memo_has(&m, &d[0], 124));
	assert_true(memo_has(&m, &d[1], 124));
	memo_put(&m, &d[4], 1000, 50);
	assert_int_equal(m.map.count, 1);
	memo_put(&m, &d[4], 1000, 0);
	assert_int_equal(m.map.count, 0);
	memo_free(&m);
}

static void
test_guesses(void **state)
{
	static const uint64_t delays[] = { 0, 0, 1, 2, 4, 8, 15, 15 };
	const struct span key = span_lit("192.0.2.1");
	struct guesses g;
	uint64_t now = 1000 * NS_PER_S;

	(void)state;
	guesses_init(&g, 3);
	for (size_t i = 0; i < ARRAY_LEN(delays); i++) {
		expect_number(
		    "delay", (int64_t)guesses_delay(&g, key, now), (int64_t)(delays[i] * NS_PER_S));
		guesses_count(&g, key, now, 60 * NS_PER_S);
	}
	assert_int_equal(guesses_recent(&g, key, now, 60 * NS_PER_S), 8);
	/* One is forgotten a minute; the window ends as a whole. */
	now += 61 * NS_PER_S;
	assert_int_equal(guesses_recent(&g, key, now, 60 * NS_PER_S), 0);
	assert_int_equal(guesses_delay(&g, key, now), 15 * NS_PER_S);
	now += 4 * 60 * NS_PER_S;
	assert_int_equal(guesses_delay(&g, key, now), 2 * NS_PER_S);
	now += 60 * 60 * NS_PER_S;
	assert_int_equal(guesses_delay(&g, key, now), 0);
	/* The table is bounded: who failed least lately goes. */
	guesses_count(&g, span_lit("a"), now, 1);
	guesses_count(&g, span_lit("b"), now, 1);
	guesses_count(&g, key, now, 1);
	guesses_count(&g, span_lit("c"), now, 1);
	assert_int_equal(g.map.count, 3);
	assert_null(map_get(&g.map, span_lit("a")));
	assert_non_null(map_get(&g.map, key));
	guesses_free(&g);
}

static void
test_client_key(void **state)
{
	static const struct {
		const char *address;
		const char *key;
		bool foreign;
	} rows[] = {
		{ "192.0.2.1", "192.0.2.1", true },
		{ "127.0.0.1", "127.0.0.1", false },
		{ "127.9.9.9", "127.9.9.9", false },
		{ "::1", "::1", false },
		{ "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::", true },
		{ "2001:db8:1:2::", "2001:db8:1:2::", true },
		{ "2001:db8:1:3::", "2001:db8:1:3::", true },
		{ "unknown", "unknown", true },
		{ "", "", true },
	};
	char key[CLIENT_KEY_SIZE];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_int_equal(client_key(span_str(rows[i].address), key), rows[i].foreign);
		expect_text(rows[i].address, span_str(key), rows[i].key);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_digest),
		cmocka_unit_test(test_memo),
		cmocka_unit_test(test_guesses),
		cmocka_unit_test(test_client_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
