/*
 * What imapd, pop3d and the deliverer do to a Maildir, told by a script on standard input, one act
 * a line, so that its calls can be recorded or made to fail: `mail_acts HOME <script`. Started by
 * tests/crash/mailbox.py; faults are compiled in. Whatever a client would have been told is noted
 * among the records: "seen" a UID that others may have, "added" a message that would survive a
 * power cut, "leaving" one that is about to be expunged, "left" one whose expunge would survive. An
 * act that fails is passed over, as a client is told NO and goes on.
 */
#include "config.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/base64.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/str.h"
#include "base/sys.h"
#include "base/sys_fault.h"
#include "mailbox/mailbox_impl.h"
#include "mailbox/tree.h"

#define BODIES	    512 /* messages of one script */
#define MESSAGES_AT 8	/* messages added in one act */

/* What is known of a message: the text of its body, by mailbox and UID. */
struct known {
	struct str box; /* id in hexadecimal and UIDVALIDITY */
	uint32_t uid;
	struct str body;
};

struct actor {
	struct maildir *md;
	struct mailbox *open[2]; /* as two sessions would hold them */
	struct str names[2];
	struct known known[BODIES];
	size_t known_n;
	bool refused; /* a client was told that its move may not have come about: it deletes nothing
		       */
};

struct act_line {
	struct span words[8];
	size_t n;
};

static void
box_put(struct str *out, const struct mailbox *mb)
{
	hex_put(out, mailbox_id(mb));
	str_printf(out, " %u", mailbox_uidvalidity(mb));
}

static void
note(const char *what, const struct mailbox *mb, uint32_t uid, struct span body)
{
	struct str line = STR_INIT(1024);

	str_printf(&line, "%s ", what);
	box_put(&line, mb);
	str_printf(&line, " %u %.*s", uid, SPAN_ARG(body));
	sys_fault_note(str_cstr(&line));
	str_free(&line);
}

static void
learn(struct actor *a, const struct mailbox *mb, uint32_t uid, struct span body)
{
	struct known *k = &a->known[a->known_n++];

	assert(a->known_n < BODIES);
	str_init(&k->box, 128);
	box_put(&k->box, mb);
	k->uid = uid;
	str_init(&k->body, 128);
	str_put(&k->body, body);
}

/* The subject of its file: its UID came from a scan, as the index could not be written. */
static struct span
body_read(struct actor *a, struct mailbox *mb, uint32_t uid)
{
	struct str text = STR_INIT(1024);
	struct span line = span_lit("");
	char *p = str_reserve(&text, 512);
	int fd;

	if (mailbox_open_message(mb, uid, &fd, NULL) == VERDICT_OK) {
		ssize_t n = sys_pread_all(fd, p, 512, 0);

		str_grew(&text, (size_t)(n < 0 ? 0 : n));
		sys_close(fd);
		(void)span_cut(str_span(&text), '\n', &line, &(struct span){ NULL, 0 });
		line = span_from(line, strlen("Subject: "));
	}
	if (line.n > 0)
		learn(a, mb, uid, line);
	str_free(&text);
	return line.n > 0 ? str_span(&a->known[a->known_n - 1].body) : span_lit("");
}

static struct span
body_of(struct actor *a, struct mailbox *mb, uint32_t uid)
{
	struct str box = STR_INIT(128);
	struct span found = span_lit("");

	box_put(&box, mb);
	for (size_t i = 0; i < a->known_n; i++)
		if (a->known[i].uid == uid && span_eq(str_span(&a->known[i].box), str_span(&box)))
			found = str_span(&a->known[i].body);
	str_free(&box);
	return found.n > 0 ? found : body_read(a, mb, uid);
}

/* The folder, opened by an earlier act or now. */
static struct mailbox *
folder(struct actor *a, struct span name)
{
	struct mailbox *mb = NULL;
	size_t slot = 0;

	for (size_t i = 0; i < ARRAY_LEN(a->open); i++) {
		if (a->open[i] && span_eq(str_span(&a->names[i]), name)) {
			(void)mailbox_refresh(a->open[i], NULL);
			return a->open[i];
		}
		slot = a->open[i] ? slot : i;
	}
	if (mailbox_open(a->md, name, &mb, NULL) != VERDICT_OK)
		return NULL;
	mailbox_close(a->open[slot]);
	a->open[slot] = mb;
	str_reset(&a->names[slot]);
	str_put(&a->names[slot], name);
	return mb;
}

static uint32_t
flags_of(struct span letters)
{
	uint32_t flags = 0;

	for (size_t i = 0; i < letters.n; i++)
		if (letters.p[i] >= 'A' && letters.p[i] <= 'Z')
			flags |= MAIL_LETTER(letters.p[i]);
	return flags;
}

static uint32_t
number_of(struct span text)
{
	uint64_t n = 0;

	return num_parse_u64(text, UINT32_MAX, &n) ? (uint32_t)n : 0;
}

