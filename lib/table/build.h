/*
 * Making name.db: a new file that takes the place of the old one at once when it is complete and on
 * the disk, so that readers have the old or the new one, and a crash leaves one of them. Who builds
 * the same table meanwhile waits.
 */
#ifndef TABLE_BUILD_H
#define TABLE_BUILD_H

#include <sys/types.h>

#include "base/err.h"

struct table_build;

enum table_build_flag {
	TABLE_BUILD_KEEP_CASE = 1 << 0, /* keys are stored as they are, not in lower case */
	TABLE_BUILD_NO_NUL = 1 << 1,	/* no NUL behind keys and values */
};

/* Can tables of TYPE be built? */
bool table_build_can(struct span type);
/*
 * Begins NAME.db, which gets MODE. VERDICT_PERM: no such type, or something is in the way of the
 * new file that is not ours; VERDICT_TEMP: the system says no.
 */
enum verdict table_build_begin(struct span type, const char *name, unsigned flags, mode_t mode,
    struct table_build **out, struct err *err);
/* All entries that NAME.db has now. VERDICT_ABSENT: there is none. */
enum verdict table_build_copy(struct table_build *b, struct err *err);
/* *ADDED: false when KEY is there already and REPLACE is not set: then nothing changed. */
enum verdict table_build_put(struct table_build *b, struct span key, struct span value,
    bool replace, bool *added_out, struct err *err);
/* VERDICT_ABSENT: it is not there. */
enum verdict table_build_delete(struct table_build *b, struct span key, struct err *err);
/* Puts it in place, durably. Ends B, whatever comes of it; after an error the old table is there as
 * it was. */
enum verdict table_build_commit(struct table_build *b, struct err *err);
void table_build_abort(struct table_build *b);

#endif
