/*
 * Patterns of LIST and LSUB (RFC 9051 6.3.9). Called for each folder and pattern. All ways to match
 * are followed at once, a bit for each place in the pattern, so that no pattern makes it try one
 * after the other (ABUSE 29). Owns nothing.
 */
#include "imapd/pattern.h"

#include "base/cclass.h"
#include "base/limits.h"
#include "mailbox/name.h"

#define PLACES LIMIT_MAILBOX_NAME

/* The places in the pattern that can be reached by what has been read of the name. */
struct places {
	uint8_t at[PLACES + 1];
	size_t low, high; /* none is outside */
};

static bool
is_wild(char c)
{
	return c == '*' || c == '%';
}

/* A wildcard may stand for nothing. */
static void
places_spread(struct places *p, struct span pattern)
{
	for (size_t j = p->low; j <= p->high && j < pattern.n; j++) {
		if (!p->at[j] || !is_wild(pattern.p[j]))
			continue;
		p->at[j + 1] = 1;
		p->high = j + 1 > p->high ? j + 1 : p->high;
	}
}

/* Is NAME's first level INBOX? Its case does not count then. */
static bool
begins_with_inbox(struct span name)
{
	return span_starts_nocase(name, span_lit("INBOX")) &&
	       (name.n == 5 || name.p[5] == MAILBOX_SEPARATOR);
}

static bool
places_step(struct places *p, struct span pattern, char c, bool nocase)
{
	bool any = false;

	if (p->high < pattern.n)
		p->at[p->high + 1] = 0;
	for (size_t j = p->high + 1; j-- > p->low;) {
		char w = j < pattern.n ? pattern.p[j] : '\0';
		bool here = p->at[j], stays = w == '*' || (w == '%' && c != MAILBOX_SEPARATOR);
		bool goes = w == c || (nocase && ascii_upper(w) == ascii_upper(c));

		if (here && j < pattern.n && !is_wild(w) && goes) {
			p->at[j + 1] = 1;
			p->high = j + 1 > p->high ? j + 1 : p->high;
			any = true;
		}
		p->at[j] = here && stays;
		any = any || p->at[j];
	}
	while (p->low < p->high && !p->at[p->low])
		p->low++;
	return any;
}

bool
pattern_match(struct span pattern, struct span name)
{
	bool inbox = begins_with_inbox(name);
	struct places p = { .low = 0, .high = 0 };

	if (pattern.n > PLACES)
		return false;
	p.at[0] = 1;
	places_spread(&p, pattern);
	for (size_t i = 0; i < name.n; i++) {
		if (!places_step(&p, pattern, name.p[i], inbox && i < 5))
			return false;
		places_spread(&p, pattern);
	}
	return p.high == pattern.n && p.at[pattern.n];
}
