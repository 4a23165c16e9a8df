/*
 * What the channels of one process share, so that nothing here is global: a few spare buffers,
 * which wander to the channel that has something to read or to send, and the list of channels with
 * frames gathered in this turn of the loop. Made by a process's main function, freed after the
 * loop. Also the ways to get a connected socket.
 */
#include "config.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/mem.h"
#include "event/loop.h"
#include "ipc/channel.h"

#define SPARE_BYTES ((size_t)4 * LIMIT_IPC_READ) /* a larger buffer is not worth keeping */

static void
ipc_turn_ends(void *arg)
{
	struct ipc *ipc = arg;
	struct list *node;

	while ((node = list_pop(&ipc->unsent)) != NULL)
		output_flush(LIST_ITEM(node, struct ipc_channel, unsent));
}

struct ipc *
ipc_new(uint64_t generation)
{
	struct ipc *ipc = mem_alloc(sizeof(*ipc));

	ipc->generation = generation;
	list_init(&ipc->unsent);
	list_init(&ipc->idle_requests);
	loop_at_turn_end(ipc_turn_ends, ipc);
	return ipc;
}

void
ipc_free(struct ipc *ipc)
{
	assert(list_empty(&ipc->unsent));
	request_pool_free(ipc);
	while (ipc->spare_n > 0)
		str_free(&ipc->spare[--ipc->spare_n]);
	mem_free(ipc);
}

void
ipc_set_generation(struct ipc *ipc, uint64_t generation)
{
	ipc->generation = generation;
}

void
ipc_set_trace(struct ipc *ipc, ipc_trace_fn *fn, void *arg)
{
	ipc->trace = fn;
	ipc->trace_arg = arg;
}

void
ipc_take_buffer(struct ipc *ipc, struct str *buffer, size_t max)
{
	if (ipc->spare_n > 0)
		*buffer = ipc->spare[--ipc->spare_n];
	else
		str_init(buffer, max);
	buffer->max = max;
}

void
ipc_give_buffer(struct ipc *ipc, struct str *buffer)
{
	if (buffer->cap == 0 || buffer->cap > SPARE_BYTES || ipc->spare_n == IPC_SPARE_BUFFERS) {
		str_free(buffer);
		return;
	}
	str_reset(buffer);
	ipc->spare[ipc->spare_n++] = *buffer;
	str_init(buffer, 0);
}

void
fds_close(int *fds, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		if (fds[i] >= 0)
			close(fds[i]);
		fds[i] = -1;
	}
}

int
ipc_pair(int fds_out[2])
{
	return socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds_out);
}

enum verdict
ipc_connect(const char *path, int *fd_out, struct err *err)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	size_t n = strlen(path);
	int fd;

	if (n >= sizeof(sun.sun_path))
		return err_set(err, VERDICT_PERM, "%s: too long for a socket", path);
	memcpy(sun.sun_path, path, n + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return err_sys(err, errno, "socket");
	if (connect(fd, (struct sockaddr *)&sun, sizeof(sun)) != 0) {
		err_sys(err, errno, "connect to %s", path);
		close(fd);
		return VERDICT_TEMP;
	}
	*fd_out = fd;
	return VERDICT_OK;
}
