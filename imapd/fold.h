/*
 * Text made equal for SEARCH: case folded, one character for one, so that lengths stay as they are.
 * ASCII, Latin, Greek, Cyrillic and Armenian; other letters are compared as they stand.
 */
#ifndef IMAPD_FOLD_H
#define IMAPD_FOLD_H

#include "base/str.h"

/* Folds N bytes in place; what is not UTF-8 stays. */
void fold_in_place(char *p, size_t n);

/* Looks for one text in another that comes in pieces. */
struct finder {
	struct span needle; /* folded */
	struct str window;  /* the end of what came, folded, and the piece at hand */
	size_t folded;	    /* bytes of WINDOW */
	bool found;
};

/* NEEDLE outlives it. */
void finder_init(struct finder *f, struct span needle);
void finder_free(struct finder *f);
/* Another text: nothing is found across the two. */
void finder_next_text(struct finder *f);
/* True: the needle is in what came so far; more need not be fed. */
bool finder_feed(struct finder *f, struct span piece);

#endif
