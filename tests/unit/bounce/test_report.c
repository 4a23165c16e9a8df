/*
 * Reports as they end up in the queue: who gets them, what is in them, what is never in them. The
 * test plays qmgr, rewrite and lib/service; a report comes in over a real channel.
 */
#include "config.h"

#include <sys/mman.h>
#include <unistd.h>

#include "base/crc32c.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/sys.h"
#include "event/loop.h"
#include "qmgr/bounce/bounce.h"
#include "tests/unit/unit.h"

#define CONTENT_AT 100
#define MOST	   (1u << 20)

struct service_ctx {
	struct bounce bounce;
	struct conf conf;
	struct ipc *ipc;
	unsigned busy;
	int file;	   /* of the report being written */
	struct str posted; /* "from=<> to=<a@b> flags=12 <content>", one after another */
	unsigned posted_n;
	unsigned aborted;
};

/* lib/service, as far as bounce calls it. */

void *
service_state(const struct service_ctx *ctx)
{
	return (void *)(uintptr_t)&ctx->bounce;
}

const struct conf *
service_conf(const struct service_ctx *ctx)
{
	return &ctx->conf;
}

void
service_busy(struct service_ctx *ctx)
{
	ctx->busy++;
}

void
service_idle(struct service_ctx *ctx)
{
	ctx->busy--;
}

void
service_note(struct service_ctx *ctx, const char *kind, uint64_t trace, const struct ipc_type *type,
    const void *msg)
{
	(void)kind;
	(void)trace;
	(void)msg;
	assert_ptr_equal(type, &ipc_queue_abort);
	ctx->aborted++;
}

static enum verdict
play_resolve(
    const struct msg_resolve *ask, struct msg_resolved *out, struct arena *arena, struct err *err)
{
	struct item_recipient *r = arena_alloc(arena, sizeof(*r));

	if (span_starts(ask->address, span_lit("nobody")))
		return err_mail(err, 550, "5.1.1", "User unknown");
	if (span_starts(ask->address, span_lit("later")))
		return err_mail(err, 451, "4.3.0", "Temporary lookup failure");
	r->address = ask->address;
	r->transport = span_lit("local");
	r->nexthop = span_lit("example.com");
	*out = (struct msg_resolved){ .recipients = { r, 1 } };
	return VERDICT_OK;
}

static void
play_commit(struct service_ctx *ctx, const struct msg_queue_commit *msg)
{
	char *content = mem_alloc(MOST);
	ssize_t n = sys_pread_all(ctx->file, content, MOST, CONTENT_AT);
	struct span got = span_of(content, (size_t)n);

	assert_int_equal(msg->extents.n, 1);
	assert_int_equal(msg->extents.v[0].at, CONTENT_AT);
	assert_int_equal(msg->extents.v[0].size, n);
	assert_int_equal(msg->crc, crc32c(0, got));
	assert_int_equal(msg->header_size, header_size(got));
	assert_int_equal(msg->recipients.n, 1);
	assert_int_equal(msg->recipients.v[0].notify, DSN_NEVER);
	assert_true(queue_id_valid(msg->queue_id));
	str_printf(&ctx->posted, "from=<%.*s> to=<%.*s> flags=%u\n", SPAN_ARG(msg->sender),
	    SPAN_ARG(msg->recipients.v[0].address), msg->flags);
	str_put(&ctx->posted, got);
	ctx->posted_n++;
	mem_free(content);
}

SUSPENDS enum verdict
service_call(struct service_ctx *ctx, const char *kind, uint64_t trace, const struct ipc_type *type,
    const void *msg, const struct ipc_type *reply_type, void *reply_out, struct arena *arena,
    uint64_t deadline, struct err *err)
{
	(void)kind;
	(void)trace;
	(void)reply_type;
	(void)deadline;
	if (type == &ipc_resolve)
		return play_resolve(msg, reply_out, arena, err);
	if (type == &ipc_queue_commit) {
		play_commit(ctx, msg);
		return VERDICT_OK;
	}
	assert_ptr_equal(type, &ipc_queue_open);
	close(ctx->file);
	ctx->file = memfd_create("queue file", MFD_CLOEXEC);
	assert_int_equal(ftruncate(ctx->file, CONTENT_AT), 0);
	lseek(ctx->file, CONTENT_AT, SEEK_SET);
	*(struct msg_queue_opened *)reply_out = (struct msg_queue_opened){
		.handle = 1, .content_at = CONTENT_AT, .content = dup(ctx->file)
	};
	return VERDICT_OK;
}

