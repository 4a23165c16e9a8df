/*
 * What the tests of the SMTP client share: a client with short timeouts, servers at 127.0.0.1 and
 * 127.0.0.2 on one port, a message, and what became of it as text.
 */
#ifndef TESTS_SMTP_STAGE_H
#define TESTS_SMTP_STAGE_H

#include "smtp/connections.h"
#include "smtp/deliver.h"
#include "tests/unit/smtp/peer.h"
#include "tests/unit/unit.h"

#define PEERS 2

struct stage {
	struct conf conf;
	struct client client;
	struct peer peers[PEERS];
	struct peer *local; /* one more to wait for, or NULL */
	const char
	    *hosts;	  /* MX hosts by preference: '1' and '2' are the peers, '3' refuses, '4' has
			     no address now, '5' has none at all, '=' makes the next one equal */
	enum verdict mx;  /* VERDICT_OK, or what the lookup says */
	const char *user; /* of a login that there is; NULL: none */
	struct msg_deliver msg;
	struct item_target targets[1000];
	struct item_extent extents[2];
	struct str content;
	struct str nexthop;
	struct str results; /* "0 sent 2.0.0 250 Ok\n", in the order in which they were told */
	unsigned no_host;
	unsigned logins;
	bool told_last;
	void (*run)(struct stage *s);
};

/* After loop_init: defaults, one recipient, a small message. */
void stage_set(struct stage *s);
/* Replaces the message's content. */
void stage_content(struct stage *s, struct span content);
/* One delivery. */
SUSPENDS void stage_deliver(struct stage *s);
/* Runs FN on a fiber, until it, the servers and the client's connections have ended. */
void stage_run(struct stage *s, void (*fn)(struct stage *s));
void stage_free(struct stage *s);

#endif
