/*
 * One file of the maildrop: opened, checked, posted, removed. A fiber each, once the file is known
 * to be whole. The sender is who owns the file, whatever it says. It is removed only after qmgr has
 * said that the message would survive a power cut: a crash between the two brings it in again,
 * never loses it. What cannot be done now is tried again with the next scan.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/rand.h"
#include "base/sys.h"
#include "qmgr/pickup/pickup.h"

#define HEAD_BLOCK 65536
#define DROP_ARENA 65536
#define HEAD_MOST  (LIMIT_SUBMISSION_HEAD + LIMIT_HEADER_BLOCK + 2 * HEAD_BLOCK)

void
drop_free(struct drop *d)
{
	struct pickup *p = d->pickup;

	if (d->fd >= 0)
		sys_close(d->fd);
	map_remove(&p->taken, d->name);
	mem_free((void *)(uintptr_t)d->name.p);
	str_free(&d->head);
	arena_free(&d->arena);
	mem_free(d);
	semaphore_give(&p->jobs);
	service_idle(p->ctx);
}

/* A regular file with one name: nothing that leads elsewhere, or that somebody else still has. */
static enum verdict
drop_look(struct drop *d, const struct stat *st, struct err *err)
{
	uint64_t limit = service_conf(d->pickup->ctx)->message_size_limit;
	uint64_t changed = (uint64_t)st->st_ctim.tv_sec * NS_PER_S + (uint64_t)st->st_ctim.tv_nsec;

	if (!S_ISREG(st->st_mode))
		return err_set(err, VERDICT_PERM, "it is no regular file");
	if (st->st_nlink != 1)
		return err_set(err, VERDICT_PERM, "it has several names");
	d->uid = st->st_uid;
	d->size = (uint64_t)st->st_size;
	d->arrived = changed < time_wall() ? changed : time_wall();
	if (limit > 0 && d->size > limit + LIMIT_SUBMISSION_HEAD + SUBMISSION_END)
		return err_set(err, VERDICT_PERM, "it is larger than message_size_limit");
	return d->size > SUBMISSION_END ? VERDICT_OK : VERDICT_ABSENT;
}

/* Without its end it is not yet, or never was, a submission. */
static enum verdict
drop_read_end(struct drop *d, struct err *err)
{
	char end[SUBMISSION_END];
	uint64_t size;
	ssize_t n = sys_pread_all(d->fd, end, sizeof(end), (off_t)(d->size - sizeof(end)));

	if (n < 0)
		return err_sys(err, errno, "read");
	if (!submission_parse_end(span_of(end, (size_t)n), &size, &d->crc) ||
	    size != d->size - sizeof(end))
		return VERDICT_ABSENT;
	d->size = size;
	return VERDICT_OK;
}

static enum verdict
drop_read_head(struct drop *d, struct err *err)
{
	enum verdict v = VERDICT_ABSENT;

	str_init(&d->head, HEAD_MOST);
	while (v == VERDICT_ABSENT && d->head.n < d->size) {
		size_t n = size_min(HEAD_BLOCK, d->size - d->head.n);
		char *room = str_reserve(&d->head, n);
		ssize_t got = room ? sys_pread_all(d->fd, room, n, (off_t)d->head.n) : -1;

		if (got != (ssize_t)n)
			return err_set(err, VERDICT_TEMP, "its head cannot be read");
		str_grew(&d->head, n);
		v = submission_parse(str_span(&d->head), &d->envelope, err);
	}
	if (v == VERDICT_ABSENT || v == VERDICT_LIMIT)
		v = err_set(err, VERDICT_PERM, "its head has no end");
	return v;
}

enum verdict
drop_open(struct drop *d, struct err *err)
{
	struct stat st;
	enum verdict v;

	d->fd = sys_open_beneath(
	    d->pickup->dir, d->name.p, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW, 0);
	if (d->fd < 0 && errno == ENOENT)
		return VERDICT_ABSENT;
	if (d->fd < 0 && (errno == ELOOP || errno == EXDEV || errno == ENXIO))
		return err_set(err, VERDICT_PERM, "it is no file");
	if (d->fd < 0)
		return err_set(err, VERDICT_PERM, "it cannot be opened: %s", strerror(errno));
	if (fstat(d->fd, &st) != 0)
		return err_sys(err, errno, "stat");
	v = drop_look(d, &st, err);
	if (v == VERDICT_OK)
		v = drop_read_end(d, err);
	if (v == VERDICT_OK)
		v = drop_read_head(d, err);
	return v;
}

