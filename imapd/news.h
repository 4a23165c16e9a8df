/* What has happened in the selected mailbox, as the client is told of it. */
#ifndef IMAPD_NEWS_H
#define IMAPD_NEWS_H

#include "imapd/session.h"

/*
 * EXPUNGE (if the client may hear it now), EXISTS, changed FLAGS. A mailbox that is gone ends the
 * session. False: nothing was told.
 */
SUSPENDS bool news_tell(struct session *s, bool expunge);
/*
 * FETCH responses for messages that changed since the client was last told, but for those of OWN
 * (may be NULL), which the client knows.
 */
SUSPENDS bool news_flags(struct session *s, const struct uid_set *own);
/* One such response, for the message with index I of the view. */
void news_put_flags(const struct session *s, size_t i, const struct mail *m, struct str *out);
/* FLAGS and PERMANENTFLAGS when there are keywords that the client has not heard of, or ALWAYS. */
SUSPENDS void news_keywords(struct session *s, bool always);

#endif
