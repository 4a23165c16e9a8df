/*
 * A queue file judged by its descriptor: the sample is good; any byte of it that a check value
 * covers and that is another one makes it damaged, whether it was acknowledged or not; one that is
 * cut is never taken for a whole one.
 */
#include "config.h"

#include <sys/mman.h>
#include <unistd.h>

#include "base/sys.h"
#include "queue/verify.h"
#include "tests/unit/queue/sample.h"
#include "tests/unit/unit.h"

#define ID "4ZsSm5Xq1zbcDf"

static struct str sample = STR_INIT(65536);

/* What is found of a file with these bytes: its parts, and if they are good its content. */
static enum verdict
judge(struct span bytes, const char *id, uint32_t *flags_out)
{
	int fd = memfd_create("file", MFD_CLOEXEC);
	struct err err = ERR_NONE;
	struct file_parts parts;
	enum verdict v;

	assert_int_equal(sys_write_all(fd, bytes.p, bytes.n), 0);
	file_parts_init(&parts);
	v = file_verify_parts(fd, span_str(id), &parts, &err);
	if (v == VERDICT_OK)
		v = file_verify_content(fd, &parts.env, &err);
	*flags_out = parts.flags;
	file_parts_free(&parts);
	close(fd);
	return v;
}

static void
test_sample_is_good(UNUSED void **state)
{
	uint32_t flags;

	assert_int_equal(judge(str_span(&sample), ID, &flags), VERDICT_OK);
	assert_int_equal(flags, FILE_ACKNOWLEDGED | FILE_WARNED);
	assert_int_equal(judge(str_span(&sample), "4ZsSm5Xq1zbcDg", &flags), VERDICT_PERM);
}

static void
test_every_byte_is_covered(UNUSED void **state)
{
	size_t end = FILE_CONTENT_AT + sizeof(SAMPLE_CONTENT) - 1;
	uint32_t flags;

	for (size_t at = 0; at < end; at++) {
		bool state_byte = at >= FILE_STATE_AT && at < FILE_STATE_AT + FILE_STATE_SIZE;
		bool unused = at >= FILE_STATE_AT + FILE_STATE_SIZE && at < FILE_RECORD_AT;
		struct file_head head;
		enum verdict v;

		if (file_head_get(span_head(str_span(&sample), FILE_HEAD_SIZE), &head, NULL) ==
		    VERDICT_OK)
			unused = unused ||
				 (at >= head.record_at + head.record_size && at < FILE_CONTENT_AT);
		sample.p[at] ^= 1;
		v = judge(str_span(&sample), ID, &flags);
		sample.p[at] ^= 1;
		if (v != (state_byte || unused ? VERDICT_OK : VERDICT_PERM))
			fail_msg("byte %zu: verdict %d", at, v);
		/* A mark that is damaged counts. */
		assert_true(flags & FILE_ACKNOWLEDGED);
	}
}

static void
test_no_cut_is_whole(UNUSED void **state)
{
	size_t end = FILE_CONTENT_AT + sizeof(SAMPLE_CONTENT) - 1;
	uint32_t flags;

	for (size_t n = 0; n < end; n++)
		assert_int_equal(judge(span_head(str_span(&sample), n), ID, &flags), VERDICT_PERM);
	/* Slots that were never written are no loss. */
	assert_int_equal(judge(span_head(str_span(&sample), end), ID, &flags), VERDICT_OK);
}

static void
test_slots_beyond_the_end(UNUSED void **state)
{
	int fd = memfd_create("file", MFD_CLOEXEC);
	struct str slots = STR_INIT(4096);
	struct err err = ERR_NONE;
	struct file_parts parts;

	assert_int_equal(sys_write_all(fd, sample.p, sample.n), 0);
	file_parts_init(&parts);
	assert_int_equal(file_verify_parts(fd, span_str(ID), &parts, &err), VERDICT_OK);
	assert_int_equal(file_read_slots(fd, &parts.head, 0, 3, &slots, &err), VERDICT_OK);
	/* Of the third, carol's, nothing was ever written. */
	assert_int_equal(slots.n, 2 * FILE_SLOT_SIZE);
	file_parts_free(&parts);
	str_free(&slots);
	close(fd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sample_is_good),
		cmocka_unit_test(test_every_byte_is_covered),
		cmocka_unit_test(test_no_cut_is_whole),
		cmocka_unit_test(test_slots_beyond_the_end),
	};
	int failed;

	sample_file(&sample);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	str_free(&sample);
	return failed;
}
