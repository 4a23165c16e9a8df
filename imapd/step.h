/* A long change to many messages, some at a time, so that others are served between. */
#ifndef IMAPD_STEP_H
#define IMAPD_STEP_H

#include "mailbox/mailbox.h"

#define STEP_MESSAGES 200 /* some 10 ms of renames */

struct step {
	struct uid_set rest;
	uint32_t from; /* what is below has been given out */
	struct uid_range v[STEP_MESSAGES];
};

void step_begin(struct step *step, struct uid_set set);
/* The next part of the set, with at most STEP_MESSAGES messages that MB has; false: that was all.
 */
bool step_next(struct step *step, const struct mailbox *mb, struct uid_set *out);

#endif
