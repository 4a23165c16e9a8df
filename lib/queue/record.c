/*
 * The record of a queue file: the envelope and the recipients, as COMMIT brought them, in the form
 * in which they also lie in memory (qmgr/message.h). Called by door.c, which writes one, and by
 * whoever reads one: message.c, load.c, and the fuzz target. Strict: texts within the bounds of
 * messages.def, extents behind the head area, each number once; what is read, writes the same bytes
 * again. Owns nothing.
 */
#include "config.h"

#include "base/crc32c.h"
#include "ipc/codec.h"
#include "message/queue_id.h"
#include "queue/file.h"

#define TEXT_ENVID 100 /* as in messages.def */

static void
put_number(struct str *out, uint64_t v, size_t width)
{
	char *p = str_reserve(out, width);

	if (!p)
		return;
	ipc_put_number(p, v, width);
	str_grew(out, width);
}

static void
put_text(struct str *out, struct span text)
{
	put_number(out, text.n, 2);
	str_put(out, text);
}

static bool
get_number(struct cursor *c, uint64_t *out, size_t width)
{
	struct span bytes;

	if (!cursor_take(c, width, &bytes))
		return false;
	*out = ipc_get_number(bytes.p, width);
	return true;
}

static bool
get_text(struct cursor *c, struct span *out, size_t max)
{
	uint64_t n;

	return get_number(c, &n, 2) && n <= max && cursor_take(c, n, out);
}

/* Behind the head area, not empty, not around the end of numbers; their sum and end go into ENV. */
static bool
extents_hold(struct envelope *env)
{
	if (env->extents_n == 0 || env->extents_n > FILE_EXTENTS)
		return false;
	env->content_size = 0;
	env->content_end = 0;
	for (uint32_t i = 0; i < env->extents_n; i++) {
		struct item_extent *e = &env->extents[i];
		uint64_t end;

		if (e->at < FILE_CONTENT_AT || e->size == 0 ||
		    __builtin_add_overflow(e->at, e->size, &end) || end > INT64_MAX)
			return false;
		/* Extents may overlap in the file, but not so that the sizes run around. */
		if (__builtin_add_overflow(env->content_size, e->size, &env->content_size))
			return false;
		env->content_end = end > env->content_end ? end : env->content_end;
	}
	return true;
}

static enum verdict
envelope_judge(const struct msg_queue_commit *msg, struct err *err)
{
	struct envelope env = { .extents_n = msg->extents.n };

	if (!queue_id_valid(msg->queue_id))
		return err_set(
		    err, VERDICT_PERM, "\"%.*s\" is no queue id", SPAN_ARG(msg->queue_id));
	if (msg->recipients.n == 0 || msg->recipients.n > LIMIT_RECIPIENTS)
		return err_set(
		    err, VERDICT_PERM, "a message with %u recipients", msg->recipients.n);
	if (msg->extents.n > 0 && msg->extents.n <= FILE_EXTENTS)
		memcpy(env.extents, msg->extents.v, msg->extents.n * sizeof(env.extents[0]));
	if (!extents_hold(&env))
		return err_set(err, VERDICT_PERM, "a message whose content is nowhere");
	for (uint32_t i = 0; i < msg->recipients.n; i++)
		if (msg->recipients.v[i].transport.n == 0)
			return err_set(err, VERDICT_PERM, "a recipient without a transport");
	return VERDICT_OK;
}

static void
recipient_put(struct str *out, const struct item_recipient *r)
{
	put_number(out, r->notify, 1);
	put_text(out, r->address);
	put_text(out, r->original);
	put_text(out, r->orcpt);
	put_text(out, r->transport);
	put_text(out, r->nexthop);
	put_text(out, r->account);
}

enum verdict
record_put(
    struct str *out, const struct msg_queue_commit *msg, size_t *envelope_size_out, struct err *err)
{
	size_t before = out->n;
	enum verdict v = envelope_judge(msg, err);