static bool
draft_write(struct actor *a, struct mailbox *mb, struct draft *d, struct span body)
{
	struct str text = STR_INIT(8192);
	bool good;

	/* More than a sector, so that it can be torn. */
	str_printf(&text, "Subject: %.*s\n\n", SPAN_ARG(body));
	for (int i = 0; i < 24; i++)
		str_printf(
		    &text, "%02d the text of %.*s, and some more of it\n", i, SPAN_ARG(body));
	str_printf(&text, "end %.*s\n", SPAN_ARG(body));
	good = draft_begin(d, a->md, mailbox_folder(mb), NULL) == VERDICT_OK &&
	       draft_put(d, str_span(&text), NULL) == VERDICT_OK &&
	       draft_sync(d, 0, NULL) == VERDICT_OK;
	str_free(&text);
	return good;
}

/* add FOLDER LETTERS BODY...: APPEND, or a delivery when there are no letters ("-"). */
static void
act_add(struct actor *a, const struct act_line *line)
{
	struct mailbox *mb = folder(a, line->words[1]);
	struct mailbox_addition v[MESSAGES_AT] = { { .draft = NULL } };
	struct draft drafts[MESSAGES_AT];
	size_t n = line->n - 3, begun = 0;
	bool good = mb != NULL;

	for (; good && begun < n; begun++) {
		good = draft_write(a, mb, &drafts[begun], line->words[3 + begun]);
		v[begun] = (struct mailbox_addition){ .draft = &drafts[begun],
			.flags = flags_of(line->words[2]) };
	}
	if (good) {
		mailbox_add(mb, v, n);
		for (size_t i = 0; i < n; i++) {
			if (v[i].v != VERDICT_OK || v[i].uid == 0)
				continue;
			note("seen", mb, v[i].uid, line->words[3 + i]);
			learn(a, mb, v[i].uid, line->words[3 + i]);
		}
		good = mailbox_sync_blocking(mb, NULL) == VERDICT_OK;
		for (size_t i = 0; good && i < n; i++)
			if (v[i].v == VERDICT_OK)
				note("added", mb, v[i].uid, line->words[3 + i]);
	}
	for (size_t i = 0; i < begun; i++)
		draft_end(&drafts[i]);
}

static struct uid_set
set_of(struct uid_range *range, const struct act_line *line, size_t at)
{
	*range = (struct uid_range){ number_of(line->words[at]), number_of(line->words[at + 1]) };
	return (struct uid_set){ range, 1 };
}

/* flags FOLDER FIRST LAST LETTERS [KEYWORD]: STORE +FLAGS */
static void
act_flags(struct actor *a, const struct act_line *line)
{
	struct mailbox_store store = { MAILBOX_ADD_FLAGS, 0, 0, UINT64_MAX };
	struct mailbox *mb = folder(a, line->words[1]);
	struct uid_range range;

	if (!mb)
		return;
	store.flags = flags_of(line->words[4]);
	if (line->n > 5)
		(void)mailbox_keyword_bit(mb, line->words[5], true, &store.keywords, NULL);
	(void)mailbox_store_flags(mb, set_of(&range, line, 2), &store, NULL, NULL);
}

static void
note_range(struct actor *a, const char *what, struct mailbox *mb, const struct uid_range *range)
{
	for (uint32_t uid = range->first; uid <= range->last; uid++) {
		struct span body = body_of(a, mb, uid);

		if (body.n > 0)
			note(what, mb, uid, body);
	}
}

/* expunge FOLDER FIRST LAST: EXPUNGE, or POP3's QUIT */
static void
act_expunge(struct actor *a, const struct act_line *line)
{
	struct mailbox *mb = folder(a, line->words[1]);
	struct uid_range range;
	struct uid_set set;

	if (!mb)
		return;
	set = set_of(&range, line, 2);
	note_range(a, "leaving", mb, &range);
	if (mailbox_expunge(mb, set, NULL) == VERDICT_OK &&
	    mailbox_sync_blocking(mb, NULL) == VERDICT_OK)
		note_range(a, "left", mb, &range);
}

static void
copied_tell(struct actor *a, struct mailbox *from, struct mailbox *to,
    const struct mailbox_copied *done, bool synced)
{
	size_t at = 0;
	uint32_t off = 0;

	for (size_t i = 0; i < done->from.n; i++) {
		for (uint32_t uid = done->from.v[i].first; uid <= done->from.v[i].last; uid++) {
			struct span body = body_of(a, from, uid);
			uint32_t now = done->to.v[at].first + off;

			if (!synced) {
				note("seen", to, now, body);
				learn(a, to, now, body);
			} else {
				note("added", to, now, body);
			}
			off++;
			if (now == done->to.v[at].last) {
				at++;
				off = 0;
			}
		}
	}
}

static void
transfer(struct actor *a, const struct act_line *line, bool move)
{
	struct mailbox_copied done = { { NULL, 0, 0 }, { NULL, 0, 0 } };
	struct mailbox *from = folder(a, line->words[1]);
	struct mailbox *to = folder(a, line->words[4]);
	struct uid_range range;
	struct uid_set set = set_of(&range, line, 2);

	if (!from || !to)
		return;
	if (move)
		note_range(a, "moving", from, &range);
	(void)(move ? mailbox_move : mailbox_copy)(from, set, to, &done, NULL);
	copied_tell(a, from, to, &done, false);
	/* The target first: a message is twice there rather than not at all. */
	if (mailbox_sync_blocking(to, NULL) == VERDICT_OK &&
	    mailbox_sync_blocking(from, NULL) == VERDICT_OK)
		copied_tell(a, from, to, &done, true);
	else
		a->refused = true;
	mailbox_copied_free(&done);
}

