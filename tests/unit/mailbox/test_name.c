/*
 * Mailbox names: what is one (ABUSE 29), the directory it has, modified UTF-7 both ways; and names
 * of message files. Run by make check.
 */
#include "config.h"

#include <limits.h>

#include "base/mem.h"
#include "mailbox/mailfile.h"
#include "mailbox/name.h"
#include "tests/unit/unit.h"

struct name_row {
	const char *name;
	const char *checked; /* NULL: it is none */
	const char *disk;
};

static const struct name_row name_rows[] = {
	{ "INBOX", "INBOX", "" },
	{ "inBox", "INBOX", "" },
	{ "inbox/a", "INBOX/a", ".INBOX.a" },
	{ "Sent", "Sent", ".Sent" },
	{ "a/b/c", "a/b/c", ".a.b.c" },
	{ "Entw\xc3\xbcrfe", "Entw\xc3\xbcrfe", ".Entw&APw-rfe" },
	{ "a&b", "a&b", ".a&-b" },
	{ "v1.0/x", "v1.0/x", ".v1&AC4-0.x" },
	{ ".", ".", ".&AC4-" },
	{ "..", "..", ".&AC4-&AC4-" },
	{ "../x", "../x", ".&AC4-&AC4-.x" },
	{ "INBOX/../../x", "INBOX/../../x", ".INBOX.&AC4-&AC4-.&AC4-&AC4-.x" },
	{ "~other", "~other", ".~other" },
	{ "\xe2\x82\xac\xf0\x9f\x98\x80", "\xe2\x82\xac\xf0\x9f\x98\x80", ".&IKzYPd4A-" },
	{ "\xc3\xbc.\xc3\xbc", "\xc3\xbc.\xc3\xbc", ".&APw-&AC4-&APw-" },
	{ "e\xcc\x81t\xc3\xa9", "\xc3\xa9t\xc3\xa9", ".&AOk-t&AOk-" },
	{ "", NULL, NULL },
	{ "/", NULL, NULL },
	{ "/etc/passwd", NULL, NULL },
	{ "a//b", NULL, NULL },
	{ "a/", NULL, NULL },
	{ "a\tb", NULL, NULL },
	{ "a\x7f", NULL, NULL },
	{ "a\xc2\x85", NULL, NULL },
	{ "\xff", NULL, NULL },
	{ "\xed\xa0\x80", NULL, NULL },
};

static void
test_names(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(name_rows); i++) {
		const struct name_row *row = &name_rows[i];
		struct str checked = STR_INIT(LIMIT_MAILBOX_NAME), disk = STR_INIT(NAME_MAX);
		struct str back = STR_INIT(LIMIT_MAILBOX_NAME);
		struct err err = ERR_NONE;
		enum verdict v = mailbox_name_check(span_str(row->name), &checked, &err);

		assert_int_equal(v, row->checked ? VERDICT_OK : VERDICT_PERM);
		if (v == VERDICT_OK) {
			expect_text(row->name, str_span(&checked), row->checked);
			assert_int_equal(
			    mailbox_name_to_disk(str_span(&checked), &disk, &err), VERDICT_OK);
			expect_text(row->name, str_span(&disk), row->disk);
			assert_int_equal(
			    mailbox_name_from_disk(str_span(&disk), &back), disk.n > 0);
			if (disk.n > 0)
				expect_span(row->name, str_span(&back), str_span(&checked));
		}
		str_free(&checked);
		str_free(&disk);
		str_free(&back);
	}
}

static void
test_long_names(void **state)
{
	struct str name = STR_INIT(20000), out = STR_INIT(LIMIT_MAILBOX_NAME),
		   disk = STR_INIT(NAME_MAX);

	(void)state;
	for (int i = 0; i < 10240; i++)
		str_putc(&name, 'a');
	assert_int_equal(mailbox_name_check(str_span(&name), &out, NULL), VERDICT_PERM);
	str_cut(&name, 255);
	str_reset(&out);
	assert_int_equal(mailbox_name_check(str_span(&name), &out, NULL), VERDICT_OK);
	assert_int_equal(mailbox_name_to_disk(str_span(&out), &disk, NULL), VERDICT_PERM);
	str_reset(&name);
	for (int i = 0; i < 1000; i++)
		str_puts(&name, i ? "/a" : "a");
	str_reset(&out);
	assert_int_equal(mailbox_name_check(str_span(&name), &out, NULL), VERDICT_PERM);
	str_cut(&name, 2 * LIMIT_MAILBOX_DEPTH - 1);
	str_reset(&out);
	assert_int_equal(mailbox_name_check(str_span(&name), &out, NULL), VERDICT_OK);
	str_free(&name);
	str_free(&out);
	str_free(&disk);
}

/* Directories that others made and that are no names of ours. */
static const char *const odd_dirs[] = {
	"",
	".",
	"..",
	"...",
	"x",
	".a..b",
	".a.",
	"..a",
	".&",
	".&AGE-",
	".&APw",
	".&APw-&APw-",
	".a/b",
	".&2D0-",
	".&3gA-",
	".\xc3\xbc",
	".inbox",
	".INBOX",
	".inbox.x",
	".&AC8-",
	".&AAo-",
	".&-&AC4",
	".&APx-",
	".e&AwE-",
};