/* The table. */

#define ORIGINAL                                       \
	"Received: from x\r\nSubject: the subject\r\n" \
	"To: r@example.org\r\n\r\nthe body\r\nwithout an end"
#define UTF8                 \
	"gr\xc3\xbc\xc3\x9f" \
	"e@example.org"

static const struct row {
	const char *name;
	const char *sender;
	const char *classes;
	unsigned kind;
	unsigned ret;
	unsigned flags;
	uint64_t size_limit;
	struct item_reported r;
	const char *envid;
	enum verdict verdict;
	unsigned posted;
	const char *has[12]; /* in this order */
	const char *has_not[4];
} rows[] = {
	{ "failure", "s@example.com", "", REPORT_FAILURE, 0, 0, 50000,
	    { .address = SPAN("r@example.org"),
		.original = SPAN("alias@example.org"),
		.orcpt = SPAN("rfc822;alias@example.org"),
		.action = DSN_FAILED,
		.dsn = SPAN("5.1.1"),
		.text = SPAN("host mx.example.org[192.0.2.1] said: 550 5.1.1 unknown (in reply to "
			     "RCPT TO command)"),
		.last = 1 },
	    "envid-1", VERDICT_OK, 1,
	    { "from=<> to=<s@example.com> flags=8\n",
		"Subject: Undelivered Mail Returned to Sender\r\nTo: s@example.com\r\n"
		"Auto-Submitted: auto-replied\r\n",
		"multipart/report; report-type=delivery-status",
		"Content-Type: text/plain; charset=us-ascii\r\n\r\n",
		"<r@example.org> (expanded from <alias@example.org>): host\r\n    mx.example.org[",
		"Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; "
		"mx.example.com\r\n"
		"Original-Envelope-Id: envid-1\r\nX-Postern-Queue-ID: QQQ\r\n"
		"X-Postern-Sender: rfc822; s@example.com\r\nArrival-Date: ",
		"\r\n\r\nFinal-Recipient: rfc822; r@example.org\r\n"
		"Original-Recipient: rfc822;alias@example.org\r\nAction: failed\r\nStatus: "
		"5.1.1\r\n"
		"Remote-MTA: dns; mx.example.org\r\n"
		"Diagnostic-Code: smtp; 550 5.1.1 unknown\r\nLast-Attempt-Date: ",
		"Content-Type: message/rfc822\r\n\r\n" ORIGINAL "\r\n--" },
	    { "Content-Transfer-Encoding" } },
	{ "header only: RET", "s@example.com", "", REPORT_FAILURE, 2, 0, 50000,
	    { .address = SPAN("r@example.org"), .action = DSN_FAILED, .dsn = SPAN("5.0.0") }, "",
	    VERDICT_OK, 1,
	    { "Content-Type: text/rfc822-headers\r\n\r\nReceived: from x\r\nSubject: the "
	      "subject\r\n"
	      "To: r@example.org\r\n\r\n\r\n--" },
	    { "the body", "Original-Recipient", "Original-Envelope-Id", "Diagnostic-Code" } },
	{ "header only: size", "s@example.com", "", REPORT_FAILURE, 1, 0, 20,
	    { .address = SPAN("r@example.org"), .action = DSN_FAILED, .dsn = SPAN("5.0.0") }, "",
	    VERDICT_OK, 1, { "text/rfc822-headers" }, { "the body" } },
	{ "eight bits", "s@example.com", "", REPORT_FAILURE, 0, MESSAGE_8BIT, 50000,
	    { .address = SPAN("r@example.org"),
		.action = DSN_FAILED,
		.dsn = SPAN("5.0.0"),
		.text = SPAN("unknown user: \"r\xc3\xbc\"") },
	    "", VERDICT_OK, 1,
	    { "boundary=", "Content-Transfer-Encoding: 8bit\r\n\r\nThis is",
		"Diagnostic-Code: X-Postern; unknown user: \"r??\"\r\n",
		"message/rfc822\r\nContent-Transfer-Encoding: 8bit\r\n\r\n" },
	    { "\xc3" } },
	{ "SMTPUTF8 to an ASCII sender", "s@example.com", "", REPORT_FAILURE, 2, MESSAGE_SMTPUTF8,
	    50000, { .address = SPAN(UTF8), .action = DSN_FAILED, .dsn = SPAN("5.1.1") }, "",
	    VERDICT_OK, 1,
	    { "flags=8\n", "charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n",
		"message/global-delivery-status\r\nContent-Transfer-Encoding: "
		"base64\r\n\r\nUmVwb3J0",
		"message/global-headers\r\nContent-Transfer-Encoding: base64\r\n\r\nUmVjZWl2ZWQ6" },
	    { "\xc3", "8bit" } },
	{ "SMTPUTF8 to an SMTPUTF8 sender", UTF8, "", REPORT_FAILURE, 0, MESSAGE_SMTPUTF8, 50000,
	    { .address = SPAN(UTF8),
		.orcpt = SPAN("utf-8;" UTF8),
		.action = DSN_FAILED,
		.dsn = SPAN("5.1.1") },
	    "", VERDICT_OK, 1,
	    { "flags=11\n", "To: " UTF8 "\r\n", "Content-Transfer-Encoding: 8bit\r\n\r\nThis is",
		"X-Postern-Sender: utf-8; " UTF8 "\r\n", "Final-Recipient: utf-8; " UTF8 "\r\n",
		"Original-Recipient: utf-8;" UTF8 "\r\n", "message/global\r\n" },
	    { "base64" } },
	{ "delay", "s@example.com", "", REPORT_DELAY, 1, 0, 50000,
	    { .address = SPAN("r@example.org"),
		.action = DSN_DELAYED,
		.dsn = SPAN("4.4.1"),
		.text = SPAN("connect to mx[192.0.2.1]:25: Connection refused") },
	    "", VERDICT_OK, 1,
	    { "Subject: Delayed Mail (still being retried)", "THIS IS A WARNING ONLY",
		"Action: delayed\r\nStatus: 4.4.1\r\n"
		"Diagnostic-Code: X-Postern; connect to mx[192.0.2.1]:25: Connection refused\r\n",
		"Will-Retry-Until: ", "text/rfc822-headers" },
	    { "the body", "Remote-MTA" } },
	{ "success", "s@example.com", "", REPORT_SUCCESS, 1, 0, 50000,
	    { .address = SPAN("r@example.org"),
		.action = DSN_RELAYED,
		.dsn = SPAN("2.0.0"),
		.text = SPAN("250 2.0.0 Ok: queued as X") },
	    "", VERDICT_OK, 1,
	    { "Subject: Successful Mail Delivery Report",
		"Action: relayed\r\nStatus: 2.0.0\r\n"
		"Diagnostic-Code: smtp; 250 2.0.0 Ok: queued as X\r\n" },
	    { "the body" } },
	{ "lines in what peers said stay where they are", "s@example.com", "", REPORT_FAILURE, 0, 0,
	    50000,
	    { .address = SPAN("r@example.org"),
		.orcpt = SPAN("rfc822;x\r\nStatus: 2.0.0"),
		.action = DSN_FAILED,
		.dsn = SPAN("5.0.0"),
		.text = SPAN("550 x\r\nY: z\r\n\r\n--boundary") },
	    "e\r\nF: g", VERDICT_OK, 1,
	    { "Original-Envelope-Id: e??F: g\r\n",
		"Original-Recipient: rfc822;x??Status: 2.0.0\r\n",
		"Diagnostic-Code: smtp; 550 x??Y: z????"
		"--boundary\r\n" },
	    { "\r\nY:", "\r\nF:", "\r\n--boundary" } },
	{ "the null sender", "", "resource, bounce", REPORT_FAILURE, 0, 0, 50000,
	    { .action = DSN_FAILED }, "", VERDICT_OK, 0, { NULL }, { NULL } },
	{ "the null sender, and 2bounce", "", "resource, 2bounce", REPORT_FAILURE, 0, 0, 50000,
	    { .action = DSN_FAILED }, "", VERDICT_OK, 1,
	    { "from=<double-bounce@example.com> to=<postmaster>",
		"Subject: Postmaster Copy: Undelivered Mail" },
	    { "the body" } },
	{ "a double bounce", "double-bounce@example.com", "bounce, 2bounce", REPORT_FAILURE, 0, 0,
	    50000, { .action = DSN_FAILED }, "", VERDICT_OK, 0, { NULL }, { NULL } },
	{ "the sender is not there", "nobody@example.com", "", REPORT_FAILURE, 0, 0, 50000,
	    { .action = DSN_FAILED }, "", VERDICT_OK, 0, { NULL }, { NULL } },
	{ "the sender is not there, and 2bounce", "nobody@example.com", "2bounce", REPORT_FAILURE,
	    0, 0, 50000, { .action = DSN_FAILED }, "", VERDICT_OK, 1,
	    { "from=<double-bounce@example.com> to=<postmaster>" }, { NULL } },
	{ "the sender cannot be looked up now", "later@example.com", "2bounce", REPORT_FAILURE, 0,
	    0, 50000, { .action = DSN_FAILED }, "", VERDICT_TEMP, 0, { NULL }, { NULL } },
	{ "the postmaster wants a copy", "s@example.com", "Bounce", REPORT_FAILURE, 0, 0, 50000,
	    { .action = DSN_FAILED }, "", VERDICT_OK, 2,
	    { "from=<> to=<s@example.com>", "the body",
		"from=<double-bounce@example.com> to=<postmaster>", "text/rfc822-headers" },
	    { NULL } },
	{ "a kind that is none", "s@example.com", "", 9, 0, 0, 50000, { .action = DSN_FAILED }, "",
	    VERDICT_PERM, 0, { NULL }, { NULL } },
};

