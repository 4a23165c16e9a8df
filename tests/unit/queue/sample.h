/* The message that tests of the queue file write and read, and that the committed sample holds. */
#ifndef TESTS_QUEUE_SAMPLE_H
#define TESTS_QUEUE_SAMPLE_H

#include "base/crc32c.h"
#include "queue/file.h"

#define SAMPLE_CONTENT "Received: from client\r\nSubject: sample\r\n\r\nHello.\r\n"
#define SAMPLE_NONCE   UINT64_C(0x0123456789abcdef)

static const struct item_recipient sample_recipients[] = {
	{ .address = SPAN("alice@example.org"),
	    .original = SPAN("Alice@example.org"),
	    .orcpt = SPAN("rfc822;Alice@example.org"),
	    .notify = DSN_FAILURE | DSN_DELAY,
	    .transport = SPAN("smtp"),
	    .nexthop = SPAN("example.org") },
	{ .address = SPAN("bob@here.example"),
	    .transport = SPAN("local"),
	    .nexthop = SPAN("here.example"),
	    .account = SPAN("bob") },
	{ .address = SPAN("carol@example.net"),
	    .transport = SPAN("smtp"),
	    .nexthop = SPAN("[mx]:2525") },
};

static inline struct msg_queue_commit
sample_commit(struct item_extent *extent, struct item_recipient *recipients)
{
	*extent = (struct item_extent){ FILE_CONTENT_AT, sizeof(SAMPLE_CONTENT) - 1 };
	memcpy(recipients, sample_recipients, sizeof(sample_recipients));
	return (struct msg_queue_commit){
		.queue_id = SPAN("4ZsSm5Xq1zbcDf"),
		.arrived = UINT64_C(1790000000000000000),
		.sender = SPAN("dave@example.com"),
		.envid = SPAN("QQ314159"),
		.ret = 2,
		.flags = MESSAGE_LEADING_DOT,
		.longest_line = 21,
		.header_size = 42,
		.crc = crc32c(0, span_lit(SAMPLE_CONTENT)),
		.extents = { extent, 1 },
		.client = SPAN("mail.example.com[192.0.2.7]"),
		.login = SPAN("dave"),
		.recipients = { recipients, ARRAY_LEN(sample_recipients) },
	};
}

/* The whole file: acknowledged, alice deferred, bob delivered, nothing known of carol. */
static inline void
sample_file(struct str *out)
{
	struct item_recipient recipients[ARRAY_LEN(sample_recipients)];
	struct item_extent extent;
	struct msg_queue_commit msg = sample_commit(&extent, recipients);
	struct file_head head = { .recipients = msg.recipients.n, .nonce = SAMPLE_NONCE };
	struct str record = STR_INIT(LIMIT_QUEUE_RECORD);
	struct file_slot slots[] = {
		{ .state = SLOT_DEFERRED,
		    .attempts = 3,
		    .dsn = { 4, 4, 1 },
		    .next = UINT64_C(1790000900000000000),
		    .last = UINT64_C(1790000300000000000),
		    .reason = SPAN("connect to mx[192.0.2.1]:25: Connection refused") },
		{ .state = SLOT_SENT,
		    .attempts = 1,
		    .dsn = { 2, 0, 0 },
		    .reason = SPAN("delivered to maildir") },
	};
	struct err err = ERR_NONE;
	size_t envelope_size, total;
	enum verdict v = record_put(&record, &msg, &envelope_size, &err);

	assert(v == VERDICT_OK);
	head.record_size = (uint32_t)record.n;
	head.record_crc = crc32c(0, str_span(&record));
	file_head_place(&head, FILE_CONTENT_AT + sizeof(SAMPLE_CONTENT) - 1);
	total = file_slot_at(&head, ARRAY_LEN(slots));
	char *p = str_reserve(out, total);
	assert(p);
	memset(p, 0, total);
	file_head_put(&head, p);
	file_state_put(&head, FILE_ACKNOWLEDGED | FILE_WARNED, p + FILE_STATE_AT);
	memcpy(p + head.record_at, record.p, record.n);
	memcpy(p + FILE_CONTENT_AT, SAMPLE_CONTENT, sizeof(SAMPLE_CONTENT) - 1);
	for (uint32_t i = 0; i < ARRAY_LEN(slots); i++)
		file_slot_put(&head, i, &slots[i], p + file_slot_at(&head, i));
	str_grew(out, total);
	str_free(&record);
}

#endif
