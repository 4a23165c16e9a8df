/*
 * The rig: what lib/service would be to a queue manager, played by the test's process. Channels are
 * socketpairs with both ends in one loop; time may be moved (time_set_wall). Owns all it makes, and
 * leaves no file behind.
 */
#include "config.h"

#include "tests/unit/qmgr/rig.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/crc32c.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/sys.h"
#include "qmgr/admin.h"
#include "qmgr/dispatch.h"
#include "qmgr/door.h"

#define AGENTS		8
#define CONTENT_DEFAULT "Subject: test\r\n\r\nHello.\r\n"

struct agent {
	char name[LIMIT_SERVICE_NAME];
	rig_agent_fn *fn;
	void *arg;
	const struct ipc_service *asks; /* what it may ask of qmgr */
	void *asks_arg;
	struct ipc_channel *ours;
	struct ipc_channel *theirs;
	struct service_ctx *ctx;
};

struct service_ctx {
	struct rig *rig;
	struct conf conf;
	struct conf_transport transport;
	void *state;
	struct agent agents[AGENTS];
	unsigned agents_n;
	unsigned busy;
	fiber_fn *fn;
	ipc_handler_fn *entry;
	void *entry_arg;
};

static unsigned delivered;
static int log_fd = -1;

/* lib/service, as far as qmgr calls it. */

void
service_set_state(struct service_ctx *ctx, void *state)
{
	ctx->state = state;
}

void *
service_state(const struct service_ctx *ctx)
{
	return ctx->state;
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
	assert(ctx->busy > 0);
	ctx->busy--;
}

static struct agent *
agent_find(struct service_ctx *ctx, const char *name)
{
	for (unsigned i = 0; i < ctx->agents_n; i++)
		if (strcmp(ctx->agents[i].name, name) == 0)
			return &ctx->agents[i];
	assert(ctx->agents_n < AGENTS);
	struct agent *a = &ctx->agents[ctx->agents_n++];
	*a = (struct agent){ .ctx = ctx };
	memcpy(a->name, name, size_min(strlen(name), sizeof(a->name) - 1));
	return a;
}

void
service_set_asks(
    struct service_ctx *ctx, const char *name, const struct ipc_service *asks, void *arg)
{
	struct agent *a = agent_find(ctx, name);

	a->asks = asks;
	a->asks_arg = arg;
}

static void
agent_deliver(struct ipc_request *req, const void *body, void *arg)
{
	struct agent *a = arg;

	delivered++;
	a->fn(req, body, a->arg);
	ipc_done(req);
}

static void
agent_gone(struct ipc_channel *ch, const char *why, void *arg)
{
	struct agent *a = arg;

	(void)why;
	if (a->theirs == ch)
		a->theirs = NULL;
}

static void
ours_gone(struct ipc_channel *ch, const char *why, void *arg)
{
	struct agent *a = arg;

	(void)why;
	if (a->ours == ch)
		a->ours = NULL;
}

/* In place of bounce: what it is asked for can be found in the log. */
static void
agent_report(struct ipc_request *req, const void *body, void *arg)
{
	const struct msg_bounce_report *msg = body;
	const struct item_reported *first = msg->recipients.v;
	struct agent *a = arg;
	struct err err = ERR_NONE;

	log_event(LOG_LEVEL_INFO, "report of %.*s: kind %u, %u of them, <%.*s> %u %.*s (%.*s)",
	    SPAN_ARG(msg->queue_id), msg->kind, msg->recipients.n, SPAN_ARG(first->address),
	    first->action, SPAN_ARG(first->dsn), SPAN_ARG(first->text));
	if (a->ctx->rig->on_report)
		a->ctx->rig->on_report(msg);
	if (a->ctx->rig->bounce_fails) {
		err_set(&err, VERDICT_TEMP, "not now");
		ipc_fail(req, &err);
		return;
	}
	ipc_reply(req, &ipc_bounce_reported, &(struct msg_bounce_reported){ span_lit("RRR") });
}

