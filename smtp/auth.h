/* Logging in to a relay. */
#ifndef SMTP_AUTH_H
#define SMTP_AUTH_H

#include "smtp/session.h"

/*
 * Nothing to do without smtp_sasl_auth_enable, or when nobody has a password for this host.
 * VERDICT_TEMP: 4.7.8 and what the server said, or that it offers nothing we may use.
 */
SUSPENDS enum verdict auth_login(
    struct session *s, const struct session_plan *plan, struct err *err);

#endif