static void
test_odd_dirs(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(odd_dirs); i++) {
		struct str out = STR_INIT(LIMIT_MAILBOX_NAME);

		if (mailbox_name_from_disk(span_str(odd_dirs[i]), &out))
			fail_msg("%s became %s", odd_dirs[i], str_cstr(&out));
		assert_int_equal(out.n, 0);
		str_free(&out);
	}
}

struct mutf7_row {
	const char *text;
	const char *utf8; /* NULL: malformed */
};

static const struct mutf7_row mutf7_rows[] = {
	{ "", "" },
	{ "a&-b", "a&b" },
	{ "~peter/mail/&U,BTFw-/&ZeVnLIqe-",
	    "~peter/mail/\xe5\x8f\xb0\xe5\x8c\x97/\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e" },
	{ "&Jjo-!", "\xe2\x98\xba!" },
	{ "&Jjo!", NULL },
	{ "&U,BTFw-&ZeVnLIqe-", NULL },
	{ "&AGEA-", NULL },
	{ "&2D3eAA-", "\xf0\x9f\x98\x80" },
	{ "&2D0AYQ-", NULL },
	{ "&A-", NULL },
	{ "&AOl-", NULL },
	{ "\x01", NULL },
	{ "\xc3\xa9", NULL },
};

static void
test_mutf7(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(mutf7_rows); i++) {
		const struct mutf7_row *row = &mutf7_rows[i];
		struct str out = STR_INIT(1024), again = STR_INIT(1024);
		bool good = mutf7_parse(span_str(row->text), &out);

		if (good != (row->utf8 != NULL))
			fail_msg("%s: %d", row->text, good);
		if (good) {
			expect_text(row->text, str_span(&out), row->utf8);
			assert_true(mutf7_put(&again, str_span(&out)));
			expect_text(row->text, str_span(&again), row->text);
		}
		str_free(&out);
		str_free(&again);
	}
}

struct file_row {
	const char *name;
	bool in_new;
	const char *base; /* NULL: no message */
	uint32_t flags;
	uint64_t keywords;
	uint64_t size, vsize;
};

static const struct file_row file_rows[] = {
	{ "1.a.mx", true, "1.a.mx", MAIL_NEW, 0, 0, 0 },
	{ "1.a.mx", false, "1.a.mx", MAIL_RAW, 0, 0, 0 },
	{ "1.a.mx:2,", false, "1.a.mx", 0, 0, 0, 0 },
	{ "1.a.mx,S=12,W=13:2,FSab", false, "1.a.mx,S=12,W=13", MAIL_FLAGGED | MAIL_SEEN, 3, 12,
	    13 },
	{ "1.a.mx,S=12:2,SF", false, "1.a.mx,S=12", MAIL_FLAGGED | MAIL_SEEN | MAIL_RAW, 0, 12, 0 },
	{ "1.a.mx:2,S", true, "1.a.mx", MAIL_SEEN | MAIL_NEW | MAIL_RAW, 0, 0, 0 },
	{ "1.a.mx:2,XYZ", false, "1.a.mx", MAIL_LETTER('X') | MAIL_LETTER('Y') | MAIL_LETTER('Z'),
	    0, 0, 0 },
	{ "1.a.mx:1,S", false, "1.a.mx:1,S", MAIL_RAW, 0, 0, 0 },
	{ "1.a.mx:2,S!", false, "1.a.mx", MAIL_SEEN | MAIL_RAW, 0, 0, 0 },
	{ "1,S=99999999999999999999,W=x", true, "1,S=99999999999999999999,W=x", MAIL_NEW, 0, 0, 0 },
	{ "1,S=12junk", true, "1,S=12junk", MAIL_NEW, 0, 0, 0 },
	{ "a\nb:2,", false, "a\nb", 0, 0, 0, 0 },
	{ ".hidden", true, NULL, 0, 0, 0, 0 },
	{ ":2,S", false, NULL, 0, 0, 0, 0 },
	{ "", true, NULL, 0, 0, 0, 0 },
	{ "a/b", true, NULL, 0, 0, 0, 0 },
};

static void
test_files(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(file_rows); i++) {
		const struct file_row *row = &file_rows[i];
		struct span name = span_str(row->name);
		struct str again = STR_INIT(1024);
		struct mailfile file;
		bool good = mailfile_parse(name, row->in_new, &file);

		expect_number(row->name, good, row->base != NULL);
		if (good) {
			expect_text(row->name, file.base, row->base);
			expect_number(row->name, file.flags, row->flags);
			expect_number(row->name, (int64_t)file.keywords, (int64_t)row->keywords);
			expect_number(row->name, (int64_t)file.size, (int64_t)row->size);
			expect_number(row->name, (int64_t)file.vsize, (int64_t)row->vsize);
			mailfile_put(&again, file.flags & MAIL_RAW ? name : file.base, file.flags,
			    file.keywords);
			expect_span(row->name, str_span(&again), name);
		}
		str_free(&again);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_long_names),
		cmocka_unit_test(test_odd_dirs),
		cmocka_unit_test(test_mutf7),
		cmocka_unit_test(test_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
