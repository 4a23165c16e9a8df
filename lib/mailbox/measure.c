/*
 * The sizes of messages that another program put into the Maildir without ",W=" in their names:
 * what RFC822.SIZE and POP3's LIST need is the size with CRLF line ends, and only reading tells it.
 * Called through mailbox.h, once a message.
 */
#include <errno.h>

#include "base/mem.h"
#include "base/sys.h"
#include "mailbox/mailbox_impl.h"

#define BLOCK 65536

static enum verdict
measure_file(int fd, uint64_t *size, uint64_t *vsize, struct err *err)
{
	char *block = mem_alloc(BLOCK);
	bool cr = false;
	ssize_t got;

	*size = *vsize = 0;
	while ((got = sys_pread_all(fd, block, BLOCK, (off_t)*size)) > 0) {
		*size += (uint64_t)got;
		*vsize += (uint64_t)got + lines_count_bare_lf(span_of(block, (size_t)got), cr);
		cr = block[got - 1] == '\r';
	}
	mem_free(block);
	return got < 0 ? err_sys(err, errno, "read message") : VERDICT_OK;
}

enum verdict
mailbox_measure_again(struct mailbox *mb, uint32_t uid, struct err *err)
{
	struct str record = STR_INIT(64);
	uint64_t size, vsize;
	int fd = -1;
	enum verdict v = mailbox_open_message(mb, uid, &fd, err);

	if (v == VERDICT_OK)
		v = measure_file(fd, &size, &vsize, err);
	if (v == VERDICT_OK) {
		v = mailbox_hold_uids(mb, err);
		record_sizes(&record, uid, size, vsize);
		if (v == VERDICT_OK)
			v = mailbox_write(mb, &record, err);
		mailbox_release(mb);
	}
	if (fd >= 0)
		sys_close(fd);
	str_free(&record);
	return v;
}

enum verdict
mailbox_measure(struct mailbox *mb, uint32_t uid, struct err *err)
{
	const struct mail *mail = mailbox_mail(mb, uid);

	if (mail && mail->vsize > 0)
		return VERDICT_OK;
	return mailbox_measure_again(mb, uid, err);
}
