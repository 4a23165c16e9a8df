/*
 * A Maildir looked at without changing anything: each kind of trouble is found where it was made,
 * and what an opening would put right by itself is none.
 */
#include "config.h"

#include "mailbox/verify.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/sys.h"
#include "tests/unit/mailbox/place.h"
#include "tests/unit/unit.h"

static const char *const words[MAILDIR_FAULTS] = {
	[MAILDIR_NO_PART] = "no part",
	[MAILDIR_INDEX_BROKEN] = "broken",
	[MAILDIR_UNKNOWN] = "unknown",
	[MAILDIR_GONE] = "gone",
	[MAILDIR_TWICE] = "twice",
	[MAILDIR_NO_MESSAGE] = "no message",
	[MAILDIR_OWNER] = "owner",
	[MAILDIR_SIZE] = "size",
	[MAILDIR_STALE] = "stale",
	[MAILDIR_SAME_ID] = "same id",
};

static void
gather(const struct maildir_trouble *t, void *arg)
{
	struct str *out = arg;

	str_printf(out, "%s%s %.*s/%.*s", out->n ? "; " : "", words[t->fault], SPAN_ARG(t->folder),
	    SPAN_ARG(t->name));
	if (t->uid)
		str_printf(out, " uid %u", t->uid);
}

static struct str
found_in(const struct place *p, struct maildir_census *census)
{
	struct str found = STR_INIT(4096);
	struct err err = ERR_NONE;

	assert_int_equal(
	    maildir_verify(p->home, span_lit("Maildir/"), gather, &found, census, &err),
	    VERDICT_OK);
	return found;
}

static void
expect(const struct place *p, const char *wanted, size_t folders, size_t messages)
{
	struct maildir_census census;
	struct str found = found_in(p, &census);

	expect_text("found", str_span(&found), wanted);
	expect_number("folders", (int64_t)census.folders, (int64_t)folders);
	expect_number("messages", (int64_t)census.messages, (int64_t)messages);
	str_free(&found);
}

/* Two things, of which the directory names either first. */
static void
expect_either(const struct place *p, const char *one, const char *other)
{
	struct maildir_census census;
	struct str found = found_in(p, &census);

	if (!span_eq(str_span(&found), span_str(one)))
		expect_text("found", str_span(&found), other);
	str_free(&found);
}

/* The index knows the directories' times, and more than a moment has passed since. */
static void
settle(const struct place *p, const char *name)
{
	struct mailbox *mb;

	age_dirs(p, ".");
	mb = must_open(p->md, name);
	must_refresh(mb);
	mailbox_close(mb);
}

/* Another program that sets the time of a directory back: the only way that a scan does not come.
 */
static void
behind_our_back(const struct place *p, const char *dir, void (*act)(const struct place *p))
{
	struct stat st;
	int fd = openat(p->home, dir, O_RDONLY | O_DIRECTORY);

	assert_int_equal(fstat(fd, &st), 0);
	act(p);
	assert_int_equal(futimens(fd, (const struct timespec[2]){ st.st_atim, st.st_mtim }), 0);
	close(fd);
}

static void
remove_foreign(const struct place *p)
{
	foreign_remove(p, "cur/1.a:2,S");
}

static void
add_foreign(const struct place *p)
{
	foreign_file(p, "cur/3.c:2,S", "text\n", 3);
}

static void
double_foreign(const struct place *p)
{
	foreign_file(p, "cur/2.b:2,FS", "text\n", 3);
}

static void
test_good(void **state)
{
	struct place *p = *state;

	expect(p, "", 1, 0);
	foreign_file(p, "cur/1.a:2,S", "text\n", 1);
	foreign_file(p, "new/2.b,S=5", "text\n", 1);
	/* Nobody has read them yet. */
	expect(p, "", 1, 2);
	settle(p, "INBOX");
	expect(p, "", 1, 2);
	/* Whoever opens it next sees by the times that there is something new. */
	remove_foreign(p);
	expect(p, "", 1, 1);
}

