/*
 * The fixed parts of a queue file: head, state and slots. Called by commit.c, change.c and load.c,
 * on any thread: nothing here keeps anything. Readers take what they find only when its check value
 * holds and its numbers agree with each other; the end of the file proves nothing, since smtpd may
 * append to it for as long as it holds the descriptor. A slot's check value begins with the head's
 * nonce, which smtpd, whose descriptor cannot read, does not know.
 */
#include "config.h"

#include "base/crc32c.h"
#include "ipc/codec.h"
#include "queue/file.h"

static const char magic[8] = { 'P', 'o', 's', 't', 'e', 'r', 'n', 'Q' };

/* Offsets of fields. */
enum {
	HEAD_VERSION = 8,
	HEAD_OLDEST = 10,
	HEAD_RECORD_CRC = 12,
	HEAD_RECORD_AT = 16,
	HEAD_RECORD_SIZE = 24,
	HEAD_RECIPIENTS = 28,
	HEAD_SLOTS_AT = 32,
	HEAD_NONCE = 40,
	HEAD_RESERVED = 48, /* zero */
	HEAD_CRC = 60,

	STATE_CRC = 0,
	STATE_FLAGS = 4,

	SLOT_CRC = 0,
	SLOT_STATE = 4,
	SLOT_CLASS = 5,
	SLOT_ATTEMPTS = 6,
	SLOT_NEXT = 8,
	SLOT_LAST = 16,
	SLOT_SUBJECT = 24,
	SLOT_DETAIL = 26,
	SLOT_REASON_N = 28,
	SLOT_REASON = 30,
};

#define FILE_MOST (UINT64_C(1) << 60) /* bytes: no offset beyond can be meant */

static uint64_t
round_up(uint64_t n, uint64_t to)
{
	return (n + to - 1) / to * to;
}

void
file_head_place(struct file_head *head, uint64_t file_size)
{
	uint64_t end = size_max(file_size, FILE_CONTENT_AT);

	head->record_at = FILE_RECORD_AT;
	if (head->record_size > FILE_RECORD_NEAR) {
		head->record_at = round_up(end, FILE_SLOT_SIZE);
		end = head->record_at + head->record_size;
	}
	head->slots_at = round_up(end, FILE_SLOT_SIZE);
}

void
file_head_put(const struct file_head *head, char out[FILE_HEAD_SIZE])
{
	memset(out, 0, FILE_HEAD_SIZE);
	memcpy(out, magic, sizeof(magic));
	ipc_put_number(out + HEAD_VERSION, FILE_VERSION, 2);
	ipc_put_number(out + HEAD_OLDEST, FILE_VERSION, 2);
	ipc_put_number(out + HEAD_RECORD_CRC, head->record_crc, 4);
	ipc_put_number(out + HEAD_RECORD_AT, head->record_at, 8);
	ipc_put_number(out + HEAD_RECORD_SIZE, head->record_size, 4);
	ipc_put_number(out + HEAD_RECIPIENTS, head->recipients, 4);
	ipc_put_number(out + HEAD_SLOTS_AT, head->slots_at, 8);
	ipc_put_number(out + HEAD_NONCE, head->nonce, 8);
	ipc_put_number(out + HEAD_CRC, crc32c(0, span_of(out, HEAD_CRC)), 4);
}

static bool
head_agrees(const struct file_head *h)
{
	uint64_t record_end = h->record_at + h->record_size;
	bool near = h->record_at == FILE_RECORD_AT && h->record_size <= FILE_RECORD_NEAR;
	bool far = h->record_at >= FILE_CONTENT_AT && h->record_at < FILE_MOST &&
		   record_end <= h->slots_at;

	if (h->recipients == 0 || h->recipients > LIMIT_RECIPIENTS)
		return false;
	if (h->record_size > LIMIT_QUEUE_RECORD)
		return false;
	if (h->slots_at < FILE_CONTENT_AT || h->slots_at >= FILE_MOST ||
	    h->slots_at % FILE_SLOT_SIZE != 0)
		return false;
	return near || far;
}

enum verdict
file_head_get(struct span bytes, struct file_head *out, struct err *err)
{
	const char *p = bytes.p;

	if (bytes.n != FILE_HEAD_SIZE || memcmp(p, magic, sizeof(magic)) != 0)
		return err_set(err, VERDICT_PERM, "it is no queue file");
	if (ipc_get_number(p + HEAD_CRC, 4) != crc32c(0, span_of(p, HEAD_CRC)))
		return err_set(err, VERDICT_PERM, "its head is damaged");
	if (ipc_get_number(p + HEAD_OLDEST, 2) > FILE_VERSION)
		return err_set(err, VERDICT_PERM, "a later version of Postern made it (%u)",
		    (unsigned)ipc_get_number(p + HEAD_VERSION, 2));
	out->record_crc = (uint32_t)ipc_get_number(p + HEAD_RECORD_CRC, 4);
	out->record_at = ipc_get_number(p + HEAD_RECORD_AT, 8);
	out->record_size = (uint32_t)ipc_get_number(p + HEAD_RECORD_SIZE, 4);
	out->recipients = (uint32_t)ipc_get_number(p + HEAD_RECIPIENTS, 4);
	out->slots_at = ipc_get_number(p + HEAD_SLOTS_AT, 8);
	out->nonce = ipc_get_number(p + HEAD_NONCE, 8);
	if (!head_agrees(out))
		return err_set(err, VERDICT_PERM, "the numbers in its head do not agree");
	return VERDICT_OK;
}

