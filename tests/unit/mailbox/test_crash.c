/*
 * A process that dies, or meets a full or broken disk, at each call that changes a file: for N = 1,
 * 2, ... the same acts are run in a child whose N-th call is the last one or fails, until a run
 * gets through. Then the Maildir is opened as usual, and must hold all that was acknowledged; no
 * UID may have been given twice. Run by make check; faults are compiled into this program alone.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/num.h"
#include "base/sys.h"
#include "mailbox/mailbox_impl.h"
#include "tests/unit/mailbox/place.h"
#include "tests/unit/mailbox/tree.h"
#include "tests/unit/unit.h"

#define MOST_CALLS 2000 /* more than the acts make */
#define ACKS	   "acks"

/* What the child has been told is done; the file of it is written past sys.c, so that it is no call
 * that counts. */
struct actor {
	struct place place;
	int acks;
};

static void
say(struct actor *a, const char *what, const struct mailbox *mb, uint32_t uid, const char *body)
{
	struct str line = STR_INIT(1024);
	ssize_t n;

	str_printf(&line, "%s ", what);
	for (size_t i = 0; i < INDEX_ID; i++)
		str_printf(&line, "%02x", mb ? mb->ix.id[i] : 0);
	str_printf(&line, " %u %u %s\n", mb ? mailbox_uidvalidity(mb) : 0, uid, body);
	n = write(a->acks, line.p, line.n);
	(void)n;
	str_free(&line);
}

static struct mailbox *
act_open(struct actor *a, const char *name)
{
	struct mailbox *mb = NULL;

	return mailbox_open(a->place.md, span_str(name), &mb, NULL) == VERDICT_OK ? mb : NULL;
}

/* Adds N messages "PREFIX1", ... in one change. */
static void
act_add(struct actor *a, struct mailbox *mb, const char *prefix, unsigned n, uint32_t flags)
{
	struct draft drafts[4];
	struct mailbox_addition v[4] = { { .draft = NULL } };
	struct str bodies[4];
	unsigned ready = 0;

	if (!mb)
		return;
	for (unsigned i = 0; i < n; i++) {
		bodies[i] = (struct str)STR_INIT(64);
		str_printf(&bodies[i], "%s%u", prefix, i + 1);
		if (draft_begin(&drafts[i], a->place.md, mailbox_folder(mb), NULL) == VERDICT_OK &&
		    draft_put(&drafts[i], str_span(&bodies[i]), NULL) == VERDICT_OK &&
		    draft_sync(&drafts[i], 0, NULL) == VERDICT_OK)
			ready++;
		v[i] = (struct mailbox_addition){ .draft = &drafts[i], .flags = flags };
	}
	if (ready == n) {
		mailbox_add(mb, v, n);
		if (mailbox_sync_blocking(mb, NULL) == VERDICT_OK)
			for (unsigned i = 0; i < n; i++)
				if (v[i].v == VERDICT_OK)
					say(a, "added", mb, v[i].uid, str_cstr(&bodies[i]));
	}
	for (unsigned i = 0; i < n; i++) {
		draft_end(&drafts[i]);
		str_free(&bodies[i]);
	}
}

static void
act_expunge(struct actor *a, struct mailbox *mb, uint32_t uid, const char *body)
{
	struct uid_range range;

	if (!mb)
		return;
	say(a, "expunging", mb, uid, body);
	(void)mailbox_expunge(mb, set_of(&range, uid, uid), NULL);
	(void)mailbox_sync_blocking(mb, NULL);
}

static void
act_copy(struct mailbox *from, struct mailbox *to, uint32_t first, uint32_t last, bool move)
{
	struct mailbox_copied done = { { NULL, 0, 0 }, { NULL, 0, 0 } };
	struct uid_range range;

	if (!from || !to)
		return;
	(void)(move ? mailbox_move : mailbox_copy)(
	    from, set_of(&range, first, last), to, &done, NULL);
	(void)mailbox_sync_blocking(to, NULL);
	(void)mailbox_sync_blocking(from, NULL);
	mailbox_copied_free(&done);
}

static void
act_flags(struct mailbox *mb, uint32_t first, uint32_t last, uint32_t flags)
{
	struct mailbox_store store = { MAILBOX_ADD_FLAGS, flags, 0, UINT64_MAX };
	struct uid_range range;

	if (!mb)
		return;
	(void)mailbox_keyword_bit(mb, span_lit("$Work"), true, &store.keywords, NULL);
	(void)mailbox_store_flags(mb, set_of(&range, first, last), &store, NULL, NULL);
}

static void
act_compact(struct mailbox *mb)
{
	if (mb && mailbox_hold(mb, NULL) == VERDICT_OK)
		(void)index_compact(&mb->ix, true, NULL);
	if (mb)
		mailbox_release(mb);
}

