/* One message to one server: from MAIL to the reply to its end. */
#ifndef SMTP_TRANSACTION_H
#define SMTP_TRANSACTION_H

#include "smtp/delivery.h"

/*
 * Offers all targets that are left. Those taken or refused for good are told at once; FINAL: those
 * refused this time as well, else they stay for the next host. VERDICT_OK: the session is in order;
 * VERDICT_TEMP: it is not, and ERR says why what is left is left. After it d->stop may be set.
 */
SUSPENDS enum verdict transaction_run(
    struct session *s, struct delivery *d, bool final, struct err *err);

#endif
