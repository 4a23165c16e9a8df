/*
 * The passwd file: lines right and wrong, and readings that take each other's place. Files lie in a
 * directory of their own.
 */
#include "config.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "authd/accounts.h"
#include "base/mem.h"
#include "base/sys.h"
#include "tests/unit/unit.h"

static const struct account_defaults defaults = { 5000, 5001, SPAN("/vmail") };

static const struct {
	const char *name;
	const char *line;
	const char *user; /* to be found; NULL: the line is wrong */
	const char *password;
	uint32_t uid, gid;
	const char *home;
	const char *nets; /* or the reason */
} rows[] = {
	{ "full", "ann:{PLAIN}x:1000:1001:Ann:/srv/ann:/bin/sh:", "ann", "{PLAIN}x", 1000, 1001,
	    "/srv/ann", "" },
	{ "defaults", "ann@example.com:{PLAIN}x::::::", "ann@example.com", "{PLAIN}x", 5000, 5001,
	    "/vmail/example.com/ann", "" },
	{ "short", "bob:x", "bob", "x", 5000, 5001, "/vmail/bob", "" },
	{ "name alone", "bob", "bob", "", 5000, 5001, "/vmail/bob", "" },
	{ "case", "Ann@Example.com:x", "aNN@eXAMPLE.COM", "x", 5000, 5001, "/vmail/Example.com/Ann",
	    "" },
	{ "nets", "ann:x::::::allow_nets=10.0.0.0/8,[2001:db8::]/32", "ann", "x", 5000, 5001,
	    "/vmail/ann", "10.0.0.0/8,[2001:db8::]/32" },
	{ "extra of others", "ann:x::::::proxy_maybe=y  allow_nets=192.0.2.1 nologin", "ann", "x",
	    5000, 5001, "/vmail/ann", "192.0.2.1" },
	{ "comment and blanks", "# no\n\n   \n ann:x \n", "ann", "x", 5000, 5001, "/vmail/ann",
	    "" },
	{ "no end of line", "a:x\nann:y", "ann", "y", 5000, 5001, "/vmail/ann", "" },
	{ "empty name", ":x", NULL, NULL, 0, 0, NULL, "passwd line 1: the user name is empty" },
	{ "slash", "a/b:x", NULL, NULL, 0, 0, NULL, "passwd line 1: the user name is empty" },
	{ "dots", "a@..:x", NULL, NULL, 0, 0, NULL, "passwd line 1: the user name is empty" },
	{ "dot", ".a:x", NULL, NULL, 0, 0, NULL, "passwd line 1: the user name is empty" },
	{ "blank in it", "a b:x", NULL, NULL, 0, 0, NULL, "passwd line 1: the user name is empty" },
	{ "uid", "\nann:x:root", NULL, NULL, 0, 0, NULL, "passwd line 2: uid or gid of ann" },
	{ "uid too large", "ann:x:4294967295", NULL, NULL, 0, 0, NULL,
	    "passwd line 1: uid or gid of ann" },
	{ "relative home", "ann:x::::home", NULL, NULL, 0, 0, NULL,
	    "passwd line 1: ann has no home" },
	{ "twice", "ann:x\nANN:y", NULL, NULL, 0, 0, NULL, "passwd line 2: ANN is there twice" },
	{ "nets wrong", "ann:x::::::allow_nets=everywhere", NULL, NULL, 0, 0, NULL,
	    "passwd line 1: allow_nets of ann" },
	{ "nets empty", "ann:x::::::allow_nets=", NULL, NULL, 0, 0, NULL,
	    "passwd line 1: allow_nets of ann" },
};

static void
test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct accounts *a = accounts_new(AT_FDCWD, "passwd", &defaults);
		struct err err = ERR_NONE;
		enum verdict v = accounts_parse(a, span_str(rows[i].line), &err);
		expect_number(rows[i].name, v, rows[i].user ? VERDICT_OK : VERDICT_PERM);
		if (rows[i].user) {
			const struct account *acc = accounts_find(a, span_str(rows[i].user));
			assert_non_null(acc);
			expect_text(rows[i].name, acc->password, rows[i].password);
			expect_text(rows[i].name, acc->home, rows[i].home);
			expect_text(rows[i].name, acc->allow_nets, rows[i].nets);
			expect_number(rows[i].name, acc->uid, rows[i].uid);
			expect_number(rows[i].name, acc->gid, rows[i].gid);
		} else {
			expect_text(rows[i].name, span_head(err_text(&err), strlen(rows[i].nets)),
			    rows[i].nets);
		}
		accounts_free(a);
	}
}

static void
file_write(int dir, const char *name, const char *text)
{
	int fd = sys_openat(dir, name, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(sys_write_all(fd, text, strlen(text)), 0);
	sys_close(fd);
}

static void
test_readings(void **state)
{
	char path[] = "/tmp/postern-accounts-XXXXXX";
	struct err err = ERR_NONE;
	struct arena arena;
	struct account copy;

	(void)state;
	assert_non_null(mkdtemp(path));
	int dir = sys_openat(AT_FDCWD, path, O_PATH | O_DIRECTORY, 0);
	struct accounts *a = accounts_new(dir, "passwd", &defaults);
	assert_int_equal(accounts_refresh(a, NULL, &err), VERDICT_TEMP);
	file_write(dir, "passwd", "ann:one\n");
	assert_int_equal(accounts_refresh(a, NULL, &err), VERDICT_OK);
	arena_init(&arena, 4096);
	assert_true(account_copy(accounts_find(a, span_lit("ann")), &arena, &copy));
	expect_text("sample", accounts_sample(a, 12345), "one");

	/* A mistake leaves what was there, and is told once. */
	file_write(dir, "new", "bob:two\nann:x:y\n");
	assert_int_equal(sys_renameat(dir, "new", dir, "passwd"), 0);
	assert_int_equal(accounts_refresh(a, NULL, &err), VERDICT_PERM);
	expect_text("reason", err_text(&err), "passwd line 2: uid or gid of ann is not a number");
	assert_int_equal(accounts_refresh(a, NULL, &err), VERDICT_OK);
	assert_non_null(accounts_find(a, span_lit("ann")));
	assert_null(accounts_find(a, span_lit("bob")));

	file_write(dir, "new", "bob:three\n");
	assert_int_equal(sys_renameat(dir, "new", dir, "passwd"), 0);
	assert_int_equal(accounts_refresh(a, NULL, &err), VERDICT_OK);
	assert_null(accounts_find(a, span_lit("ann")));
	assert_int_equal(accounts_count(a), 1);
	expect_text("copy", copy.password, "one");

	/* A link is not followed, a FIFO is not waited for. */
	assert_int_equal(sys_unlinkat(dir, "passwd", 0), 0);
	assert_int_equal(symlinkat("/etc/passwd", dir, "passwd"), 0);
	assert_int_equal(accounts_refresh(a, NULL, &err), VERDICT_TEMP);
	assert_int_equal(sys_unlinkat(dir, "passwd", 0), 0);
	assert_int_equal(mkfifoat(dir, "passwd", 0600), 0);
	assert_int_equal(accounts_refresh(a, NULL, &err), VERDICT_PERM);
	assert_int_equal(accounts_count(a), 1);
	assert_int_equal(sys_unlinkat(dir, "passwd", 0), 0);
	rmdir(path);
	sys_close(dir);
	arena_free(&arena);
	accounts_free(a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_readings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
