/*
 * Small files beside the messages: keywords, subscriptions, the last UIDVALIDITY. Called by
 * keyword.c, tree.c and subscribe.c. Read whole, replaced whole: after a power cut the old text is
 * there or the new one.
 */
#include <errno.h>
#include <fcntl.h>

#include "base/sys.h"
#include "mailbox/maildir_impl.h"

#define FILE_MODE 0600

enum verdict
file_read(int dir, const char *name, struct str *out, struct err *err)
{
	int fd = sys_open_beneath(dir, name, O_RDONLY | O_NONBLOCK, 0);
	enum verdict v = VERDICT_OK;
	struct stat st;
	char *p;
	ssize_t got;

	if (fd < 0 && errno == ENOENT)
		return err_set(err, VERDICT_ABSENT, "%s: there is none", name);
	if (fd < 0)
		return maildir_failed(err, errno, name);
	p = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) ? str_reserve(out, (size_t)st.st_size)
						       : NULL;
	if (!p) {
		v = err_set(err, VERDICT_LIMIT, "%s: too large, or no file", name);
	} else {
		got = sys_pread_all(fd, p, (size_t)st.st_size, 0);
		if (got < 0)
			v = err_sys(err, errno, "%s", name);
		else
			str_grew(out, (size_t)got);
	}
	sys_close(fd);
	return v;
}

enum verdict
file_replace(int dir, const char *name, struct span bytes, bool durable, struct err *err)
{
	struct str fresh = STR_INIT(LIMIT_MAIL_FILE_NAME);
	bool good;
	int fd, sys;

	str_printf(&fresh, "%s.new", name);
	fd = sys_open_beneath(
	    dir, str_cstr(&fresh), O_WRONLY | O_CREAT | O_TRUNC | O_NONBLOCK, FILE_MODE);
	good = fd >= 0 && sys_write_all(fd, bytes.p, bytes.n) == 0 &&
	       (!durable || sys_fsync(fd) == 0) &&
	       sys_renameat(dir, str_cstr(&fresh), dir, name) == 0 &&
	       (!durable || sys_fsync(dir) == 0);
	sys = errno;
	if (fd >= 0)
		sys_close(fd);
	str_free(&fresh);
	return good ? VERDICT_OK : maildir_failed(err, sys, name);
}
