/* Special uses of mailboxes (RFC 6154, RFC 8457) and their names. */
#ifndef IMAPD_USE_H
#define IMAPD_USE_H

#include "base/str.h"
#include "imapd/args.h"

/* "\Sent": an enum mailbox_use; 0: it is none. */
unsigned use_parse(struct args *a);
/* " \Sent \Archive" */
void use_put(struct str *out, unsigned use);

#endif
