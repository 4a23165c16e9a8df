/*
 * A mailbox as its callers see it: messages added, found, changed, copied, moved, expunged; the
 * same seen by a second process; and what becomes of it when other programs change the Maildir or
 * files are lost. Run by make check.
 */
#include "config.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/sys.h"
#include "base/time.h"
#include "mailbox/parts.h"
#include "tests/unit/mailbox/place.h"
#include "tests/unit/unit.h"

#define TEXT "From: a@example.org\r\nSubject: =?x?=\r\n folded\r\nX-Other: y\r\n\r\nbody\r\n"

/* The view of MB is WANT. */
static void
expect_say(const char *what, const struct mailbox *mb, const char *want)
{
	struct str said = STR_INIT(65536);

	mailbox_say(mb, &said);
	expect_text(what, str_span(&said), want);
	str_free(&said);
}

static void
store(struct mailbox *mb, uint32_t first, uint32_t last, enum mailbox_how how, uint32_t flags,
    uint64_t keywords)
{
	const struct mailbox_store change = { how, flags, keywords, UINT64_MAX };
	struct uid_range range;
	struct err err = ERR_NONE;

	if (mailbox_store_flags(mb, set_of(&range, first, last), &change, NULL, &err) != VERDICT_OK)
		fail_msg("store: %s", err.text);
}

static void
test_add_and_flags(void **state)
{
	struct place *p = *state;
	struct mailbox *mb = must_open(p->md, "INBOX"), *other;
	struct mailbox_counts counts;
	struct uid_list modified = { NULL, 0, 0 };
	struct uid_range range;
	struct err err = ERR_NONE;
	uint64_t work, modseq;

	expect_say("empty", mb, "");
	assert_int_equal(must_add(mb, TEXT, 0, 0), 1);
	assert_int_equal(must_add(mb, TEXT, MAIL_SEEN, 0), 2);
	assert_int_equal(
	    mailbox_keyword_bit(mb, span_lit("$Work"), false, &work, &err), VERDICT_ABSENT);
	assert_int_equal(mailbox_keyword_bit(mb, span_lit("a b"), true, &work, &err), VERDICT_PERM);
	assert_int_equal(mailbox_keyword_bit(mb, span_lit("$Work"), true, &work, &err), VERDICT_OK);
	assert_int_equal(must_add(mb, TEXT, 0, work), 3);
	expect_say("added", mb, "1:n,2:S,3: $Work");
	other = must_open(p->md, "inbox");
	expect_say("other", other, "1:n,2:S,3: $Work");
	modseq = mailbox_modseq(other);
	store(mb, 1, 2, MAILBOX_ADD_FLAGS, MAIL_FLAGGED, work);
	store(mb, 3, 3, MAILBOX_REPLACE_FLAGS, MAIL_DELETED, 0);
	store(mb, 2, 2, MAILBOX_REMOVE_FLAGS, MAIL_SEEN, 0);
	expect_say("stored", mb, "1:F $Work,2:F $Work,3:T");
	expect_say("not yet", other, "1:n,2:S,3: $Work");
	must_refresh(other);
	expect_say("followed", other, "1:F $Work,2:F $Work,3:T");
	assert_true(mailbox_modseq(other) > modseq);
	const struct mailbox_store old = { MAILBOX_ADD_FLAGS, MAIL_SEEN, 0, modseq };
	assert_int_equal(
	    mailbox_store_flags(other, set_of(&range, 1, 9), &old, &modified, &err), VERDICT_OK);
	assert_int_equal(modified.n, 1);
	assert_int_equal(modified.v[0].last, 3);
	uid_list_free(&modified);
	mailbox_count_all(mb, &counts);
	assert_int_equal(counts.messages, 3);
	assert_int_equal(counts.unseen, 3);
	assert_int_equal(counts.deleted, 1);
	assert_int_equal(counts.first_unseen, 1);
	assert_int_equal(mailbox_at(mb, 0)->vsize, sizeof(TEXT) - 1);
	assert_int_equal(mailbox_expunge(other, set_of(&range, 2, 3), &err), VERDICT_OK);
	must_refresh(mb);
	expect_say("expunged", mb, "1:F $Work");
	assert_int_equal(mailbox_uidnext(mb), 4);
	size_t n;
	const struct vanished *gone = mailbox_vanished(mb, &n);
	assert_int_equal(n, 1);
	assert_int_equal(gone[0].uids.first, 2);
	assert_int_equal(gone[0].uids.last, 3);
	assert_true(gone[0].modseq == mailbox_modseq(mb));
	mailbox_close(other);
	mailbox_close(mb);
}

