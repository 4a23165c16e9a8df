/* What SEARCH RETURN (SAVE) keeps for "$" (RFC 5182). Forgotten when another mailbox is selected.
 */
#ifndef IMAPD_SAVED_H
#define IMAPD_SAVED_H

#include "mailbox/mail.h"

struct saved_search;

/* None for NULL. */
struct uid_set saved_uids(const struct saved_search *saved);
/* Takes UIDS' memory. */
void saved_replace(struct saved_search **saved, struct uid_list *uids);
/* Frees it; *SAVED is NULL then, as it may have been. */
void saved_forget(struct saved_search **saved);

#endif