struct scene {
	struct service_ctx ctx;
	const struct row *row;
	struct ipc_channel *client;
	int content;
	uint64_t size;
};

static const struct ipc_permit permits[] = { { &ipc_bounce_report, bounce_report } };
static const struct ipc_service asks = { .name = "qmgr", .permits = permits, .permits_n = 1 };
static const struct ipc_service asks_nothing = { .name = "bounce" };

FIBER_MAIN
static void
scene_ask(void *arg)
{
	struct scene *s = arg;
	const struct row *row = s->row;
	struct item_reported r = row->r;
	struct item_extent extents[2] = { { 7, 20 }, { 27, s->size - 20 } };
	struct msg_bounce_reported reply;
	struct err err = ERR_NONE;
	struct arena arena;

	arena_init(&arena, 4096);
	struct msg_bounce_report msg = {
		.queue_id = span_lit("QQQ"),
		.arrived = NS_PER_S,
		.expires = 2 * NS_PER_S,
		.sender = span_str(row->sender),
		.envid = span_str(row->envid),
		.ret = (uint8_t)row->ret,
		.flags = row->flags,
		.kind = (uint8_t)row->kind,
		.header_size = header_size(span_lit(ORIGINAL)),
		.extents = { extents, 2 },
		.content = s->content,
		.recipients = { &r, 1 },
	};
	expect_number(row->name,
	    ipc_call(s->client, 1, &ipc_bounce_report, &msg, &ipc_bounce_reported, &reply, &arena,
		deadline_after_s(5), &err),
	    row->verdict);
	if (row->verdict == VERDICT_OK)
		expect_number(row->name, reply.queue_id.n > 0, row->posted > 0);
	arena_free(&arena);
	loop_stop();
}

