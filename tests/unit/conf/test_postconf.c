/*
 * postconf as it is run by a postmaster: its output, its complaints, its exit status and its edits,
 * each time on a fresh configuration in a directory of its own, which is taken away afterwards.
 * Also: the configuration that is shipped has no problem. Run by make check.
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
#include "tests/unit/unit.h"

#define ARGS_MAX 8

static const char first_main[] = "# what this is\n"
				 "mail_name = Test\n"
				 "mynetworks = 127.0.0.0/8,\n"
				 "  # ours\n"
				 "  $ours\n"
				 "ours = 192.0.2.0/24\n"
				 "smtpd_timeout = 2m\n";
static const char first_master[] =
    "smtp      inet  n       -       y       -       -       smtpd\n"
    "submission inet n - n - 4 smtpd\n"
    "  -o smtpd_tls_security_level=encrypt\n"
    "  -o { smtpd_client_restrictions = permit_sasl_authenticated, reject }\n"
    "qmgr unix n - n 300? 1 qmgr\n";

struct site {
	char dir[64];
	int fd;
};

static void
put_file(struct site *site, const char *name, const char *text)
{
	const int fd = sys_openat(site->fd, name, O_WRONLY | O_CREAT | O_TRUNC, 0640);

	assert_true(fd >= 0);
	assert_int_equal(sys_write_all(fd, text, strlen(text)), 0);
	sys_close(fd);
}

static void
site_make(struct site *site)
{
	memcpy(site->dir, "/tmp/postconf-XXXXXX", sizeof("/tmp/postconf-XXXXXX"));
	assert_non_null(mkdtemp(site->dir));
	site->fd = sys_openat(AT_FDCWD, site->dir, O_RDONLY | O_DIRECTORY, 0);
	put_file(site, "main.cf", first_main);
	put_file(site, "master.cf", first_master);
}

static void
site_drop(struct site *site)
{
	unlinkat(site->fd, "main.cf", 0);
	unlinkat(site->fd, "main.cf.new", 0);
	unlinkat(site->fd, "master.cf", 0);
	close(site->fd);
	rmdir(site->dir);
}

static void
get_file(int dir, const char *name, struct str *out)
{
	const int fd = sys_openat(dir, name, O_RDONLY, 0);
	ssize_t n;

	assert_true(fd >= 0);
	n = sys_pread_all(fd, str_reserve(out, 65536), 65536, 0);
	assert_true(n >= 0);
	str_grew(out, (size_t)n);
	sys_close(fd);
}

/* Runs postconf on SITE; standard output and then standard error come into *OUT. Returns the exit
 * status. */
static int
run_postconf(struct site *site, const char *const args[ARGS_MAX], struct str *out)
{
	char *argv[ARGS_MAX + 4] = { (char[]){ "postconf" }, (char[]){ "-c" }, site->dir };
	char *environment[] = { NULL };
	posix_spawn_file_actions_t actions;
	int fds[2], status;
	pid_t pid;

	for (size_t i = 0; i < ARGS_MAX && args[i]; i++)
		argv[i + 3] = strdup(args[i]);
	for (size_t i = 0; i < 2; i++)
		fds[i] = sys_open_tmpfile(site->fd, O_RDWR, 0600);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, fds[0], 1);
	posix_spawn_file_actions_adddup2(&actions, fds[1], 2);
	assert_int_equal(posix_spawn(&pid, POSTCONF, &actions, NULL, argv, environment), 0);
	posix_spawn_file_actions_destroy(&actions);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	for (size_t i = 0; i < 2; i++) {
		const ssize_t n = sys_pread_all(fds[i], str_reserve(out, 65536), 65536, 0);

		assert_true(n >= 0);
		str_grew(out, (size_t)n);
		sys_close(fds[i]);
	}
	for (size_t i = 3; argv[i]; i++)
		free(argv[i]);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void
