/* `postern fsck`: queue, Maildirs and indexes looked at, and mended where that can do no harm. */
#ifndef TOOLS_FSCK_H
#define TOOLS_FSCK_H

#include "conf/conf.h"

/* Exit status, as fsck(8) has it. */
enum fsck_status {
	FSCK_CLEAN = 0,
	FSCK_MENDED = 1, /* all that was found */
	FSCK_LEFT = 4,	 /* something was found and is as it was */
	FSCK_FAILED = 8, /* not all could be looked at */
};

struct fsck {
	const struct conf *conf;
	bool fix;
	unsigned found;
	unsigned mendable; /* of those */
	unsigned mended;
	unsigned failed; /* parts that could not be looked at */
	size_t queued;
	size_t accounts;
	size_t folders;
	size_t messages;
};

/* All of it; prints what is found, and a summary. Returns enum fsck_status. */
int fsck_run(const struct conf *conf, bool fix);

/*
 * Says that something is wrong with WHERE, and what --fix does about it; REMEDY NULL: nothing. True
 * when it is to be done now: fsck_done then says how that went.
 */
bool fsck_found(struct fsck *f, const char *where, const char *what, const char *remedy);
void fsck_done(struct fsck *f, const char *where, bool good, const char *why);
/* WHERE could not be looked at. */
void fsck_failed(struct fsck *f, const char *where, const char *why);

/* The parts. */
void fsck_queue(struct fsck *f);
void fsck_mail(struct fsck *f);

#endif
