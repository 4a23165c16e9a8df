/*
 * Counting wrong passwords. Called by verify.c for the client and for the account of each login.
 * One failure is forgotten every FORGET_NS; from the second on the next answer to the same client
 * or for the same account waits, twice as long each time up to 15 s, whether the password is right
 * or wrong, so that hanging up early tells nothing. Names that do not exist count like any other.
 */
#include "authd/guess.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include "base/mem.h"
#include "base/time.h"

#define FORGET_NS (60 * NS_PER_S)
#define COUNT_MAX 30 /* more are not remembered longer: half an hour */
#define DELAY_MAX 15 /* s: what a human still waits for, and a client's own timeout bears */

struct guesser {
	struct list node;
	char *key;
	uint64_t last;
	unsigned count;
	uint64_t window; /* its beginning */
	unsigned recent;
};

void
guesses_init(struct guesses *g, size_t max)
{
	map_init_nocase(&g->map);
	list_init(&g->by_time);
	g->max = max;
}

static void
guesser_drop(struct guesses *g, struct guesser *x)
{
	map_remove(&g->map, span_str(x->key));
	list_remove(&x->node);
	mem_free(x->key);
	mem_free(x);
}

void
guesses_free(struct guesses *g)
{
	struct list *node;

	while ((node = list_first(&g->by_time)) != NULL)
		guesser_drop(g, LIST_ITEM(node, struct guesser, node));
	map_free(&g->map);
}

/* What is left of the count. */
static unsigned
guesser_count(const struct guesser *x, uint64_t now)
{
	uint64_t forgotten = (now - x->last) / FORGET_NS;

	return forgotten >= x->count ? 0 : x->count - (unsigned)forgotten;
}

static struct guesser *
guesser_make(struct guesses *g, struct span key)
{
	struct guesser *x;

	if (g->map.count >= g->max)
		guesser_drop(g, LIST_ITEM(list_first(&g->by_time), struct guesser, node));
	x = mem_alloc(sizeof(*x));
	x->key = mem_strdup(key);
	map_put(&g->map, span_str(x->key), x);
	list_push(&g->by_time, &x->node);
	return x;
}

void
guesses_count(struct guesses *g, struct span key, uint64_t now, uint64_t window)
{
	struct guesser *x = map_get(&g->map, key);

	if (!x)
		x = guesser_make(g, key);
	x->count = guesser_count(x, now);
	x->count += x->count < COUNT_MAX;
	x->last = now;
	if (x->recent == 0 || now - x->window >= window) {
		x->window = now;
		x->recent = 0;
	}
	x->recent++;
	list_remove(&x->node);
	list_push(&g->by_time, &x->node);
}

uint64_t
guesses_delay(const struct guesses *g, struct span key, uint64_t now)
{
	const struct guesser *x = map_get(&g->map, key);
	unsigned n = x ? guesser_count(x, now) : 0;

	if (n < 2)
		return 0;
	return (n - 2 < 4 ? UINT64_C(1) << (n - 2) : DELAY_MAX) * NS_PER_S;
}

unsigned
guesses_recent(const struct guesses *g, struct span key, uint64_t now, uint64_t window)
{
	const struct guesser *x = map_get(&g->map, key);

	return x && now - x->window < window ? x->recent : 0;
}

bool
client_key(struct span address, char key_out[CLIENT_KEY_SIZE])
{
	struct in6_addr six;
	struct in_addr four;

	memset(key_out, 0, CLIENT_KEY_SIZE);
	memcpy(key_out, address.p, size_min(address.n, CLIENT_KEY_SIZE - 1));
	if (inet_pton(AF_INET, key_out, &four) == 1)
		return ntohl(four.s_addr) >> 24 != IN_LOOPBACKNET;
	if (inet_pton(AF_INET6, key_out, &six) != 1)
		return true;
	if (IN6_IS_ADDR_LOOPBACK(&six))
		return false;
	memset(&six.s6_addr[8], 0, 8);
	inet_ntop(AF_INET6, &six, key_out, CLIENT_KEY_SIZE);
	return true;
}
