/*
 * Names of mailboxes. Inside: UTF-8, levels parted by '/', INBOX in any case. On disk: the
 * directory of a Maildir++ folder, "." and the levels parted by ".", each in modified UTF-7 (RFC
 * 3501 5.1.3), where a dot that belongs to a level is encoded too. Each name has one directory and
 * each directory we made one name; no name leads out of the Maildir.
 */
#ifndef MAILBOX_NAME_H
#define MAILBOX_NAME_H

#include "base/err.h"
#include "base/str.h"

#define MAILBOX_SEPARATOR '/'

/* Is it INBOX, the Maildir itself? */
bool mailbox_name_is_inbox(struct span name);
/*
 * The one spelling of NAME: normalized (NFC), "INBOX" upper case where it is a level of its own at
 * the front. VERDICT_PERM with the reason for what can be no mailbox: not UTF-8, control
 * characters, an empty level, too long (LIMIT_MAILBOX_NAME) or too deep (LIMIT_MAILBOX_DEPTH).
 */
enum verdict mailbox_name_check(struct span name, struct str *out, struct err *err);
/* The directory of a checked name; empty for INBOX. VERDICT_PERM when it is longer than a file name
 * may be. */
enum verdict mailbox_name_to_disk(struct span name, struct str *out, struct err *err);
/* The name of a folder's directory; false when it is none that mailbox_name_to_disk gives. */
bool mailbox_name_from_disk(struct span directory, struct str *out);

/* Modified UTF-7 alone, for clients that speak IMAP4rev1. False when TEXT is not UTF-8, or OUT
 * full. */
bool mutf7_put(struct str *out, struct span text);
/* The reverse; false for what is not modified UTF-7. */
bool mutf7_parse(struct span text, struct str *out);

#endif
