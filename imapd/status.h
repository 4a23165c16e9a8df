/* STATUS items, for STATUS and for LIST RETURN (STATUS ...). */
#ifndef IMAPD_STATUS_H
#define IMAPD_STATUS_H

#include "imapd/session.h"

/* "(MESSAGES UNSEEN)"; a bit for each item. */
bool status_parse(struct session *s, struct args *a, unsigned *items_out);
/* "* STATUS name (...)"; VERDICT_ABSENT: there is no such mailbox. */
SUSPENDS enum verdict status_tell(
    struct session *s, struct span name, unsigned items, struct err *err);
/* A mailbox's name, as the client is to read it. */
void mailbox_put(const struct session *s, struct str *out, struct span name);

#endif
