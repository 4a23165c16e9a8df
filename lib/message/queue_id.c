/*
 * Queue ids in base 52: six digits of seconds, four of microseconds, four of the process. A clock
 * that was set back, or two messages in one microsecond, make the maker count on from its last
 * number. Used by smtpd, pickup and bounce; checked by qmgr and the postmaster's tools.
 */
#include "message/queue_id.h"

#include "base/limits.h"
#include "base/time.h"

#define SECONDS_DIGITS 6
#define MICROS_DIGITS  4
#define WORKER_DIGITS  4

static const char digits[] = "0123456789BCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz";
#define BASE (sizeof(digits) - 1)

static void
put_digits(char *to, uint64_t v, unsigned n)
{
	while (n > 0) {
		to[--n] = digits[v % BASE];
		v /= BASE;
	}
}

void
queue_id_init(struct queue_id_maker *m, uint32_t worker)
{
	*m = (struct queue_id_maker){ .worker = worker };
}

struct span
queue_id_make(struct queue_id_maker *m, uint64_t wall_ns, struct arena *arena)
{
	uint64_t us = wall_ns / NS_PER_US;
	char id[SECONDS_DIGITS + MICROS_DIGITS + WORKER_DIGITS];

	if (us <= m->last)
		us = m->last + 1;
	m->last = us;
	put_digits(id, us / 1000000, SECONDS_DIGITS);
	put_digits(id + SECONDS_DIGITS, us % 1000000, MICROS_DIGITS);
	put_digits(id + SECONDS_DIGITS + MICROS_DIGITS, m->worker, WORKER_DIGITS);
	return arena_dup(arena, span_of(id, sizeof(id)));
}

bool
queue_id_valid(struct span id)
{
	if (id.n == 0 || id.n > LIMIT_QUEUE_ID)
		return false;
	for (size_t i = 0; i < id.n; i++)
		if (span_find(span_of(digits, BASE), id.p[i]) == BASE)
			return false;
	return true;
}
