/*
 * Posting: OPEN, append, COMMIT, with a resolve for each recipient. Called by bounce and pickup on
 * a fiber for each message. Owns the file that qmgr lent, until the commit; content is written in
 * pieces of 64 KiB, as it comes, with CRC-32C and facts taken on the way, so that nobody reads it
 * again. Must never commit content that was not wholly written.
 */
#include "config.h"

#include "service/posting.h"

#include <errno.h>

#include "base/crc32c.h"
#include "base/mem.h"
#include "base/sys.h"

#define OPEN_WAIT_S    60
#define RESOLVE_WAIT_S 60
#define COMMIT_WAIT_S  300 /* for a sync round */
#define GATHER	       65536
#define RECIPIENTS_ARENA                                                                        \
	(64u << 20)		    /* LIMIT_RECIPIENTS of the longest kind do not fit: refused \
				     */
#define REPLY_ARENA	 (4u << 20) /* an alias may become a thousand recipients */
#define RECIPIENTS_FIRST 8

SUSPENDS enum verdict
posting_begin(
    struct posting *p, struct service_ctx *ctx, uint64_t trace, uint64_t size_hint, struct err *err)
{
	struct msg_queue_open ask = { .size_hint = size_hint };
	enum verdict v;

	*p = (struct posting){ .ctx = ctx, .trace = trace, .file = { .content = -1 } };
	arena_init(&p->arena, RECIPIENTS_ARENA);
	str_init(&p->gathered, GATHER);
	map_init(&p->known);
	v = service_call(ctx, "qmgr", trace, &ipc_queue_open, &ask, &ipc_queue_opened, &p->file,
	    &p->arena, deadline_after_s(OPEN_WAIT_S), err);
	p->opened = v == VERDICT_OK;
	if (!p->opened)
		p->file.content = -1;
	return v;
}

static void
posting_write(struct posting *p)
{
	struct span bytes = str_span(&p->gathered);

	if (bytes.n == 0)
		return;
	content_feed(&p->content, bytes);
	p->crc = crc32c(p->crc, bytes);
	if (p->write_error == 0 && sys_write_all(p->file.content, bytes.p, bytes.n) < 0)
		p->write_error = errno;
	str_reset(&p->gathered);
}

void
posting_put(struct posting *p, struct span bytes)
{
	while (bytes.n > 0) {
		struct span piece = span_head(bytes, GATHER - p->gathered.n);

		str_put(&p->gathered, piece);
		bytes = span_from(bytes, piece.n);
		if (p->gathered.n == GATHER)
			posting_write(p);
	}
}

static bool
posting_room(struct posting *p)
{
	uint32_t room = p->recipients_room ? p->recipients_room * 2 : RECIPIENTS_FIRST;
	struct item_recipient *more;

	if (p->recipients_n < p->recipients_room)
		return true;
	more = arena_alloc_array(&p->arena, room, sizeof(*more));
	if (!more)
		return false;
	if (p->recipients_n > 0)
		memcpy(more, p->recipients, p->recipients_n * sizeof(*more));
	p->recipients = more;
	p->recipients_room = room;
	return true;
}

bool
posting_add(struct posting *p, const struct item_recipient *r)
{
	struct item_recipient copy = *r;
	struct span *texts[] = { &copy.address, &copy.original, &copy.orcpt, &copy.transport,
		&copy.nexthop, &copy.account };

	if (map_get(&p->known, r->address))
		return true;
	if (p->recipients_n == LIMIT_RECIPIENTS || !posting_room(p))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		*texts[i] = arena_dup(&p->arena, *texts[i]);
		if (!texts[i]->p)
			return false;
	}
	p->recipients[p->recipients_n++] = copy;
	map_put(&p->known, copy.address, p);
	return true;
}

static enum verdict
posting_take(struct posting *p, const struct item_recipient *ask, const struct msg_resolved *found,
    struct err *err)
{
	if (found->recipients.n == 0)
		return err_mail(
		    err, 451, "4.3.0", "<%.*s>: Temporary lookup failure", SPAN_ARG(ask->address));
	for (uint32_t i = 0; i < found->recipients.n; i++) {
		struct item_recipient r = found->recipients.v[i];

		r.original = ask->original.n > 0 ? ask->original : ask->address;
		r.orcpt = ask->orcpt;
		r.notify = ask->notify;
		if (!posting_add(p, &r))
			return err_mail(err, 552, "5.5.3", "too many recipients");
	}
	return VERDICT_OK;
}

SUSPENDS enum verdict
posting_resolve(
    struct posting *p, const struct item_recipient *ask, struct span sender, struct err *err)
{
	struct msg_resolve msg = { .address = ask->address, .sender = sender };
	struct msg_resolved found;
	struct arena arena;
	enum verdict v;

	arena_init(&arena, REPLY_ARENA);
	v = service_call(p->ctx, "rewrite", p->trace, &ipc_resolve, &msg, &ipc_resolved, &found,
	    &arena, deadline_after_s(RESOLVE_WAIT_S), err);
	if (v == VERDICT_OK)
		v = posting_take(p, ask, &found, err);
	else if (err->reply == 0)
		v = err_mail(
		    err, 451, "4.3.0", "<%.*s>: Temporary lookup failure", SPAN_ARG(ask->address));
	arena_free(&arena);
	return v;
}

static uint32_t
posting_flags(const struct posting *p)
{
	unsigned flags = p->content.flags;

	return (flags & CONTENT_8BIT ? MESSAGE_8BIT : 0) |
	       (flags & CONTENT_LEADING_DOT ? MESSAGE_LEADING_DOT : 0);
}

SUSPENDS enum verdict
posting_commit(struct posting *p, const struct posting_envelope *env, struct err *err)
{
	struct msg_queue_committed done;

	posting_write(p);
	content_end(&p->content);
	if (p->write_error != 0)
		return err_sys(err, p->write_error, "writing a queue file");
	struct item_extent extent = { p->file.content_at, p->content.size };
	struct msg_queue_commit msg = {
		.handle = p->file.handle,
		.queue_id = env->queue_id,
		.arrived = env->arrived,
		.sender = env->sender,
		.envid = env->envid,
		.ret = env->ret,
		.flags = env->flags | posting_flags(p),
		.longest_line = (uint32_t)p->content.longest_line,
		.header_size = p->content.header.size,
		.crc = p->crc,
		.extents = { &extent, 1 },
		.client = span_lit("local"),
		.recipients = { p->recipients, p->recipients_n },
	};
	p->opened = false; /* from here the file is qmgr's affair, whatever it answers */
	return service_call(p->ctx, "qmgr", p->trace, &ipc_queue_commit, &msg, &ipc_queue_committed,
	    &done, &p->arena, deadline_after_s(COMMIT_WAIT_S), err);
}

void
posting_end(struct posting *p)
{
	if (p->opened) {
		struct msg_queue_abort abort = { .handle = p->file.handle };
		service_note(p->ctx, "qmgr", p->trace, &ipc_queue_abort, &abort);
	}
	if (p->file.content >= 0)
		sys_close(p->file.content);
	str_free(&p->gathered);
	map_free(&p->known);
	arena_free(&p->arena);
}
