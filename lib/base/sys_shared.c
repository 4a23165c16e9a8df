/*
 * The shared plan of faults (base/sys_shared.h): orders and records in a file that the test and all
 * processes of a suite have mapped. It is opened before the walls, so no cage has to let anything
 * through for it, and a record costs no system call. Any thread may call. Must never be in a build
 * for a real site: sys_fault.c is its only user.
 *
 * The file: a head, SYS_ORDERS orders, then from log_at on records, each at a multiple of 8: u32
 * bytes of text, u32 1 (set last), the text. Numbers are the machine's own; the test runs on it.
 */
#include "config.h"

#include "base/sys_shared.h"

#ifdef POSTERN_PROOF

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static struct sys_shared *sys_shared; /* set once, before there is a second thread */

void
sys_shared_open(void)
{
	const char *path = getenv("POSTERN_FAULT_MAP");
	struct stat st;
	int fd;

	if (sys_shared || !path)
		return;
	fd = open(path, O_RDWR | O_CLOEXEC);
	assert(fd >= 0 && fstat(fd, &st) == 0 && "POSTERN_FAULT_MAP");
	sys_shared = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	assert(sys_shared != MAP_FAILED);
	assert(memcmp(sys_shared->magic, SYS_SHARED_MAGIC, sizeof(sys_shared->magic)) == 0 &&
	       sys_shared->size == (uint64_t)st.st_size);
}

int
sys_shared_enter(unsigned kind)
{
	for (size_t i = 0; sys_shared && i < SYS_ORDERS; i++) {
		struct sys_order *o = &sys_shared->orders[i];
		uint64_t n;

		if (!atomic_load(&o->armed) || !(o->kinds >> kind & 1) ||
		    strcmp(o->program, program_invocation_short_name) != 0)
			continue;
		n = atomic_fetch_add(&o->count, 1) + 1;
		if (o->at == 0 || n < o->at || n - o->at >= o->many)
			continue;
		atomic_fetch_add(&o->fired, 1);
		return o->error;
	}
	return -1;
}

uint64_t
sys_shared_place(void)
{
	return sys_shared && sys_shared->log_at ? atomic_load(&sys_shared->log_end) : 0;
}

void
sys_shared_record(struct span line)
{
	uint64_t room = (sizeof(uint32_t) * 2 + line.n + 7) & ~UINT64_C(7);
	uint64_t at;
	uint32_t *head;

	if (!sys_shared || !sys_shared->log_at)
		return;
	at = atomic_fetch_add(&sys_shared->log_end, room);
	if (at + room > sys_shared->size)
		return;
	head = (uint32_t *)(void *)((char *)sys_shared + at);
	head[0] = (uint32_t)line.n;
	memcpy(head + 2, line.p, line.n);
	atomic_store((_Atomic uint32_t *)&head[1], 1);
}

#endif
