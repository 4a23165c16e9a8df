/*
 * postuser as a postmaster runs it: what it makes of the passwd file, what it prints, what it
 * refuses, and its exit status. Each time on a fresh configuration in a directory of its own.
 */
#include "config.h"

#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/str.h"
#include "base/sys.h"
#include "tests/unit/mailbox/tree.h"
#include "tests/unit/unit.h"

#define ARGS_MAX 10

struct site {
	struct str path;
	int fd;
	struct str said; /* standard output, then standard error */
};

static void
put_file(const struct site *site, const char *name, const char *text)
{
	const int fd = sys_openat(site->fd, name, O_WRONLY | O_CREAT | O_TRUNC, 0640);

	assert_true(fd >= 0);
	assert_int_equal(sys_write_all(fd, text, strlen(text)), 0);
	sys_close(fd);
}

static void
site_make(struct site *site, const char *passwd)
{
	struct str main_cf = STR_INIT(4096);

	str_init(&site->path, 100);
	str_init(&site->said, 1u << 20);
	str_puts(&site->path, "/tmp/postuser-XXXXXX");
	str_cstr(&site->path);
	assert_non_null(mkdtemp(site->path.p));
	site->fd = sys_openat(AT_FDCWD, site->path.p, O_RDONLY | O_DIRECTORY, 0);
	str_printf(&main_cf,
	    "auth_passwd_file = %s/passwd\nvirtual_mailbox_base = %s/vmail\n"
	    "virtual_uid_maps = static:5000\nvirtual_gid_maps = static:5000\n",
	    site->path.p, site->path.p);
	put_file(site, "main.cf", str_cstr(&main_cf));
	put_file(site, "master.cf", "");
	assert_int_equal(sys_mkdirat(site->fd, "vmail", 0755), 0);
	if (passwd)
		put_file(site, "passwd", passwd);
	str_free(&main_cf);
}

static void
site_drop(struct site *site)
{
	sys_close(site->fd);
	tree_remove(str_cstr(&site->path));
	str_free(&site->path);
	str_free(&site->said);
}

static void
get_file(int dir, const char *name, struct str *out)
{
	const int fd = sys_openat(dir, name, O_RDONLY, 0);
	ssize_t n;

	assert_true(fd >= 0);
	str_reset(out);
	n = sys_pread_all(fd, str_reserve(out, 65536), 65536, 0);
	assert_true(n >= 0);
	str_grew(out, (size_t)n);
	sys_close(fd);
}

static int
memory_file(const struct site *site, const char *text)
{
	int fd = sys_open_tmpfile(site->fd, O_RDWR, 0600);

	assert_true(fd >= 0);
	assert_int_equal(sys_pwrite_all(fd, text, strlen(text), 0), 0);
	return fd;
}

/* Runs postuser with INPUT; what it says is in site->said. */
static int
run(struct site *site, const char *const *args, const char *input)
{
	char *argv[ARGS_MAX + 4] = { (char[]){ "postuser" }, (char[]){ "-c" }, site->path.p };
	char *environment[] = { NULL };
	posix_spawn_file_actions_t actions;
	int fds[3], status;
	pid_t pid;

	for (size_t i = 0; i < ARGS_MAX && args[i]; i++)
		argv[i + 3] = strdup(args[i]);
	posix_spawn_file_actions_init(&actions);
	for (int i = 0; i < 3; i++) {
		fds[i] = memory_file(site, i == 0 ? input : "");
		posix_spawn_file_actions_adddup2(&actions, fds[i], i);
	}
	assert_int_equal(posix_spawn(&pid, POSTUSER, &actions, NULL, argv, environment), 0);
	posix_spawn_file_actions_destroy(&actions);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	str_reset(&site->said);
	for (int i = 0; i < 3; i++) {
		ssize_t n =
		    i == 0 ? 0 : sys_pread_all(fds[i], str_reserve(&site->said, 65536), 65536, 0);
		str_grew(&site->said, (size_t)n);
		sys_close(fds[i]);
	}
	for (size_t i = 3; argv[i]; i++)
		free(argv[i]);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

#define ARGS(...) ((const char *const[]){ __VA_ARGS__, NULL })

static const char first[] =
    "# ours\nann@example.com:{PLAIN}x::::::nologin\n\nbob:{CRYPT}y:5:6::/srv/bob";

static void
test_refused(void **state)
{
	static const struct {
		const char *name;
		const char *args[6];
		const char *input;
		const char *says;
	} rows[] = {
		{ "no command", { NULL }, "", "usage: postuser" },
		{ "unknown command", { "frob", "x" }, "", "usage: postuser" },
		{ "no user", { "add" }, "", "usage: postuser" },
		{ "a user too many", { "list", "x" }, "", "usage: postuser" },
		{ "bad option", { "-z", "list" }, "", NULL },
		{ "slash", { "add", "../x" }, "pw\n",
		    "postuser: fatal: ../x: no account can have that name\n" },
		{ "colon", { "add", "a:b" }, "pw\n",
		    "postuser: fatal: a:b: no account can have that name\n" },
		{ "newline", { "add", "a\nb:x" }, "pw\n",
		    "postuser: fatal: a\nb:x: no account can have that name\n" },
		{ "comment", { "add", "#x" }, "pw\n",
		    "postuser: fatal: #x: no account can have that name\n" },
		{ "domain alone", { "add", "@x" }, "pw\n",
		    "postuser: fatal: @x: no account can have that name\n" },
		{ "there already", { "add", "ANN@example.com" }, "pw\n",
		    "postuser: fatal: ANN@example.com: there is such a user\n" },
		{ "not there", { "password", "eve" }, "pw\n",
		    "postuser: fatal: eve: no such user\n" },
		{ "not there to remove", { "remove", "eve" }, "",
		    "postuser: fatal: eve: no such user\n" },
		{ "no password", { "add", "eve" }, "",
		    "postuser: fatal: password: none on standard input, or it is too long\n" },
		{ "empty password", { "add", "eve" }, "\n",
		    "postuser: fatal: password: it is empty\n" },
		{ "relative home", { "-d", "x", "add", "eve" }, "pw\n",
		    "postuser: fatal: x: a home begins with \"/\"\n" },
		{ "uid", { "-u", "x", "add", "eve" }, "pw\n",
		    "postuser: fatal: x: not a number\n" },
	};
	struct str now = STR_INIT(65536 * 2);
	struct site site;

	(void)state;
	site_make(&site, first);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		expect_number(rows[i].name, run(&site, rows[i].args, rows[i].input), 1);
		if (rows[i].says)
			expect_text(rows[i].name,
			    span_head(str_span(&site.said), strlen(rows[i].says)), rows[i].says);
	}
	get_file(site.fd, "passwd", &now);
	expect_text("untouched", str_span(&now), first);
	str_free(&now);
	site_drop(&site);
}

