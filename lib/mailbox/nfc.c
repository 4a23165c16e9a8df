/*
 * Normalization of names (UAX #15, form C): decompose, order the marks, compose. Called by name.c.
 * Systems differ in how they spell "e with acute"; without this a client would see two mailboxes of
 * one name (ABUSE 29). Tables are made by nfc_tables.py; Hangul follows its own arithmetic
 * (Unicode 3.12). Bounded by the length of a name; text below U+0300, which cannot change, is
 * copied.
 */
#include "mailbox/nfc.h"

#include "base/cursor.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/utf8.h"

#define EXPAND	     4 /* code points that one may become */
#define HANGUL_S     0xac00
#define HANGUL_L     0x1100
#define HANGUL_V     0x1161
#define HANGUL_T     0x11a7
#define HANGUL_L_N   19
#define HANGUL_V_N   21
#define HANGUL_T_N   28
#define HANGUL_S_N   (HANGUL_L_N * HANGUL_V_N * HANGUL_T_N)
#define NO_CHARACTER 0

struct decomposition {
	uint32_t composed;
	uint32_t first;
	uint32_t second;
	uint32_t back;
};

struct class_run {
	uint32_t first;
	uint32_t last;
	uint32_t class;
};

#define D(composed, first, second, back) { composed, first, second, back },
#define C(first, last, class)		 { first, last, class },

static const struct decomposition decompositions[] = {
#include "mailbox/nfc_decompositions.def"
};

static const struct class_run classes[] = {
#include "mailbox/nfc_classes.def"
};

struct points {
	uint32_t *v;
	size_t n;
	size_t cap;
};

static uint32_t
point_class(uint32_t c)
{
	size_t low = 0, high = ARRAY_LEN(classes);

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (c > classes[middle].last)
			low = middle + 1;
		else
			high = middle;
	}
	return low < ARRAY_LEN(classes) && c >= classes[low].first ? classes[low].class : 0;
}

static const struct decomposition *
point_decomposition(uint32_t c)
{
	size_t low = 0, high = ARRAY_LEN(decompositions);

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (c > decompositions[middle].composed)
			low = middle + 1;
		else
			high = middle;
	}
	return low < ARRAY_LEN(decompositions) && decompositions[low].composed == c
		   ? &decompositions[low]
		   : NULL;
}

static void
points_put(struct points *p, uint32_t c)
{
	/* Some marks follow; those of a lower class go before those of a higher one. */
	uint32_t class = point_class(c);
	size_t at = p->n;

	assert(p->n < p->cap);
	while (class > 0 && at > 0 && point_class(p->v[at - 1]) > class) {
		p->v[at] = p->v[at - 1];
		at--;
	}
	p->v[at] = c;
	p->n++;
}

static void
points_put_hangul(struct points *p, uint32_t c)
{
	uint32_t s = c - HANGUL_S;

	points_put(p, HANGUL_L + s / (HANGUL_V_N * HANGUL_T_N));
	points_put(p, HANGUL_V + s % (HANGUL_V_N * HANGUL_T_N) / HANGUL_T_N);
	if (s % HANGUL_T_N)
		points_put(p, HANGUL_T + s % HANGUL_T_N);
}

/* The first part of a decomposition may have one of its own, the second never has. */
static void
points_decompose(struct points *p, uint32_t c)
{
	uint32_t seconds[EXPAND];
	size_t n = 0;
	const struct decomposition *d;

	if (c - HANGUL_S < HANGUL_S_N) {
		points_put_hangul(p, c);
		return;
	}
	while ((d = point_decomposition(c)) != NULL) {
		assert(n < EXPAND);
		seconds[n++] = d->second;
		c = d->first;
	}
	points_put(p, c);
	while (n-- > 0)
		if (seconds[n] != NO_CHARACTER)
			points_put(p, seconds[n]);
}

static uint32_t
pair_compose(uint32_t a, uint32_t b)
{
	if (a - HANGUL_L < HANGUL_L_N && b - HANGUL_V < HANGUL_V_N)
		return HANGUL_S + ((a - HANGUL_L) * HANGUL_V_N + (b - HANGUL_V)) * HANGUL_T_N;
	if (a - HANGUL_S < HANGUL_S_N && (a - HANGUL_S) % HANGUL_T_N == 0 && b > HANGUL_T &&
	    b < HANGUL_T + HANGUL_T_N)
		return a + (b - HANGUL_T);
	for (size_t i = 0; i < ARRAY_LEN(decompositions); i++)
		if (decompositions[i].second == b && decompositions[i].first == a &&
		    decompositions[i].back)
			return decompositions[i].composed;
	return NO_CHARACTER;
}

static void
points_compose(struct points *p)
{
	size_t to = 0, starter = 0;
	uint32_t last = 0; /* class of what stands before */

	for (size_t i = 0; i < p->n; i++) {
		uint32_t c = p->v[i], class = point_class(c), joined = NO_CHARACTER;

		/* A mark is blocked from its base by one of its class between, and by another base.
		 */
		if (to > 0 && (starter + 1 == to || last < class) &&
		    point_class(p->v[starter]) == 0)
			joined = pair_compose(p->v[starter], c);
		if (joined != NO_CHARACTER) {
			p->v[starter] = joined;
			continue;
		}
		if (class == 0)
			starter = to;
		last = class;
		p->v[to++] = c;
	}
	p->n = to;
}

bool
nfc_put(struct str *out, struct span text)
{
	struct cursor c = cursor_of(text);
	struct points p = { NULL, 0, EXPAND * LIMIT_MAILBOX_NAME };
	bool plain = true;
	int32_t point;

	if (text.n > LIMIT_MAILBOX_NAME || !utf8_valid(text))
		return false;
	for (size_t i = 0; i < text.n && plain; i++)
		plain = (unsigned char)text.p[i] < 0xcc; /* what U+0300 begins with */
	if (plain)
		return str_put(out, text);
	p.v = mem_alloc_array(p.cap, sizeof(*p.v));
	while ((point = utf8_next(&c)) >= 0)
		points_decompose(&p, (uint32_t)point);
	points_compose(&p);
	for (size_t i = 0; i < p.n; i++)
		utf8_put(out, p.v[i]);
	mem_free(p.v);
	return !out->full;
}
