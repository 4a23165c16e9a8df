/*
 * From struct to bytes and back, by the tables of types.h. Encoding has one form and decoding takes
 * no other: what decodes, encodes to the same bytes. Used by the channel; tests and fuzz targets
 * use it alone.
 */
#ifndef IPC_CODEC_H
#define IPC_CODEC_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "ipc/types.h"

/* The bytes MSG takes on the wire. VERDICT_PERM: a field is out of its bound; VERDICT_LIMIT: longer
 * than a frame. */
enum verdict ipc_measure(
    const struct ipc_type *type, const void *msg, size_t *size_out, struct err *err);
/* Writes a measured message to P. */
void ipc_encode(const struct ipc_type *type, const void *msg, char *p);
/* The descriptors in MSG, in the order in which they travel: type->fds of them. */
void ipc_message_fds(const struct ipc_type *type, const void *msg, int fds_out[LIMIT_IPC_FDS]);
/*
 * Reads BODY, all of it, into MSG_OUT (the struct of TYPE). Texts point into BODY, lists lie in
 * ARENA. FDS: type->fds descriptors, which stay the caller's whatever comes of it. VERDICT_PERM:
 * malformed; VERDICT_LIMIT: ARENA is full.
 */
enum verdict ipc_decode(const struct ipc_type *type, struct span body, const int *fds,
    void *msg_out, struct arena *arena, struct err *err);
/* "hello version=1 generation=7 pid=12": one line without its end, texts escaped, long lists cut.
 */
void ipc_print(struct str *out, const struct ipc_type *type, const void *msg);

/* Numbers, little-endian, WIDTH (1 to 8) bytes. */
void ipc_put_number(char *p, uint64_t v, size_t width);
uint64_t ipc_get_number(const char *p, size_t width);
/* A field of a kind that is a number or a BOOL, in its struct. */
uint64_t ipc_field_load(const void *field, enum ipc_kind kind);
void ipc_field_store(void *field, enum ipc_kind kind, uint64_t v);

/* What every struct list_X looks like. */
struct ipc_list {
	void *v;
	uint32_t n;
};

#endif
