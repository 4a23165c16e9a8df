/* The commands of a transaction: RFC 5321 4.1.1.2, 4.1.1.3 with the parameters a server knows. */
#ifndef SMTP_ENVELOPE_H
#define SMTP_ENVELOPE_H

#include "smtp/delivery.h"

/*
 * Can this server take the message at all? VERDICT_PERM: too large (5.3.4), or it needs SMTPUTF8
 * (5.6.7).
 */
enum verdict envelope_fits(const struct delivery *d, struct session *s, struct err *err);

/* "MAIL FROM:<...> SIZE=...", without its end. False: the sender cannot be written in a command. */
bool envelope_put_mail(struct str *out, const struct delivery *d, const struct ehlo *ehlo);
/* "RCPT TO:<...> NOTIFY=..." for target I. False: as above. */
bool envelope_put_rcpt(
    struct str *out, const struct delivery *d, uint32_t i, const struct ehlo *ehlo);

#endif
