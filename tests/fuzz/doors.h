/*
 * lib/login's part, played for fuzz targets of the dialogues before the login: a client on a pair
 * of sockets, no authd, no user half. The right password is "sesame". What lib/login forbids is
 * asserted here: a password that may not be sent yet is not looked at, and nobody is handed over
 * who was not verified.
 */
#ifndef FUZZ_DOORS_H
#define FUZZ_DOORS_H

#include "login/login.h"

struct door {
	struct conf conf;
	void (*dialogue)(struct login *l);
	bool can_verify, can_start_tls;
	/* What came of it. */
	unsigned verified, handed_over;
	struct str got; /* by the client */
};

/* Runs the dialogue with a client that says INPUT, all at once, and goes. */
void door_run(struct door *d, struct span input);
void door_free(struct door *d);

#endif