/* What a file says when it is opened. */
static void
expect_content(struct mailbox *mb, uint32_t uid, const char *want)
{
	struct err err = ERR_NONE;
	struct str got = STR_INIT(4096);
	int fd;

	if (mailbox_open_message(mb, uid, &fd, &err) != VERDICT_OK)
		fail_msg("open %u: %s", uid, err.text);
	ssize_t size = sys_pread_all(fd, str_reserve(&got, 4000), 4000, 0);
	expect_text("content", span_of(got.p, (size_t)size), want);
	sys_close(fd);
	str_free(&got);
}

static void
test_foreign(void **state)
{
	struct place *p = *state;
	struct mailbox *mb;
	struct err err = ERR_NONE;
	uint32_t uidvalidity;

	foreign_file(p, "cur/2.b:2,S", "two\n", 20);
	foreign_file(p, "cur/3.c:2,SF", "three\n", 30);
	foreign_file(p, "new/1.a,S=4,W=5", "one\n", 10);
	foreign_file(p, "new/4.d,S=9,W=10", "four\n", 40);
	foreign_file(p, "new/.hidden", "x", 1);
	mb = must_open(p->md, "INBOX");
	uidvalidity = mailbox_uidvalidity(mb);
	expect_say("found", mb, "1:n,2:S,3:FS,4:n");
	assert_int_equal(mailbox_at(mb, 0)->vsize, 5);
	assert_int_equal(mailbox_at(mb, 3)->vsize, 0);
	assert_int_equal(mailbox_at(mb, 1)->date, 20 * 86400);
	assert_int_equal(mailbox_measure(mb, 4, &err), VERDICT_OK);
	assert_int_equal(mailbox_at(mb, 3)->vsize, 6);
	foreign_rename(p, "new/1.a,S=4,W=5", "cur/1.a,S=4,W=5:2,RSa");
	foreign_remove(p, "cur/2.b:2,S");
	foreign_file(p, "cur/0.e:2,", "zero\n", 5);
	age_dirs(p, ".");
	/* Not looked yet: the name is old, and found all the same. */
	expect_content(mb, 1, "one\n");
	must_refresh(mb);
	expect_say("after", mb, "1:RS ,3:FS,4:n,5:");
	/* A name that is not ours is kept until a flag changes. */
	store(mb, 3, 3, MAILBOX_ADD_FLAGS, MAIL_ANSWERED, 0);
	expect_content(mb, 3, "three\n");
	foreign_rename(p, "cur/3.c:2,FRS", "cur/3.c:2,FPRS");
	store(mb, 3, 3, MAILBOX_REMOVE_FLAGS, MAIL_FLAGGED, 0);
	expect_say("both", mb, "1:RS ,3:PRS,4:n,5:");
	foreign_remove(p, "new/4.d,S=9,W=10");
	store(mb, 1, 9, MAILBOX_ADD_FLAGS, MAIL_SEEN, 0);
	expect_say("missing", mb, "1:RS ,3:PRS,5:S");
	assert_int_equal(mailbox_uidvalidity(mb), uidvalidity);
	mailbox_close(mb);
}

static void
test_lost_index(void **state)
{
	struct place *p = *state;
	struct mailbox *mb = must_open(p->md, "INBOX"), *again;
	struct err err = ERR_NONE;
	struct uid_range range;
	uint32_t uidvalidity = mailbox_uidvalidity(mb);
	uint64_t work;

	must_add(mb, TEXT, MAIL_SEEN, 0);
	assert_int_equal(mailbox_keyword_bit(mb, span_lit("$Work"), true, &work, &err), VERDICT_OK);
	store(mb, 1, 1, MAILBOX_ADD_FLAGS, 0, work);
	must_add(mb, TEXT, 0, 0);
	foreign_remove(p, "postern.index");
	again = must_open(p->md, "INBOX");
	expect_say("made anew", again, "1:S $Work,2:n");
	assert_true(mailbox_uidvalidity(again) > uidvalidity);
	/* Who still has the old UIDs does no harm with them. */
	assert_int_equal(mailbox_expunge(mb, set_of(&range, 1, 1), &err), VERDICT_TEMP);
	must_refresh(mb);
	assert_int_equal(mailbox_uidvalidity(mb), mailbox_uidvalidity(again));
	mailbox_close(again);
	foreign_remove(p, "postern.index");
	foreign_file(p, "postern.index", "garbage", 1);
	uidvalidity = mailbox_uidvalidity(mb);
	must_refresh(mb);
	expect_say("broken", mb, "1:S $Work,2:n");
	assert_true(mailbox_uidvalidity(mb) > uidvalidity);
	mailbox_close(mb);
}

