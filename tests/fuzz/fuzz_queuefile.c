/*
 * Fuzz target for the queue file: any bytes as a whole file. What opens has numbers that agree and
 * writes the same bytes again; check values are set right first, since no fuzzer would find them.
 */
#include "config.h"

#include "base/crc32c.h"
#include "base/mem.h"
#include "ipc/codec.h"
#include "queue/file.h"
#include "tests/fuzz/fuzz.h"

static void
check_again(
    struct span record, const struct envelope *env, uint32_t recipients, size_t envelope_size)
{
	struct item_recipient *v = mem_alloc_array(recipients, sizeof(*v));
	struct envelope copy = *env;
	struct msg_queue_commit msg = {
		.queue_id = env->queue_id,
		.arrived = env->arrived,
		.sender = env->sender,
		.envid = env->envid,
		.ret = env->ret,
		.flags = env->flags,
		.longest_line = env->longest_line,
		.header_size = env->header_size,
		.crc = env->crc,
		.extents = { copy.extents, copy.extents_n },
		.client = env->client,
		.login = env->login,
		.recipients = { v, recipients },
	};
	struct cursor c = cursor_of(span_from(record, envelope_size));
	struct str again = STR_INIT(LIMIT_QUEUE_RECORD);
	struct err err = ERR_NONE;
	size_t size;

	for (uint32_t i = 0; i < recipients; i++) {
		bool taken = record_recipient(&c, &v[i]);
		assert(taken);
	}
	enum verdict verdict = record_put(&again, &msg, &size, &err);
	assert(verdict == VERDICT_OK && size == envelope_size);
	assert(span_eq(str_span(&again), record));
	str_free(&again);
	mem_free(v);
}

static void
check_slots(struct span data, const struct file_head *head)
{
	for (uint32_t i = 0; i < head->recipients; i++) {
		uint64_t at = file_slot_at(head, i);
		struct file_slot slot;

		if (at >= data.n)
			return;
		file_slot_get(head, i, span_head(span_from(data, at), FILE_SLOT_SIZE), &slot);
		assert(slot.reason.n <= FILE_REASON);
	}
}

FUZZ(data)
{
	struct str copy = STR_INIT(data.n + FILE_CONTENT_AT);
	struct file_head head;
	struct envelope env;
	struct err err = ERR_NONE;
	struct span record;
	size_t size;

	if (data.n < FILE_CONTENT_AT)
		return;
	str_put(&copy, data);
	ipc_put_number(copy.p + 60, crc32c(0, span_of(copy.p, 60)), 4);
	if (file_head_get(span_of(copy.p, FILE_HEAD_SIZE), &head, &err) == VERDICT_OK) {
		record = span_head(span_from(str_span(&copy), head.record_at), head.record_size);
		head.record_crc = crc32c(0, record);
		file_state_get(&head, span_of(copy.p + FILE_STATE_AT, FILE_STATE_SIZE));
		check_slots(str_span(&copy), &head);
		if (record_check(record, &head, &env, &err) == VERDICT_OK &&
		    record_envelope(record, &env, &size, &err) == VERDICT_OK)
			check_again(record, &env, head.recipients, size);
	}
	str_free(&copy);
}
