/*
 * The queue file's format: what is written is read again, every damaged byte is noticed, numbers
 * that do not agree are refused, and the committed sample of version 1, which every later build
 * must open, still says what it said.
 */
#include "config.h"

#include <fcntl.h>
#include <stdlib.h>

#include "base/sys.h"
#include "tests/unit/queue/sample.h"
#include "tests/unit/unit.h"

static enum verdict
open_image(struct span image, struct file_head *head, struct envelope *env, struct err *err)
{
	enum verdict v = file_head_get(span_head(image, FILE_HEAD_SIZE), head, err);

	if (v != VERDICT_OK)
		return v;
	return record_check(
	    span_head(span_from(image, head->record_at), head->record_size), head, env, err);
}

static void
expect_sample(struct span image)
{
	struct file_head head;
	struct envelope env;
	struct err err = ERR_NONE;
	struct file_slot slot;
	struct item_recipient r;
	struct span record;
	size_t size;

	if (open_image(image, &head, &env, &err) != VERDICT_OK)
		fail_msg("the sample does not open: %s", err.text);
	expect_text("queue id", env.queue_id, "4ZsSm5Xq1zbcDf");
	expect_text("sender", env.sender, "dave@example.com");
	expect_text("envid", env.envid, "QQ314159");
	expect_text("client", env.client, "mail.example.com[192.0.2.7]");
	expect_text("login", env.login, "dave");
	expect_number("arrived", (int64_t)env.arrived, 1790000000000000000);
	expect_number("ret", env.ret, 2);
	expect_number("flags", env.flags, MESSAGE_LEADING_DOT);
	expect_number("longest line", env.longest_line, 21);
	expect_number("header size", (int64_t)env.header_size, 42);
	expect_number("extents", env.extents_n, 1);
	expect_text("content", span_head(span_from(image, env.extents[0].at), env.extents[0].size),
	    SAMPLE_CONTENT);
	expect_number("crc", env.crc, crc32c(0, span_lit(SAMPLE_CONTENT)));
	record = span_head(span_from(image, head.record_at), head.record_size);
	assert_int_equal(record_envelope(record, &env, &size, &err), VERDICT_OK);
	struct cursor c = cursor_of(span_from(record, size));
	for (size_t i = 0; i < ARRAY_LEN(sample_recipients); i++) {
		assert_true(record_recipient(&c, &r));
		expect_span("address", r.address, sample_recipients[i].address);
		expect_span("original", r.original, sample_recipients[i].original);
		expect_span("orcpt", r.orcpt, sample_recipients[i].orcpt);
		expect_span("transport", r.transport, sample_recipients[i].transport);
		expect_span("nexthop", r.nexthop, sample_recipients[i].nexthop);
		expect_span("account", r.account, sample_recipients[i].account);
		expect_number("notify", r.notify, sample_recipients[i].notify);
	}
	assert_true(cursor_done(&c));
	expect_number("state",
	    file_state_get(&head, span_of(image.p + FILE_STATE_AT, FILE_STATE_SIZE)),
	    FILE_ACKNOWLEDGED | FILE_WARNED);
	file_slot_get(
	    &head, 0, span_head(span_from(image, file_slot_at(&head, 0)), FILE_SLOT_SIZE), &slot);
	expect_number("alice", slot.state, SLOT_DEFERRED);
	expect_number("alice's attempts", slot.attempts, 3);
	expect_number("alice's next", (int64_t)slot.next, 1790000900000000000);
	expect_number("alice's last", (int64_t)slot.last, 1790000300000000000);
	expect_number(
	    "alice's dsn", slot.dsn.class * 100 + slot.dsn.subject * 10 + slot.dsn.detail, 441);
	expect_text(
	    "alice's reason", slot.reason, "connect to mx[192.0.2.1]:25: Connection refused");
	file_slot_get(
	    &head, 1, span_head(span_from(image, file_slot_at(&head, 1)), FILE_SLOT_SIZE), &slot);
	expect_number("bob", slot.state, SLOT_SENT);
	file_slot_get(
	    &head, 2, span_head(span_from(image, file_slot_at(&head, 2)), FILE_SLOT_SIZE), &slot);
	expect_number("carol, beyond the end", slot.state, SLOT_FRESH);
}