/* All acts, whatever became of those before. */
static int
act(const char *path)
{
	struct actor a = { .acks = -1 };
	struct maildir_place place = {
		.proc_fd = -1, .path = SPAN("Maildir/"), .host = SPAN("mx")
	};
	struct mailbox *inbox, *other;

	place.home = open(path, O_PATH | O_DIRECTORY);
	place.proc_fd = open("/proc/self/fd", O_PATH | O_DIRECTORY);
	a.acks = openat(place.home, ACKS, O_WRONLY | O_CREAT | O_APPEND, 0600);
	if (maildir_open(&place, &a.place.md, NULL) != VERDICT_OK)
		return 0;
	inbox = act_open(&a, "INBOX");
	act_add(&a, inbox, "a", 1, 0);
	act_add(&a, inbox, "b", 3, MAIL_SEEN);
	act_flags(inbox, 1, 2, MAIL_FLAGGED);
	(void)tree_create(a.place.md, span_lit("A"), NULL);
	other = act_open(&a, "A");
	act_copy(inbox, other, 1, 2, false);
	act_copy(inbox, other, 3, 3, true);
	act_expunge(&a, inbox, 1, "a1");
	act_compact(inbox);
	act_add(&a, inbox, "c", 2, 0);
	act_flags(inbox, 1, 100, MAIL_ANSWERED);
	mailbox_close(other);
	(void)tree_rename(a.place.md, span_lit("A"), span_lit("B/C"), NULL);
	other = act_open(&a, "B/C");
	act_add(&a, other, "d", 1, MAIL_DRAFT);
	act_copy(other, inbox, 1, 100, true);
	(void)tree_subscribe(a.place.md, span_lit("B/C"), true, NULL);
	if (other && mailbox_refresh(other, NULL) == VERDICT_OK && mailbox_count(other) == 0)
		(void)tree_delete(a.place.md, span_lit("B/C"), NULL);
	mailbox_close(other);
	mailbox_close(inbox);
	inbox = act_open(&a, "INBOX");
	act_add(&a, inbox, "e", 1, 0);
	mailbox_close(inbox);
	maildir_close(a.place.md);
	return 0;
}

/* A line of the acknowledgements, or a message that was found. */
struct fact {
	struct span id; /* of the mailbox */
	uint64_t uidvalidity;
	uint64_t uid;
	struct span body;
	bool expunging;
};

struct facts {
	struct str text;
	struct fact v[256];
	size_t n;
};

static struct fact
fact_parse(struct span line)
{
	struct fact f = { .expunging = span_starts(line, span_lit("expunging")) };
	struct span word;

	assert_true(span_token(&line, span_lit(" "), &word));
	assert_true(span_token(&line, span_lit(" "), &f.id));
	assert_true(span_token(&line, span_lit(" "), &word) &&
		    num_parse_u64(word, UINT32_MAX, &f.uidvalidity));
	assert_true(
	    span_token(&line, span_lit(" "), &word) && num_parse_u64(word, UINT32_MAX, &f.uid));
	f.body = span_trim(line);
	return f;
}

static void
facts_read(const struct place *p, struct facts *out)
{
	int fd = openat(p->home, ACKS, O_RDONLY);
	struct span rest, line;

	str_init(&out->text, 65536);
	out->n = 0;
	if (fd < 0)
		return;
	ssize_t n = read(fd, str_reserve(&out->text, 60000), 60000);
	str_grew(&out->text, (size_t)(n < 0 ? 0 : n));
	close(fd);
	rest = str_span(&out->text);
	while (span_token(&rest, span_lit("\n"), &line) && out->n < ARRAY_LEN(out->v))
		out->v[out->n++] = fact_parse(line);
}

/* What is found in one mailbox, against what was said. */
static void
check_mailbox(struct mailbox *mb, const struct facts *acked, bool *seen)
{
	struct str id = STR_INIT(64), body = STR_INIT(4096);

	for (size_t i = 0; i < INDEX_ID; i++)
		str_printf(&id, "%02x", mb->ix.id[i]);
	for (size_t i = 0; i < mailbox_count(mb); i++) {
		const struct mail *mail = mailbox_at(mb, i);
		struct err err = ERR_NONE;
		int fd;

		if (mailbox_open_message(mb, mail->uid, &fd, &err) != VERDICT_OK)
			fail_msg("uid %u: %s", mail->uid, err.text);
		str_reset(&body);
		ssize_t n = sys_pread_all(fd, str_reserve(&body, 100), 100, 0);
		str_grew(&body, (size_t)n);
		sys_close(fd);
		assert_int_equal(body.n, 2);
		for (size_t k = 0; k < acked->n; k++) {
			const struct fact *f = &acked->v[k];
			bool same = span_eq(f->body, str_span(&body));

			seen[k] = seen[k] || same;
			if (span_eq(f->id, str_span(&id)) &&
			    f->uidvalidity == mailbox_uidvalidity(mb) && f->uid == mail->uid)
				expect_span("uid", str_span(&body), f->body);
		}
	}
	uint32_t next = must_add(mb, "zz", 0, 0);
	for (size_t k = 0; k < acked->n; k++)
		if (span_eq(acked->v[k].id, str_span(&id)) &&
		    acked->v[k].uidvalidity == mailbox_uidvalidity(mb))
			assert_true(acked->v[k].uid < next);
	str_free(&id);
	str_free(&body);
}

