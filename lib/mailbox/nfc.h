/* Unicode Normalization Form C (UAX #15), for mailbox names: one name, one spelling. */
#ifndef MAILBOX_NFC_H
#define MAILBOX_NFC_H

#include "base/str.h"

/* TEXT is UTF-8 of at most LIMIT_MAILBOX_NAME bytes; false when it is not, or OUT is full. */
bool nfc_put(struct str *out, struct span text);

#endif
