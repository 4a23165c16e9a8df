/*
 * postqueue: lists the queue and has it delivered now. Used by postmasters (as mailq, too) and by
 * scripts that know Postfix's, so options, shapes of output and exit status are the same. Asks qmgr
 * and prints what comes, as it comes: a queue of any length takes no memory here.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/time.h"
#include "base/utf8.h"
#include "message/queue_id.h"
#include "tools/queue.h"

#define REASON_COLUMNS 76 /* a reason ends in this column */
#define SHORT_ID       10 /* bytes: longer ids have wider columns */

enum action { ACTION_NONE, ACTION_LIST, ACTION_JSON, ACTION_FLUSH };

struct postqueue {
	enum action action;
	const char *id;	  /* -i */
	const char *site; /* -s */
	uint64_t listed;
	bool open;	 /* a JSON object is not yet ended */
	bool first;	 /* no recipient of it was printed */
	struct str last; /* id of the message printed last: large ones come in parts */
	struct str text;
	struct str reason;
};

static void
print_time(uint64_t wall_ns)
{
	char text[32];
	time_t at = (time_t)(wall_ns / NS_PER_S);
	struct tm tm;

	localtime_r(&at, &tm);
	strftime(text, sizeof(text), "%a %b %e %H:%M:%S", &tm);
	printf("%s", text);
}

static char
classic_mark(const struct msg_queue_entry *e)
{
	if (e->forced_expire)
		return '#';
	if (span_eq(e->queue, span_lit("active")))
		return '*';
	return span_eq(e->queue, span_lit("hold")) ? '!' : ' ';
}

static void
classic_head(struct postqueue *p, const struct msg_queue_entry *e)
{
	bool wide = e->queue_id.n > SHORT_ID;
	char mark = classic_mark(e);

	if (p->listed == 1)
		printf("-Queue ID-  --Size-- ----Arrival Time---- -Sender/Recipient-------\n");
	str_reset(&p->text);
	str_put(&p->text, e->queue_id);
	if (mark != ' ')
		str_putc(&p->text, mark);
	printf(wide ? "%-17s %8ju " : "%-11s %7ju ", str_cstr(&p->text), (uintmax_t)e->size);
	print_time(e->arrived);
	str_reset(&p->reason);
	printf(wide ? " %s\n" : "  %s\n",
	    e->sender.n > 0 ? tool_printable(&p->text, e->sender) : "MAILER-DAEMON");
}

static void
classic_recipient(struct postqueue *p, const struct msg_queue_entry *e, const struct item_listed *r)
{
	if (!span_eq(r->reason, str_span(&p->reason))) {
		str_reset(&p->reason);
		str_put(&p->reason, r->reason);
		tool_printable(&p->text, r->reason);
		if (p->text.n > 0)
			printf("%*s(%s)\n",
			    p->text.n < REASON_COLUMNS ? (int)(REASON_COLUMNS - p->text.n) : 0, "",
			    str_cstr(&p->text));
	}
	printf("%*s%s\n", e->queue_id.n > SHORT_ID ? 47 : 41, "",
	    tool_printable(&p->text, r->address));
}

/* RFC 8259 7; bytes that are no UTF-8 become U+FFFD. */
static void
json_text(struct span text)
{
	struct str s = STR_INIT(8 * LIMIT_ADDRESS + 16);
	struct cursor c = cursor_of(text);

	while (!cursor_done(&c)) {
		int32_t point = utf8_next(&c);

		if (point < 0)
			cursor_next(&c);
		if (point == '"' || point == '\\')
			str_printf(&s, "\\%c", (char)point);
		else if (point >= 0 && (point < 0x20 || point == 0x7f))
			str_printf(&s, "\\u%04x", (unsigned)point);
		else
			utf8_put(&s, point < 0 ? 0xfffd : (uint32_t)point);
	}
	printf("\"%s\"", str_cstr(&s));
	str_free(&s);
}

static void
json_end(struct postqueue *p)
{
	if (p->open)
		printf("]}\n");
	p->open = false;
}

static void
json_head(struct postqueue *p, const struct msg_queue_entry *e)
{
	json_end(p);
	p->open = p->first = true;
	printf("{\"queue_name\": ");
	json_text(e->queue);
	printf(", \"queue_id\": ");
	json_text(e->queue_id);
	printf(
	    ", \"arrival_time\": %ju, \"message_size\": %ju, \"forced_expire\": %s, \"sender\": ",
	    (uintmax_t)(e->arrived / NS_PER_S), (uintmax_t)e->size,
	    e->forced_expire ? "true" : "false");
	json_text(e->sender.n > 0 ? e->sender : span_lit("MAILER-DAEMON"));
	printf(", \"recipients\": [");
}

static void
json_recipient(struct postqueue *p, const struct item_listed *r)
{
	printf("%s{\"orig_address\": ", p->first ? "" : ", ");
	p->first = false;
	json_text(r->original);
	printf(", \"address\": ");
	json_text(r->address);
	if (r->reason.n > 0) {
		printf(", \"delay_reason\": ");
		json_text(r->reason);
	}
	printf("}");
}

static void
entry_recipients(struct postqueue *p, const struct msg_queue_entry *e)
{
	for (uint32_t i = 0; i < e->recipients.n; i++) {
		if (p->action == ACTION_JSON)
			json_recipient(p, &e->recipients.v[i]);
		else
			classic_recipient(p, e, &e->recipients.v[i]);
	}
}