static void
test_copy_and_move(void **state)
{
	struct place *p = *state;
	struct mailbox *from = must_open(p->md, "INBOX"), *to;
	struct mailbox_copied done = { { NULL, 0, 0 }, { NULL, 0, 0 } };
	struct uid_range range;
	struct err err = ERR_NONE;
	uint64_t bit, id;

	assert_int_equal(tree_create(p->md, span_lit("Arch\xc3\xaf/2026"), &err), VERDICT_OK);
	to = must_open(p->md, "Arch\xc3\xaf/2026");
	assert_int_equal(mailbox_keyword_bit(to, span_lit("$Other"), true, &bit, &err), VERDICT_OK);
	assert_int_equal(
	    mailbox_keyword_bit(from, span_lit("$Work"), true, &bit, &err), VERDICT_OK);
	must_add(from, "one\n", 0, 0);
	must_add(from, "two\n", MAIL_SEEN, bit);
	must_add(from, "three\n", MAIL_FLAGGED, 0);
	id = mailbox_at(from, 1)->id;
	assert_int_equal(mailbox_copy(from, set_of(&range, 1, 2), to, &done, &err), VERDICT_OK);
	expect_say("copied", to, "1:n,2:S $Work");
	expect_content(to, 2, "two\n");
	assert_true(mailbox_at(to, 1)->id == id);
	assert_int_equal(done.from.n, 1);
	assert_int_equal(done.to.v[0].last, 2);
	mailbox_copied_free(&done);
	assert_int_equal(mailbox_move(from, set_of(&range, 2, 3), to, &done, &err), VERDICT_OK);
	expect_say("moved", to, "1:n,2:S $Work,3:S $Work,4:F");
	expect_say("left", from, "1:n");
	expect_content(to, 4, "three\n");
	mailbox_copied_free(&done);
	assert_int_equal(mailbox_copy(from, set_of(&range, 1, 9), from, &done, &err), VERDICT_OK);
	expect_say("in place", from, "1:n,4:n");
	expect_content(from, 4, "one\n");
	mailbox_copied_free(&done);
	assert_int_equal(mailbox_move(to, set_of(&range, 4, 4), to, &done, &err), VERDICT_OK);
	expect_say("moved in place", to, "1:n,2:S $Work,3:S $Work,5:F");
	mailbox_copied_free(&done);
	/* Another program renames what we shall copy. */
	foreign_file(p, "cur/9.x:2,", "nine\n", 1);
	must_refresh(from);
	expect_say("with foreign", from, "1:n,4:n,5:");
	foreign_rename(p, "cur/9.x:2,", "cur/9.x:2,S");
	assert_int_equal(mailbox_copy(from, set_of(&range, 4, 5), to, &done, &err), VERDICT_OK);
	expect_say("renamed", to, "1:n,2:S $Work,3:S $Work,5:F,6:n,7:S");
	mailbox_copied_free(&done);
	must_refresh(from);
	must_refresh(to);
	expect_say("same", to, "1:n,2:S $Work,3:S $Work,5:F,6:n,7:S");
	assert_int_equal(mailbox_sync_blocking(to, &err), VERDICT_OK);
	mailbox_close(to);
	mailbox_close(from);
}