test_show(UNUSED void **state)
{
	static const struct {
		const char *args[ARGS_MAX];
		int status;
		const char *want;
	} rows[] = {
		{ { "mail_name" }, 0, "mail_name = Test\n" },
		{ { "mail_name", "relayhost" }, 0, "mail_name = Test\nrelayhost = \n" },
		{ { "-h", "mail_name" }, 0, "Test\n" },
		{ { "-H", "mail_name" }, 0, "mail_name\n" },
		{ { "-d", "mail_name" }, 0, "mail_name = Postern\n" },
		{ { "mynetworks" }, 0, "mynetworks = 127.0.0.0/8, $ours\n" },
		{ { "-x", "mynetworks" }, 0, "mynetworks = 127.0.0.0/8, 192.0.2.0/24\n" },
		{ { "-n" }, 0,
		    "mail_name = Test\nmynetworks = 127.0.0.0/8, $ours\nours = "
		    "192.0.2.0/24\nsmtpd_timeout = 2m\n" },
		{ { "-o", "mail_name=Other", "mail_name" }, 0, "mail_name = Other\n" },
		{ { "-o", "soft_bounce=x", "mail_name" }, 0,
		    "mail_name = Test\npostconf: error: soft_bounce: \"x\" is not yes or no\n" },
		{ { "nobody" }, 1, "postconf: warning: nobody: unknown parameter\n" },
		{ { "-f", "default_rbl_reply" }, 0,
		    "default_rbl_reply = $rbl_code Service unavailable; $rbl_class [$rbl_what]\n"
		    "    blocked using $rbl_domain${rbl_reason?; $rbl_reason}\n" },
		{ { "-M", "smtp/inet" }, 0,
		    "smtp       inet  n       -       y       -       -       smtpd\n" },
		{ { "-M", "qmgr" }, 0,
		    "qmgr       unix  n       -       n       300?    1       qmgr\n" },
		{ { "-Mf", "submission" }, 0,
		    "submission inet  n       -       n       -       4       smtpd\n"
		    "    -o smtpd_tls_security_level=encrypt\n"
		    "    -o { smtpd_client_restrictions = permit_sasl_authenticated, reject }\n" },
		{ { "-P" }, 0,
		    "submission/inet/smtpd_tls_security_level = encrypt\n"
		    "submission/inet/smtpd_client_restrictions = permit_sasl_authenticated, "
		    "reject\n" },
		{ { "-P", "*/inet/smtpd_tls_security_level" }, 0,
		    "submission/inet/smtpd_tls_security_level = encrypt\n" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct str got = STR_INIT(1 << 20);
		struct site site;

		site_make(&site);
		expect_number(
		    rows[i].args[0], run_postconf(&site, rows[i].args, &got), rows[i].status);
		expect_text(rows[i].args[0], str_span(&got), rows[i].want);
		str_free(&got);
		site_drop(&site);
	}
}

/* All of it is sorted and has each parameter once; nothing is complained about in the defaults. */
static void
test_all(UNUSED void **state)
{
	static const char *const args[][ARGS_MAX] = { { "-d" }, { "-dx" }, { "-v" } };

	for (size_t i = 0; i < ARRAY_LEN(args); i++) {
		struct str got = STR_INIT(1 << 20);
		struct span rest, line, last = span_lit("");
		struct site site;

		site_make(&site);
		assert_int_equal(run_postconf(&site, args[i], &got), 0);
		rest = str_span(&got);
		while (rest.n > 0) {
			span_cut(rest, '\n', &line, &rest);
			span_cut(line, ' ', &line, &(struct span){ 0 });
			if (span_cmp(last, line) >= 0)
				fail_msg("%.*s is not before %.*s", SPAN_ARG(last), SPAN_ARG(line));
			last = line;
		}
		str_free(&got);
		site_drop(&site);
	}
}

static void
test_edit(UNUSED void **state)
{
	static const struct {
		const char *args[ARGS_MAX];
		int status;
		const char *said, *want; /* NULL: as it was */
	} rows[] = {
		{ { "-e", "mail_name = New", "relayhost=[x]:25" }, 0, "",
		    "# what this is\nmail_name = New\nmynetworks = 127.0.0.0/8,\n  # ours\n  "
		    "$ours\n"
		    "ours = 192.0.2.0/24\nsmtpd_timeout = 2m\nrelayhost = [x]:25\n" },
		{ { "smtpd_timeout=3m" }, 0, "",
		    "# what this is\nmail_name = Test\nmynetworks = 127.0.0.0/8,\n  # ours\n  "
		    "$ours\n"
		    "ours = 192.0.2.0/24\nsmtpd_timeout = 3m\n" },
		{ { "-#", "mynetworks", "ours" }, 0, "",
		    "# what this is\nmail_name = Test\n#mynetworks = 127.0.0.0/8,\n  # ours\n#  "
		    "$ours\n"
		    "#ours = 192.0.2.0/24\nsmtpd_timeout = 2m\n" },
		{ { "-X", "mynetworks", "ours" }, 0, "",
		    "# what this is\nmail_name = Test\n  # ours\nsmtpd_timeout = 2m\n" },
		{ { "-e", "mail_name=New", "soft_bounce=x" }, 1,
		    "postconf: fatal: soft_bounce: \"x\" is not yes or no\n", NULL },
		{ { "-e", "mail_nam=New" }, 0,
		    "postconf: error: mail_nam is no parameter: did you mean mail_name?\n",
		    "# what this is\nmail_name = Test\nmynetworks = 127.0.0.0/8,\n  # ours\n  "
		    "$ours\n"
		    "ours = 192.0.2.0/24\nsmtpd_timeout = 2m\nmail_nam = New\n" },
		{ { "-e", "mail_name" }, 1, "postconf: fatal: \"mail_name\" is not name=value\n",
		    NULL },
		{ { "-e", "mail_name=a\nb=c" }, 1,
		    "postconf: fatal: a name or value with a line break, or a very long name\n",
		    NULL },
		{ { "-e" }, 1, "postconf: fatal: no parameter is named\n", NULL },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct str got = STR_INIT(1 << 20), file = STR_INIT(1 << 20);
		struct site site;
		struct stat st;

		site_make(&site);
		expect_number(
		    rows[i].args[0], run_postconf(&site, rows[i].args, &got), rows[i].status);
		expect_text(rows[i].args[0], str_span(&got), rows[i].said);
		get_file(site.fd, "main.cf", &file);
		expect_text(
		    rows[i].args[0], str_span(&file), rows[i].want ? rows[i].want : first_main);
		assert_int_equal(fstatat(site.fd, "main.cf", &st, 0), 0);
		assert_int_equal(st.st_mode & 0777, 0640);
		assert_int_equal(faccessat(site.fd, "main.cf.new", F_OK, 0), -1);
		str_free(&got);
		str_free(&file);
		site_drop(&site);
	}
}

static void
test_edit_lock(UNUSED void **state)
{
	static const char *const args[ARGS_MAX] = { "-e", "mail_name=New" };
	struct str got = STR_INIT(1 << 20), file = STR_INIT(1 << 20);
	struct site site;

	site_make(&site);
	put_file(&site, "main.cf.new", "");
	assert_int_equal(run_postconf(&site, args, &got), 1);
	expect_text("lock", str_span(&got),
	    "postconf: fatal: main.cf.new exists: another edit is under way; when none is, remove "
	    "that file\n");
	get_file(site.fd, "main.cf", &file);
	expect_text("lock", str_span(&file), first_main);
	str_free(&got);
	str_free(&file);
	site_drop(&site);
}

/* What is wrong is told with its place; what is there is shown all the same. */
static void
test_complaints(UNUSED void **state)
{
	static const char *const args[ARGS_MAX] = { "-n" };
	struct str got = STR_INIT(1 << 20), want = STR_INIT(1 << 20);
	struct site site;

	site_make(&site);
	put_file(&site, "main.cf", "mail_nam = x\n\nsoft_bounce = x\n");
	assert_int_equal(run_postconf(&site, args, &got), 0);
	str_printf(&want,
	    "mail_nam = x\nsoft_bounce = x\n"
	    "postconf: error: %s/main.cf, line 1: mail_nam is no parameter: did you mean "
	    "mail_name?\n"
	    "postconf: error: %s/main.cf, line 3: soft_bounce: \"x\" is not yes or no\n",
	    site.dir, site.dir);
	expect_span("complaints", str_span(&got), str_span(&want));
	str_free(&got);
	str_free(&want);
	site_drop(&site);
}

/* The configuration that is shipped has no problem. */
static void
test_shipped(UNUSED void **state)
{
	static const char *const args[ARGS_MAX] = { "-h", "mail_name" };
	struct str got = STR_INIT(1 << 20), file = STR_INIT(1 << 20);
	const int conf = sys_openat(AT_FDCWD, SHIPPED, O_RDONLY | O_DIRECTORY, 0);
	struct site site;

	assert_true(conf >= 0);
	site_make(&site);
	get_file(conf, "main.cf", &file);
	put_file(&site, "main.cf", str_cstr(&file));
	str_reset(&file);
	get_file(conf, "master.cf", &file);
	put_file(&site, "master.cf", str_cstr(&file));
	assert_int_equal(run_postconf(&site, args, &got), 0);
	expect_text("shipped", str_span(&got), "Postern\n");
	str_free(&got);
	str_free(&file);
	close(conf);
	site_drop(&site);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_show),
		cmocka_unit_test(test_all),
		cmocka_unit_test(test_edit),
		cmocka_unit_test(test_edit_lock),
		cmocka_unit_test(test_complaints),
		cmocka_unit_test(test_shipped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
