/*
 * What a reader finds in a Maildir after a crash: `mail_look HOME` opens every folder as a user
 * process does at its start, says what is there, puts one more message into each and says what UID
 * it got; then once more, as a second process would. Started by tests/crash/mailbox.py, which
 * compares it with what clients had been told. Says what it could not do, and ends with 1 then.
 *
 *   folder NAME ID UIDVALIDITY UIDNEXT
 *   mail UID BODY                      of a whole message; "damaged" and its size otherwise
 *   next UID                           of the message that was added
 */
#include "config.h"

#include <fcntl.h>
#include <stdio.h>

#include "base/base64.h"
#include "base/mem.h"
#include "base/sys.h"
#include "mailbox/mailbox.h"
#include "mailbox/tree.h"

#define BODY_MOST 65536

struct look {
	struct maildir *md;
	bool first;
	int status;
};

static void
trouble(struct look *l, const char *what, const struct err *err)
{
	printf("trouble %s: %s\n", what, err->text);
	l->status = 1;
}

/* Its subject, when the message ends as it should. */
static struct span
body_read(struct span text)
{
	struct span line, subject, end, last = span_lit("");
	struct span rest = text;

	if (!span_token(&rest, span_lit("\n"), &line) || !span_starts(line, span_lit("Subject: ")))
		return span_of(NULL, 0);
	subject = span_from(line, strlen("Subject: "));
	while (span_token(&rest, span_lit("\n"), &line))
		last = line;
	end = span_starts(last, span_lit("end ")) ? span_from(last, strlen("end ")) : last;
	return span_eq(end, subject) && span_ends(text, span_lit("\n")) ? subject
									: span_of(NULL, 0);
}

/* One that is gone without the index's knowledge vanishes when it is asked for. */
static void
mail_show(struct look *l, struct mailbox *mb, uint32_t uid)
{
	struct str text = STR_INIT(BODY_MOST + 1);
	struct err err = ERR_NONE;
	enum verdict v;
	struct span body;
	ssize_t n;
	int fd;

	v = mailbox_open_message(mb, uid, &fd, &err);
	if (v != VERDICT_OK) {
		if (v != VERDICT_ABSENT)
			trouble(l, "message", &err);
		return;
	}
	n = sys_pread_all(fd, str_reserve(&text, BODY_MOST), BODY_MOST, 0);
	str_grew(&text, (size_t)(n < 0 ? 0 : n));
	sys_close(fd);
	body = body_read(str_span(&text));
	if (body.p)
		printf("mail %u %.*s\n", uid, SPAN_ARG(body));
	else
		printf("mail %u damaged, %zu bytes\n", uid, text.n);
	str_free(&text);
}

static void
one_more(struct look *l, struct mailbox *mb)
{
	struct mailbox_addition a = { .draft = NULL };
	struct err err = ERR_NONE;
	struct draft draft;

	a.draft = &draft;
	if (draft_begin(&draft, l->md, mailbox_folder(mb), &err) != VERDICT_OK ||
	    draft_put(&draft, span_lit("Subject: more\n\nend more\n"), &err) != VERDICT_OK ||
	    draft_sync(&draft, 0, &err) != VERDICT_OK) {
		trouble(l, "draft", &err);
		return;
	}
	mailbox_add(mb, &a, 1);
	if (a.v != VERDICT_OK || a.uid == 0)
		trouble(l, "add", &a.err);
	else if (mailbox_sync_blocking(mb, &err) != VERDICT_OK)
		trouble(l, "sync", &err);
	else
		printf("next %u\n", a.uid);
	draft_end(&draft);
}

static void
folder_show(struct look *l, struct span name)
{
	struct str id = STR_INIT(64);
	struct err err = ERR_NONE;
	struct mailbox *mb;
	size_t i;

	if (mailbox_open(l->md, name, &mb, &err) != VERDICT_OK) {
		trouble(l, "folder", &err);
		return;
	}
	hex_put(&id, mailbox_id(mb));
	printf("folder %.*s %.*s %u %u\n", SPAN_ARG(name), SPAN_ARG(str_span(&id)),
	    mailbox_uidvalidity(mb), mailbox_uidnext(mb));
	/* By UID: the view may shrink on the way. */
	for (uint32_t uid = 0; (i = mailbox_find(mb, uid + 1)) < mailbox_count(mb);) {
		uid = mailbox_at(mb, i)->uid;
		mail_show(l, mb, uid);
	}
	if (l->first)
		one_more(l, mb);
	mailbox_close(mb);
	str_free(&id);
}

static void
look(const struct maildir_place *place, struct look *l)
{
	struct tree_names names = { .n = 0 };
	struct err err = ERR_NONE;

	if (maildir_open(place, &l->md, &err) != VERDICT_OK) {
		trouble(l, "Maildir", &err);
		return;
	}
	tree_sweep(l->md);
	if (tree_list(l->md, &names, &err) != VERDICT_OK)
		trouble(l, "list", &err);
	for (size_t i = 0; i < names.n; i++)
		folder_show(l, names.v[i]);
	tree_names_free(&names);
	maildir_close(l->md);
}

int
main(int argc, char **argv)
{
	struct maildir_place place = { .path = SPAN("Maildir/"), .host = SPAN("mx") };
	struct look l = { .first = true };

	if (argc != 2)
		return 64;
	place.home = sys_openat(AT_FDCWD, argv[1], O_PATH | O_DIRECTORY, 0);
	place.proc_fd = sys_openat(AT_FDCWD, "/proc/self/fd", O_PATH | O_DIRECTORY, 0);
	look(&place, &l);
	printf("again\n");
	l.first = false;
	look(&place, &l);
	return l.status;
}
