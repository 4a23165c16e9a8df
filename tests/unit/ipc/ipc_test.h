/*
 * What the tests of lib/ipc share: messages made up by the tables, so that each new row of
 * messages.def is tested by being there; raw frames, as a peer would send them that keeps no rules;
 * a loop that runs a test in several orders and finds descriptors left open.
 */
#ifndef IPC_TEST_H
#define IPC_TEST_H

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "event/loop.h"
#include "ipc/channel.h"
#include "tests/unit/unit.h"

#define SOON (deadline_after_s(5)) /* what should come at once: a test that hangs ends by this */

/* How large the values of a made-up message are. */
enum fill { FILL_LEAST, FILL_MOST, FILL_MIXED };

/* Messages of every type, and what they are made of. */
struct maker {
	struct arena arena;
	uint64_t seed;
	int file;
	int socket;
};

void maker_init(struct maker *m);
void maker_fini(struct maker *m);
/* In the maker's arena, which is emptied by each call. At most a frame long. */
void *maker_make(struct maker *m, const struct ipc_type *type, enum fill fill);
/* Has the same value, descriptors apart. */
bool message_eq(const struct ipc_type *type, const void *a, const void *b);

/* Appends a frame of MSG; what a test wants wrong it changes in F (length 0: the right one) or in
 * the bytes. */
void put_frame(struct str *out, const struct ipc_type *type, const void *msg, uint32_t id);
void put_hello(struct str *out);
/* Sends raw bytes, with FDS beside the first. */
void send_raw(int fd, struct span bytes, const int *fds, unsigned fds_n);

/* Descriptors that are open. */
unsigned fds_count(void);

/* One end is a channel, the other a descriptor or a second channel. */
struct scene {
	struct ipc *ipc;
	int fds[2];
	struct ipc_channel *left;
	struct ipc_channel *right;
	struct str why;	      /* the left one is gone */
	struct str why_right; /* the right one is gone */
	unsigned taken;	      /* requests that handlers saw */
	struct ipc_request *held[8];
	unsigned held_n;
	int kept_fd;
};

typedef void scene_fn(struct scene *s);
/* FN sets up; then the loop runs until nothing is left; CHECK may be NULL. In several orders of
 * fibers. */
void scene_run(scene_fn *fn, scene_fn *check);
/* In one order: 0 is first come, first served. */
void scene_run_in(uint64_t order, scene_fn *fn, scene_fn *check);
void scene_gone_left(struct ipc_channel *ch, const char *why, void *arg);
void scene_gone_right(struct ipc_channel *ch, const char *why, void *arg);

#endif
