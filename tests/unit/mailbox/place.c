/*
 * What the tests of lib/mailbox share: a Maildir in a directory under /tmp, messages in it, and the
 * hands of other programs. Linked into each of them. A failure ends the test at once.
 */
#include "config.h"

#include "tests/unit/mailbox/place.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/sys.h"
#include "tests/unit/mailbox/tree.h"
#include "tests/unit/unit.h"

struct maildir *
place_open(const struct place *p)
{
	const struct maildir_place place = { p->home, p->proc_fd, SPAN("Maildir/"), SPAN("mx") };
	struct err err = ERR_NONE;
	struct maildir *md = NULL;

	if (maildir_open(&place, &md, &err) != VERDICT_OK)
		fail_msg("open Maildir: %s", err.text);
	return md;
}

int
place_make(void **state)
{
	struct place *p = mem_alloc(sizeof(*p));

	str_init(&p->path, 4096);
	str_puts(&p->path, "/tmp/postern-mailbox-XXXXXX");
	str_cstr(&p->path);
	if (!mkdtemp(p->path.p))
		return -1;
	p->home = sys_openat(AT_FDCWD, str_cstr(&p->path), O_PATH | O_DIRECTORY, 0);
	p->proc_fd = sys_openat(AT_FDCWD, "/proc/self/fd", O_PATH | O_DIRECTORY, 0);
	p->md = place_open(p);
	*state = p;
	return p->md ? 0 : -1;
}

int
place_remove(void **state)
{
	struct place *p = *state;

	maildir_close(p->md);
	sys_close(p->home);
	sys_close(p->proc_fd);
	tree_remove(str_cstr(&p->path));
	str_free(&p->path);
	mem_free(p);
	return 0;
}

struct mailbox *
must_open(struct maildir *md, const char *name)
{
	struct err err = ERR_NONE;
	struct mailbox *mb = NULL;

	if (mailbox_open(md, span_str(name), &mb, &err) != VERDICT_OK)
		fail_msg("open %s: %s", name, err.text);
	return mb;
}

void
must_refresh(struct mailbox *mb)
{
	struct err err = ERR_NONE;

	if (mailbox_refresh(mb, &err) != VERDICT_OK)
		fail_msg("refresh: %s", err.text);
}

uint32_t
must_add(struct mailbox *mb, const char *text, uint32_t flags, uint64_t keywords)
{
	struct draft draft;
	struct mailbox_addition a = { .draft = &draft, .flags = flags, .keywords = keywords };
	struct err err = ERR_NONE;

	if (draft_begin(&draft, mailbox_maildir(mb), mailbox_folder(mb), &err) != VERDICT_OK ||
	    draft_put(&draft, span_str(text), &err) != VERDICT_OK ||
	    draft_sync(&draft, 0, &err) != VERDICT_OK)
		fail_msg("draft: %s", err.text);
	mailbox_add(mb, &a, 1);
	if (a.v != VERDICT_OK)
		fail_msg("add: %s", a.err.text);
	if (mailbox_sync_blocking(mb, &err) != VERDICT_OK)
		fail_msg("sync: %s", err.text);
	draft_end(&draft);
	return a.uid;
}

struct uid_set
set_of(struct uid_range *range, uint32_t first, uint32_t last)
{
	*range = (struct uid_range){ first, last };
	return (struct uid_set){ range, 1 };
}

static struct str
path_of(const struct place *p, const char *name)
{
	struct str path = STR_INIT(8192);

	str_printf(&path, "%.*s/Maildir/%s", SPAN_ARG(str_span(&p->path)), name);
	return path;
}

void
foreign_file(const struct place *p, const char *name, const char *text, int day)
{
	struct str path = path_of(p, name);
	const struct timespec date = { (time_t)day * 86400, 0 };
	int fd = open(str_cstr(&path), O_WRONLY | O_CREAT | O_EXCL, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	assert_int_equal(futimens(fd, (const struct timespec[2]){ date, date }), 0);
	close(fd);
	str_free(&path);
}

void
foreign_rename(const struct place *p, const char *from, const char *to)
{
	struct str a = path_of(p, from), b = path_of(p, to);

	assert_int_equal(rename(str_cstr(&a), str_cstr(&b)), 0);
	str_free(&a);
	str_free(&b);
}

void
foreign_remove(const struct place *p, const char *name)
{
	struct str path = path_of(p, name);

	assert_int_equal(unlink(str_cstr(&path)), 0);
	str_free(&path);
}

void
mailbox_say(const struct mailbox *mb, struct str *out)
{
	str_reset(out);
	for (size_t i = 0; i < mailbox_count(mb); i++) {
		const struct mail *mail = mailbox_at(mb, i);

		str_printf(out, "%s%u:", i ? "," : "", mail->uid);
		for (char c = 'A'; c <= 'Z'; c++)
			if (mail->flags & MAIL_LETTER(c))
				str_putc(out, c);
		str_puts(out, mail->flags & MAIL_NEW ? "n" : "");
		for (unsigned k = 0; k < MAIL_KEYWORDS; k++)
			if (mail->keywords >> k & 1)
				str_printf(out, " %.*s", SPAN_ARG(mailbox_keyword(mb, k)));
	}
}

void
age_dirs(const struct place *p, const char *folder)
{
	static const char *const parts[] = { "new", "cur" };
	static long tick = 1; /* each time is another one */

	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		struct str name = STR_INIT(1024), path;
		const struct timespec t[2] = { { 1000000, tick }, { 1000000, tick } };

		tick++;
		str_printf(&name, "%s/%s", folder, parts[i]);
		path = path_of(p, str_cstr(&name));
		assert_int_equal(utimensat(AT_FDCWD, str_cstr(&path), t, 0), 0);
		str_free(&name);
		str_free(&path);
	}
}
