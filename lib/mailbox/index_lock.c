/*
 * The lock of a folder: an OFD lock on a file that stays, so that who replaces the index does not
 * replace the lock. Called by index.c. Held while a change is made, never while somebody is waited
 * for, except for a disk. A process that dies gives it back. Must not wait for ever: another
 * process of the account may be stopped in the debugger of its user.
 */
#include <errno.h>
#include <fcntl.h>
#include <time.h>

#include "base/limits.h"
#include "base/time.h"
#include "mailbox/index_impl.h"

#define LOCK_PAUSE_FIRST (50 * NS_PER_US)
#define LOCK_PAUSE_MOST	 (10 * NS_PER_MS)

static bool
lock_set(int fd, short type)
{
	struct flock lock = { .l_type = type, .l_whence = SEEK_SET };

	return fcntl(fd, F_OFD_SETLK, &lock) == 0;
}

enum verdict
lock_take(int fd, struct err *err)
{
	uint64_t deadline = deadline_after_s(LIMIT_MAILBOX_LOCK), pause = LOCK_PAUSE_FIRST;

	while (!lock_set(fd, F_WRLCK)) {
		struct timespec t = { 0, (long)pause };

		if (errno != EAGAIN && errno != EACCES && errno != EINTR)
			return err_sys(err, errno, "lock mailbox");
		if (time_mono() >= deadline)
			return err_mail(err, 451, "4.2.0", "mailbox is locked by another process");
		nanosleep(&t, NULL);
		pause = pause * 2 > LOCK_PAUSE_MOST ? LOCK_PAUSE_MOST : pause * 2;
	}
	return VERDICT_OK;
}

void
lock_give(int fd)
{
	lock_set(fd, F_UNLCK);
}
