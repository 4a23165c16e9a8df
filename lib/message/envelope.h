/*
 * What IMAP says about a message's shape: ENVELOPE, BODY and BODYSTRUCTURE (RFC 9051 7.5.2, RFC
 * 3501 7.4.2), made from the MIME tree alone. The text is complete, literals and all, and may be
 * stored and sent as it is. A builder that is full says so in `full`; half a structure is never to
 * be sent.
 */
#ifndef MESSAGE_ENVELOPE_H
#define MESSAGE_ENVELOPE_H

#include "base/str.h"
#include "message/mime.h"

/* "(date subject from sender reply-to to cc bcc in-reply-to message-id)"; P is a message's root
 * (P->envelope is set). */
bool envelope_put(struct str *out, const struct mime_part *p);

/* The structure of P and all within it; EXTENDED: BODYSTRUCTURE, else BODY. */
bool body_put(struct str *out, const struct mime_part *p, bool extended);

/*
 * A string: quoted when it is short, ASCII and on one line, else a literal. NULs, which IMAP cannot
 * carry, are left out.
 */
bool imap_put_string(struct str *out, struct span s);
/* NIL when s.p is NULL. */
bool imap_put_nstring(struct str *out, struct span s);

#endif
