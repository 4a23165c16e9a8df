/*
 * pickup in the test's own process: a maildrop under /tmp, and lib/service, rewrite and qmgr played
 * by the test. What qmgr has taken is kept as text, and, for tests of deaths, in a file.
 */
#ifndef UNIT_PICKUP_RIG_H
#define UNIT_PICKUP_RIG_H

#include "event/loop.h"
#include "qmgr/pickup/pickup.h"

struct service_ctx {
	struct pickup pickup;
	struct conf conf;
	unsigned busy;
	bool stopping;
	int content;	   /* the file that qmgr lends */
	int queue;	   /* what was committed is appended here, if it is not -1 */
	struct str posted; /* "from=<> to=<a b> flags=0 notify=0\n", then the content, each */
	unsigned posted_n;
	unsigned aborted;
	enum verdict commit; /* what qmgr answers */
};

/* PATH: a directory that is there. */
void rig_open(struct service_ctx *ctx, const char *path);
/* Looks through the maildrop until there is nothing more to do. */
void rig_run(struct service_ctx *ctx);
void rig_close(struct service_ctx *ctx);

#endif
