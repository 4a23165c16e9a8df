/* What the files of lib/mailbox know of a Maildir beyond maildir.h; no daemon includes it. */
#ifndef MAILBOX_MAILDIR_IMPL_H
#define MAILBOX_MAILDIR_IMPL_H

#include "mailbox/maildir.h"

/* Of /proc/self/fd, or -1. */
int maildir_proc_fd(const struct maildir *md);
/* Flags to open a directory with. */
#define MAILDIR_OPEN_DIR (O_RDONLY | O_DIRECTORY)

/* file.c: small files of text that are replaced as a whole. */
/* Appends all of NAME to OUT. VERDICT_ABSENT: it is not there; VERDICT_LIMIT: it does not fit in
 * OUT. */
enum verdict file_read(int dir, const char *name, struct str *out, struct err *err);
/*
 * The file NAME holds BYTES, or is as it was; with DURABLE for good. For who holds a lock: NAME.new
 * is written beside it.
 */
enum verdict file_replace(
    int dir, const char *name, struct span bytes, bool durable, struct err *err);

#endif