static const struct ipc_permit agent_permits[] = {
	{ &ipc_deliver, agent_deliver },
	{ &ipc_bounce_report, agent_report },
};
static const struct ipc_service agent_service = { "qmgr", agent_permits, 2, NULL, agent_gone };

static const struct ipc_service asks_nothing = { .name = "agent" };

SUSPENDS enum verdict
service_channel(struct service_ctx *ctx, const char *name, uint64_t deadline,
    struct ipc_channel **out, struct err *err)
{
	struct agent *a = agent_find(ctx, name);
	int fds[2];

	(void)deadline;
	if (fiber_cancelled())
		return err_set(err, VERDICT_CANCELLED, "the test ends");
	if (!a->fn)
		return err_set(err, VERDICT_TEMP, "master refuses a channel to %s", name);
	if (!a->ours || !ipc_is_open(a->ours)) {
		assert_int_equal(ipc_pair(fds), 0);
		a->ours =
		    ipc_open(ctx->rig->ipc, fds[0], a->asks ? a->asks : &asks_nothing, a->asks_arg);
		ipc_on_gone(a->ours, ours_gone, a);
		a->theirs = ipc_open(ctx->rig->ipc, fds[1], &agent_service, a);
	}
	*out = a->ours;
	return VERDICT_OK;
}

/* The rig. */

static void
rig_configure(struct conf *conf, struct conf_transport *t)
{
	conf->minimal_backoff_time = 300 * NS_PER_S;
	conf->maximal_backoff_time = 4000 * NS_PER_S;
	conf->maximal_queue_lifetime = 5 * 86400 * NS_PER_S;
	conf->bounce_queue_lifetime = 5 * 86400 * NS_PER_S;
	conf->qmgr_message_active_limit = 20000;
	conf->qmgr_message_recipient_limit = 20000;
	conf->ipc_timeout = 3600 * NS_PER_S;
	conf->message_size_limit = 10240000;
	t->v[CONF_TRANSPORT_destination_concurrency_limit] = 20;
	t->v[CONF_TRANSPORT_initial_destination_concurrency] = 5;
	t->v[CONF_TRANSPORT_destination_concurrency_failed_cohort_limit] = 1;
	t->v[CONF_TRANSPORT_destination_recipient_limit] = 50;
	conf->transports = t;
	conf->transports_n = 1;
}

