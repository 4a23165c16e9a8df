/*
 * Sets of UIDs in pieces, for STORE and EXPUNGE: a piece covers so many messages of the mailbox as
 * are changed in about 10 ms. Called between suspensions; the mailbox may change in between, since
 * only UIDs are kept.
 */
#include "imapd/step.h"

void
step_begin(struct step *step, struct uid_set set)
{
	step->rest = set;
	step->from = 1;
}

bool
step_next(struct step *step, const struct mailbox *mb, struct uid_set *out)
{
	uint32_t first, last = UINT32_MAX;
	size_t end, n = 0;

	while (step->rest.n > 0 && step->rest.v->last < step->from) {
		step->rest.v++;
		step->rest.n--;
	}
	if (step->rest.n == 0 || step->from == 0)
		return false;
	first = step->rest.v->first > step->from ? step->rest.v->first : step->from;
	end = mailbox_find(mb, first) + STEP_MESSAGES;
	if (end < mailbox_count(mb))
		last = mailbox_at(mb, end)->uid - 1;
	for (; n < step->rest.n && n < STEP_MESSAGES && step->rest.v[n].first <= last; n++) {
		step->v[n] = step->rest.v[n];
		if (step->v[n].first < first)
			step->v[n].first = first;
		if (step->v[n].last > last)
			step->v[n].last = last;
	}
	/* The set's last range ends at UINT32_MAX at most: then 0 says that nothing is left. */
	step->from = step->v[n - 1].last + 1;
	*out = (struct uid_set){ step->v, n };
	return true;
}
