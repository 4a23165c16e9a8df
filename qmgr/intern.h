/* Texts that many recipients share (reasons of deferral): one copy, counted. */
#ifndef QMGR_INTERN_H
#define QMGR_INTERN_H

#include "base/map.h"

struct intern;

/* The one copy of TEXT in TABLE, one user more; NULL for an empty text. */
struct intern *intern_get(struct map *table, struct span text);
/* One user less; NULL is none. */
void intern_put(struct map *table, struct intern *in);
/* Empty for NULL. */
struct span intern_text(const struct intern *in);

#endif