/* What was changed by us does not make us read the directories again. */
static void
test_own_changes(void **state)
{
	struct place *p = *state;
	struct mailbox *mb = must_open(p->md, "INBOX"), *other;
	struct uid_range range;
	struct err err = ERR_NONE;

	age_dirs(p, ".");
	must_refresh(mb);
	other = must_open(p->md, "INBOX");
	must_add(mb, TEXT, 0, 0);
	must_add(mb, TEXT, 0, 0);
	store(other, 1, 1, MAILBOX_ADD_FLAGS, MAIL_SEEN, 0);
	assert_int_equal(mailbox_expunge(mb, set_of(&range, 2, 2), &err), VERDICT_OK);
	assert_int_equal(mailbox_take_new(mb, &err), VERDICT_OK);
	assert_false(mailbox_scan_is_due(mb));
	must_refresh(other);
	assert_false(mailbox_scan_is_due(other));
	foreign_file(p, "new/1.x", "x\n", 1);
	age_dirs(p, ".");
	assert_true(mailbox_scan_is_due(mb));
	/* A directory that we alone changed is read all the same after a while. */
	must_refresh(mb);
	assert_false(mailbox_scan_is_due(mb));
	must_add(mb, TEXT, 0, 0);
	assert_false(mailbox_scan_is_due(mb));
	time_set_wall(time_wall() + (LIMIT_MAILBOX_VERIFY + 1) * NS_PER_S);
	assert_true(mailbox_scan_is_due(mb));
	must_refresh(mb);
	assert_false(mailbox_scan_is_due(mb));
	time_set_wall(0);
	mailbox_close(other);
	mailbox_close(mb);
}

static void
test_compact(void **state)
{
	struct place *p = *state;
	struct mailbox *mb = must_open(p->md, "INBOX"), *other = must_open(p->md, "INBOX");
	struct uid_range range;
	struct err err = ERR_NONE;
	struct stat st;
	struct str path = STR_INIT(4096);
	uint64_t floor = mailbox_vanished_floor(mb);

	for (int i = 0; i < 3; i++)
		must_add(mb, TEXT, 0, 0);
	must_refresh(other);
	assert_int_equal(mailbox_set_use(mb, MAILBOX_SENT, &err), VERDICT_OK);
	assert_int_equal(mailbox_expunge(mb, set_of(&range, 2, 2), &err), VERDICT_OK);
	for (int i = 0; i < 1500; i++)
		store(mb, 1, 3, i & 1 ? MAILBOX_ADD_FLAGS : MAILBOX_REMOVE_FLAGS, MAIL_SEEN, 0);
	assert_int_equal(mailbox_tidy(mb, &err), VERDICT_OK);
	str_printf(&path, "%.*s/Maildir/postern.index", SPAN_ARG(str_span(&p->path)));
	assert_int_equal(stat(str_cstr(&path), &st), 0);
	assert_true(st.st_size < 1000);
	expect_say("compacted", mb, "1:S,3:S");
	must_refresh(other);
	expect_say("reloaded", other, "1:S,3:S");
	assert_int_equal(mailbox_use(other), MAILBOX_SENT);
	size_t n;
	assert_int_equal(mailbox_vanished(other, &n)->uids.first, 2);
	assert_true(mailbox_vanished_floor(other) == floor);
	assert_int_equal(must_add(other, TEXT, 0, 0), 4);
	assert_int_equal(must_add(mb, TEXT, 0, 0), 5);
	str_free(&path);
	mailbox_close(other);
	mailbox_close(mb);
	mb = must_open(p->md, "INBOX");
	assert_int_equal(mailbox_uidnext(mb), 6);
	assert_int_equal(must_add(mb, TEXT, 0, 0), 6);
	mailbox_close(mb);
}

static void
test_cache(void **state)
{
	static const char headers[] = "From: a@example.org\nSubject: =?x?=\n folded\n";
	struct place *p = *state;
	struct mailbox *mb = must_open(p->md, "INBOX");
	struct cache_entry entry;
	struct str bytes = STR_INIT(65536);
	struct err err = ERR_NONE;

	must_add(mb, TEXT, 0, 0);
	assert_int_equal(mailbox_cache_get(mb, 1, &bytes, &entry, &err), VERDICT_OK);
	expect_text("headers", entry.part[CACHE_HEADERS], headers);
	struct arena arena;
	arena_init(&arena, LIMIT_MIME_MEMORY);
	const struct mime_part *root = parts_get(entry.part[CACHE_PARTS], &arena);
	assert_non_null(root);
	expect_text("type", root->type, "text");
	expect_text("from", root->envelope[ENVELOPE_FROM], " a@example.org");
	assert_int_equal(root->body.at,
	    sizeof("From: a@example.org\nSubject: =?x?=\n folded\nX-Other: y\n\n") - 1);
	assert_int_equal(root->body.size, 5);
	assert_int_equal(root->body.crlf_size, 6);
	arena_free(&arena);
	const struct cache_entry more = { .part = { [CACHE_PARTS] = SPAN("parts") } };
	assert_int_equal(mailbox_cache_put(mb, 1, &more, &err), VERDICT_OK);
	assert_int_equal(mailbox_cache_get(mb, 1, &bytes, &entry, &err), VERDICT_OK);
	expect_text("headers", entry.part[CACHE_HEADERS], headers);
	expect_text("parts", entry.part[CACHE_PARTS], "parts");
	foreign_remove(p, "postern.cache");
	assert_int_equal(mailbox_cache_get(mb, 1, &bytes, &entry, &err), VERDICT_ABSENT);
	assert_int_equal(mailbox_cache_put(mb, 1, &more, &err), VERDICT_OK);
	assert_int_equal(mailbox_cache_get(mb, 1, &bytes, &entry, &err), VERDICT_OK);
	assert_null(entry.part[CACHE_HEADERS].p);
	str_free(&bytes);
	mailbox_close(mb);
}