/* copy FOLDER FIRST LAST TARGET */
static void
act_copy(struct actor *a, const struct act_line *line)
{
	transfer(a, line, false);
}

/* move FOLDER FIRST LAST TARGET */
static void
act_move(struct actor *a, const struct act_line *line)
{
	transfer(a, line, true);
}

/* compact FOLDER: the index is written anew, as when its log has become long */
static void
act_compact(struct actor *a, const struct act_line *line)
{
	struct mailbox *mb = folder(a, line->words[1]);

	/* As mailbox_tidy does, whatever the log's length. */
	if (mb && mailbox_hold(mb, NULL) == VERDICT_OK &&
	    index_compact(&mb->ix, true, NULL) != VERDICT_OK)
		mb->unsynced |= UNSYNCED_FOLDER;
	if (mb)
		mailbox_release(mb);
}

static void
close_all(struct actor *a)
{
	for (size_t i = 0; i < ARRAY_LEN(a->open); i++) {
		mailbox_close(a->open[i]);
		a->open[i] = NULL;
	}
}

/* close: all sessions end */
static void
act_close(struct actor *a, const struct act_line *line)
{
	(void)line;
	close_all(a);
}

/* lose FOLDER: its index is removed, as a backup that is brought back without it; made anew. */
static void
act_lose(struct actor *a, const struct act_line *line)
{
	struct mailbox *mb = folder(a, line->words[1]);

	sys_fault_note("lost");
	if (mb)
		(void)sys_unlinkat(mailbox_folder(mb)->dir, "postern.index", 0);
	close_all(a);
	(void)folder(a, line->words[1]);
}

static void
act_create(struct actor *a, const struct act_line *line)
{
	(void)tree_create(a->md, line->words[1], NULL);
}

static void
act_rename(struct actor *a, const struct act_line *line)
{
	close_all(a);
	(void)tree_rename(a->md, line->words[1], line->words[2], NULL);
}

/* delete FOLDER, when nothing is in it any more */
static void
act_delete(struct actor *a, const struct act_line *line)
{
	struct mailbox *mb = folder(a, line->words[1]);
	bool bare = mb && mailbox_count(mb) == 0 && !a->refused;

	close_all(a);
	if (bare)
		(void)tree_delete(a->md, line->words[1], NULL);
}

static void
act_subscribe(struct actor *a, const struct act_line *line)
{
	(void)tree_subscribe(a->md, line->words[1], true, NULL);
}

static const struct {
	const char *name;
	void (*run)(struct actor *a, const struct act_line *line);
	size_t words; /* at least */
} acts[] = {
	{ "add", act_add, 4 },
	{ "flags", act_flags, 5 },
	{ "expunge", act_expunge, 4 },
	{ "copy", act_copy, 5 },
	{ "move", act_move, 5 },
	{ "compact", act_compact, 2 },
	{ "close", act_close, 1 },
	{ "lose", act_lose, 2 },
	{ "create", act_create, 2 },
	{ "rename", act_rename, 3 },
	{ "delete", act_delete, 2 },
	{ "subscribe", act_subscribe, 2 },
};

static bool
line_run(struct actor *a, struct span text)
{
	struct act_line line = { .n = 0 };

	while (
	    line.n < ARRAY_LEN(line.words) && span_token(&text, span_lit(" "), &line.words[line.n]))
		line.n++;
	for (size_t i = 0; i < ARRAY_LEN(acts); i++) {
		if (!span_eq(span_str(acts[i].name), line.words[0]) || line.n < acts[i].words)
			continue;
		acts[i].run(a, &line);
		return true;
	}
	return false;
}

int
main(int argc, char **argv)
{
	struct maildir_place place = { .path = SPAN("Maildir/"), .host = SPAN("mx") };
	struct actor *a = mem_alloc(sizeof(*a));
	struct str script = STR_INIT(65536);
	struct span rest, line;
	ssize_t n;

	n = read(STDIN_FILENO, str_reserve(&script, 60000), 60000);
	if (argc != 2 || n < 0)
		return 64;
	str_grew(&script, (size_t)n);
	str_init(&a->names[0], 1024);
	str_init(&a->names[1], 1024);
	place.home = open(argv[1], O_PATH | O_DIRECTORY);
	place.proc_fd = open("/proc/self/fd", O_PATH | O_DIRECTORY);
	sys_fault_note("begin");
	if (maildir_open(&place, &a->md, NULL) != VERDICT_OK)
		return 0;
	rest = str_span(&script);
	while (span_token(&rest, span_lit("\n"), &line))
		if (!line_run(a, line))
			return 65;
	close_all(a);
	maildir_close(a->md);
	sys_fault_note("end");
	return 0;
}
