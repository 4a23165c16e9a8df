/*
 * What becomes of files in the maildrop: the message that qmgr gets, what is refused and stays,
 * what is tried again, and that a pickup which dies at any of its calls loses nothing. For the
 * latter this program is run again as a child.
 */
#include "config.h"

#include <dirent.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/crc32c.h"
#include "base/sys.h"
#include "tests/unit/mailbox/tree.h"
#include "tests/unit/pickup/rig.h"
#include "tests/unit/unit.h"

#define MAGIC "postern submission 1\n"

extern char **environ;

static char *
maildrop_make(char *path)
{
	memcpy(path, "/tmp/postern-pickup-XXXXXX", sizeof("/tmp/postern-pickup-XXXXXX"));
	assert_non_null(mkdtemp(path));
	return path;
}

/* A file of the maildrop: HEAD and CONTENT, with a good end. */
static void
file_make(const char *path, const char *name, const char *head, const char *content)
{
	struct str text = STR_INIT(8u << 20), file = STR_INIT(4096);
	int fd;

	str_puts(&text, MAGIC);
	str_puts(&text, head);
	str_puts(&text, "\n");
	str_puts(&text, content);
	submission_put_end(&text, text.n, crc32c(0, str_span(&text)));
	str_printf(&file, "%s/%s", path, name);
	fd = open(str_cstr(&file), O_WRONLY | O_CREAT | O_TRUNC, 0644);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text.p, text.n), text.n);
	close(fd);
	str_free(&text);
	str_free(&file);
}

static unsigned
files_count(const char *path)
{
	DIR *d = opendir(path);
	struct dirent *e;
	unsigned n = 0;

	while ((e = readdir(d)) != NULL)
		n += e->d_name[0] != '.';
	closedir(d);
	return n;
}

/* POSTED less the Received: field, which holds the time. */
static void
received_cut(struct str *posted)
{
	size_t at = span_find_span(str_span(posted), span_lit("Received: by mx.example.org"));
	struct span rest = span_from(str_span(posted), at);
	size_t n = 0;

	if (rest.n == 0)
		return;
	do
		n += span_find(span_from(rest, n), '\n') + 1;
	while (n < rest.n && (rest.p[n] == ' ' || rest.p[n] == '\t'));
	memmove(posted->p + at, posted->p + at + n, posted->n - at - n);
	str_cut(posted, posted->n - n);
}

#define DATED	"Date: Mon, 23 Nov 2026 08:00:00 +0000\n"
#define DATED_W "Date: Mon, 23 Nov 2026 08:00:00 +0000\r\n"
#define FULL	"From: x@y\nMessage-ID: <1@y>\n" DATED
#define FULL_W	"From: x@y\r\nMessage-ID: <1@y>\r\n" DATED_W

/* Who is told of what: the envelope that qmgr gets, and the content. */
static const struct {
	const char *name, *head, *content, *want;
} messages[] = {
	{ "as it is", "sender a@b.c\nrecipient r@s\n", FULL "\nbody\n",
	    "from=<a@b.c> to=<r@s> flags=0 notify=0\n" FULL_W "\r\nbody\r\n" },
	{ "without domains", "sender a\nrecipient r\nrecipient t\n", FULL "\n",
	    "from=<a@example.org> to=<r t> flags=0 notify=0\n" FULL_W "\r\n" },
	{ "no From", "sender a\nname Anna B.\nrecipient r\n", "Message-ID: <1@y>\n" DATED "\nx\n",
	    "from=<a@example.org> to=<r> flags=0 notify=0\nMessage-ID: <1@y>\r\n" DATED_W
	    "From: \"Anna B.\" <a@example.org>\r\n\r\nx\r\n" },
	{ "null sender", "sender \nname x\nrecipient r\n", "Message-ID: <1@y>\n" DATED "\nx\n",
	    "from=<> to=<r> flags=0 notify=0\nMessage-ID: <1@y>\r\n" DATED_W
	    "From: Mail Delivery System <MAILER-DAEMON@mx.example.org>\r\n\r\nx\r\n" },
	{ "dropped fields", "sender a\nrecipient r\n",
	    "Bcc: secret@x,\n other@x\nReturn-Path: <x>\n" FULL "content-length: 3\n\nx\n",
	    "from=<a@example.org> to=<r> flags=0 notify=0\n" FULL_W "\r\nx\r\n" },
	{ "line ends", "sender a\nrecipient r\n", FULL "\r\na\r\nb\rc\n\n.\nlast",
	    "from=<a@example.org> to=<r> flags=4 notify=0\n" FULL_W
	    "\r\na\r\nb c\r\n\r\n.\r\nlast\r\n" },
	{ "no body", "sender a\nrecipient r\n", FULL,
	    "from=<a@example.org> to=<r> flags=0 notify=0\n" FULL_W "\r\n" },
	{ "cut header", "sender a\nrecipient r\n", FULL "Subject: x",
	    "from=<a@example.org> to=<r> flags=0 notify=0\n" FULL_W "Subject: x\r\n\r\n" },
	{ "a body at once", "sender a\nrecipient r\n", FULL "no field\n",
	    "from=<a@example.org> to=<r> flags=0 notify=0\n" FULL_W "\r\nno field\r\n" },
	{ "nobody", "sender a\nnotify 2\nrecipient nobody\nrecipient r\n", FULL "\n",
	    "from=<a@example.org> to=<nobody(5.1.1 User unknown) r> flags=0 "
	    "notify=2\n" FULL_W "\r\n" },
	{ "8 bits", "sender a\nrecipient r\n", FULL "\ngr\374n\n",
	    "from=<a@example.org> to=<r> flags=1 notify=0\n" FULL_W "\r\ngr\374n\r\n" },
	{ "SMTPUTF8", "sender gr\303\274n\nrecipient r\n", FULL "\n",
	    "from=<gr\303\274n@example.org> to=<r> flags=2 notify=0\n" FULL_W "\r\n" },
	{ "the same twice", "sender a\nrecipient r\nrecipient r\n", FULL "\n",
	    "from=<a@example.org> to=<r> flags=0 notify=0\n" FULL_W "\r\n" },
	{ "a loop", "sender a\nrecipient r\n",
	    "Received: 1\nReceived: 2\nReceived: 3\nReceived: 4\nReceived: 5\n"
	    "Received: 6\n" FULL "\n",
	    "from=<a@example.org> to=<r(5.4.6 too many hops)> flags=0 notify=0\n"
	    "Received: 1\r\nReceived: 2\r\nReceived: 3\r\nReceived: 4\r\nReceived: 5\r\n"
	    "Received: 6\r\n" FULL_W "\r\n" },
};

