/*
 * postcat: shows what is in a queue file: the envelope, what has become of the recipients, the
 * content. Used by postmasters; the file is qmgr's, handed over by its queue id (-q), or any file
 * of that format (a path). Reads it as strictly as qmgr does, through lib/queue; changes nothing.
 * Content goes to standard output as it lies there, but for line ends.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/sys.h"
#include "base/time.h"
#include "message/queue_id.h"
#include "queue/file.h"
#include "tools/queue.h"

#define READ_BYTES 65536

struct postcat {
	bool envelope; /* -e */
	bool header;   /* -h */
	bool body;     /* -b */
	bool search;   /* -q: names are queue ids */
	const char *name;
	struct str text;
};

struct opened {
	int fd;
	struct file_head head;
	struct str record;
	struct envelope env;
	size_t envelope_size;
	uint32_t flags;
};

static enum verdict
read_part(int fd, struct str *out, size_t n, uint64_t at, struct err *err)
{
	char *p = str_reserve(out, n + 1);
	ssize_t got = p ? sys_pread_all(fd, p, n, (off_t)at) : -1;

	if (got < 0)
		return err_sys(err, p ? errno : EFBIG, "read");
	str_grew(out, (size_t)got);
	return VERDICT_OK;
}

static enum verdict
file_open(struct opened *o, struct err *err)
{
	struct str area = STR_INIT(FILE_CONTENT_AT + 1);
	struct span bytes;
	enum verdict v = read_part(o->fd, &area, FILE_CONTENT_AT, 0, err);

	bytes = str_span(&area);
	if (v == VERDICT_OK)
		v = file_head_get(span_head(bytes, FILE_HEAD_SIZE), &o->head, err);
	if (v == VERDICT_OK) {
		o->flags = file_state_get(
		    &o->head, span_head(span_from(bytes, FILE_STATE_AT), FILE_STATE_SIZE));
		v = read_part(o->fd, &o->record, o->head.record_size, o->head.record_at, err);
	}
	if (v == VERDICT_OK)
		v = record_check(str_span(&o->record), &o->head, &o->env, err);
	if (v == VERDICT_OK)
		v = record_envelope(str_span(&o->record), &o->env, &o->envelope_size, err);
	str_free(&area);
	return v;
}

static void
show_text(struct postcat *p, const char *label, struct span text)
{
	if (text.n > 0)
		printf("%s: %s\n", label, tool_printable(&p->text, text));
}

static void
show_time(const char *label, uint64_t wall_ns)
{
	char text[40];
	time_t at = (time_t)(wall_ns / NS_PER_S);
	struct tm tm;

	localtime_r(&at, &tm);
	strftime(text, sizeof(text), "%a %b %e %H:%M:%S %Y", &tm);
	printf("%s: %s\n", label, text);
}

static void
show_slot(struct postcat *p, const struct file_slot *slot)
{
	char dsn[12];

	if (slot->state == SLOT_FRESH)
		return;
	if (slot->state == SLOT_DEFERRED)
		show_time("next_try", slot->next);
	printf("attempts: %u\n", slot->attempts);
	if (slot->dsn.class > 0)
		printf("dsn: %s\n", dsn_code_text(slot->dsn, dsn));
	show_text(p, "reason", slot->reason);
}

static void
show_recipient(
    struct postcat *p, const struct opened *o, uint32_t i, const struct item_recipient *r)
{
	struct str bytes = STR_INIT(FILE_SLOT_SIZE + 1);
	struct file_slot slot = { .state = SLOT_FRESH };
	struct err err = ERR_NONE;

	if (read_part(o->fd, &bytes, FILE_SLOT_SIZE, file_slot_at(&o->head, i), &err) == VERDICT_OK)
		file_slot_get(&o->head, i, str_span(&bytes), &slot);
	show_text(p, "dsn_orig_rcpt", r->orcpt);
	if (r->notify)
		printf("dsn_notify_flags: %u\n", r->notify);
	show_text(p, "original_recipient", r->original);
	show_text(p,
	    slot.state == SLOT_SENT || slot.state == SLOT_REPORTED ? "done_recipient" : "recipient",
	    r->address);
	printf(
	    "transport: %.*s:%s\n", SPAN_ARG(r->transport), tool_printable(&p->text, r->nexthop));
	show_slot(p, &slot);
	str_free(&bytes);
}

static void
show_envelope(struct postcat *p, const struct opened *o)
{
	const struct envelope *env = &o->env;
	struct cursor c = cursor_of(span_from(str_span(&o->record), o->envelope_size));
	struct item_recipient r;

	printf("*** ENVELOPE RECORDS %s ***\n", p->name);
	printf("message_size: %ju %u\n", (uintmax_t)env->content_size, o->head.recipients);
	show_time("message_arrival_time", env->arrived);
	if (o->flags & FILE_HELD)
		printf("flags: hold\n");
	if (o->flags & FILE_EXPIRE)
		printf("flags: expire\n");
	show_text(p, "dsn_envelope_id", env->envid);
	if (env->ret)
		printf("dsn_ret_flags: %u\n", env->ret);
	show_text(p, "named_attribute: log_client", env->client);
	show_text(p, "named_attribute: sasl_username", env->login);
	printf("sender: %s\n", tool_printable(&p->text, env->sender));
	for (uint32_t i = 0; record_recipient(&c, &r); i++)
		show_recipient(p, o, i, &r);
}

/* Wire form has CR LF; a terminal wants LF. A CR at the end of a piece waits in *CR for the next.
 */
