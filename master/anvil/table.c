/*
 * The table of clients: counts in a window that begins with a client's first event and is as long
 * as anvil_rate_time_unit, and open connections. Called by door.c for each message of a front door.
 * Memory is bounded: who has been idle for a window is forgotten, and when the table is full who
 * was idle longest, so strangers cannot make it grow, and one with open connections is never
 * forgotten. Keys are the front doors' words; the table does not know what an address is.
 */
#include "anvil/anvil.h"

#include "base/mem.h"
#include "base/str.h"

#define NAME_MAX_BYTES (LIMIT_SERVICE_NAME + LIMIT_ADDRESS + 2)
#define EXPIRE_STEP    8 /* clients looked at with each event: more than come in with it */

/* Connections of one client that one process has open. */
struct hold {
	struct client *client;
	uint32_t n;
};

void
anvil_init(struct anvil *a, uint64_t unit, size_t most)
{
	*a = (struct anvil){ .unit = unit, .most = most };
	map_init(&a->clients);
	list_init(&a->idle);
}

static void
client_free(struct anvil *a, struct client *c)
{
	map_remove(&a->clients, span_str(c->name));
	list_remove(&c->node);
	mem_free(c->name);
	mem_free(c);
}

void
anvil_free(struct anvil *a)
{
	struct client *c;
	size_t at = 0;

	/* The map must not change while it is walked. */
	while ((c = map_next(&a->clients, &at)) != NULL) {
		client_free(a, c);
		at = 0;
	}
	map_free(&a->clients);
	peaks_free(&a->peaks);
}

/* Those that nothing is known of any more. */
static void
expire(struct anvil *a, uint64_t now)
{
	struct list *first;

	for (int i = 0; i < EXPIRE_STEP && (first = list_first(&a->idle)) != NULL; i++) {
		struct client *c = LIST_ITEM(first, struct client, node);
		if (now - c->last < a->unit)
			return;
		client_free(a, c);
	}
}

static struct client *
client_new(struct anvil *a, struct span name, uint64_t now)
{
	struct client *c;

	if (a->clients.count >= a->most && !list_empty(&a->idle))
		client_free(a, LIST_ITEM(list_first(&a->idle), struct client, node));
	if (a->clients.count >= a->most)
		return NULL;
	c = mem_alloc(sizeof(*c));
	c->name = mem_strdup(name);
	c->begun = now;
	list_init(&c->node);
	map_put(&a->clients, span_str(c->name), c);
	if (a->clients.count > a->peaks.size) {
		a->peaks.size = a->clients.count;
		a->peaks.size_at = time_wall();
	}
	return c;
}

static struct client *
client_get(struct anvil *a, struct span service, struct span key, uint64_t now)
{
	struct str name = STR_INIT(NAME_MAX_BYTES);
	struct client *c;

	str_put(&name, service);
	str_putc(&name, ':');
	str_put(&name, key);
	expire(a, now);
	c = map_get(&a->clients, str_span(&name));
	if (!c && !name.full)
		c = client_new(a, str_span(&name), now);
	str_free(&name);
	return c;
}

/* To where it belongs: who has something open is not idle. */
static void
client_place(struct anvil *a, struct client *c)
{
	list_remove(&c->node);
	if (c->open == 0)
		list_push(&a->idle, &c->node);
}

static void
client_open(struct reporter *r, struct client *c, uint32_t n)
{
	struct hold *h = map_get(&r->holds, span_str(c->name));

	if (!h) {
		h = mem_alloc(sizeof(*h));
		h->client = c;
		map_put(&r->holds, span_str(c->name), h);
	}
	h->n += n;
	c->open += n;
	peak_note(&r->anvil->peaks.open, c->open, c->name);
}

/* No more than this process has opened: what it says of others' is not believed. */
static void
client_close(struct reporter *r, struct client *c, uint32_t n)
{
	struct hold *h = map_get(&r->holds, span_str(c->name));

	if (!h)
		return;
	if (n > h->n)
		n = h->n;
	h->n -= n;
	c->open -= n;
	if (h->n > 0)
		return;
	map_remove(&r->holds, span_str(c->name));
	mem_free(h);
}

bool
anvil_count(struct reporter *r, struct span service, struct span key, enum anvil_kind kind,
    uint32_t n, uint64_t now, struct msg_anvil_counted *out)
{
	struct anvil *a = r->anvil;
	struct client *c;

	if (kind < ANVIL_CONNECT || kind >= ANVIL_KINDS)
		return false;
	c = client_get(a, service, key, now);
	if (!c)
		return false;
	if (now - c->begun >= a->unit) {
		memset(c->rate, 0, sizeof(c->rate));
		c->begun = now;
	}
	c->last = now;
	if (kind == ANVIL_DISCONNECT)
		client_close(r, c, n);
	else
		c->rate[kind] += n;
	if (kind == ANVIL_CONNECT)
		client_open(r, c, n);
	client_place(a, c);
	peak_note(&a->peaks.rate[kind], c->rate[kind], c->name);
	*out = (struct msg_anvil_counted){ c->open, c->rate[kind] };
	return true;
}

struct reporter *
reporter_new(struct anvil *a)
{
	struct reporter *r = mem_alloc(sizeof(*r));

	r->anvil = a;
	map_init(&r->holds);
	return r;
}

void
reporter_free(struct reporter *r)
{
	struct hold *h;
	size_t at = 0;

	while ((h = map_next(&r->holds, &at)) != NULL) {
		h->client->open -= h->n;
		client_place(r->anvil, h->client);
		mem_free(h);
	}
	map_free(&r->holds);
	mem_free(r);
}
