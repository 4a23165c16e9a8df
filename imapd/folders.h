/* The names that LIST has to do with: mailboxes, the levels above them, subscriptions. */
#ifndef IMAPD_FOLDERS_H
#define IMAPD_FOLDERS_H

#include "base/map.h"
#include "mailbox/tree.h"

struct entry {
	struct span name;
	bool exists;
	bool subscribed;
	bool has_children;     /* a mailbox that exists is below it */
	bool subscribed_below; /* a subscribed name is */
};

struct folders {
	struct tree_names tree;
	struct tree_names subscribed;
	struct map by_name;
	struct entry **v; /* INBOX first, then by bytes */
	size_t n;
};

/* Whatever the verdict, folders_free is due. */
enum verdict folders_read(struct maildir *md, struct folders *out, struct err *err);
void folders_free(struct folders *f);

#endif