static void
show_bytes(struct span bytes, bool *cr)
{
	for (size_t i = 0; i < bytes.n; i++) {
		if (*cr && bytes.p[i] != '\n')
			putchar('\r');
		*cr = bytes.p[i] == '\r';
		if (!*cr)
			putchar(bytes.p[i]);
	}
}

/* COUNT bytes of the content, the first SKIP of it left out. */
static enum verdict
show_content(const struct opened *o, uint64_t skip, uint64_t count, struct err *err)
{
	struct str buffer = STR_INIT(READ_BYTES + 1);
	enum verdict v = VERDICT_OK;
	bool cr = false;

	for (uint32_t i = 0; i < o->env.extents_n && v == VERDICT_OK; i++) {
		uint64_t at = o->env.extents[i].at, left = o->env.extents[i].size;
		uint64_t skipped = skip < left ? skip : left;

		skip -= skipped;
		at += skipped;
		left = left - skipped < count ? left - skipped : count;
		count -= left;
		while (left > 0 && v == VERDICT_OK) {
			str_reset(&buffer);
			v = read_part(o->fd, &buffer, size_min(left, READ_BYTES), at, err);
			if (v == VERDICT_OK && buffer.n == 0)
				v = err_set(err, VERDICT_PERM, "its content is incomplete");
			show_bytes(str_span(&buffer), &cr);
			left -= buffer.n;
			at += buffer.n;
		}
	}
	str_free(&buffer);
	return v;
}

static enum verdict
show_file(struct postcat *p, const struct opened *o, struct err *err)
{
	uint64_t header =
	    o->env.header_size < o->env.content_size ? o->env.header_size : o->env.content_size;
	uint64_t from = p->header ? 0 : header;
	uint64_t to = p->body ? o->env.content_size : header;
	enum verdict v = VERDICT_OK;

	if (p->envelope)
		show_envelope(p, o);
	if (p->envelope && to > from)
		printf("*** MESSAGE CONTENTS %s ***\n", p->name);
	if (to > from)
		v = show_content(o, from, to - from, err);
	if (p->envelope)
		printf(
		    "*** HEADER EXTRACTED %s ***\n*** MESSAGE FILE END %s ***\n", p->name, p->name);
	return v;
}

static void
cat_fd(struct tool *t, int fd)
{
	struct postcat *p = t->arg;
	struct opened o = { .fd = fd, .record = STR_INIT(LIMIT_QUEUE_RECORD + 1) };
	struct err err = ERR_NONE;
	enum verdict v = file_open(&o, &err);

	if (v == VERDICT_OK)
		v = show_file(p, &o, &err);
	if (v != VERDICT_OK)
		tool_fail(t, TOOL_FAILED, "%s: %s", p->name, err.text);
	str_free(&o.record);
}

FIBER_MAIN
static void
cat_queued(void *arg)
{
	struct tool *t = arg;
	struct postcat *p = t->arg;
	struct msg_queue_read ask = { .queue_id = span_str(p->name) };
	struct msg_queue_file got;
	struct err err = ERR_NONE;
	struct arena arena;
	enum verdict v;

	arena_init(&arena, 4096);
	v = ipc_call(t->channel, 0, &ipc_queue_read, &ask, &ipc_queue_file, &got, &arena,
	    DEADLINE_NEVER, &err);
	if (v == VERDICT_OK) {
		cat_fd(t, got.file);
		sys_close(got.file);
	} else {
		tool_fail(t, v == VERDICT_PERM ? TOOL_FAILED : TOOL_NO_INPUT, "%s: %s", p->name,
		    err.text);
	}
	arena_free(&arena);
}

static void
cat_path(struct tool *t)
{
	struct postcat *p = t->arg;
	int fd = sys_openat(AT_FDCWD, p->name, O_RDONLY, 0);

	if (fd < 0) {
		tool_fail(t, TOOL_NO_INPUT, "open %s: %s", p->name, strerrordesc_np(errno));
		return;
	}
	cat_fd(t, fd);
	sys_close(fd);
}

static void
cat_one(struct tool *t, const char *name)
{
	struct postcat *p = t->arg;

	p->name = name;
	if (!p->search)
		cat_path(t);
	else if (!queue_id_valid(span_str(name)))
		tool_fail(t, TOOL_USAGE, "bad mail queue ID: %s", name);
	else
		tool_run(t, "Cannot read the mail queue");
}

int
main(int argc, char **argv)
{
	struct postcat p = { .text = STR_INIT(8 * LIMIT_ADDRESS) };
	struct tool t = { .name = "postcat", .arg = &p, .main = cat_queued };
	bool ok = true;
	int c;

	while ((c = getopt(argc, argv, "bc:ehqv")) != -1) {
		p.body = p.body || c == 'b';
		p.envelope = p.envelope || c == 'e';
		p.header = p.header || c == 'h';
		p.search = p.search || c == 'q';
		if (c == 'c')
			t.config_dir = optarg;
		ok = ok && c != '?';
	}
	if (!ok || optind == argc) {
		fprintf(stderr, "postcat: fatal: usage: postcat [-behqv] [-c dir] file ...\n");
		return TOOL_USAGE;
	}
	if (!p.body && !p.envelope && !p.header)
		p.body = p.envelope = p.header = true;
	for (int i = optind; i < argc; i++)
		cat_one(&t, argv[i]);
	str_free(&p.text);
	if (fflush(stdout) != 0 && t.status == TOOL_OK)
		return tool_fail(&t, TOOL_FAILED, "writing");
	return t.status;
}
