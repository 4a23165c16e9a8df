/*
 * The committed samples of the index and the cache, which every later build must read (FORMAT):
 * samples/index-1.hex, samples/cache-1.hex. With POSTERN_WRITE_SAMPLES=1 they are written anew, for
 * a new version of the format. Run by make check.
 */
#include "config.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/base64.h"
#include "base/sys.h"
#include "mailbox/cache.h"
#include "mailbox/index_impl.h"
#include "tests/unit/mailbox/place.h"
#include "tests/unit/unit.h"

static struct str
sample_path(const char *name)
{
	struct str path = STR_INIT(4096);
	const char *top = getenv("srcdir");

	str_printf(&path, "%s/tests/unit/mailbox/samples/%s.hex", top ? top : "..", name);
	return path;
}

static void
sample_read(const char *name, struct str *out)
{
	struct str path = sample_path(name), hex = STR_INIT(1 << 20);
	int fd = open(str_cstr(&path), O_RDONLY);

	if (fd < 0)
		fail_msg("%s is not there", str_cstr(&path));
	ssize_t n = read(fd, str_reserve(&hex, 100000), 100000);
	assert_true(n > 0);
	str_grew(&hex, (size_t)n);
	assert_true(hex_parse(span_trim(str_span(&hex)), out));
	close(fd);
	str_free(&path);
	str_free(&hex);
}

/* Of what FD holds. */
static void
sample_write(const char *name, int dir, const char *file)
{
	struct str path = sample_path(name), hex = STR_INIT(1 << 20), bytes = STR_INIT(1 << 20);
	int from = openat(dir, file, O_RDONLY),
	    to = open(str_cstr(&path), O_WRONLY | O_CREAT | O_TRUNC, 0644);
	ssize_t n = read(from, str_reserve(&bytes, 100000), 100000);

	assert_true(n > 0);
	str_grew(&bytes, (size_t)n);
	hex_put(&hex, str_span(&bytes));
	str_putc(&hex, '\n');
	assert_int_equal(write(to, hex.p, hex.n), hex.n);
	close(from);
	close(to);
	str_free(&path);
	str_free(&hex);
	str_free(&bytes);
}

/* A mailbox with a snapshot, and every kind of record after it. */
static void
samples_make(struct place *p)
{
	struct mailbox *mb = must_open(p->md, "INBOX");
	struct mailbox_copied done = { { NULL, 0, 0 }, { NULL, 0, 0 } };
	struct mailbox_store store = { MAILBOX_ADD_FLAGS, MAIL_FLAGGED, 0, UINT64_MAX };
	struct uid_range range;

	must_add(mb, "Subject: one\n\none\n", 0, 0);
	must_add(mb, "Subject: two\n\ntwo\n", MAIL_SEEN, 0);
	assert_int_equal(mailbox_hold(mb, NULL), VERDICT_OK);
	assert_int_equal(index_compact(&mb->ix, true, NULL), VERDICT_OK);
	mailbox_release(mb);
	foreign_file(p, "cur/1.foreign", "three\n", 3);
	age_dirs(p, ".");
	must_refresh(mb);
	assert_int_equal(mailbox_measure(mb, 3, NULL), VERDICT_OK);
	assert_int_equal(
	    mailbox_keyword_bit(mb, span_lit("$Work"), true, &store.keywords, NULL), VERDICT_OK);
	assert_int_equal(
	    mailbox_store_flags(mb, set_of(&range, 1, 3), &store, NULL, NULL), VERDICT_OK);
	const struct cache_entry entry = { .part = { [CACHE_PARTS] = SPAN("parts") } };
	assert_int_equal(mailbox_cache_put(mb, 2, &entry, NULL), VERDICT_OK);
	assert_int_equal(mailbox_set_use(mb, MAILBOX_SENT, NULL), VERDICT_OK);
	assert_int_equal(mailbox_copy(mb, set_of(&range, 1, 1), mb, &done, NULL), VERDICT_OK);
	assert_int_equal(mailbox_expunge(mb, set_of(&range, 1, 1), NULL), VERDICT_OK);
	mailbox_copied_free(&done);
	mailbox_close(mb);
	sample_write("index-1", maildir_dir(p->md), "postern.index");
	sample_write("cache-1", maildir_dir(p->md), "postern.cache");
}

static void
test_samples(void **state)
{
	struct place *p = *state;
	struct str bytes = STR_INIT(1 << 20), said = STR_INIT(1024), cache = STR_INIT(1 << 20);
	struct mailbox mb = { .ix = { .dir = -1, .fd = -1, .lock = -1 } };
	struct cache_entry entry;

	if (getenv("POSTERN_WRITE_SAMPLES"))
		samples_make(p);
	sample_read("index-1", &bytes);
	assert_true(index_parse(&mb.ix, str_span(&bytes)));
	assert_int_equal(mb.ix.end, bytes.n);
	mailbox_say(&mb, &said);
	expect_text("messages", str_span(&said), "2:FS $Work,3:F $Work,4:F $Work");
	assert_int_equal(mailbox_use(&mb), MAILBOX_SENT);
	assert_int_equal(mailbox_uidnext(&mb), 5);
	assert_int_equal(mailbox_at(&mb, 1)->vsize, 7);
	assert_int_equal(mailbox_at(&mb, 1)->date, 3 * 86400);
	expect_text("name", index_name_in(str_span(&bytes), mailbox_at(&mb, 1)), "1.foreign");
	sample_read("cache-1", &cache);
	struct span at = span_from(str_span(&cache), (size_t)mailbox_at(&mb, 0)->cache_at * 8);
	assert_true(cache_get_record(at, mailbox_uidvalidity(&mb), 2, &entry));
	expect_text("headers", entry.part[CACHE_HEADERS], "Subject: two\n");
	expect_text("parts", entry.part[CACHE_PARTS], "parts");
	/* One bit wrong in the snapshot, one in the version. */
	for (size_t i = 12; i < 200; i += 187) {
		bytes.p[i] ^= 0x40;
		index_forget(&mb.ix);
		assert_false(index_parse(&mb.ix, str_span(&bytes)));
		bytes.p[i] ^= 0x40;
	}
	index_forget(&mb.ix);
	str_free(&bytes);
	str_free(&said);
	str_free(&cache);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_samples, place_make, place_remove),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
