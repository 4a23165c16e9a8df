/*
 * The rig of the tests of pickup: the calls of lib/service that it makes, and the answers of
 * rewrite and qmgr. Linked in place of lib/service's own. "nobody" does not exist, "later" cannot
 * be known now, all others are local; a sender without a domain gets example.org.
 */
#include "config.h"

#include "tests/unit/pickup/rig.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/crc32c.h"
#include "base/mem.h"
#include "base/sys.h"
#include "tests/unit/unit.h"

#define CONTENT_AT 100
#define MOST	   (4u << 20)

void *
service_state(const struct service_ctx *ctx)
{
	return (void *)(uintptr_t)&ctx->pickup;
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

bool
service_stopping(const struct service_ctx *ctx)
{
	return ctx->stopping;
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
	r->nexthop = span_lit("example.org");
	*out = (struct msg_resolved){ .recipients = { r, 1 } };
	return VERDICT_OK;
}

static enum verdict
play_sender(const struct msg_rewrite_sender *ask, struct msg_sender_rewritten *out,
    struct arena *arena, struct err *err)
{
	struct str text = STR_INIT(LIMIT_ADDRESS);

	if (span_starts(ask->address, span_lit("later")))
		return err_mail(err, 451, "4.3.0", "Temporary lookup failure");
	str_put(&text, ask->address);
	if (span_find(ask->address, '@') == ask->address.n)
		str_puts(&text, "@example.org");
	*out = (struct msg_sender_rewritten){ .address = arena_dup(arena, str_span(&text)) };
	str_free(&text);
	return VERDICT_OK;
}

static void
recipients_say(struct service_ctx *ctx, const struct msg_queue_commit *msg)
{
	str_printf(&ctx->posted, "from=<%.*s> to=<", SPAN_ARG(msg->sender));
	for (uint32_t i = 0; i < msg->recipients.n; i++) {
		const struct item_recipient *r = &msg->recipients.v[i];

		str_printf(&ctx->posted, "%s%.*s", i ? " " : "", SPAN_ARG(r->address));
		if (span_eq(r->transport, span_lit("error")))
			str_printf(&ctx->posted, "(%.*s)", SPAN_ARG(r->nexthop));
	}
	str_printf(&ctx->posted, "> flags=%u notify=%u\n", msg->flags, msg->recipients.v[0].notify);
}

static enum verdict
play_commit(struct service_ctx *ctx, const struct msg_queue_commit *msg, struct err *err)
{
	char *content = mem_alloc(MOST);
	ssize_t n = pread(ctx->content, content, MOST, CONTENT_AT);
	struct span got = span_of(content, (size_t)n);

	assert_int_equal(msg->extents.n, 1);
	assert_int_equal(msg->extents.v[0].at, CONTENT_AT);
	assert_int_equal(msg->extents.v[0].size, n);
	assert_int_equal(msg->crc, crc32c(0, got));
	assert_int_equal(msg->header_size, header_size(got));
	assert_true(queue_id_valid(msg->queue_id));
	if (ctx->commit == VERDICT_OK) {
		recipients_say(ctx, msg);
		str_put(&ctx->posted, got);
		ctx->posted_n++;
		/* Not through sys.h: it is another process's. */
		if (ctx->queue >= 0)
			assert_int_equal(write(ctx->queue, content, (size_t)n), n);
	}
	mem_free(content);
	return ctx->commit == VERDICT_OK ? VERDICT_OK : err_set(err, ctx->commit, "not now");
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
	if (type == &ipc_rewrite_sender)
		return play_sender(msg, reply_out, arena, err);
	if (type == &ipc_queue_commit)
		return play_commit(ctx, msg, err);
	assert_ptr_equal(type, &ipc_queue_open);
	if (ctx->content >= 0)
		close(ctx->content);
	ctx->content = memfd_create("queue file", MFD_CLOEXEC);
	assert_int_equal(ftruncate(ctx->content, CONTENT_AT), 0);
	lseek(ctx->content, CONTENT_AT, SEEK_SET);
	*(struct msg_queue_opened *)reply_out = (struct msg_queue_opened){
		.handle = 1, .content_at = CONTENT_AT, .content = dup(ctx->content)
	};
	return VERDICT_OK;
}

void
rig_open(struct service_ctx *ctx, const char *path)
{
	struct pickup *p = &ctx->pickup;

	memset(ctx, 0, sizeof(*ctx));
	str_init(&ctx->posted, 64u << 20);
	ctx->content = ctx->queue = -1;
	ctx->conf.myhostname = span_lit("mx.example.org");
	ctx->conf.mail_name = span_lit("Postern");
	ctx->conf.message_drop_headers = span_lit("bcc, content-length, resent-bcc, return-path");
	ctx->conf.message_size_limit = 1000000;
	ctx->conf.hopcount_limit = 5;
	p->ctx = ctx;
	p->dir = sys_openat(AT_FDCWD, path, O_PATH | O_DIRECTORY, 0);
	p->changes.fd = -1;
	queue_id_init(&p->ids, 1);
	map_init(&p->taken);
	map_init(&p->known);
	waitq_init(&p->wake);
	/* One at a time: the rig lends one file. */
	semaphore_init(&p->jobs, 1);
	loop_init();
}

FIBER_MAIN
static void
watch_run(void *arg)
{
	struct service_ctx *ctx = arg;

	/* The scan has begun before this fiber; it is over when no file is in hand. */
	do {
		if (fiber_sleep_until(time_mono() + 5 * NS_PER_MS) != VERDICT_OK)
			return;
	} while (ctx->busy > 0);
	ctx->stopping = true;
	pickup_stop(&ctx->pickup);
	loop_stop();
}

void
rig_run(struct service_ctx *ctx)
{
	ctx->stopping = false;
	assert_non_null(fiber_spawn("maildrop", pickup_run, &ctx->pickup));
	assert_non_null(fiber_spawn("watch", watch_run, ctx));
	loop_run();
	assert_int_equal(ctx->busy, 0);
	assert_int_equal(ctx->pickup.taken.count, 0);
}

void
rig_close(struct service_ctx *ctx)
{
	size_t at = 0;
	char *key;

	loop_fini();
	while ((key = map_next(&ctx->pickup.known, &at)) != NULL)
		mem_free(key);
	map_free(&ctx->pickup.known);
	map_free(&ctx->pickup.taken);
	sys_close(ctx->pickup.dir);
	if (ctx->content >= 0)
		close(ctx->content);
	str_free(&ctx->posted);
}
