/*
 * postern fsck: the frame: what is said, counted, and returned (postern(8)). Called by postern.c.
 * Without --fix nothing is changed. A postmaster reads a line for each thing that is wrong: where
 * it is, what it is, and what would be done about it. Never deletes a message that somebody was
 * told we have.
 */
#include "config.h"

#include "tools/fsck.h"

#include <stdio.h>

bool
fsck_found(struct fsck *f, const char *where, const char *what, const char *remedy)
{
	f->found++;
	f->mendable += remedy != NULL;
	printf("%s: %s%s%s\n", where, what, remedy ? "; --fix: " : "", remedy ? remedy : "");
	return f->fix && remedy;
}

void
fsck_done(struct fsck *f, const char *where, bool good, const char *why)
{
	f->mended += good;
	if (good)
		printf("%s: mended\n", where);
	else
		printf("%s: not mended: %s\n", where, why);
}

void
fsck_failed(struct fsck *f, const char *where, const char *why)
{
	f->failed++;
	printf("%s: cannot be looked at: %s\n", where, why);
}

int
fsck_run(const struct conf *conf, bool fix)
{
	struct fsck f = { .conf = conf, .fix = fix };

	fsck_queue(&f);
	fsck_mail(&f);
	printf("%zu messages in the queue, %zu accounts with %zu folders and %zu messages: ",
	    f.queued, f.accounts, f.folders, f.messages);
	if (f.found == 0)
		printf("nothing is wrong\n");
	else if (fix)
		printf("%u wrong, %u mended\n", f.found, f.mended);
	else
		printf("%u wrong, %u of which --fix mends\n", f.found, f.mendable);
	if (fflush(stdout) != 0 || f.failed > 0)
		return FSCK_FAILED;
	if (f.found > f.mended)
		return FSCK_LEFT;
	return f.found > 0 ? FSCK_MENDED : FSCK_CLEAN;
}