/* The check value of a part that changes: begun with the nonce and the part's NUMBER, which it is
 * bound to. */
static uint32_t
part_crc(const struct file_head *head, uint64_t number, const char *p, size_t n)
{
	char seed[16];

	ipc_put_number(seed, head->nonce, 8);
	ipc_put_number(seed + 8, number, 8);
	return crc32c(crc32c(0, span_of(seed, sizeof(seed))), span_of(p, n));
}

#define STATE_NUMBER UINT64_MAX /* the state's; slots have their index */

void
file_state_put(const struct file_head *head, uint32_t flags, char out[FILE_STATE_SIZE])
{
	memset(out, 0, FILE_STATE_SIZE);
	ipc_put_number(out + STATE_FLAGS, flags, 4);
	ipc_put_number(out + STATE_CRC,
	    part_crc(head, STATE_NUMBER, out + STATE_FLAGS, FILE_STATE_SIZE - STATE_FLAGS), 4);
}

static bool
all_zero(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] != 0)
			return false;
	return true;
}

uint32_t
file_state_get(const struct file_head *head, struct span bytes)
{
	if (all_zero(bytes))
		return 0;
	if (bytes.n != FILE_STATE_SIZE ||
	    ipc_get_number(bytes.p + STATE_CRC, 4) !=
		part_crc(head, STATE_NUMBER, bytes.p + STATE_FLAGS, FILE_STATE_SIZE - STATE_FLAGS))
		return FILE_ACKNOWLEDGED;
	return (uint32_t)ipc_get_number(bytes.p + STATE_FLAGS, 4);
}

void
file_slot_put(const struct file_head *head, uint32_t index, const struct file_slot *slot,
    char out[FILE_SLOT_SIZE])
{
	struct span reason = span_head(slot->reason, FILE_REASON);

	memset(out, 0, FILE_SLOT_SIZE);
	out[SLOT_STATE] = (char)slot->state;
	out[SLOT_CLASS] = (char)slot->dsn.class;
	ipc_put_number(out + SLOT_ATTEMPTS, slot->attempts, 2);
	ipc_put_number(out + SLOT_NEXT, slot->next, 8);
	ipc_put_number(out + SLOT_LAST, slot->last, 8);
	ipc_put_number(out + SLOT_SUBJECT, slot->dsn.subject, 2);
	ipc_put_number(out + SLOT_DETAIL, slot->dsn.detail, 2);
	ipc_put_number(out + SLOT_REASON_N, reason.n, 2);
	if (reason.n > 0)
		memcpy(out + SLOT_REASON, reason.p, reason.n);
	ipc_put_number(out + SLOT_CRC,
	    part_crc(head, index, out + SLOT_STATE, FILE_SLOT_SIZE - SLOT_STATE), 4);
}

void
file_slot_get(
    const struct file_head *head, uint32_t index, struct span bytes, struct file_slot *out)
{
	const char *p = bytes.p;
	size_t reason_n;

	*out = (struct file_slot){ .state = SLOT_FRESH };
	if (bytes.n != FILE_SLOT_SIZE ||
	    ipc_get_number(p + SLOT_CRC, 4) !=
		part_crc(head, index, p + SLOT_STATE, FILE_SLOT_SIZE - SLOT_STATE))
		return;
	reason_n = ipc_get_number(p + SLOT_REASON_N, 2);
	if (p[SLOT_STATE] < SLOT_FRESH || p[SLOT_STATE] > SLOT_REPORTED || reason_n > FILE_REASON)
		return;
	out->state = (enum file_slot_state)p[SLOT_STATE];
	out->dsn.class = (uint8_t)p[SLOT_CLASS];
	out->dsn.subject = (uint16_t)ipc_get_number(p + SLOT_SUBJECT, 2);
	out->dsn.detail = (uint16_t)ipc_get_number(p + SLOT_DETAIL, 2);
	out->attempts = (uint16_t)ipc_get_number(p + SLOT_ATTEMPTS, 2);
	out->next = ipc_get_number(p + SLOT_NEXT, 8);
	out->last = ipc_get_number(p + SLOT_LAST, 8);
	out->reason = span_of(p + SLOT_REASON, reason_n);
}
