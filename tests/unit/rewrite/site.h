/* A rewrite without a suite around it: a main.cf as text, and accounts that a function knows. */
#ifndef REWRITE_SITE_H
#define REWRITE_SITE_H

#include "rewrite/expand.h"
#include "tests/unit/unit.h"

struct site {
	struct conf_source *source;
	int snapshot;
	struct conf conf;
	struct rewrite *rw;
};

/* MAIN_CF comes behind what all sites have: example.com is local, user+ext. */
void site_make(struct site *site, const char *main_cf);
void site_drop(struct site *site);
/* "local: anna@example.com local:mx.example.com account anna", or "550 5.1.1 text". */
SUSPENDS void site_resolve(
    struct site *site, const char *sender, const char *address, struct str *out);
/* FN on a fiber, in a loop of its own. */
void site_run(void (*fn)(void));

#endif
