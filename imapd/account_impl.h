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
	int inotify;	       /* -1: none */
	unsigned watched;      /* rooms with idlers */
	struct fiber *watcher; /* reads inotify; NULL: there is none */
	bool watcher_ends;     /* it has been cancelled */
	struct fdwatch fdwatch;
};

#endif
