/* What the files of lib/mailbox know of a Maildir beyond maildir.h; no daemon includes it. */
#ifndef MAILBOX_MAILDIR_IMPL_H
#define MAILBOX_MAILDIR_IMPL_H

#include "mailbox/maildir.h"

/* Of /proc/self/fd, or -1. */
int maildir_proc_fd(const struct maildir *md);

#endif
