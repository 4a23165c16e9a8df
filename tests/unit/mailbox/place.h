/* A home with a Maildir in a directory of its own, and messages put into it: by us, and as other
 * programs do. */
#ifndef UNIT_MAILBOX_PLACE_H
#define UNIT_MAILBOX_PLACE_H

#include "mailbox/mailbox.h"
#include "mailbox/tree.h"

struct place {
	struct str path; /* of the home */
	int home;
	int proc_fd;
	struct maildir *md;
};

/* For cmocka's setup and teardown: *state is a struct place. */
int place_make(void **state);
int place_remove(void **state);
/* Opens the Maildir again, as another process would see it. */
struct maildir *place_open(const struct place *p);

struct mailbox *must_open(struct maildir *md, const char *name);
void must_refresh(struct mailbox *mb);
/* Adds a message the way deliveries do, and syncs. Returns its UID. */
uint32_t must_add(struct mailbox *mb, const char *text, uint32_t flags, uint64_t keywords);
/* One UID, one range, all of them. */
struct uid_set set_of(struct uid_range *range, uint32_t first, uint32_t last);
/* A file that another program makes, with a date of DAY days since 1970; NAME is from the Maildir:
 * "cur/1.a:2,S". */
void foreign_file(const struct place *p, const char *name, const char *text, int day);
void foreign_rename(const struct place *p, const char *from, const char *to);
void foreign_remove(const struct place *p, const char *name);
/* Says "uid:flags keywords" of all messages, comma separated; flags as letters, "n" in new/. */
void mailbox_say(const struct mailbox *mb, struct str *out);
/* Makes times of both directories differ from what they were, and old, so that nothing can hide. */
void age_dirs(const struct place *p, const char *folder);

#endif
