/*
 * The queue file, version 1: how its bytes are laid out, and nothing about where they lie. All
 * numbers are little-endian. Pure functions over spans; file.c has the fixed parts, record.c the
 * envelope.
 *
 *   0     head: magic, version, where the record and the slots are, their check values
 *   64    state: what may change about the message as a whole
 *   128   record, if it fits before 1024
 *   1024  content, as smtpd wrote it, in the extents that the record names
 *   ...   record, if it did not fit
 *   ...   one slot of 256 bytes for each recipient, a hole until something has become of one
 */
#ifndef QUEUE_FILE_H
#define QUEUE_FILE_H

#include "base/cursor.h"
#include "base/err.h"
#include "base/str.h"
#include "ipc/types.h"

#define FILE_VERSION	1
#define FILE_CONTENT_AT 1024 /* bytes before the content: head, state and nearly every record */
#define FILE_STATE_AT	64
#define FILE_STATE_SIZE 32
#define FILE_RECORD_AT	128
#define FILE_RECORD_NEAR \
	(FILE_CONTENT_AT - FILE_RECORD_AT) /* bytes of a record that stands before the content */
#define FILE_HEAD_SIZE 64
#define FILE_SLOT_SIZE 256 /* never across two sectors, so that none is ever half written */
#define FILE_EXTENTS   8
#define FILE_REASON    220 /* bytes of a reason that a slot keeps */

struct file_head {
	uint32_t record_crc; /* CRC-32C of the record */
	uint32_t record_size;
	uint64_t record_at;
	uint32_t recipients;
	uint64_t slots_at;
	uint64_t nonce; /* part of each slot's check value: who wrote the content cannot make up a
			   slot */
};

enum file_flag {
	FILE_ACKNOWLEDGED =
	    1, /* somebody was told that we have it: never to be deleted for being damaged */
	FILE_HELD = 2,
	FILE_EXPIRE = 4, /* the postmaster wants it returned */
	FILE_WARNED = 8, /* the sender was told that it waits */
};

/* Never seen before: a recipient whose slot was never written, or not wholly. */
enum file_slot_state {
	SLOT_FRESH = 0,
	SLOT_DEFERRED,
	SLOT_SENT,
	SLOT_FAILED,   /* undeliverable; the sender has yet to be told */
	SLOT_REPORTED, /* undeliverable, and nothing is left to be done */
};

struct file_slot {
	enum file_slot_state state;
	uint16_t attempts;
	struct dsn_code dsn;
	uint64_t next; /* wall clock, ns: not to be tried before */
	uint64_t last; /* wall clock, ns: of the last attempt */
	struct span reason;
};

/* Texts point into the record. */
struct envelope {
	uint64_t arrived; /* wall clock, ns */
	struct span queue_id;
	struct span sender;
	struct span envid;
	struct span client;
	struct span login;
	uint8_t ret;
	uint32_t flags; /* enum message_flag */
	uint32_t longest_line;
	uint64_t header_size;
	uint32_t crc; /* CRC-32C of the content */
	struct item_extent extents[FILE_EXTENTS];
	uint32_t extents_n;
	uint64_t content_size; /* the extents together */
	uint64_t content_end;  /* the first byte of the file behind all extents */
};

/*
 * The record of MSG behind what OUT holds: the envelope, *ENVELOPE_SIZE_OUT bytes of it, then the
 * recipients. VERDICT_PERM: MSG holds what no message may; VERDICT_LIMIT: OUT is full.
 */
enum verdict record_put(struct str *out, const struct msg_queue_commit *msg,
    size_t *envelope_size_out, struct err *err);
/* The envelope at the front of RECORD, *SIZE_OUT bytes. VERDICT_PERM: malformed. */
enum verdict record_envelope(
    struct span record, struct envelope *out, size_t *size_out, struct err *err);
/* The next recipient; false, and C where it was, when what is there is none. */
bool record_recipient(struct cursor *c, struct item_recipient *out);
/* All of RECORD against HEAD: its check value, its bounds, the number of recipients. VERDICT_PERM
 * when it does not hold. */
enum verdict record_check(
    struct span record, const struct file_head *head, struct envelope *out, struct err *err);

/*
 * Where record and slots go in a file of FILE_SIZE bytes, whose content ends before that; HEAD has
 * the record's size and the number of recipients.
 */
void file_head_place(struct file_head *head, uint64_t file_size);
void file_head_put(const struct file_head *head, char out[FILE_HEAD_SIZE]);
/* BYTES: FILE_HEAD_SIZE of them. VERDICT_PERM: not a queue file, of a later version, or damaged. */
enum verdict file_head_get(struct span bytes, struct file_head *out, struct err *err);

void file_state_put(const struct file_head *head, uint32_t flags, char out[FILE_STATE_SIZE]);
/* The flags; one that was never written is 0, one that is damaged counts as acknowledged. */
uint32_t file_state_get(const struct file_head *head, struct span bytes);

/* INDEX: of the recipient. A reason beyond FILE_REASON is cut. */
void file_slot_put(const struct file_head *head, uint32_t index, const struct file_slot *slot,
    char out[FILE_SLOT_SIZE]);
/* What cannot be trusted is SLOT_FRESH. The reason points into BYTES, which may be shorter than a
 * slot (a hole's end). */
void file_slot_get(
    const struct file_head *head, uint32_t index, struct span bytes, struct file_slot *out);

static inline uint64_t
file_slot_at(const struct file_head *head, uint32_t index)
{
	return head->slots_at + (uint64_t)index * FILE_SLOT_SIZE;
}

#endif