static void
scene_check(const struct scene *s)
{
	const struct row *row = s->row;
	struct span rest = str_span(&s->ctx.posted);

	expect_number(row->name, s->ctx.posted_n, row->posted);
	for (size_t i = 0; i < ARRAY_LEN(row->has_not) && row->has_not[i]; i++)
		if (span_find_span(rest, span_str(row->has_not[i])) < rest.n)
			fail_msg("%s: there is \"%s\" in\n%.*s", row->name, row->has_not[i],
			    SPAN_ARG(rest));
	for (size_t i = 0; i < ARRAY_LEN(row->has) && row->has[i]; i++) {
		struct span want = span_str(row->has[i]);
		size_t at = span_find_span(rest, want);

		if (want.n > 0 && at == rest.n)
			fail_msg("%s: there is no \"%s\" in\n%.*s", row->name, row->has[i],
			    SPAN_ARG(str_span(&s->ctx.posted)));
		rest = span_from(rest, want.n > 0 ? at + want.n : 0);
	}
}

static void
scene_run(const struct row *row, uint64_t size)
{
	struct scene *s = mem_alloc(sizeof(*s));
	struct conf *conf = &s->ctx.conf;
	int pair[2];

	s->row = row;
	s->size = size;
	s->ctx.file = -1;
	s->ctx.bounce.ctx = &s->ctx;
	queue_id_init(&s->ctx.bounce.ids, 1);
	str_init(&s->ctx.posted, MOST);
	conf->myhostname = span_lit("mx.example.com");
	conf->myorigin = span_lit("example.com");
	conf->mail_name = span_lit("Postern");
	conf->notify_classes = span_str(row->classes);
	conf->bounce_notice_recipient = conf->delay_notice_recipient = span_lit("postmaster");
	conf->double_bounce_sender = span_lit("double-bounce");
	conf->bounce_size_limit = row->size_limit;
	s->content = memfd_create("original", MFD_CLOEXEC);
	assert_int_equal(sys_pwrite_all(s->content, ORIGINAL, sizeof(ORIGINAL) - 1, 7), 0);
	loop_init();
	s->ctx.ipc = ipc_new(1);
	assert_int_equal(ipc_pair(pair), 0);
	assert_non_null(ipc_open(s->ctx.ipc, pair[0], &asks, &s->ctx));
	s->client = ipc_open(s->ctx.ipc, pair[1], &asks_nothing, NULL);
	assert_non_null(fiber_spawn("qmgr", scene_ask, s));
	loop_run();
	loop_fini();
	ipc_free(s->ctx.ipc);
	scene_check(s);
	expect_number(row->name, s->ctx.busy, 0);
	str_free(&s->ctx.posted);
	close(s->content);
	close(s->ctx.file);
	mem_free(s);
}

