/*
 * Fuzz target for what lib/mailbox reads: an index as a file, records of its log with right
 * checksums, cache records, names of mailboxes and of message files. Whatever comes in, the array
 * stays in order and names stay in their folder.
 */
#include "config.h"

#include "base/crc32c.h"
#include "mailbox/cache.h"
#include "mailbox/index_impl.h"
#include "mailbox/mailfile.h"
#include "mailbox/name.h"
#include "mailbox/parts.h"
#include "tests/fuzz/fuzz.h"

static void
check_index(const struct index *ix)
{
	for (size_t i = 0; i < ix->n; i++) {
		assert(ix->v[i].uid > 0 && ix->v[i].uid < ix->uidnext);
		assert(i == 0 || ix->v[i - 1].uid < ix->v[i].uid);
		assert(index_find(ix, ix->v[i].uid) == i);
		assert(!(ix->v[i].flags & MAIL_GONE));
	}
}

static void
fuzz_file(struct span data)
{
	struct index ix = { .dir = -1, .fd = -1, .lock = -1 };

	if (index_parse(&ix, data))
		check_index(&ix);
	index_forget(&ix);
}

/* DATA is records: type, size, payload. They get their checksums here, or no fuzzer would come past
 * them. */
static void
fuzz_records(struct span data)
{
	struct index ix = { .dir = -1, .fd = -1, .lock = -1, .uidnext = 1 };
	struct str log = STR_INIT(1 << 20);

	while (data.n >= 2) {
		size_t n = size_min((unsigned char)data.p[1], data.n - 2), at = log.n;

		str_put32(&log, 0);
		str_put32(&log, (uint32_t)n << 8 | (unsigned char)data.p[0]);
		str_put(&log, span_of(data.p + 2, n));
		bytes_put32(log.p + at, crc32c(0, span_of(log.p + at + 4, n + 4)));
		data = span_from(data, n + 2);
	}
	records_apply(&ix, str_span(&log), INDEX_HEADER);
	index_squeeze(&ix);
	check_index(&ix);
	index_forget(&ix);
	str_free(&log);
}

static void
fuzz_cache(struct span data)
{
	struct cache_entry entry, again;
	struct str record = STR_INIT(1 << 20);

	(void)cache_get_record(data, 1, 1, &entry);
	entry = (struct cache_entry){
		.part = { [CACHE_HEADERS] = data, [CACHE_PREVIEW] = span_head(data, 3) }
	};
	if (data.n == 0)
		return;
	cache_put_record(&record, 7, 9, &entry);
	assert(cache_get_record(str_span(&record), 7, 9, &again));
	assert(span_eq(again.part[CACHE_HEADERS], data) && !again.part[CACHE_PARTS].p);
	assert(!cache_get_record(str_span(&record), 7, 8, &again));
	str_free(&record);
}

static void
fuzz_names(struct span data)
{
	struct str checked = STR_INIT(LIMIT_MAILBOX_NAME), disk = STR_INIT(LIMIT_MAIL_FILE_NAME);
	struct str back = STR_INIT(LIMIT_MAILBOX_NAME), name = STR_INIT(1024);
	struct mailfile file;

	if (mailbox_name_check(data, &checked, NULL) == VERDICT_OK &&
	    mailbox_name_to_disk(str_span(&checked), &disk, NULL) == VERDICT_OK && disk.n > 0) {
		assert(disk.p[0] == '.' && span_find(str_span(&disk), '/') == disk.n);
		assert(!span_starts(str_span(&disk), span_lit("..")));
		assert(mailbox_name_from_disk(str_span(&disk), &back));
		assert(span_eq(str_span(&back), str_span(&checked)));
	}
	str_reset(&back);
	mailbox_name_from_disk(data, &back);
	str_reset(&back);
	mutf7_parse(data, &back);
	if (mailfile_parse(data, false, &file)) {
		mailfile_put(
		    &name, file.flags & MAIL_RAW ? data : file.base, file.flags, file.keywords);
		assert(span_eq(str_span(&name), data));
	}
	str_free(&checked);
	str_free(&disk);
	str_free(&back);
	str_free(&name);
}

/* A tree that is read is written as the same bytes, and one that is parsed comes back as it was. */
static void
fuzz_parts(struct span data)
{
	struct arena arena;
	struct str bytes = STR_INIT(1 << 20), again = STR_INIT(1 << 20);
	const struct mime_part *root;

	arena_init(&arena, LIMIT_MIME_MEMORY);
	root = parts_get(data, &arena);
	if (root && parts_put(&bytes, root)) {
		root = parts_get(str_span(&bytes), &arena);
		assert(
		    root && parts_put(&again, root) && span_eq(str_span(&bytes), str_span(&again)));
	}
	str_reset(&bytes);
	str_reset(&again);
	arena_reset(&arena);
	root = mime_parse(data, &arena);
	if (root && parts_put(&bytes, root)) {
		root = parts_get(str_span(&bytes), &arena);
		assert(
		    root && parts_put(&again, root) && span_eq(str_span(&bytes), str_span(&again)));
	}
	arena_free(&arena);
	str_free(&bytes);
	str_free(&again);
}

FUZZ(data)
{
	static void (*const targets[])(
	    struct span data) = { fuzz_file, fuzz_records, fuzz_cache, fuzz_names, fuzz_parts };

	if (data.n > 0)
		targets[(unsigned char)data.p[0] % ARRAY_LEN(targets)](span_from(data, 1));
}
