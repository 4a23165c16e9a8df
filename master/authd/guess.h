/*
 * Who guesses passwords: wrong ones counted by client and by account, over all services. Counts
 * decay; the table is bounded, who has failed least lately is forgotten first.
 */
#ifndef AUTHD_GUESS_H
#define AUTHD_GUESS_H

#include "base/list.h"
#include "base/map.h"

struct guesses {
	struct map map;
	struct list by_time; /* of the last failure, the oldest first */
	size_t max;
};

void guesses_init(struct guesses *g, size_t max);
void guesses_free(struct guesses *g);
/* A wrong password, at NOW (monotonic ns). WINDOW: ns over which guesses_recent counts. */
void guesses_count(struct guesses *g, struct span key, uint64_t now, uint64_t window);
/* How long the next answer waits: 0, 0, 1, 2, 4, ... 15 s, in ns. */
uint64_t guesses_delay(const struct guesses *g, struct span key, uint64_t now);
/* Wrong passwords in the present window. */
unsigned guesses_recent(const struct guesses *g, struct span key, uint64_t now, uint64_t window);

/*
 * The client that an address (text) belongs to: itself for IPv4, its /64 for IPv6, in KEY_OUT; what
 * is no address stays as it is. False: it is this host itself, whose clients (a webmail) are many.
 */
#define CLIENT_KEY_SIZE 48
bool client_key(struct span address, char key_out[CLIENT_KEY_SIZE]);

#endif
