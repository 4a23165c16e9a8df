/* From one recipient to all that it means. */
#ifndef REWRITE_EXPAND_H
#define REWRITE_EXPAND_H

#include "rewrite/route.h"

struct expansion {
	struct rewrite *rw;
	uint64_t trace;
	struct span sender;
	struct arena *arena;
	/* What came of it. */
	enum address_class class; /* of the address as it was asked for */
	struct item_recipient *recipients;
	uint32_t recipients_n;
};

/*
 * Resolves ASKED; rw, trace, sender and arena are set. VERDICT_PERM: nobody, or as a table says;
 * VERDICT_TEMP. *ERR is then the reply.
 */
SUSPENDS enum verdict expand_recipient(struct expansion *e, struct span asked, struct err *err);

/*
 * known.c: VERDICT_OK, with the account when it is Postern that delivers; VERDICT_PERM: nobody
 * knows TO; VERDICT_TEMP.
 */
SUSPENDS enum verdict known_check(struct expansion *e, const struct named *to,
    const struct route *route, struct span *account_out, struct err *err);

#endif