static void
test_what_is_written_is_read(void **state)
{
	struct str image = STR_INIT(1 << 20);

	(void)state;
	sample_file(&image);
	expect_sample(str_span(&image));
	str_free(&image);
}

static void
test_sample_of_version_1(void **state)
{
	const char *srcdir = getenv("srcdir");
	struct str path = STR_INIT(4096), image = STR_INIT(1 << 20);
	char *p = str_reserve(&image, 65536);

	(void)state;
	str_printf(&path, "%s/tests/unit/queue/sample-v1.queue", srcdir ? srcdir : ".");
	int fd = sys_openat(AT_FDCWD, str_cstr(&path), O_RDONLY, 0);
	assert_true(fd >= 0);
	ssize_t n = sys_pread_all(fd, p, 65536, 0);
	assert_true(n > 0);
	str_grew(&image, (size_t)n);
	expect_sample(str_span(&image));
	sys_close(fd);
	str_free(&path);
	str_free(&image);
}

/* Each byte of the sample, changed: noticed, or the change is in content, in padding or makes a
 * slot fresh. */
static void
test_every_damaged_byte(void **state)
{
	struct str image = STR_INIT(1 << 20);
	struct file_head head;
	struct envelope env;
	struct err err = ERR_NONE;
	struct file_slot slot;

	(void)state;
	sample_file(&image);
	assert_int_equal(open_image(str_span(&image), &head, &env, &err), VERDICT_OK);
	struct file_head good = head;
	for (size_t i = 0; i < image.n; i++) {
		image.p[i] ^= 0x40;
		enum verdict v = open_image(str_span(&image), &head, &env, &err);
		bool in_head = i < FILE_HEAD_SIZE;
		bool in_record = i >= good.record_at && i < good.record_at + good.record_size;
		if ((in_head || in_record) != (v == VERDICT_PERM))
			fail_msg("byte %zu changed: verdict %d", i, v);
		for (uint32_t k = 0; k < 2; k++) {
			uint64_t at = file_slot_at(&good, k);
			bool hit = i >= at && i < at + FILE_SLOT_SIZE;
			file_slot_get(&good, k, span_of(image.p + at, FILE_SLOT_SIZE), &slot);
			if (hit != (slot.state == SLOT_FRESH))
				fail_msg("byte %zu changed: slot %u is %d", i, k, slot.state);
		}
		if (i >= FILE_STATE_AT && i < FILE_STATE_AT + FILE_STATE_SIZE)
			expect_number("state",
			    file_state_get(
				&good, span_of(image.p + FILE_STATE_AT, FILE_STATE_SIZE)),
			    FILE_ACKNOWLEDGED);
		image.p[i] ^= 0x40;
	}
	str_free(&image);
}

static void
test_slot_of_another(void **state)
{
	struct file_head head = { .nonce = 1 }, other = { .nonce = 2 };
	struct file_slot sent = { .state = SLOT_SENT }, got;
	char bytes[FILE_SLOT_SIZE];

	(void)state;
	file_slot_put(&head, 7, &sent, bytes);
	file_slot_get(&head, 7, span_of(bytes, sizeof(bytes)), &got);
	expect_number("its own", got.state, SLOT_SENT);
	file_slot_get(&head, 8, span_of(bytes, sizeof(bytes)), &got);
	expect_number("another recipient's", got.state, SLOT_FRESH);
	file_slot_get(&other, 7, span_of(bytes, sizeof(bytes)), &got);
	expect_number("another file's", got.state, SLOT_FRESH);
	file_slot_get(&head, 7, span_of(bytes, 255), &got);
	expect_number("cut", got.state, SLOT_FRESH);
}