/* NOW with each hash in it replaced by "HASH": hashes have salt. */
static void
hide_hashes(struct str *now)
{
	struct str out = STR_INIT(65536 * 2);
	struct span text = str_span(now), hash = span_lit("{CRYPT}$y$");

	for (size_t at; (at = span_find_span(text, hash)) < text.n;) {
		str_put(&out, span_head(text, at));
		str_puts(&out, "HASH");
		text = span_from(text, at + hash.n);
		text = span_from(text, span_find(text, ':'));
	}
	str_put(&out, text);
	str_free(now);
	*now = out;
}

static void
expect_file(const struct site *site, const char *want)
{
	struct str now = STR_INIT(65536 * 2);

	get_file(site->fd, "passwd", &now);
	hide_hashes(&now);
	expect_text("passwd", str_span(&now), want);
	str_free(&now);
}

static void
test_edits(void **state)
{
	struct site site;
	struct stat st;

	(void)state;
	site_make(&site, first);
	assert_int_equal(run(&site, ARGS("add", "eve@example.com"), "sesame\nmore"), 0);
	expect_file(&site, "# ours\nann@example.com:{PLAIN}x::::::nologin\n\nbob:{CRYPT}y:5:6::"
			   "/srv/bob\neve@example.com:HASH::::::\n");
	assert_int_equal(fstatat(site.fd, "passwd", &st, 0), 0);
	assert_int_equal(st.st_mode & 0777, 0640);
	assert_int_equal(fstatat(site.fd, "vmail/example.com/eve", &st, 0), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	assert_int_equal(st.st_uid, geteuid() == 0 ? 5000 : geteuid());
	assert_int_equal(fstatat(site.fd, "vmail/example.com", &st, 0), 0);
	assert_int_equal(st.st_mode & 0777, 0711);

	assert_int_equal(run(&site, ARGS("password", "Ann@Example.com"), "new"), 0);
	assert_int_equal(run(&site, ARGS("password", "bob"), "new\n"), 0);
	expect_file(&site, "# ours\nann@example.com:HASH::::::nologin\n\nbob:HASH:5:6::/srv/bob\n"
			   "eve@example.com:HASH::::::\n");
	assert_int_equal(run(&site, ARGS("list"), ""), 0);
	expect_text("list", str_span(&site.said), "ann@example.com\nbob\neve@example.com\n");
	assert_int_equal(run(&site, ARGS("remove", "bob"), ""), 0);
	expect_text(
	    "removed", str_span(&site.said), "bob: removed; its mail is still in /srv/bob\n");
	expect_file(&site, "# ours\nann@example.com:HASH::::::nologin\n\n"
			   "eve@example.com:HASH::::::\n");
	site_drop(&site);
}

/* The first account makes the file; what a killed run left behind is no obstacle. */
static void
test_first(void **state)
{
	struct str want = STR_INIT(4096);
	struct site site;
	struct stat st;

	(void)state;
	site_make(&site, NULL);
	put_file(&site, "passwd.postuser", "half a fi");
	assert_int_equal(run(&site, ARGS("-u", "6000", "add", "zoe"), "sesame"), 0);
	expect_file(&site, "zoe:HASH:6000:::::\n");
	assert_int_equal(fstatat(site.fd, "passwd", &st, 0), 0);
	assert_int_equal(st.st_mode & 0007, 0);
	assert_int_equal(fstatat(site.fd, "passwd.postuser", &st, 0), -1);
	assert_int_equal(run(&site, ARGS("-v", "list"), ""), 0);
	str_printf(&want, "zoe\tCRYPT\t6000\t\t%s/vmail/zoe\n", str_cstr(&site.path));
	expect_span("list -v", str_span(&site.said), str_span(&want));
	str_free(&want);
	site_drop(&site);
}

/* Nothing is written through a link that somebody else may have put there. */
static void
test_links(void **state)
{
	struct site site;
	struct stat st;

	(void)state;
	site_make(&site, NULL);
	assert_int_equal(symlinkat("main.cf", site.fd, "passwd"), 0);
	assert_int_equal(run(&site, ARGS("add", "zoe"), "sesame"), 1);
	assert_int_equal(sys_unlinkat(site.fd, "passwd", 0), 0);
	assert_int_equal(symlinkat("/tmp", site.fd, "vmail/example.com"), 0);
	assert_int_equal(run(&site, ARGS("add", "zoe@example.com"), "sesame"), 1);
	assert_int_equal(fstatat(site.fd, "passwd", &st, 0), -1);
	site_drop(&site);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_edits),
		cmocka_unit_test(test_first),
		cmocka_unit_test(test_links),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