void
rig_init(struct rig *rig)
{
	*rig = (struct rig){ .dir = -1 };
	rig->ctx = mem_alloc(sizeof(*rig->ctx));
	rig->ctx->rig = rig;
	rig_configure(&rig->ctx->conf, &rig->ctx->transport);
	/* Memory, if there is a place for it: syncs of a disk wait for whatever else the host
	 * writes. */
	const char *base = getenv("TMPDIR")				   ? getenv("TMPDIR")
			   : faccessat(AT_FDCWD, "/dev/shm", W_OK, 0) == 0 ? "/dev/shm"
									   : ".";
	snprintf(rig->path, sizeof(rig->path), "%s/qmgr-test-XXXXXX", base);
	assert_non_null(mkdtemp(rig->path));
	rig->dir = open(rig->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(rig->dir >= 0);
	log_fd = memfd_create("log", MFD_CLOEXEC);
	log_open("qmgr", log_fd, true);
	delivered = 0;
	rig_agent(rig, "smtp", rig_agent_sends, NULL);
	rig_agent(rig, "bounce", rig_agent_silent, NULL);
}

static void
rig_each_file(struct rig *rig, void (*fn)(struct rig *rig, const char *name, void *arg), void *arg)
{
	DIR *d = opendir(rig->path);
	struct dirent *e;

	assert_non_null(d);
	while ((e = readdir(d)) != NULL)
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			fn(rig, e->d_name, arg);
	closedir(d);
}

static void
remove_file(struct rig *rig, const char *name, void *arg)
{
	(void)arg;
	unlinkat(rig->dir, name, 0);
}

void
rig_fini(struct rig *rig)
{
	rig_each_file(rig, remove_file, NULL);
	close(rig->dir);
	rmdir(rig->path);
	log_flush();
	log_open("test", STDERR_FILENO, true);
	close(log_fd);
	mem_free(rig->ctx);
	time_set_wall(0);
}

static void
tool_entry(struct ipc_request *req, const void *msg, void *arg)
{
	struct service_ctx *ctx = arg;

	if (ctx->entry)
		ctx->entry(req, msg, ctx->entry_arg);
	ipc_done(req);
}

static const struct ipc_permit tool_permits[] = { { &ipc_queue_entry, tool_entry } };
static const struct ipc_service tool_service = { "qmgr", tool_permits, 1, NULL, NULL };

void
rig_tool_notes(struct rig *rig, ipc_handler_fn *entry, void *arg)
{
	rig->ctx->entry = entry;
	rig->ctx->entry_arg = arg;
}

static const struct ipc_service client_service = { "qmgr", NULL, 0, NULL, NULL };

/* The channels end, and with them all fibers but the caller. */
SUSPENDS
static void
rig_leave(struct rig *rig)
{
	struct service_ctx *ctx = rig->ctx;

	rig->q->stopping = rig->q->stopped = true;
	ipc_close(rig->client, false);
	ipc_close(rig->tool, false);
	while (fiber_count() > 1) {
		/* A dispatch under way may ask for a channel once more. */
		for (unsigned i = 0; i < ctx->agents_n; i++)
			if (ctx->agents[i].theirs)
				ipc_close(ctx->agents[i].theirs, false);
		(void)fiber_sleep_until(deadline_after_ms(1));
	}
}

FIBER_MAIN
static void
rig_main(void *arg)
{
	struct service_ctx *ctx = arg;
	struct rig *rig = ctx->rig;
	int fds[2];

	assert_int_equal(ipc_pair(fds), 0);
	door_arrived(ctx, ipc_open(rig->ipc, fds[0], &door_asks, ctx), -1);
	rig->client = ipc_open(rig->ipc, fds[1], &client_service, NULL);
	assert_int_equal(ipc_pair(fds), 0);
	ipc_open(rig->ipc, fds[0], &admin_asks, ctx);
	rig->tool = ipc_open(rig->ipc, fds[1], &tool_service, ctx);
	ctx->fn(rig);
	rig_leave(rig);
	loop_stop();
}

void
rig_run(struct rig *rig, fiber_fn *fn)
{
	int proc_fd = open("/proc/self/fd", O_PATH | O_DIRECTORY | O_CLOEXEC);

	loop_init();
	rig->ipc = ipc_new(1);
	rig->ctx->fn = fn;
	rig->ctx->busy = 0;
	rig->q = qmgr_new(rig->ctx, rig->dir, proc_fd, rig->named, rig->mode);
	service_set_state(rig->ctx, rig->q);
	qmgr_start(rig->q);
	assert_non_null(fiber_spawn("test", rig_main, rig->ctx));
	loop_run();
	qmgr_free(rig->q);
	loop_fini();
	ipc_free(rig->ipc);
	for (unsigned i = 0; i < rig->ctx->agents_n; i++)
		rig->ctx->agents[i].ours = rig->ctx->agents[i].theirs = NULL;
	close(proc_fd);
	log_flush();
}

struct conf *
rig_conf(struct rig *rig)
{
	return &rig->ctx->conf;
}

void
rig_set_transport(struct rig *rig, enum conf_transport_param param, uint64_t value)
{
	rig->ctx->transport.v[param] = value;
}

void
rig_agent(struct rig *rig, const char *transport, rig_agent_fn *fn, void *arg)
{
	struct agent *a = agent_find(rig->ctx, transport);

	a->fn = fn;
	a->arg = arg;
}

void
rig_agent_dies(struct rig *rig, const char *transport)
{
	struct agent *a = agent_find(rig->ctx, transport);

	if (a->theirs)
		ipc_close(a->theirs, false);
}

unsigned
rig_delivered(void)
{
	return delivered;
}

unsigned
rig_busy(const struct rig *rig)
{
	return rig->ctx->busy;
}

void
rig_answer(struct ipc_request *req, const struct msg_deliver *msg, enum delivery_status status,
    const char *dsn, const char *text, bool no_host)
{
	struct item_result *results = mem_alloc_array(msg->targets.n, sizeof(*results));
	struct msg_deliver_results m = {
		.job = msg->job, .results = { results, msg->targets.n }, .last = true
	};

	for (uint32_t i = 0; i < msg->targets.n; i++)
		results[i] = (struct item_result){ .index = msg->targets.v[i].index,
			.status = status,
			.dsn = span_str(dsn),
			.text = span_str(text),
			.no_host = no_host };
	ipc_note(ipc_request_channel(req), 0, &ipc_deliver_results, &m);
	mem_free(results);
}

void
rig_agent_sends(struct ipc_request *req, const struct msg_deliver *msg, void *arg)
{
	(void)arg;
	rig_answer(req, msg, DELIVERY_SENT, "2.0.0", "250 2.0.0 Ok", false);
}

void
rig_agent_defers(struct ipc_request *req, const struct msg_deliver *msg, void *arg)
{
	(void)arg;
	rig_answer(req, msg, DELIVERY_DEFERRED, "4.2.0", "host said: 450 later", false);
}

void
rig_agent_bounces(struct ipc_request *req, const struct msg_deliver *msg, void *arg)
{
	(void)arg;
	rig_answer(req, msg, DELIVERY_BOUNCED, "5.1.1", "unknown user", false);
}

void
rig_agent_no_host(struct ipc_request *req, const struct msg_deliver *msg, void *arg)
{
	(void)arg;
	rig_answer(req, msg, DELIVERY_DEFERRED, "4.4.1", "connect to mx: Connection refused", true);
}

void
rig_agent_silent(struct ipc_request *req, const struct msg_deliver *msg, void *arg)
{
	(void)req;
	(void)msg;
	(void)arg;
}

static struct span
mail_content(const struct rig_mail *mail)
{
	return span_str(mail->content ? mail->content : CONTENT_DEFAULT);
}

SUSPENDS enum verdict
rig_open(struct rig *rig, const struct rig_mail *mail, uint64_t *handle_out, struct err *err)
{
	struct msg_queue_open ask = { .size_hint = 0 };
	struct msg_queue_opened got;
	struct span content = mail_content(mail);
	struct arena arena;
	enum verdict v;

	arena_init(&arena, 65536);
	v = ipc_call(
	    rig->client, 1, &ipc_queue_open, &ask, &ipc_queue_opened, &got, &arena, RIG_WAIT, err);
	arena_free(&arena);
	if (v != VERDICT_OK)
		return v;
	assert_int_equal(got.content_at, FILE_CONTENT_AT);
	assert_int_equal(sys_write_all(got.content, content.p, content.n), 0);
	close(got.content);
	*handle_out = got.handle;
	return VERDICT_OK;
}

static void
mail_recipient(
    const struct rig_mail *mail, unsigned i, struct item_recipient *r, struct arena *arena)
{
	struct str s = STR_INIT(LIMIT_ADDRESS);

	r->transport = span_str(mail->transport ? mail->transport : "smtp");
	if (mail->own_nexthops)
		str_printf(&s, "n%u.example", i);
	else
		str_puts(&s, mail->nexthop ? mail->nexthop : "example.org");
	r->nexthop = arena_dup(arena, str_span(&s));
	str_reset(&s);
	str_printf(&s, "r%u@%.*s", i, SPAN_ARG(r->nexthop));
	r->address = arena_dup(arena, str_span(&s));
	r->notify = (uint8_t)mail->notify;
	str_free(&s);
}

SUSPENDS enum verdict
rig_commit(struct rig *rig, const struct rig_mail *mail, uint64_t handle, struct err *err)
{
	struct span content = mail_content(mail);
	struct item_extent extent = { FILE_CONTENT_AT, content.n };
	unsigned n = mail->recipients ? mail->recipients : 1;
	struct msg_queue_committed got;
	struct arena arena;
	enum verdict v;

	arena_init(&arena, 64 << 20);
	struct item_recipient *recipients = arena_alloc_array(&arena, n, sizeof(*recipients));
	for (unsigned i = 0; i < n; i++)
		mail_recipient(mail, i, &recipients[i], &arena);
	struct msg_queue_commit msg = {
		.handle = handle,
		.queue_id = span_str(mail->id),
		.arrived = time_wall(),
		.sender = span_str(mail->sender ? mail->sender : "s@example.com"),
		.flags = mail->flags,
		.crc = crc32c(0, content),
		.extents = { &extent, 1 },
		.client = span_lit("local"),
		.recipients = { recipients, n },
	};
	v = ipc_call(rig->client, 1, &ipc_queue_commit, &msg, &ipc_queue_committed, &got, &arena,
	    RIG_WAIT, err);
	if (v == VERDICT_OK)
		expect_text("committed", got.queue_id, mail->id);
	arena_free(&arena);
	return v;
}

SUSPENDS enum verdict
rig_post(struct rig *rig, const struct rig_mail *mail, struct err *err)
{
	uint64_t handle;
	enum verdict v = rig_open(rig, mail, &handle, err);

	return v == VERDICT_OK ? rig_commit(rig, mail, handle, err) : v;
}

SUSPENDS void
rig_wait(rig_cond_fn *cond, void *arg, const char *what)
{
	uint64_t deadline = RIG_WAIT;

	while (!cond(arg)) {
		if (time_mono() > deadline)
			fail_msg("waited in vain: %s", what);
		if (fiber_sleep_until(deadline_after_ms(1)) != VERDICT_OK)
			return;
	}
}

static bool
is_empty(void *arg)
{
	struct rig *rig = arg;

	return rig->q->messages.count == 0;
}

SUSPENDS void
rig_wait_empty(struct rig *rig)
{
	rig_wait(is_empty, rig, "the queue is empty");
}

static bool
is_logged(void *arg)
{
	return rig_logged(arg) > 0;
}

SUSPENDS void
rig_wait_log(struct rig *rig, const char *text)
{
	(void)rig;
	rig_wait(is_logged, (void *)(uintptr_t)text, text);
}

struct place_wanted {
	struct rig *rig;
	const char *id;
	enum message_place place;
};

static bool
is_placed(void *arg)
{
	struct place_wanted *w = arg;
	struct message *m = message_find(w->rig->q, span_str(w->id));

	return m && m->place == w->place && changes_idle(w->rig->q->changes);
}

SUSPENDS void
rig_wait_place(struct rig *rig, const char *id, enum message_place place)
{
	struct place_wanted w = { rig, id, place };

	rig_wait(is_placed, &w, id);
}

unsigned
rig_logged(const char *text)
{
	struct str all = STR_INIT(256 << 20);
	off_t size;
	unsigned n = 0;

	log_flush();
	size = lseek(log_fd, 0, SEEK_END);
	assert_int_equal(
	    sys_pread_all(log_fd, str_reserve(&all, (size_t)size + 1), (size_t)size, 0), size);
	str_grew(&all, (size_t)size);
	struct span rest = str_span(&all);
	for (;;) {
		size_t found = span_find_span(rest, span_str(text));
		if (found == rest.n)
			break;
		n++;
		rest = span_from(rest, found + 1);
	}
	str_free(&all);
	return n;
}

static void
count_file(struct rig *rig, const char *name, void *arg)
{
	(void)rig;
	/* The stock, where it has names, is nobody's mail. */
	if (strncmp(name, "tmp.", 4) != 0)
		(*(unsigned *)arg)++;
}

unsigned
rig_files(struct rig *rig)
{
	unsigned n = 0;

	rig_each_file(rig, count_file, &n);
	return n;
}

bool
rig_has_file(struct rig *rig, const char *name)
{
	return faccessat(rig->dir, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}
