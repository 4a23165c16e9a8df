/* Berkeley DB, for the two files that use it: db.c, which reads, and build.c, which writes. */
#ifndef TABLE_DB_INTERNAL_H
#define TABLE_DB_INTERNAL_H

#include <db.h>

#include "base/err.h"

/* Complaints of libdb come back as return values; it would write them to stderr too. */
void db_silent(const DB_ENV *env, const char *prefix, const char *text);
/* DB_HASH or DB_BTREE; DB_UNKNOWN: neither. */
DBTYPE db_type(struct span type);
/* The key or value in DBT, without the NUL that Postfix puts behind it. */
struct span db_text(const DBT *dbt);
/* *OUT: PATH opened for reading, to be closed with db_close. */
enum verdict db_open(const char *path, DBTYPE type, DB **out, struct err *err);
void db_close(DB *db);
/* FN returns false to stop. 0, or libdb's number. */
int db_each(DB *db, bool (*fn)(struct span key, struct span value, void *arg), void *arg);

#endif
