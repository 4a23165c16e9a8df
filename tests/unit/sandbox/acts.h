/*
 * What a process may try: attacks and work, by name. acts.c has the table.
 */
#ifndef UNIT_SANDBOX_ACTS_H
#define UNIT_SANDBOX_ACTS_H

#include "tests/unit/sandbox/walled.h"

#define ACT_UNKNOWN 251

/* Does what site->act names; an act_fn. */
int act_run(struct walled_site *site);

#endif
