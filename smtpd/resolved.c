/*
 * Rewrite's answers about recipients, kept for LIMIT_RESOLVED_NS, which spares two round trips for
 * each further message to the same recipient. Called by the restrictions. Owns encoded copies, at
 * most LIMIT_RESOLVED of them. An answer is gone when another rewrite process serves us (a table
 * has changed); an account that is removed is refused a second later. Must keep no refusal: who
 * makes an account wants mail for it at once.
 */
#include "smtpd/resolved.h"

#include "base/mem.h"
#include "ipc/codec.h"

#define ANSWER_MOST 2048 /* bytes encoded */

struct kept {
	struct span key; /* recipient, NUL, sender: inside */
	uint64_t until;
	size_t size;
	char bytes[]; /* the answer, then the key */
};

void
resolved_init(struct resolved *r)
{
	*r = (struct resolved){ .from = NULL };
	map_init(&r->map);
}

static void
resolved_clear(struct resolved *r)
{
	struct kept *k;
	size_t at = 0;

	while ((k = map_next(&r->map, &at)) != NULL)
		mem_free(k);
	map_free(&r->map);
	map_init(&r->map);
}

void
resolved_free(struct resolved *r)
{
	resolved_clear(r);
	map_free(&r->map);
}

static void
key_put(struct str *out, const struct resolved_about *about)
{
	str_put(out, about->recipient);
	str_putc(out, '\0');
	str_put(out, about->sender);
}

bool
resolved_find(struct resolved *r, const struct resolved_about *about, struct arena *arena,
    struct msg_resolved *out)
{
	struct str key = STR_INIT(2 * LIMIT_ADDRESS + 1);
	struct kept *k;
	char *copy;

	if (r->from != about->from || r->map.count == 0)
		return false;
	key_put(&key, about);
	k = map_get(&r->map, str_span(&key));
	str_free(&key);
	if (!k || k->until <= about->now)
		return false;
	/* Others may be kept in its place while the transaction goes on. */
	copy = arena_alloc(arena, k->size);
	if (!copy)
		return false;
	memcpy(copy, k->bytes, k->size);
	return ipc_decode(&ipc_resolved, span_of(copy, k->size), NULL, out, arena, NULL) ==
	       VERDICT_OK;
}

void
resolved_keep(
    struct resolved *r, const struct resolved_about *about, const struct msg_resolved *answer)
{
	struct str key = STR_INIT(2 * LIMIT_ADDRESS + 1);
	struct kept *k;
	size_t size;

	if (r->from != about->from || r->map.count >= LIMIT_RESOLVED)
		resolved_clear(r);
	r->from = about->from;
	if (ipc_measure(&ipc_resolved, answer, &size, NULL) != VERDICT_OK || size > ANSWER_MOST)
		return;
	key_put(&key, about);
	k = mem_alloc(sizeof(*k) + size + key.n);
	k->until = about->now + LIMIT_RESOLVED_NS;
	k->size = size;
	ipc_encode(&ipc_resolved, answer, k->bytes);
	memcpy(k->bytes + size, key.p, key.n);
	k->key = span_of(k->bytes + size, key.n);
	mem_free(map_put(&r->map, k->key, k));
	str_free(&key);
}
