/* smtpd's log lines, in Postfix's shapes: one function for each kind of event. */
#ifndef SMTPD_LOGLINES_H
#define SMTPD_LOGLINES_H

#include "smtpd/session.h"

void log_connect(const struct session *s);
/* At the first recipient that was taken: from here on the message has a name in the log. */
void log_client(const struct session *s);
/*
 * "NOQUEUE: reject: RCPT from h[ip]: 554 5.7.1 ...; from=<> to=<> proto= helo=": ACTION is the word
 * before the stage; TEXT what follows the client; RCPT is the recipient it is about, or empty.
 */
void log_action(const struct session *s, const char *action, const char *stage, struct span rcpt,
    struct span text);
/* The same for a verdict: its code, enhanced code and text. */
void log_verdict(const struct session *s, const char *action, const char *stage, struct span rcpt,
    const struct err *err);
void log_disconnect(const struct session *s);
void log_lost(const struct session *s);
void log_bad_address(const struct session *s, const char *command, struct span args);
void log_pipelining(const struct session *s, const char *after, struct span what);
void log_not_smtp(const struct session *s, struct span line);
void log_auth_failure(
    const struct session *s, const char *mechanism, const char *why, struct span user);
/* WHAT: "Connection rate", "Message delivery request rate", ... */
void log_limit(const struct session *s, const char *what, uint64_t n);
void log_tls(const struct session *s);
void log_tls_failure(const struct session *s, const struct err *err);
void log_name_mismatch(const struct session *s, struct span name, const char *why);

#endif