/* A recipient to whom nothing goes: qmgr tells the sender why. */
static enum verdict
recipient_fail(struct drop *d, struct span address, const struct err *why, struct err *err)
{
	struct item_recipient r = { .address = address,
		.original = address,
		.notify = d->envelope.notify,
		.transport = span_lit("error") };
	struct str text = STR_INIT(LIMIT_NEXTHOP);
	char dsn[12];
	bool added;

	str_printf(&text, "%s ", why->dsn.class == 5 ? dsn_code_text(why->dsn, dsn) : "5.1.1");
	str_put(&text, span_head(err_text(why), text.max - text.n));
	r.nexthop = str_span(&text);
	added = posting_add(&d->posting, &r);
	str_free(&text);
	return added ? VERDICT_OK : err_set(err, VERDICT_TEMP, "too many recipients");
}

SUSPENDS
static enum verdict
recipient_add(struct drop *d, struct span address, struct err *err)
{
	const struct item_recipient ask = { .address = address, .notify = d->envelope.notify };
	struct err why = ERR_NONE;
	enum verdict v = VERDICT_PERM;

	if (d->hops > service_conf(d->pickup->ctx)->hopcount_limit)
		err_mail(&why, 554, "5.4.6", "too many hops");
	else
		v = posting_resolve(&d->posting, &ask, d->sender, &why);
	if (v == VERDICT_PERM)
		return recipient_fail(d, address, &why, err);
	return v == VERDICT_OK ? v : err_set(err, v, "%s", why.text);
}

/* The sender as canonical_maps want it, with a domain. */
SUSPENDS
static enum verdict
sender_find(struct drop *d, struct err *err)
{
	const struct msg_rewrite_sender ask = { .address = d->envelope.sender };
	struct msg_sender_rewritten found;
	enum verdict v = VERDICT_OK;

	if (d->envelope.sender.n > 0) {
		v = service_call(d->pickup->ctx, "rewrite", d->posting.trace, &ipc_rewrite_sender,
		    &ask, &ipc_sender_rewritten, &found, &d->arena, deadline_after_s(60), err);
		d->sender = v == VERDICT_OK ? found.address : span_lit("");
	}
	return v;
}

static bool
is_ascii(struct span text)
{
	unsigned char all = 0;

	for (size_t i = 0; i < text.n; i++)
		all |= (unsigned char)text.p[i];
	return all < 0x80;
}

SUSPENDS
static enum verdict
drop_post(struct drop *d, struct err *err)
{
	struct posting_envelope env = { .queue_id = d->queue_id, .arrived = d->arrived };
	struct span rest, address;
	enum verdict v = sender_find(d, err);

	log_event(LOG_LEVEL_INFO, "%s: uid=%u from=<%s>", log_escape(d->queue_id), (unsigned)d->uid,
	    log_escape(d->envelope.sender));
	if (v == VERDICT_OK)
		v = drop_compose(d, err);
	rest = d->envelope.recipients;
	if (!is_ascii(d->sender) || !is_ascii(rest))
		env.flags = MESSAGE_SMTPUTF8;
	while (v == VERDICT_OK && submission_next(&rest, &address))
		v = recipient_add(d, address, err);
	env.sender = d->sender;
	env.envid = d->envelope.envid;
	env.ret = d->envelope.ret;
	return v == VERDICT_OK ? posting_commit(&d->posting, &env, err) : v;
}

FIBER_MAIN
void
drop_run(void *arg)
{
	struct drop *d = arg;
	struct pickup *p = d->pickup;
	struct err err = ERR_NONE;
	enum verdict v;

	arena_init(&d->arena, DROP_ARENA);
	d->queue_id = queue_id_make(&p->ids, time_wall(), &d->arena);
	v = posting_begin(&d->posting, p->ctx, rand_u64(), d->size, &err);
	if (v == VERDICT_OK)
		v = drop_post(d, &err);
	posting_end(&d->posting);
	if (v == VERDICT_OK && sys_unlinkat(p->dir, d->name.p, 0) != 0)
		pickup_complain(p, d, "it is in the queue and cannot be removed");
	else if (v == VERDICT_PERM)
		pickup_complain(p, d, err.text);
	else if (v != VERDICT_OK)
		log_event(LOG_LEVEL_WARNING, "%s: maildrop/%s was not brought in yet: %s",
		    log_escape(d->queue_id), log_escape(d->name), err.text);
	drop_free(d);
}