static void
test_head_agreement(void **state)
{
	static const struct {
		const char *name;
		struct file_head head;
		enum verdict expected;
	} rows[] = {
		{ "near", { 0, 800, 128, 1, 2048, 0 }, VERDICT_OK },
		{ "as large as may be near", { 0, FILE_RECORD_NEAR, 128, 1, 1024, 0 }, VERDICT_OK },
		{ "too large for near", { 0, FILE_RECORD_NEAR + 1, 128, 1, 2048, 0 },
		    VERDICT_PERM },
		{ "far", { 0, 5000, 2048, 1, 8192, 0 }, VERDICT_OK },
		{ "far, in the head area", { 0, 300, 512, 1, 8192, 0 }, VERDICT_PERM },
		{ "far, over the slots", { 0, 5000, 4096, 1, 8192, 0 }, VERDICT_PERM },
		{ "no recipients", { 0, 800, 128, 0, 2048, 0 }, VERDICT_PERM },
		{ "too many recipients", { 0, 800, 128, LIMIT_RECIPIENTS + 1, 2048, 0 },
		    VERDICT_PERM },
		{ "crooked slots", { 0, 800, 128, 1, 2049, 0 }, VERDICT_PERM },
		{ "slots in the head area", { 0, 800, 128, 1, 768, 0 }, VERDICT_PERM },
		{ "huge slots_at", { 0, 800, 128, 1, UINT64_MAX - 255, 0 }, VERDICT_PERM },
		{ "huge record_at", { 0, 800, UINT64_MAX - 10, 1, 8192, 0 }, VERDICT_PERM },
		{ "huge record", { 0, LIMIT_QUEUE_RECORD + 1, 2048, 1, 1 << 30, 0 }, VERDICT_PERM },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char bytes[FILE_HEAD_SIZE];
		struct file_head got;
		struct err err = ERR_NONE;

		file_head_put(&rows[i].head, bytes);
		expect_number(rows[i].name,
		    file_head_get(span_of(bytes, sizeof(bytes)), &got, &err), rows[i].expected);
	}
}

static void
test_place(void **state)
{
	static const struct {
		const char *name;
		uint32_t record_size;
		uint64_t file_size, record_at, slots_at;
	} rows[] = {
		{ "nothing in it", 300, 1024, 128, 1024 },
		{ "one byte", 300, 1025, 128, 1280 },
		{ "just near", FILE_RECORD_NEAR, 5000, 128, 5120 },
		{ "far", FILE_RECORD_NEAR + 1, 5000, 5120, 6144 },
		{ "far and large", 100000, 5120, 5120, 105216 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct file_head head = { .record_size = rows[i].record_size };

		file_head_place(&head, rows[i].file_size);
		expect_number(rows[i].name, (int64_t)head.record_at, (int64_t)rows[i].record_at);
		expect_number(rows[i].name, (int64_t)head.slots_at, (int64_t)rows[i].slots_at);
	}
}

static void
test_refused_envelopes(void **state)
{
	static const struct {
		const char *name;
		const char *id;
		struct item_extent extent;
		uint32_t extents, recipients;
		bool transport;
		enum verdict expected;
	} rows[] = {
		{ "good", "4Zs", { 1024, 10 }, 1, 1, true, VERDICT_OK },
		{ "no id", "", { 1024, 10 }, 1, 1, true, VERDICT_PERM },
		{ "a path", "../x", { 1024, 10 }, 1, 1, true, VERDICT_PERM },
		{ "no recipients", "4Zs", { 1024, 10 }, 1, 0, true, VERDICT_PERM },
		{ "no transport", "4Zs", { 1024, 10 }, 1, 1, false, VERDICT_PERM },
		{ "no content", "4Zs", { 1024, 10 }, 0, 1, true, VERDICT_PERM },
		{ "empty content", "4Zs", { 1024, 0 }, 1, 1, true, VERDICT_PERM },
		{ "content in the head", "4Zs", { 1023, 10 }, 1, 1, true, VERDICT_PERM },
		{ "content around the end", "4Zs", { UINT64_MAX - 5, 10 }, 1, 1, true,
		    VERDICT_PERM },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct item_extent extent = rows[i].extent;
		struct item_recipient r = { .address = span_lit("a@b"),
			.transport = rows[i].transport ? span_lit("smtp") : span_lit("") };
		struct msg_queue_commit msg = { .queue_id = span_str(rows[i].id),
			.extents = { &extent, rows[i].extents },
			.recipients = { &r, rows[i].recipients } };
		struct str out = STR_INIT(10000);
		struct err err = ERR_NONE;
		size_t size;

		expect_number(rows[i].name, record_put(&out, &msg, &size, &err), rows[i].expected);
		str_free(&out);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_written_is_read),
		cmocka_unit_test(test_sample_of_version_1),
		cmocka_unit_test(test_every_damaged_byte),
		cmocka_unit_test(test_slot_of_another),
		cmocka_unit_test(test_head_agreement),
		cmocka_unit_test(test_place),
		cmocka_unit_test(test_refused_envelopes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
