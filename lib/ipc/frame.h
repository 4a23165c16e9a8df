/*
 * The frame: 32 bytes of header, then the body, numbers little-endian.
 *
 *	 0  u32  length of the body
 *	 4  u16  number of the message
 *	 6  u8   descriptors of this message; 128 more: those of the next came beside the same write
 *	 7  u8   sort: call, reply, note
 *	 8  u32  id: a call's own, a reply's call's; 0 for a note
 *	12  u32  0
 *	16  u64  trace: names the mail or the session this is about, for logs
 *	24  u64  0
 */
#ifndef IPC_FRAME_H
#define IPC_FRAME_H

#include "ipc/codec.h"

#define FRAME_HEADER 32
#define FRAME_FDS_AT 6
#define FRAME_MORE   0x80

struct frame {
	uint64_t trace;
	uint32_t length;
	uint32_t id;
	uint16_t number;
	uint8_t fds;
	bool more;
	uint8_t sort;
};

static inline void
frame_put(char *p, const struct frame *f)
{
	ipc_put_number(p, f->length, 4);
	ipc_put_number(p + 4, f->number, 2);
	ipc_put_number(p + FRAME_FDS_AT, f->fds | (f->more ? FRAME_MORE : 0u), 1);
	ipc_put_number(p + 7, f->sort, 1);
	ipc_put_number(p + 8, f->id, 4);
	ipc_put_number(p + 12, 0, 4);
	ipc_put_number(p + 16, f->trace, 8);
	ipc_put_number(p + 24, 0, 8);
}

/* False when a byte is set that must be zero. */
static inline bool
frame_get(const char *p, struct frame *out)
{
	*out = (struct frame){
		.length = (uint32_t)ipc_get_number(p, 4),
		.number = (uint16_t)ipc_get_number(p + 4, 2),
		.fds = (uint8_t)(ipc_get_number(p + FRAME_FDS_AT, 1) & ~(uint64_t)FRAME_MORE),
		.more = (ipc_get_number(p + FRAME_FDS_AT, 1) & FRAME_MORE) != 0,
		.sort = (uint8_t)ipc_get_number(p + 7, 1),
		.id = (uint32_t)ipc_get_number(p + 8, 4),
		.trace = ipc_get_number(p + 16, 8),
	};
	return ipc_get_number(p + 12, 4) == 0 && ipc_get_number(p + 24, 8) == 0;
}

#endif