static void
take_entry(struct ipc_request *req, const void *msg, void *arg)
{
	const struct msg_queue_entry *e = msg;
	struct postqueue *p = arg;

	if (!span_eq(str_span(&p->last), e->queue_id)) {
		if (p->listed > 0 && p->action == ACTION_LIST)
			printf("\n");
		p->listed++;
		if (p->action == ACTION_JSON)
			json_head(p, e);
		else
			classic_head(p, e);
		str_reset(&p->last);
		str_put(&p->last, e->queue_id);
	}
	entry_recipients(p, e);
	ipc_done(req);
}

FIBER_MAIN
static void
list_main(void *arg)
{
	struct tool *t = arg;
	struct postqueue *p = t->arg;
	struct msg_queue_list ask = { 0 };
	struct msg_queue_listed got;
	struct err err = ERR_NONE;
	struct arena arena;

	arena_init(&arena, 4096);
	if (ipc_call(t->channel, 0, &ipc_queue_list, &ask, &ipc_queue_listed, &got, &arena,
		DEADLINE_NEVER, &err) != VERDICT_OK) {
		tool_fail(t, err.verdict == VERDICT_PERM ? TOOL_FAILED : TOOL_UNAVAILABLE, "%s",
		    err.text);
		return;
	}
	arena_free(&arena);
	json_end(p);
	if (p->action == ACTION_JSON)
		return;
	if (p->listed == 0)
		printf("Mail queue is empty\n");
	else
		printf("\n-- %ju Kbytes in %ju Request%s.\n", (uintmax_t)(got.bytes / 1024),
		    (uintmax_t)p->listed, p->listed == 1 ? "" : "s");
}

FIBER_MAIN
static void
flush_main(void *arg)
{
	struct tool *t = arg;
	const struct postqueue *p = t->arg;
	struct msg_queue_flush ask = { .queue_id = span_str(p->id), .site = span_str(p->site) };
	struct msg_queue_flushed got;
	struct err err = ERR_NONE;
	struct arena arena;

	arena_init(&arena, 4096);
	if (ipc_call(t->channel, 0, &ipc_queue_flush, &ask, &ipc_queue_flushed, &got, &arena,
		DEADLINE_NEVER, &err) != VERDICT_OK)
		tool_fail(t, err.verdict == VERDICT_TEMP ? TOOL_UNAVAILABLE : TOOL_FAILED, "%s",
		    err.text);
	arena_free(&arena);
}

static const struct ipc_permit notes[] = { { &ipc_queue_entry, take_entry } };
static const struct ipc_service asks = {
	.name = "qmgr", .permits = notes, .permits_n = ARRAY_LEN(notes)
};

static int
usage(void)
{
	fprintf(stderr,
	    "postqueue: fatal: usage: postqueue -f | postqueue -i queueid | postqueue -j | "
	    "postqueue -p | postqueue -s site\n");
	return TOOL_USAGE;
}

static bool
take_option(struct tool *t, struct postqueue *p, int c)
{
	static const struct {
		int c;
		enum action action;
	} actions[] = {
		{ 'p', ACTION_LIST },
		{ 'j', ACTION_JSON },
		{ 'f', ACTION_FLUSH },
		{ 'i', ACTION_FLUSH },
		{ 's', ACTION_FLUSH },
	};

	if (c == 'c')
		t->config_dir = optarg;
	if (c == 'c' || c == 'v')
		return true;
	if (c == 'i')
		p->id = optarg;
	if (c == 's')
		p->site = optarg;
	for (size_t i = 0; i < ARRAY_LEN(actions); i++) {
		if (actions[i].c != c)
			continue;
		/* One thing at a time. */
		if (p->action != ACTION_NONE)
			return false;
		p->action = actions[i].action;
		return true;
	}
	return false;
}

int
main(int argc, char **argv)
{
	struct postqueue p = { .last = STR_INIT(LIMIT_QUEUE_ID),
		.text = STR_INIT(8 * LIMIT_ADDRESS),
		.reason = STR_INIT(LIMIT_ERR_TEXT) };
	struct tool t = { .name = "postqueue", .notes = &asks, .notes_arg = &p, .arg = &p };
	bool ok = true;
	int c;

	while (ok && (c = getopt(argc, argv, "c:fi:jps:v")) != -1)
		ok = take_option(&t, &p, c);
	if (ok && p.action == ACTION_NONE && span_ends(span_str(argv[0]), span_lit("mailq")))
		p.action = ACTION_LIST;
	if (!ok || p.action == ACTION_NONE || optind < argc)
		return usage();
	if (p.id && !queue_id_valid(span_str(p.id)))
		return tool_fail(&t, TOOL_USAGE, "invalid mail queue ID: %s", p.id);
	t.main = p.action == ACTION_FLUSH ? flush_main : list_main;
	tool_run(
	    &t, p.action == ACTION_FLUSH ? "Cannot flush mail queue" : "Queue report unavailable");
	str_free(&p.last);
	str_free(&p.text);
	str_free(&p.reason);
	if (fflush(stdout) != 0 && t.status == TOOL_OK)
		return tool_fail(&t, TOOL_FAILED, "writing the list");
	return t.status;
}
