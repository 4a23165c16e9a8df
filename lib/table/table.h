/*
 * Lookup tables, named "type:name" as in Postfix (DATABASE_README): from a key to a text. A lookup
 * has three ends that nobody may confuse: VERDICT_OK (found), VERDICT_ABSENT (looked for and not
 * there) and VERDICT_TEMP (not known now: the table could not be opened, a pattern took too long,
 * the disk failed).
 *
 * Everything is opened at once, before the walls; a lookup opens no file.
 */
#ifndef TABLE_TABLE_H
#define TABLE_TABLE_H

#include "base/err.h"
#include "base/str.h"

struct table;

/* Is TEXT of the form type:name with a type that we or Postfix know, with or without "proxy:"
 * before it? */
bool table_is_spec(struct span text);

/*
 * *OUT is always a table, to be closed by the caller. When it could not be opened (VERDICT_TEMP:
 * the file cannot be read; VERDICT_PERM: no such type, malformed name) every lookup in it answers
 * VERDICT_TEMP with what *ERR says now.
 */
enum verdict table_open(struct span spec, struct table **out, struct err *err);
void table_close(struct table *t);

/* "type:name" as it was opened. */
struct span table_spec(const struct table *t);
/*
 * What was wrong with single lines, one a line; those lines were left out. Empty when nothing was.
 * A table without a fault in its lines may still be one that could not be opened.
 */
struct span table_notes(const struct table *t);
/* Rules tried on whole keys (pcre, regexp, cidr): a part of an address means nothing to it. */
bool table_is_pattern(const struct table *t);

/*
 * VALUE_OUT is emptied first; with VERDICT_OK it holds the value. May use much stack and takes time
 * in the order of 10 us; never suspends. A key that no table can hold (empty, with NUL, longer than
 * LIMIT_TABLE_KEY) is absent, but for patterns, which are tried on any key.
 */
enum verdict table_lookup(struct table *t, struct span key, struct str *value_out, struct err *err);

/* FN returns false to stop. VERDICT_PERM: not of a type that can be listed. */
typedef bool table_walk_fn(struct span key, struct span value, void *arg);
enum verdict table_walk(struct table *t, table_walk_fn *fn, void *arg, struct err *err);

/*
 * Is its file another one than was opened, and the same as at the last call? (A file that is being
 * written is not changed yet; one that is gone is not either: what was read stays in force.) Costs
 * a stat().
 */
bool table_changed(struct table *t);

/*
 * A line of a text table: its key up to the first blank outside of double quotes (which stay part
 * of it), and its value. False and why not.
 */
bool table_split_line(
    struct span line, struct span *key_out, struct span *value_out, const char **why_out);

/* All tables of a process, each opened once. */
struct table_set;
struct table_set *table_set_new(void);
/* Closes them all. */
void table_set_free(struct table_set *set);
/* The table SPEC, opened if it is not there. *OUT as table_open; a failure is told once, by the
 * call that opened it. */
enum verdict table_set_open(
    struct table_set *set, struct span spec, struct table **out, struct err *err);
/* NULL when it has not been opened. */
struct table *table_set_find(const struct table_set *set, struct span spec);
/* The I-th in no order, NULL behind the last. */
struct table *table_set_at(const struct table_set *set, size_t i);
/* PATH is watched like a table's file. */
void table_set_watch(struct table_set *set, const char *path);
/* The first table or file that has changed since it was opened (table_changed); empty: none. */
struct span table_set_changed(struct table_set *set);

/* Tables tried in order: the first that does not say VERDICT_ABSENT decides. */
struct table_list {
	struct table **v;
	size_t n;
};

/*
 * The tables that the list TEXT names. What could not be opened is in the list all the same, and
 * told: VERDICT_PERM also when TEXT names something that is no table. The list is the caller's to
 * free.
 */
enum verdict table_list_open(
    struct table_set *set, struct span text, struct table_list *out, struct err *err);
void table_list_free(struct table_list *list);
/* PART: the key is part of what is looked for, so that patterns are left out. */
enum verdict table_list_lookup(const struct table_list *list, struct span key, bool part,
    struct str *value_out, struct err *err);

#endif
