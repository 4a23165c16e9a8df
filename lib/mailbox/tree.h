/*
 * The folders of a Maildir: listed, made, renamed, deleted, subscribed. Used by imapd's user half.
 * Names are checked and in UTF-8 (name.h). Calls block; changes survive a power cut when they
 * return. A folder whose parent is not there is allowed, and imapd shows the parent as
 * \NonExistent.
 */
#ifndef MAILBOX_TREE_H
#define MAILBOX_TREE_H

#include "mailbox/maildir.h"

/* Names, in a block of their own; tree_names_free gives them back. */
struct tree_names {
	struct str text;
	struct span *v;
	size_t n;
};
void tree_names_free(struct tree_names *names);

/* All folders, INBOX first, then by bytes. *OUT is to be freed whatever is returned. */
enum verdict tree_list(const struct maildir *md, struct tree_names *out, struct err *err);
/* VERDICT_PERM: it is there already, or has a name that LIST could not tell from a pattern. */
enum verdict tree_create(const struct maildir *md, struct span name, struct err *err);
/* With all below it. VERDICT_ABSENT: neither FROM nor any folder below; VERDICT_PERM: TO is there,
 * or below FROM. */
enum verdict tree_rename(struct maildir *md, struct span from, struct span to, struct err *err);
/* With its messages, not with what is below it. VERDICT_PERM: INBOX. */
enum verdict tree_delete(struct maildir *md, struct span name, struct err *err);
/* Removes what deletes that were cut off have left. For the start of a user process. */
void tree_sweep(const struct maildir *md);

/* The file "subscriptions", which others read too. */
enum verdict tree_subscribed(const struct maildir *md, struct tree_names *out, struct err *err);
/* VERDICT_OK too when it was so already. The folder need not exist (RFC 9051 6.3.7). */
enum verdict tree_subscribe(const struct maildir *md, struct span name, bool on, struct err *err);

/* A UIDVALIDITY that no mailbox of this Maildir has had. */
enum verdict tree_new_uidvalidity(const struct maildir *md, uint32_t *out, struct err *err);

#endif
