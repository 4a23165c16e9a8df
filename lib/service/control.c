/*
 * Packets between master and its children: one sendmsg or recvmsg each, fixed size, descriptors
 * beside. Master and every daemon use it; nothing here waits or allocates. A packet of another
 * size, or with text that is not NUL terminated, is refused whole and its descriptors are closed:
 * the channel's owner then ends the peer.
 */
#include "service/control.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int
control_pair(int pair_out[2])
{
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair_out) < 0)
		return errno;
	return 0;
}

enum verdict
control_send(int fd, const struct control_msg *msg, const int *fds, unsigned fds_n)
{
	union {
		char space[CMSG_SPACE(sizeof(int) * CONTROL_MAX_FDS)];
		struct cmsghdr align;
	} anc = { .space = { 0 } };
	struct control_msg copy = *msg;
	struct iovec iov = { &copy, sizeof(copy) };
	struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1 };

	assert(fds_n <= CONTROL_MAX_FDS);
	if (fds_n > 0) {
		mh.msg_control = anc.space;
		mh.msg_controllen = CMSG_SPACE(sizeof(int) * fds_n);
		struct cmsghdr *c = CMSG_FIRSTHDR(&mh);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int) * fds_n);
		memcpy(CMSG_DATA(c), fds, sizeof(int) * fds_n);
	}
	for (;;) {
		if (sendmsg(fd, &mh, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0)
			return VERDICT_OK;
		if (errno == EINTR)
			continue;
		return errno == EAGAIN || errno == ENOBUFS || errno == ETOOMANYREFS ? VERDICT_TEMP
										    : VERDICT_EOF;
	}
}

static void
packet_take_fds(struct control_packet *p, struct msghdr *mh)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(mh); c; c = CMSG_NXTHDR(mh, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < n && p->fds_n < CONTROL_MAX_FDS; i++)
			memcpy(&p->fds[p->fds_n++], CMSG_DATA(c) + i * sizeof(int), sizeof(int));
	}
}

static bool
text_ends(const char *text, size_t size)
{
	return memchr(text, 0, size) != NULL;
}

enum verdict
control_recv(int fd, struct control_packet *out)
{
	union {
		char space[CMSG_SPACE(sizeof(int) * CONTROL_MAX_FDS)];
		struct cmsghdr align;
	} anc;
	struct iovec iov = { &out->msg, sizeof(out->msg) };
	struct msghdr mh = { .msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = anc.space,
		.msg_controllen = sizeof(anc.space) };
	ssize_t n;

	out->fds_n = 0;
	memset(out->fds, 0xff, sizeof(out->fds));
	do
		n = recvmsg(fd, &mh, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == EAGAIN ? VERDICT_ABSENT : VERDICT_EOF;
	if (n == 0)
		return VERDICT_EOF;
	packet_take_fds(out, &mh);
	if ((size_t)n != sizeof(out->msg) || (mh.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) ||
	    !text_ends(out->msg.name, sizeof(out->msg.name)) ||
	    !text_ends(out->msg.account, sizeof(out->msg.account)) ||
	    !text_ends(out->msg.path, sizeof(out->msg.path))) {
		control_close_fds(out);
		return VERDICT_PERM;
	}
	return VERDICT_OK;
}

void
control_close_fds(struct control_packet *p)
{
	for (unsigned i = 0; i < p->fds_n; i++)
		if (p->fds[i] >= 0)
			close(p->fds[i]);
	p->fds_n = 0;
}

void
control_set_name(struct control_msg *msg, const char *name)
{
	size_t n = size_min(strlen(name), sizeof(msg->name) - 1);

	memset(msg->name, 0, sizeof(msg->name));
	memcpy(msg->name, name, n);
}
