/*
 * Counting Received: fields as the header passes, in pieces of any size (RFC 5321 6.3: a message
 * that has passed too many hosts runs in a circle). Called by receive.c until the header's end.
 * Looks at the begins of lines alone; allocates nothing.
 */
#include "smtpd/hops.h"

#include "base/cclass.h"

static const struct span name = SPAN("received:");

/* States above all numbers of bytes of the name that were matched. */
enum {
	LINE_CR = 253,	   /* a line that is a CR so far */
	LINE_OTHER = 254,  /* a line of another field */
	HEADER_OVER = 255, /* an empty line has come */
};

static uint8_t
state_next(uint8_t state, char c)
{
	if (state == HEADER_OVER)
		return state;
	if (c == '\n')
		return state == 0 || state == LINE_CR ? HEADER_OVER : 0;
	if (state == LINE_OTHER || state == LINE_CR)
		return LINE_OTHER;
	if (state == 0 && c == '\r')
		return LINE_CR;
	return ascii_lower(c) == name.p[state] ? state + 1 : LINE_OTHER;
}

unsigned
hops_count(uint8_t *state, struct span run)
{
	unsigned n = 0;

	for (size_t i = 0; i < run.n && *state != HEADER_OVER; i++) {
		*state = state_next(*state, run.p[i]);
		if (*state != name.n)
			continue;
		*state = LINE_OTHER;
		n++;
	}
	return n;
}
