/* What a type of table is; for the files of lib/table, its tests and its fuzz target. */
#ifndef TABLE_DRIVER_H
#define TABLE_DRIVER_H

#include <sys/stat.h>

#include "table/table.h"

enum table_flag {
	TABLE_PATTERN = 1 << 0, /* rules on whole keys, which are not folded */
};

struct table_driver {
	const char *type;
	unsigned flags;
	/* NAME is what stands behind "type:". What it has made lies in t->state, also when it
	 * fails. */
	enum verdict (*open)(struct table *t, struct span name, struct err *err);
	/* Puts the value behind what OUT holds. KEY is folded but for patterns. */
	enum verdict (*lookup)(struct table *t, struct span key, struct str *out, struct err *err);
	enum verdict (*walk)(
	    struct table *t, table_walk_fn *fn, void *arg, struct err *err); /* NULL: cannot */
	void (*close)(struct table *t); /* t->state may be NULL */
};

extern const struct table_driver table_driver_hash;
extern const struct table_driver table_driver_btree;
extern const struct table_driver table_driver_texthash;
extern const struct table_driver table_driver_inline;
extern const struct table_driver table_driver_cidr;
extern const struct table_driver table_driver_pcre;
extern const struct table_driver table_driver_regexp;
extern const struct table_driver table_driver_static;
extern const struct table_driver table_driver_unix;
extern const struct table_driver table_driver_fail;

/* What tells one state of a file from the next. */
struct table_stamp {
	bool there;
	dev_t dev;
	ino_t ino;
	off_t size;
	struct timespec ctime; /* mtime can be set back, this cannot */
};

struct table_watch {
	char *path; /* NULL: nothing to watch */
	struct table_stamp opened;
	struct table_stamp seen; /* at the last look */
};

struct table {
	const struct table_driver *driver;
	char *spec;
	void *state;
	struct table_watch watch;
	struct str key; /* the folded one */
	struct str notes;
	struct err broken; /* verdict is not OK: it could not be opened */
};

/* stamp.c. PATH is copied; before the file is read, so that what changes meanwhile counts as
 * changed. */
void table_watch_start(struct table_watch *w, struct span path);
void table_watch_stop(struct table_watch *w);
bool table_watch_changed(struct table_watch *w);

/* "what, line 7: text" into the notes. NUMBER 0: no line. */
void table_note(struct table *t, unsigned number, const char *fmt, ...) PRINTF(3, 4);

/* lines.c. One rule or entry; NUMBER is that of its line, or of the rule in a table that stands in
 * main.cf itself. */
typedef void table_line_fn(struct table *t, struct span line, unsigned number);
/* The file NAME, watched from now on, or, when NAME is "{ rule, { rule with blanks }, ... }",
 * those. */
enum verdict table_read(struct table *t, struct span name, table_line_fn *fn, struct err *err);
/* Logical lines of TEXT. */
void table_read_text(struct table *t, struct span text, table_line_fn *fn);
/* All of the regular file PATH, at most LIMIT_TABLE_FILE bytes; *OUT is to be freed with str_free.
 */
enum verdict table_read_file(const char *path, struct str *out, struct err *err);

#endif
