/*
 * Logical lines, of main.cf, master.cf and the text of lookup tables: a line that begins with a
 * blank continues the one before it; comments and empty lines count for nothing.
 */
#ifndef CONF_LINES_H
#define CONF_LINES_H

#include "base/str.h"
#include "conf/params.h"

/* Logical lines: comments and empty lines left out, continuation lines joined by one blank. */
struct conf_lines {
	struct span rest;
	unsigned at;	 /* the number of the first physical line of REST */
	struct str text; /* the logical line */
	unsigned line;	 /* where it began */
	bool orphan;	 /* it began with a blank, so it continues nothing */
};

enum conf_line_kind { CONF_LINE_START, CONF_LINE_CONTINUED, CONF_LINE_COMMENT };

/* The next physical line of *REST, without its LF, taken off its front; false at the end. */
bool conf_line_take(struct span *rest, struct span *line_out, enum conf_line_kind *kind_out);
void conf_lines_init(struct conf_lines *lines, struct span text);
bool conf_lines_next(struct conf_lines *lines);
void conf_lines_free(struct conf_lines *lines);
/* "name = value" cut at its first "=", both trimmed; false when there is none, or the name is not
 * one. */
bool conf_setting_parse(struct span text, struct conf_setting *out);

#endif
