/* What account.c and watch.c share. */
#ifndef IMAPD_ACCOUNT_IMPL_H
#define IMAPD_ACCOUNT_IMPL_H

#include "imapd/account.h"

struct account {
	struct service_ctx *ctx;
	struct user_host *host;
	struct maildir_place place;
	struct maildir *maildir; /* NULL: not opened yet */
	struct pool *pool;
	struct list rooms;
};

/* From here on notices are heeded; before, one would end the process. */
void watch_start(struct account *a);

#endif
