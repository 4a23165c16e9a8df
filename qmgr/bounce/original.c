/*
 * The third part: the message as it was, or its header (RFC 6522 3, RFC 6533 4). A failure returns
 * all of it unless RET=HDRS was said (RFC 3461 4.3) or it is longer than bounce_size_limit; other
 * reports return the header. Called by compose.c. Reads the extents that qmgr named, 64 KiB at a
 * time; a file that is shorter than them is an error, never padded.
 */
#include "config.h"

#include <errno.h>

#include "base/sys.h"
#include "qmgr/bounce/bounce.h"

#define READ_BYTES 65536
#define RET_HDRS   2

static uint64_t
content_size(const struct msg_bounce_report *msg)
{
	uint64_t size = 0;

	for (uint32_t i = 0; i < msg->extents.n; i++)
		size += msg->extents.v[i].size;
	return size;
}

static bool
wants_all(const struct notice *n)
{
	return n->msg->kind == REPORT_FAILURE && !n->postmaster && n->msg->ret != RET_HDRS &&
	       content_size(n->msg) <= n->conf->bounce_size_limit;
}

static enum verdict
copy_extent(
    struct part *part, int fd, const struct item_extent *extent, uint64_t most, struct err *err)
{
	struct str buffer = STR_INIT(READ_BYTES);
	char *p = str_reserve(&buffer, READ_BYTES);
	uint64_t left = extent->size < most ? extent->size : most;
	uint64_t at = extent->at;
	enum verdict v = VERDICT_OK;

	while (left > 0 && v == VERDICT_OK) {
		size_t want = left < READ_BYTES ? (size_t)left : READ_BYTES;
		ssize_t got = sys_pread_all(fd, p, want, (off_t)at);

		if (got < 0)
			v = err_sys(err, errno, "reading the queue file");
		else if ((size_t)got < want)
			v = err_set(err, VERDICT_TEMP, "the queue file is too short");
		else
			part_put(part, span_of(p, want));
		at += want;
		left -= want;
	}
	str_free(&buffer);
	return v;
}

static enum verdict
copy(struct part *part, const struct msg_bounce_report *msg, uint64_t most, struct err *err)
{
	enum verdict v = VERDICT_OK;

	for (uint32_t i = 0; i < msg->extents.n && most > 0 && v == VERDICT_OK; i++) {
		const struct item_extent *extent = &msg->extents.v[i];

		v = copy_extent(part, msg->content, extent, most, err);
		most -= extent->size < most ? extent->size : most;
	}
	return v;
}

enum verdict
original_put(struct notice *n, struct err *err)
{
	bool all = wants_all(n);
	bool eight_bit = n->msg->flags & (MESSAGE_8BIT | MESSAGE_SMTPUTF8);
	uint64_t most = n->msg->header_size;
	enum verdict v;
	struct part part;

	if (most > LIMIT_HEADER_BLOCK)
		most = LIMIT_HEADER_BLOCK;
	if (all)
		part_begin(
		    &part, n, "Message", n->utf8 ? "message/global" : "message/rfc822", eight_bit);
	else
		part_begin(&part, n, "Message header",
		    n->utf8 ? "message/global-headers" : "text/rfc822-headers", eight_bit);
	v = copy(&part, n->msg, all ? UINT64_MAX : most, err);
	part_end(&part);
	return v;
}