static void
test_messages(void **state)
{
	struct service_ctx ctx;
	char path[64];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(messages); i++) {
		rig_open(&ctx, maildrop_make(path));
		file_make(path, "f", messages[i].head, messages[i].content);
		rig_run(&ctx);
		expect_number(messages[i].name, ctx.posted_n, 1);
		assert_true(span_find_span(str_span(&ctx.posted),
				span_lit("(Postern, from userid ")) < ctx.posted.n);
		received_cut(&ctx.posted);
		expect_text(messages[i].name, str_span(&ctx.posted), messages[i].want);
		expect_number(messages[i].name, files_count(path), 0);
		rig_close(&ctx);
		tree_remove(path);
	}
}

/* The fields that are made, when nothing of them is there; and much of everything. */
static void
test_large(void **state)
{
	struct str content = STR_INIT(2u << 20), want = STR_INIT(4u << 20);
	struct service_ctx ctx;
	char path[64];

	(void)state;
	for (unsigned i = 0; i < 3000; i++) {
		str_printf(&content, "X-Field-%u: some text that fills the line\n", i);
		str_printf(&want, "X-Field-%u: some text that fills the line\r\n", i);
	}
	str_puts(&content, "\n");
	size_t header = want.n;
	for (unsigned i = 0; i < 15000; i++) {
		str_printf(&content, "line %u of the body, of some length\n", i);
		str_printf(&want, "line %u of the body, of some length\r\n", i);
	}
	rig_open(&ctx, maildrop_make(path));
	file_make(path, "f", "sender a\nname A\nrecipient r\n", str_cstr(&content));
	rig_run(&ctx);
	assert_int_equal(ctx.posted_n, 1);
	struct span got = str_span(&ctx.posted);
	struct span head = span_head(str_span(&want), header);
	struct span body = span_from(str_span(&want), header);
	size_t at = span_find_span(got, head);
	assert_true(at < got.n);
	assert_true(span_ends(got, body));
	struct span made = span_of(got.p + at + head.n, got.n - at - head.n - body.n);
	assert_true(span_starts(made, span_lit("From: A <a@example.org>\r\nDate: ")));
	assert_true(span_ends(made, span_lit("@mx.example.org>\r\n\r\n")));
	assert_true(span_find_span(made, span_lit("\r\nMessage-ID: <")) < made.n);
	rig_close(&ctx);
	tree_remove(path);
	str_free(&content);
	str_free(&want);
}

/* What stays in the maildrop, and whether it is tried again. */
static void
test_kept(void **state)
{
	static const struct {
		const char *name, *head;
		enum verdict commit;
		unsigned aborted;
	} rows[] = {
		{ "later", "sender a\nrecipient later\n", VERDICT_OK, 1 },
		{ "sender later", "sender later\nrecipient r\n", VERDICT_OK, 1 },
		{ "qmgr is busy", "sender a\nrecipient r\n", VERDICT_TEMP, 0 },
		{ "malformed", "sender a\nuid 0\nrecipient r\n", VERDICT_OK, 0 },
	};
	struct service_ctx ctx;
	char path[64];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		rig_open(&ctx, maildrop_make(path));
		file_make(path, "f", rows[i].head, FULL "\nx\n");
		ctx.commit = rows[i].commit;
		rig_run(&ctx);
		expect_number(rows[i].name, ctx.posted_n, 0);
		expect_number(rows[i].name, ctx.aborted, rows[i].aborted);
		expect_number(rows[i].name, files_count(path), 1);
		rig_close(&ctx);
		tree_remove(path);
	}
}