static void
test_reports(void **state)
{
	(void)state;
	log_set_level(LOG_LEVEL_FATAL);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		scene_run(&rows[i], sizeof(ORIGINAL) - 1);
}

/* A file shorter than qmgr said: nothing is sent, qmgr tries again. */
static void
test_short_file(void **state)
{
	struct row row = rows[0];

	(void)state;
	row.verdict = VERDICT_TEMP;
	row.posted = 0;
	memset(row.has, 0, sizeof(row.has));
	scene_run(&row, sizeof(ORIGINAL) + 1);
}

static const struct remote_row {
	const char *text;
	const char *name; /* NULL: none */
	const char *reply;
} remote_rows[] = {
	{ "host mx.example[192.0.2.1] said: 550 no (in reply to RCPT TO command)", "mx.example",
	    "550 no" },
	{ "host mx.example[192.0.2.1] refused to talk to me: 554 go away", "mx.example",
	    "554 go away" },
	{ "host mx.example[192.0.2.1] said:", NULL, "host mx.example[192.0.2.1] said:" },
	{ "host [192.0.2.1] said: 550", NULL, "host [192.0.2.1] said: 550" },
	{ "host a b[192.0.2.1] said: 550", NULL, "host a b[192.0.2.1] said: 550" },
	{ "unknown user: \"x\"", NULL, "unknown user: \"x\"" },
	{ "host ", NULL, "host " },
	{ "", NULL, "" },
};

static void
test_remote(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(remote_rows); i++) {
		const struct remote_row *row = &remote_rows[i];
		struct span name = span_lit(""), reply;

		expect_number(row->text, status_remote(span_str(row->text), &name, &reply),
		    row->name != NULL);
		if (row->name)
			expect_text(row->text, name, row->name);
		expect_text(row->text, reply, row->reply);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reports),
		cmocka_unit_test(test_short_file),
		cmocka_unit_test(test_remote),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
