/*
 * Measures lib/mailbox: a mailbox of 100,000 messages opened, listed, asked for flags; messages
 * added one by one and many to a sync; flags changed. Usage: bench_mailbox DIRECTORY [MESSAGES];
 * the directory is made, and has to be removed by hand. Prints one figure a line.
 */
#include "config.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/num.h"
#include "base/sys.h"
#include "base/time.h"
#include "mailbox/mailbox.h"

#define BATCH 50
#define HEAD                                                                                    \
	"From: Somebody <somebody@example.org>\r\nTo: Other <other@example.com>\r\nSubject: A " \
	"message of the "                                                                       \
	"usual kind\r\nDate: Mon, 23 Nov 2026 08:00:00 +0100\r\nMessage-ID: "                   \
	"<1234567890@example.org>\r\n\r\n"
#define BODY_LINE "This is a line of an ordinary message, of about the usual length of a line.\r\n"

static uint64_t begun;

static void
begin(void)
{
	begun = time_mono();
}

static void
end(const char *what, uint64_t n)
{
	uint64_t ns = time_mono() - begun;

	printf("%-44s %10.3f ms %12.0f /s\n", what, (double)ns / 1e6,
	    (double)n * 1e9 / (double)(ns ? ns : 1));
}

static void
must(enum verdict v, const struct err *err)
{
	if (v == VERDICT_OK)
		return;
	fprintf(stderr, "%s\n", err->text);
	exit(1);
}

static void
add(struct mailbox *mb, unsigned n)
{
	struct mailbox_addition *v = mem_alloc_array(n, sizeof(*v));
	struct draft *drafts = mem_alloc_array(n, sizeof(*drafts));
	struct err err = ERR_NONE;

	for (unsigned i = 0; i < n; i++) {
		must(draft_begin(&drafts[i], mailbox_maildir(mb), mailbox_folder(mb), &err), &err);
		must(draft_put(&drafts[i], span_lit(HEAD), &err), &err);
		for (int k = 0; k < 48; k++)
			must(draft_put(&drafts[i], span_lit(BODY_LINE), &err), &err);
		must(draft_sync(&drafts[i], 0, &err), &err);
		v[i] = (struct mailbox_addition){ .draft = &drafts[i] };
	}
	mailbox_add(mb, v, n);
	must(mailbox_sync_blocking(mb, &err), &err);
	for (unsigned i = 0; i < n; i++) {
		must(v[i].v, &v[i].err);
		draft_end(&drafts[i]);
	}
	mem_free(v);
	mem_free(drafts);
}

/* As another program left them. */
static void
make_foreign(int dir, uint64_t n)
{
	int cur = openat(dir, "cur", O_RDONLY | O_DIRECTORY);
	char name[128];

	for (uint64_t i = 0; i < n; i++) {
		snprintf(name, sizeof(name), "%ju.M%juP1234Q%ju.mx.example.com,S=4000,W=4060:2,%s",
		    (uintmax_t)(1700000000 + i), (uintmax_t)i, (uintmax_t)i, i % 3 ? "S" : "");
		int fd = openat(cur, name, O_WRONLY | O_CREAT | O_EXCL, 0600);
		if (fd < 0 || write(fd, "x\n", 2) != 2)
			exit(1);
		close(fd);
	}
	close(cur);
}

static struct mailbox *
open_inbox(struct maildir *md, const char *what, uint64_t n)
{
	struct err err = ERR_NONE;
	struct mailbox *mb;

	begin();
	must(mailbox_open(md, span_lit("INBOX"), &mb, &err), &err);
	end(what, n);
	return mb;
}

static void
look(struct mailbox *mb)
{
	struct err err = ERR_NONE;
	struct mailbox_counts counts;
	uint64_t sum = 0;

	begin();
	for (int i = 0; i < 1000; i++)
		must(mailbox_refresh(mb, &err), &err);
	end("refresh, nothing new (1,000 times)", 1000);
	begin();
	mailbox_count_all(mb, &counts);
	end("STATUS: all counts", counts.messages);
	begin();
	for (size_t i = 0; i < mailbox_count(mb); i++)
		sum += mailbox_at(mb, i)->flags + mailbox_at(mb, i)->vsize;
	end("FETCH 1:* (UID FLAGS RFC822.SIZE)", counts.messages);
	printf("(%ju messages, %ju)\n", (uintmax_t)counts.messages, (uintmax_t)sum);
}

static void
change(struct mailbox *mb)
{
	struct mailbox_store store = { MAILBOX_ADD_FLAGS, MAIL_FLAGGED, 0, UINT64_MAX };
	struct uid_range range = { 1, 10000 };
	struct uid_set set = { &range, 1 };
	struct err err = ERR_NONE;

	begin();
	must(mailbox_store_flags(mb, set, &store, NULL, &err), &err);
	end("STORE +FLAGS, 10,000 at a time", 10000);
	begin();
	for (range.first = 20001; range.first <= 21000; range.first++) {
		range.last = range.first;
		must(mailbox_store_flags(mb, set, &store, NULL, &err), &err);
	}
	end("STORE +FLAGS, one by one (1,000)", 1000);
	range = (struct uid_range){ 30001, 31000 };
	begin();
	must(mailbox_expunge(mb, set, &err), &err);
	end("EXPUNGE, 1,000 at a time", 1000);
	begin();
	must(mailbox_tidy(mb, &err), &err);
	end("compact and sync", 1);
}

static void
adding(struct mailbox *mb)
{
	begin();
	for (int i = 0; i < 200; i++)
		add(mb, 1);
	end("add 4 KiB, synced one by one (200)", 200);
	begin();
	for (int i = 0; i < 1000 / BATCH; i++)
		add(mb, BATCH);
	end("add 4 KiB, 50 to a directory sync (1,000)", 1000);
}

int
main(int argc, char **argv)
{
	struct maildir_place place = { .path = SPAN("Maildir"), .host = SPAN("mx.example.com") };
	struct err err = ERR_NONE;
	uint64_t n = 100000;
	struct maildir *md;
	struct mailbox *mb;

	if (argc < 2 || (argc > 2 && !num_parse_u64(span_str(argv[2]), 1000000, &n))) {
		fprintf(stderr, "usage: bench_mailbox DIRECTORY [MESSAGES]\n");
		return 2;
	}
	if (sys_mkdirat(AT_FDCWD, argv[1], 0700) != 0)
		perror(argv[1]);
	place.home = sys_openat(AT_FDCWD, argv[1], O_PATH | O_DIRECTORY, 0);
	place.proc_fd = sys_openat(AT_FDCWD, "/proc/self/fd", O_PATH | O_DIRECTORY, 0);
	must(maildir_open(&place, &md, &err), &err);
	begin();
	make_foreign(maildir_dir(md), n);
	end("(files made by another program)", n);
	mailbox_close(open_inbox(md, "first open: read all of the Maildir", n));
	sleep(3);
	mailbox_close(open_inbox(md, "second open: verify the first", n));
	mb = open_inbox(md, "open", n);
	look(mb);
	change(mb);
	adding(mb);
	mailbox_close(mb);
	mb = open_inbox(md, "open after all that", n);
	mailbox_close(mb);
	maildir_close(md);
	return 0;
}