/* Cut at any byte it is no submission; whole it is one. */
static void
test_unfinished(void **state)
{
	struct service_ctx ctx;
	struct stat st;
	char path[64], file[80];

	(void)state;
	rig_open(&ctx, maildrop_make(path));
	snprintf(file, sizeof(file), "%s/f", path);
	file_make(path, "f", "sender a\nrecipient r\n", FULL "\nx\n");
	assert_int_equal(stat(file, &st), 0);
	for (off_t n = 0; n < st.st_size; n += 7) {
		file_make(path, "f", "sender a\nrecipient r\n", FULL "\nx\n");
		assert_int_equal(truncate(file, n), 0);
		rig_run(&ctx);
		assert_int_equal(ctx.posted_n, 0);
		assert_int_equal(files_count(path), 1);
	}
	/* A day later nobody is writing to it any more. */
	time_set_wall(time_wall() + 25 * 3600 * NS_PER_S);
	rig_run(&ctx);
	time_set_wall(0);
	assert_int_equal(ctx.posted_n, 0);
	assert_int_equal(files_count(path), 0);
	file_make(path, "f", "sender a\nrecipient r\n", FULL "\nx\n");
	rig_run(&ctx);
	assert_int_equal(ctx.posted_n, 1);
	assert_int_equal(files_count(path), 0);
	rig_close(&ctx);
	tree_remove(path);
}

/* The child: brings in what is there, with the fault that POSTERN_FAULT orders. */
static int
act(const char *path, const char *queue)
{
	struct service_ctx ctx;

	rig_open(&ctx, path);
	ctx.queue = open(queue, O_WRONLY | O_CREAT | O_APPEND, 0600);
	rig_run(&ctx);
	rig_close(&ctx);
	return 0;
}

/* Whether it was killed. */
static bool
act_apart(char *path, char *queue, unsigned n)
{
	char program[] = "/proc/self/exe", verb[] = "act", fault[32];
	char *argv[] = { program, verb, path, queue, NULL };
	pid_t pid;
	int status;

	snprintf(fault, sizeof(fault), "%u:kill", n);
	assert_int_equal(setenv("POSTERN_FAULT", fault, 1), 0);
	assert_int_equal(posix_spawn(&pid, program, NULL, NULL, argv, environ), 0);
	unsetenv("POSTERN_FAULT");
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) || (WIFEXITED(status) && WEXITSTATUS(status) == 0));
	return WIFSIGNALED(status);
}

static unsigned
queue_count(const char *queue)
{
	struct str text = STR_INIT(1u << 20);
	int fd = open(queue, O_RDONLY);
	unsigned n = 0;

	ssize_t got = fd < 0 ? 0 : read(fd, str_reserve(&text, 100000), 100000);
	str_grew(&text, (size_t)got);
	if (fd >= 0)
		close(fd);
	for (struct span rest = str_span(&text); rest.n > 0; n++) {
		size_t at = span_find_span(rest, span_lit("Subject: once"));
		if (at == rest.n)
			break;
		rest = span_from(rest, at + 1);
	}
	str_free(&text);
	return n;
}

static void
test_killed(void **state)
{
	char path[64], queue[80];
	unsigned n = 1, twice = 0;
	bool killed = true;

	(void)state;
	for (; killed; n++) {
		maildrop_make(path);
		snprintf(queue, sizeof(queue), "%s.queue", path);
		file_make(path, "f", "sender a\nrecipient r\n", "Subject: once\n" FULL "\nx\n");
		killed = act_apart(path, queue, n);
		assert_true(queue_count(queue) + files_count(path) >= 1);
		/* Another pickup comes, and the message has been sent once, or twice. */
		assert_int_equal(act(path, queue), 0);
		assert_int_equal(files_count(path), 0);
		assert_in_range(queue_count(queue), 1, 2);
		twice += queue_count(queue) == 2;
		unlink(queue);
		tree_remove(path);
		assert_true(n < 100);
	}
	/* The one window: committed, and not yet removed. */
	assert_int_equal(twice, 1);
	assert_true(n > 3);
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_messages),
		cmocka_unit_test(test_large),
		cmocka_unit_test(test_kept),
		cmocka_unit_test(test_unfinished),
		cmocka_unit_test(test_killed),
	};

	if (argc == 4)
		return act(argv[2], argv[3]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
