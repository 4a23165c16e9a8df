/* Changes to main.cf that keep its comments: postconf -e, -# and -X. */
#ifndef CONF_EDIT_H
#define CONF_EDIT_H

#include "base/err.h"
#include "base/str.h"
#include "conf/params.h"

enum conf_edit_how {
	CONF_EDIT_SET,	   /* replace the definition, or add it at the end */
	CONF_EDIT_COMMENT, /* put # before its lines */
	CONF_EDIT_DELETE,  /* take its lines out */
};

/*
 * Does HOW to the parameters of SETTINGS (values count for CONF_EDIT_SET alone) in the text of
 * main.cf and appends the new text to *OUT. A name that is defined more than once has one
 * definition then. Comments inside a definition stay.
 */
void conf_edit_text(struct span text, enum conf_edit_how how, const struct conf_setting *settings,
    size_t n, struct str *out);

/*
 * The same to DIR/main.cf: a new file is written beside it, synced, and takes its place and mode.
 * VERDICT_TEMP: another edit is under way, or the system said no; nothing has changed then.
 */
enum verdict conf_edit_main(const char *dir, enum conf_edit_how how,
    const struct conf_setting *settings, size_t n, struct err *err);

#endif
