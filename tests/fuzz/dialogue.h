/*
 * Whole sessions of smtpd for fuzz targets, in the world of its unit tests
 * (tests/unit/smtpd/world.h), which is kept from input to input. A client sends its words piece by
 * piece: a byte 255 ends one, and the next goes when something was answered, or nothing seems to
 * come.
 */
#ifndef FUZZ_DIALOGUE_H
#define FUZZ_DIALOGUE_H

#include "tests/unit/smtpd/world.h"

struct dialogue {
	struct world world;
	const struct world_plan *plan; /* of the world that there is; NULL: none yet */
	unsigned clients;	       /* so far: each has an address of its own */
	unsigned running;	       /* fibers of the client */
	struct stream *io;
	struct span input;
	struct str sent, got; /* by the client */
};

/*
 * One client says INPUT and goes; returns when its session is over. Then the world's counts are of
 * this session alone. What it was told are whole reply lines (RFC 5321 4.2), what was logged are
 * lines of printable text; both are checked here. PLAN outlives the process.
 */
void dialogue_run(struct dialogue *d, const struct world_plan *plan, struct span input);

/* How often NEEDLE stands in HAY, ends of one in begins of another counted. */
unsigned dialogue_count(struct span hay, struct span needle);

/* No more messages were queued than the client ended (RFC 5321 4.1.1.4, RFC 3030 2): one that is
 * made of another's content would be more. */
void dialogue_check_commits(const struct dialogue *d);

#endif
