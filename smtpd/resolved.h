/* Rewrite's answers about recipients, kept for a moment: a list's or a busy account's are asked for
 * again and again. */
#ifndef SMTPD_RESOLVED_H
#define SMTPD_RESOLVED_H

#include "base/map.h"
#include "ipc/ipc.h"

struct resolved {
	struct map map;
	const struct ipc_channel *from; /* who gave them; another rewrite has other tables */
};

/* What an answer is about. */
struct resolved_about {
	const struct ipc_channel *from; /* rewrite's end */
	struct span sender;
	struct span recipient;
	uint64_t now; /* monotonic */
};

void resolved_init(struct resolved *r);
void resolved_free(struct resolved *r);
/* What rewrite said less than LIMIT_RESOLVED_NS ago; texts lie in ARENA. */
bool resolved_find(struct resolved *r, const struct resolved_about *about, struct arena *arena,
    struct msg_resolved *out);
/* Keeps an answer. What was refused is never kept, nor what an alias made many of. */
void resolved_keep(
    struct resolved *r, const struct resolved_about *about, const struct msg_resolved *answer);

#endif