	if (v != VERDICT_OK)
		return v;
	put_number(out, msg->arrived, 8);
	put_number(out, msg->ret, 1);
	put_number(out, msg->extents.n, 1);
	put_number(out, msg->flags, 4);
	put_number(out, msg->longest_line, 4);
	put_number(out, msg->header_size, 8);
	put_number(out, msg->crc, 4);
	put_text(out, msg->queue_id);
	put_text(out, msg->sender);
	put_text(out, msg->envid);
	put_text(out, msg->client);
	put_text(out, msg->login);
	for (uint32_t i = 0; i < msg->extents.n; i++) {
		put_number(out, msg->extents.v[i].at, 8);
		put_number(out, msg->extents.v[i].size, 8);
	}
	*envelope_size_out = out->n - before;
	for (uint32_t i = 0; i < msg->recipients.n; i++)
		recipient_put(out, &msg->recipients.v[i]);
	return out->full ? err_set(err, VERDICT_LIMIT, "an envelope that is too large")
			 : VERDICT_OK;
}

static bool
envelope_numbers(struct cursor *c, struct envelope *env)
{
	uint64_t ret, extents, flags, longest, crc;

	if (!get_number(c, &env->arrived, 8) || !get_number(c, &ret, 1) ||
	    !get_number(c, &extents, 1) || !get_number(c, &flags, 4) ||
	    !get_number(c, &longest, 4) || !get_number(c, &env->header_size, 8) ||
	    !get_number(c, &crc, 4))
		return false;
	env->ret = (uint8_t)ret;
	env->extents_n = (uint32_t)extents;
	env->flags = (uint32_t)flags;
	env->longest_line = (uint32_t)longest;
	env->crc = (uint32_t)crc;
	return env->extents_n <= FILE_EXTENTS;
}

static bool
envelope_get(struct cursor *c, struct envelope *env)
{
	if (!envelope_numbers(c, env))
		return false;
	if (!get_text(c, &env->queue_id, LIMIT_QUEUE_ID) || !queue_id_valid(env->queue_id) ||
	    !get_text(c, &env->sender, LIMIT_ADDRESS) || !get_text(c, &env->envid, TEXT_ENVID) ||
	    !get_text(c, &env->client, LIMIT_NEXTHOP) || !get_text(c, &env->login, LIMIT_ADDRESS))
		return false;
	for (uint32_t i = 0; i < env->extents_n; i++)
		if (!get_number(c, &env->extents[i].at, 8) ||
		    !get_number(c, &env->extents[i].size, 8))
			return false;
	return extents_hold(env);
}

enum verdict
record_envelope(struct span record, struct envelope *out, size_t *size_out, struct err *err)
{
	struct cursor c = cursor_of(record);

	*out = (struct envelope){ .arrived = 0 };
	if (!envelope_get(&c, out))
		return err_set(err, VERDICT_PERM, "its envelope is malformed");
	*size_out = record.n - cursor_left(&c);
	return VERDICT_OK;
}

bool
record_recipient(struct cursor *c, struct item_recipient *out)
{
	struct cursor at = *c;
	uint64_t notify;

	if (!get_number(&at, &notify, 1) || !get_text(&at, &out->address, LIMIT_ADDRESS) ||
	    !get_text(&at, &out->original, LIMIT_ADDRESS) ||
	    !get_text(&at, &out->orcpt, LIMIT_ADDRESS) ||
	    !get_text(&at, &out->transport, LIMIT_SERVICE_NAME) || out->transport.n == 0 ||
	    !get_text(&at, &out->nexthop, LIMIT_NEXTHOP) ||
	    !get_text(&at, &out->account, LIMIT_ADDRESS))
		return false;
	out->notify = (uint8_t)notify;
	*c = at;
	return true;
}

enum verdict
record_check(
    struct span record, const struct file_head *head, struct envelope *out, struct err *err)
{
	struct item_recipient r;
	struct cursor c;
	size_t size;
	enum verdict v;

	if (record.n != head->record_size || crc32c(0, record) != head->record_crc)
		return err_set(err, VERDICT_PERM, "its envelope is damaged");
	v = record_envelope(record, out, &size, err);
	if (v != VERDICT_OK)
		return v;
	if (out->content_end > head->slots_at ||
	    (head->record_at != FILE_RECORD_AT && out->content_end > head->record_at))
		return err_set(err, VERDICT_PERM, "its content overlaps its envelope");
	c = cursor_of(span_from(record, size));
	for (uint32_t i = 0; i < head->recipients; i++)
		if (!record_recipient(&c, &r))
			return err_set(err, VERDICT_PERM, "its recipient %u is malformed", i);
	if (!cursor_done(&c))
		return err_set(
		    err, VERDICT_PERM, "its envelope has more recipients than its head says");
	return VERDICT_OK;
}
