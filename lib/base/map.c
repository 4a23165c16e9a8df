/*
 * The hash table: linear probing over a power of two of slots, hashes kept beside the keys, removal
 * by moving later slots back, so that there are no tombstones and a table that lived long is as
 * fast as a new one. Called by everybody. Owns the slots, neither keys nor values. SipHash-1-3
 * (Aumasson and Bernstein, 2012) under a key drawn once per process: whoever chooses the spans must
 * not be able to choose where they fall.
 */
#include "config.h"

#include <string.h>

#include "base/cclass.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/rand.h"

enum { MAP_FIRST = 16 }; /* slots of the first allocation */

struct map_slot {
	uint64_t hash;
	struct span key;
	void *value; /* NULL: the slot is empty */
};

struct sip {
	uint64_t v0, v1, v2, v3;
};

/* Written before main, when there is one thread, and only read from then on. */
static uint64_t map_seed[2];

static void map_draw_seed(void) __attribute__((constructor));

static void
map_draw_seed(void)
{
	rand_bytes(map_seed, sizeof(map_seed));
}

static inline uint64_t
rotate_left(uint64_t x, unsigned by)
{
	return x << by | x >> (64 - by);
}

static inline void
sip_round(struct sip *s)
{
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

static inline void
sip_word(struct sip *s, uint64_t word)
{
	s->v3 ^= word;
	sip_round(s);
	s->v0 ^= word;
}

/* ascii_lower of eight bytes at once: 0x20 is set in those from 'A' to 'Z'. */
static inline uint64_t
word_lower(uint64_t w)
{
	const uint64_t each = UINT64_C(0x0101010101010101);
	uint64_t low = w & (each * 0x7f);
	uint64_t from_a = low + each * (0x80 - 'A');
	uint64_t past_z = low + each * (0x7f - 'Z');

	return w | ((from_a ^ past_z) & ~w & (each * 0x80)) >> 2;
}

static inline uint64_t
hash_span(struct span key, bool nocase)
{
	struct sip s = { map_seed[0] ^ UINT64_C(0x736f6d6570736575),
		map_seed[1] ^ UINT64_C(0x646f72616e646f6d),
		map_seed[0] ^ UINT64_C(0x6c7967656e657261),
		map_seed[1] ^ UINT64_C(0x7465646279746573) };
	const char *p = key.p;
	uint64_t word;
	size_t left = key.n;

	for (; left >= sizeof(word); left -= sizeof(word), p += sizeof(word)) {
		memcpy(&word, p, sizeof(word));
		sip_word(&s, nocase ? word_lower(word) : word);
	}
	word = 0;
	if (left)
		memcpy(&word, p, left);
	word = nocase ? word_lower(word) : word;
	/* The length, in the one byte that is always left, tells "a" from "a\0". */
	((unsigned char *)&word)[7] = (unsigned char)key.n;
	sip_word(&s, word);
	s.v2 ^= 0xff;
	sip_round(&s);
	sip_round(&s);
	sip_round(&s);
	return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}

uint64_t
map_hash(struct span key)
{
	return hash_span(key, false);
}

void
map_init(struct map *m)
{
	*m = (struct map){ 0 };
}

void
map_init_nocase(struct map *m)
{
	*m = (struct map){ .nocase = true };
}

void
map_free(struct map *m)
{
	mem_free(m->slots);
	m->slots = NULL;
	m->count = m->cap = 0;
}

/* The slot that holds KEY, or the empty one where it would go. There is always an empty one. */
static struct map_slot *
map_find(const struct map *m, uint64_t hash, struct span key)
{
	size_t mask = m->cap - 1;
	size_t i = (size_t)hash & mask;

	for (; m->slots[i].value; i = (i + 1) & mask) {
		const struct map_slot *s = &m->slots[i];

		if (s->hash == hash &&
		    (m->nocase ? span_eq_nocase(s->key, key) : span_eq(s->key, key)))
			break;
	}
	return &m->slots[i];
}

static void
map_grow(struct map *m)
{
	struct map_slot *old = m->slots;
	size_t old_cap = m->cap;

	m->cap = size_max(old_cap * 2, MAP_FIRST);
	m->slots = mem_alloc_array(m->cap, sizeof(*m->slots));
	for (size_t i = 0; i < old_cap; i++) {
		if (old[i].value)
			*map_find(m, old[i].hash, old[i].key) = old[i];
	}
	mem_free(old);
}

void *
map_get(const struct map *m, struct span key)
{
	if (m->count == 0)
		return NULL;
	return map_find(m, hash_span(key, m->nocase), key)->value;
}

void *
map_put(struct map *m, struct span key, void *value)
{
	uint64_t hash = hash_span(key, m->nocase);
	struct map_slot *s;
	void *was;

	assert(value);
	if (m->count >= m->cap / 4 * 3)
		map_grow(m);
	s = map_find(m, hash, key);
	was = s->value;
	*s = (struct map_slot){ hash, key, value };
	m->count += was == NULL;
	return was;
}

void *
map_remove(struct map *m, struct span key)
{
	size_t mask = m->cap - 1;
	struct map_slot *s;
	void *was;
	size_t hole;

	if (m->count == 0)
		return NULL;
	s = map_find(m, hash_span(key, m->nocase), key);
	was = s->value;
	if (!was)
		return NULL;
	hole = (size_t)(s - m->slots);
	for (size_t i = (hole + 1) & mask; m->slots[i].value; i = (i + 1) & mask) {
		/* A slot may move back to the hole unless that lies before its home. */
		if (((i - (size_t)m->slots[i].hash) & mask) >= ((i - hole) & mask)) {
			m->slots[hole] = m->slots[i];
			hole = i;
		}
	}
	m->slots[hole] = (struct map_slot){ 0 };
	m->count--;
	return was;
}

void *
map_next(const struct map *m, size_t *pos)
{
	while (*pos < m->cap) {
		void *value = m->slots[(*pos)++].value;

		if (value)
			return value;
	}
	return NULL;
}