static void
check_all(struct place *p)
{
	struct facts *acked = mem_alloc(sizeof(*acked));
	bool seen[ARRAY_LEN(acked->v)] = { false };
	struct tree_names names;

	p->md = place_open(p);
	facts_read(p, acked);
	assert_int_equal(tree_list(p->md, &names, NULL), VERDICT_OK);
	for (size_t i = 0; i < names.n; i++) {
		struct str name = STR_INIT(1024);

		str_put(&name, names.v[i]);
		struct mailbox *mb = must_open(p->md, str_cstr(&name));
		check_mailbox(mb, acked, seen);
		mailbox_close(mb);
		str_free(&name);
	}
	for (size_t k = 0; k < acked->n; k++) {
		bool may_be_gone = false;

		/* Deleted with its folder, when a move out of it did not get through. */
		for (size_t j = 0; j < acked->n; j++)
			may_be_gone =
			    may_be_gone ||
			    (acked->v[j].expunging && span_eq(acked->v[j].body, acked->v[k].body));
		if (!seen[k] && !may_be_gone)
			fail_msg("%.*s was acknowledged and is gone", SPAN_ARG(acked->v[k].body));
	}
	tree_names_free(&names);
	tree_sweep(p->md);
	maildir_close(p->md);
	str_free(&acked->text);
	mem_free(acked);
}

/* One run: where, and the fault as POSTERN_FAULT has it. */
struct order {
	char path[64];
	char fault[32];
};

/* Until the test closes its end: a child for each order, which has not read its fault yet. */
static void
nurse(int fd)
{
	struct order order;
	int status;

	while (read(fd, &order, sizeof(order)) == sizeof(order)) {
		pid_t pid = fork();

		if (pid == 0) {
			setenv("POSTERN_FAULT", order.fault, 1);
			_exit(act(order.path));
		}
		if (pid < 0 || waitpid(pid, &status, 0) != pid ||
		    write(fd, &status, sizeof(status)) < 0)
			_exit(1);
	}
	_exit(0);
}

/* Runs the acts with a fault; false when no signal ended them. */
static bool
run_with_fault(int nursery, struct place *p, unsigned n, const char *what)
{
	struct order order = { .path = "" };
	int status;

	memcpy(order.path, p->path.p, size_min(p->path.n, sizeof(order.path) - 1));
	snprintf(order.fault, sizeof(order.fault), "%u:%s", n, what);
	assert_int_equal(write(nursery, &order, sizeof(order)), sizeof(order));
	assert_int_equal(read(nursery, &status, sizeof(status)), sizeof(status));
	assert_true(WIFSIGNALED(status) ? WTERMSIG(status) == SIGKILL : WEXITSTATUS(status) == 0);
	return WIFSIGNALED(status);
}

/* Every STEP-th call up to LAST, or to the run that gets through; returns how many there were. */
static unsigned
test_each_call(int nursery, const char *what, unsigned first, unsigned step, unsigned last)
{
	unsigned n = first;
	bool more = true;

	for (; more && n < last; n += step) {
		struct place p = { .home = -1 };
		struct stat shm;

		str_init(&p.path, 4096);
		str_puts(&p.path, stat("/dev/shm", &shm) == 0 ? "/dev/shm" : "/tmp");
		str_puts(&p.path, "/postern-crash-XXXXXX");
		str_cstr(&p.path);
		assert_non_null(mkdtemp(p.path.p));
		more = run_with_fault(nursery, &p, n, what) || last < MOST_CALLS;
		p.home = open(str_cstr(&p.path), O_PATH | O_DIRECTORY);
		p.proc_fd = open("/proc/self/fd", O_PATH | O_DIRECTORY);
		check_all(&p);
		close(p.home);
		close(p.proc_fd);
		tree_remove(str_cstr(&p.path));
		str_free(&p.path);
	}
	assert_true(n > 100 && n < MOST_CALLS);
	return n;
}

static void
test_faults(void **state)
{
	int nursery = *(int *)*state;
	unsigned calls = test_each_call(nursery, "kill", 1, 1, MOST_CALLS);

	/* What fails is handled in the same way for most calls: a part of them is enough each time.
	 */
	test_each_call(nursery, "ENOSPC", 1, 5, calls);
	test_each_call(nursery, "EIO", 3, 5, calls);
}

int
main(void)
{
	int pair[2];
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_prestate(test_faults, &pair[0]),
	};

	/* Before this process makes a call that reads the plan of faults. */
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
		return 1;
	pid_t pid = fork();
	if (pid == 0) {
		close(pair[0]);
		nurse(pair[1]);
	}
	close(pair[1]);
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	close(pair[0]);
	waitpid(pid, NULL, 0);
	return failed;
}
