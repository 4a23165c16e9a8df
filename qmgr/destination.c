/*
 * The window of a destination, and its death. Called by scheduler.c and result.c; touches nothing
 * but the struct, so that tests can play any sequence of results. The scheme is the one Postfix has
 * shown to work (its SCHEDULER_README: feedback of 1, pseudo-cohorts); the parameters bear the same
 * names.
 */
#include "config.h"

#include "base/mem.h"
#include "qmgr/destination.h"

void
destination_init(struct destination *d, const struct transport_limits *limits)
{
	list_init(&d->link);
	list_init(&d->jobs);
	d->window = (unsigned)(limits->initial < limits->most ? limits->initial : limits->most);
}

bool
destination_is_ready(const struct destination *d)
{
	return !list_empty(&d->jobs) && d->busy < d->window && d->not_before == 0;
}

bool
destination_is_dead(const struct destination *d, uint64_t now)
{
	return d->dead_until > now;
}

bool
destination_is_idle(const struct destination *d, uint64_t now)
{
	return d->busy == 0 && list_empty(&d->jobs) && d->dead_until <= now && d->not_before <= now;
}

static void
destination_revive(struct destination *d)
{
	d->dead_until = 0;
	d->failures = 0;
	mem_free(d->reason);
	d->reason = NULL;
}

void
destination_reached(struct destination *d, const struct transport_limits *limits)
{
	destination_revive(d);
	/* A window that is not used up says nothing about a larger one. */
	if (d->window < limits->most && d->window < d->busy + limits->initial)
		d->window++;
}

bool
destination_failed(
    struct destination *d, const struct transport_limits *limits, uint64_t now, struct span reason)
{
	d->failures += 1.0 / d->window;
	if (d->window > 1)
		d->window--;
	/* Sums of thirds do not add up to one exactly. */
	if (limits->cohorts == 0 || d->failures + 1e-6 < (double)limits->cohorts)
		return false;
	destination_revive(d);
	d->dead_until = now + limits->dead_time;
	d->reason = mem_strdup(reason);
	d->window = (unsigned)(limits->initial < limits->most ? limits->initial : limits->most);
	return true;
}