static void
test_index_and_files(void **state)
{
	struct place *p = *state;

	foreign_file(p, "cur/1.a:2,S", "text\n", 1);
	foreign_file(p, "cur/2.b:2,S", "text\n", 2);
	settle(p, "INBOX");
	behind_our_back(p, "Maildir/cur", remove_foreign);
	expect(p, "gone /1.a uid 1", 1, 1);
	behind_our_back(p, "Maildir/cur", add_foreign);
	expect(p, "gone /1.a uid 1; unknown /3.c:2,S", 1, 2);
	settle(p, "INBOX");
	expect(p, "", 1, 2);
	behind_our_back(p, "Maildir/cur", double_foreign);
	expect_either(p, "twice /2.b:2,FS", "twice /2.b:2,S");
}

static void
test_files(void **state)
{
	struct place *p = *state;

	foreign_file(p, "new/1.a,S=4", "text\n", 1);
	expect(p, "size /1.a,S=4", 1, 1);
	foreign_remove(p, "new/1.a,S=4");
	foreign_file(p, "cur/2.b:2,", "text\n", 1);
	assert_int_equal(fchmodat(p->home, "Maildir/cur/2.b:2,", 0, 0), 0);
	expect(p, "owner /2.b:2,", 1, 1);
	foreign_remove(p, "cur/2.b:2,");
	assert_int_equal(mkdirat(p->home, "Maildir/new/folder", 0700), 0);
	assert_int_equal(symlinkat("/etc/passwd", p->home, "Maildir/cur/link"), 0);
	expect(p, "no message /folder; no message /link", 1, 0);
}

static void
test_leftovers(void **state)
{
	struct place *p = *state;

	foreign_file(p, "tmp/1.a", "text\n", 1);
	foreign_file(p, "postern.index.new", "text\n", 1);
	assert_int_equal(mkdirat(p->home, "Maildir/..postern-1", 0700), 0);
	expect(p, "stale /tmp/1.a; stale /postern.index.new; stale /..postern-1", 1, 0);
}

static void
test_broken(void **state)
{
	struct place *p = *state;

	foreign_file(p, "postern.index", "posnidx\nand then", 1);
	expect(p, "broken /postern.index", 1, 0);
	foreign_remove(p, "postern.index");
	assert_int_equal(unlinkat(p->home, "Maildir/tmp", AT_REMOVEDIR), 0);
	expect(p, "no part /tmp", 1, 0);
}

static void
test_copied_folder(void **state)
{
	static const char *const names[] = { "A", "B" };
	struct place *p = *state;
	struct str index = STR_INIT(65536);
	struct err err = ERR_NONE;
	int fd;

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		assert_int_equal(tree_create(p->md, span_str(names[i]), &err), VERDICT_OK);
		mailbox_close(must_open(p->md, names[i]));
	}
	expect(p, "", 3, 0);
	fd = openat(p->home, "Maildir/.A/postern.index", O_RDONLY);
	str_grew(&index, (size_t)read(fd, str_reserve(&index, 60000), 60000));
	close(fd);
	fd = openat(p->home, "Maildir/.B/postern.index", O_WRONLY | O_TRUNC);
	assert_int_equal(write(fd, index.p, index.n), index.n);
	close(fd);
	expect_either(p, "same id .A/.B", "same id .B/.A");
	str_free(&index);
}

static void
test_none(void **state)
{
	struct place *p = *state;
	struct maildir_census census;
	struct err err = ERR_NONE;

	assert_int_equal(maildir_verify(p->home, span_lit("other/"), gather, NULL, &census, &err),
	    VERDICT_ABSENT);
	assert_int_equal(symlinkat("Maildir", p->home, "link"), 0);
	assert_int_equal(
	    maildir_verify(p->home, span_lit("link/"), gather, NULL, &census, &err), VERDICT_TEMP);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_good, place_make, place_remove),
		cmocka_unit_test_setup_teardown(test_index_and_files, place_make, place_remove),
		cmocka_unit_test_setup_teardown(test_files, place_make, place_remove),
		cmocka_unit_test_setup_teardown(test_leftovers, place_make, place_remove),
		cmocka_unit_test_setup_teardown(test_broken, place_make, place_remove),
		cmocka_unit_test_setup_teardown(test_copied_folder, place_make, place_remove),
		cmocka_unit_test_setup_teardown(test_none, place_make, place_remove),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
