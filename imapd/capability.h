/* What is offered after the login. */
#ifndef IMAPD_CAPABILITY_H
#define IMAPD_CAPABILITY_H

#include "imapd/session.h"

#define CAPABILITY_MAX 1024

/* "IMAP4rev1 IDLE ..." */
void capability_put(const struct session *s, struct str *out);

#endif