/* A record that was cut, as a power cut does: what is before it holds, and no UID comes again. */
static void
test_torn_log(void **state)
{
	struct place *p = *state;
	struct mailbox *mb = must_open(p->md, "INBOX");
	struct str path = STR_INIT(4096);
	struct stat st;
	uint32_t third, validity = mailbox_uidvalidity(mb);

	must_add(mb, TEXT, 0, 0);
	must_add(mb, TEXT, 0, 0);
	third = must_add(mb, TEXT, 0, 0);
	str_printf(&path, "%.*s/Maildir/postern.index", SPAN_ARG(str_span(&p->path)));
	assert_int_equal(stat(str_cstr(&path), &st), 0);
	assert_int_equal(truncate(str_cstr(&path), st.st_size - 54), 0);
	struct mailbox *again = must_open(p->md, "INBOX");
	assert_int_equal(mailbox_uidvalidity(again), validity);
	assert_int_equal(mailbox_count(again), 3);
	assert_true(mailbox_at(again, 2)->uid > third);
	assert_true(must_add(again, TEXT, 0, 0) > mailbox_at(again, 2)->uid);
	mailbox_close(again);
	str_free(&path);
	mailbox_close(mb);
}

static void
test_planted(void **state)
{
	struct place *p = *state;
	struct str path = STR_INIT(4096);
	struct mailbox *mb;
	struct err err = ERR_NONE;
	int fd;

	/* ABUSE 21: links, pipes and directories where messages should be. */
	str_printf(&path, "%.*s/Maildir/new/1.link", SPAN_ARG(str_span(&p->path)));
	assert_int_equal(symlink("/etc/passwd", str_cstr(&path)), 0);
	str_cut(&path, path.n - 4);
	str_puts(&path, "pipe");
	assert_int_equal(mkfifo(str_cstr(&path), 0600), 0);
	str_cut(&path, path.n - 4);
	str_puts(&path, "dirx");
	assert_int_equal(mkdir(str_cstr(&path), 0700), 0);
	foreign_file(p, "new/1.file", "x\n", 1);
	mb = must_open(p->md, "INBOX");
	expect_say("only the file", mb, "1:n");
	foreign_remove(p, "new/1.file");
	foreign_rename(p, "new/1.link", "new/1.file");
	assert_int_equal(mailbox_open_message(mb, 1, &fd, &err), VERDICT_TEMP);
	foreign_remove(p, "new/1.file");
	foreign_rename(p, "new/1.pipe", "new/1.file");
	assert_int_equal(mailbox_open_message(mb, 1, &fd, &err), VERDICT_TEMP);
	foreign_remove(p, "new/1.file");
	str_cut(&path, path.n - sizeof("new/1.dirx") + 1);
	str_puts(&path, "new/1.dirx");
	assert_int_equal(rmdir(str_cstr(&path)), 0);
	str_free(&path);
	mailbox_close(mb);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_add_and_flags, place_make, place_remove),
		cmocka_unit_test_setup_teardown(test_foreign, place_make, place_remove),
		cmocka_unit_test_setup_teardown(test_lost_index, place_make, place_remove),
		cmocka_unit_test_setup_teardown(test_copy_and_move, place_make, place_remove),
		cmocka_unit_test_setup_teardown(test_own_changes, place_make, place_remove),
		cmocka_unit_test_setup_teardown(test_compact, place_make, place_remove),
		cmocka_unit_test_setup_teardown(test_cache, place_make, place_remove),
		cmocka_unit_test_setup_teardown(test_torn_log, place_make, place_remove),
		cmocka_unit_test_setup_teardown(test_planted, place_make, place_remove),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
